"""The general settings of a project (name, time zone, agents of responses), and the form for a new project."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.pages.settings.forms import AgentKeyForm, NewProjectForm, ProjectNameForm
from dashboard.pages.settings.params import ProjectSettingsParams
from dashboard.web.audit import record_event
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import admin_required, sign_in_required
from runs.errors import InvalidAgentKey
from runs.models import Project, User
from runs.responses import change_agent_metadata_key
from runs.responses.agent_key import MAX_AGENT_KEY_LENGTH
from runs.team import memberships
from runs.team.backup_status import fetch_backup_status


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def project_create(request: HttpRequest) -> HttpResponse:
    """Create a project and redirect to its connect page. Only superusers may create projects."""
    user = cast(User, request.user)
    if not user.is_superuser:
        raise PermissionDenied
    if request.method != "POST":
        return render(request, "pages/settings/new_project.html", {"form": NewProjectForm()})
    form = NewProjectForm(request.POST)
    if not form.is_valid():
        return render(request, "pages/settings/new_project.html", {"form": form}, status=422)
    project = memberships.create_project(form.cleaned_data["slug"], form.cleaned_data["name"], user)
    return redirect("connect", project=project.slug)


@require_safe
@admin_required
@handle_invalid_params
def project_settings(request: HttpRequest, project: Project) -> HttpResponse:
    """Show the settings."""
    ProjectSettingsParams.parse(request.GET)
    return _render_settings(request, project)


@require_POST
@admin_required
def project_rename(request: HttpRequest, project: Project) -> HttpResponse:
    """Rename the project."""
    old_name = project.name
    form = ProjectNameForm(request.POST, instance=project)
    if not form.is_valid():
        project.name = old_name  # validation has assigned the posted name
        return _render_settings(request, project, status=422, name_form=form)
    form.save()
    record_event(request, project, f"renamed the project from {old_name} to {project.name}")
    messages.success(request, "Project renamed.")
    return redirect("settings", project=project.slug)


@require_POST
@admin_required
def agent_key_update(request: HttpRequest, project: Project) -> HttpResponse:
    """Change the metadata key that names the agent of responses. The maintenance process derives their runs again."""
    form = AgentKeyForm(request.POST)
    if not form.is_valid():
        return _render_settings(request, project, status=422, agent_key_form=form)
    old_key, new_key = project.agent_metadata_key, form.cleaned_data["agent_metadata_key"]
    try:
        is_changed = change_agent_metadata_key(project, new_key)
    except InvalidAgentKey as error:
        form.add_error("agent_metadata_key", error.problems[0].message)
        return _render_settings(request, project, status=422, agent_key_form=form)
    if is_changed:
        record_event(request, project, f"changed the metadata key that names agents from {old_key} to {new_key}")
        messages.success(request, "Metadata key changed. Stored runs of responses are reassigned in the background.")
    return redirect("settings", project=project.slug)


def _render_settings(request: HttpRequest, project: Project, status: int = 200, **extra: Any) -> HttpResponse:
    """Render the page. `extra` adds an invalid form."""
    context: dict[str, Any] = {
        "project": project,
        "max_agent_key_length": MAX_AGENT_KEY_LENGTH,
        "backup_warning": fetch_backup_status().warning if settings.BACKUP_EVERY else "",
        **extra,
    }
    return render(request, "pages/settings/general.html", context, status=status)
