"""Views of a project's settings (name, API keys, members, audit log), and the form for a new project."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.pages.settings.forms import (
    API_KEY_LIFETIMES,
    REMOVE_MEMBER,
    AgentKeyForm,
    ApiKeyForm,
    MemberRoleForm,
    NewMemberForm,
    NewProjectForm,
    ProjectNameForm,
)
from dashboard.pages.settings.params import ProjectSettingsParams
from dashboard.web.audit import record_event
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.key_creation import create_audited_key
from dashboard.web.permissions import admin_required, sign_in_required
from runs.errors import InvalidAgentKey, InvalidMember, LastAdministrator
from runs.models import ApiKey, AuditEvent, Membership, Project, User
from runs.responses import change_agent_metadata_key
from runs.responses.agent_key import MAX_AGENT_KEY_LENGTH
from runs.team import api_keys, memberships
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


@require_POST
@admin_required
def api_key_create(request: HttpRequest, project: Project) -> HttpResponse:
    """Create an API key. This response is the only place that shows the secret."""
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return _render_settings(request, project, status=422, key_form=form)
    name, scopes, lifetime = (form.cleaned_data[field] for field in ("name", "scopes", "expires_in_days"))
    secret = create_audited_key(request, project, name, scopes, lifetime)
    return _render_settings(request, project, new_key_name=name, new_key_secret=secret)


@require_POST
@admin_required
def api_key_revoke(request: HttpRequest, project: Project, key_id: int) -> HttpResponse:
    """Revoke an API key."""
    key = get_object_or_404(ApiKey.objects.in_project(project), pk=key_id)
    api_keys.revoke_api_key(key)
    record_event(request, project, f"revoked the API key {key.name} ({key.prefix}…)", AuditEvent.Category.API_KEY)
    messages.success(request, f"API key {key.name} revoked.")
    return redirect("settings", project=project.slug)


@require_POST
@admin_required
def member_add(request: HttpRequest, project: Project) -> HttpResponse:
    """Add a member. A user who does not exist yet is created, with a password that only this response shows."""
    form = NewMemberForm(request.POST)
    if not form.is_valid():
        return _render_settings(request, project, status=422, member_form=form)
    name, role = form.cleaned_data["name"], form.cleaned_data["role"]
    try:
        password = memberships.add_member(project, name, role)
    except InvalidMember as error:
        form.add_error("name", error.message)
        return _render_settings(request, project, status=422, member_form=form)
    record_event(request, project, f"added {name} as {role}", AuditEvent.Category.MEMBER)
    if password is not None:
        return _render_settings(request, project, new_member_name=name, new_member_password=password)
    messages.success(request, f"{name} added as {role}.")
    return redirect("settings", project=project.slug)


@require_POST
@admin_required
def member_update(request: HttpRequest, project: Project, membership_id: int) -> HttpResponse:
    """Change a member's role, or remove the member."""
    membership = get_object_or_404(Membership.objects.in_project(project), pk=membership_id)
    form = MemberRoleForm(request.POST)
    if not form.is_valid():
        raise Http404("Unknown role")
    role, name = form.cleaned_data["role"], membership.user.get_username()
    try:
        if role == REMOVE_MEMBER:
            memberships.remove_member(membership)
        else:
            memberships.change_member_role(membership, role)
    except LastAdministrator as error:
        messages.error(request, error.message)
        return redirect("settings", project=project.slug)
    if role == REMOVE_MEMBER:
        record_event(request, project, f"removed {name} from the project", AuditEvent.Category.MEMBER)
        messages.success(request, f"{name} removed from the project.")
    else:
        record_event(request, project, f"changed the role of {name} to {role}", AuditEvent.Category.MEMBER)
        messages.success(request, f"Role of {name} changed to {role}.")
    if membership.user == request.user and role != Membership.Role.ADMIN:
        return redirect("home")  # the settings are no longer visible to this user
    return redirect("settings", project=project.slug)


def _render_settings(request: HttpRequest, project: Project, status: int = 200, **extra: Any) -> HttpResponse:
    """Render the page. `extra` adds an invalid form, or the secret of a new key or the password of a new user."""
    context: dict[str, Any] = {
        "project": project,
        "max_agent_key_length": MAX_AGENT_KEY_LENGTH,
        "keys": ApiKey.objects.in_project(project),
        "scopes": ApiKey.Scope.values,
        "key_lifetimes": API_KEY_LIFETIMES,
        "default_scopes": api_keys.DEFAULT_SCOPES,
        "memberships": Membership.objects.in_project(project),
        "roles": Membership.Role.values,
        "events": AuditEvent.objects.newest(project),
        "backup_warning": fetch_backup_status().warning if settings.BACKUP_EVERY else "",
        **extra,
    }
    return render(request, "pages/settings/page.html", context, status=status)
