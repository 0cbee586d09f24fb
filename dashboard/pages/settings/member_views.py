"""The members of a project: added, with a password for new users, given another role, removed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.pages.settings.forms import REMOVE_MEMBER, MemberRoleForm, NewMemberForm
from dashboard.pages.settings.params import MemberListParams
from dashboard.web.audit import record_event
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import admin_required
from runs.errors import InvalidMember, LastAdministrator
from runs.models import AuditEvent, Membership, Project
from runs.team import memberships


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
@handle_invalid_params
def members(request: HttpRequest, project: Project) -> HttpResponse:
    """List the members. A POST adds one; for a new user, its response is the only place that shows the password."""
    if request.method != "POST":
        MemberListParams.parse(request.GET)
        return _render_members(request, project)
    form = NewMemberForm(request.POST)
    if not form.is_valid():
        return _render_members(request, project, status=422, member_form=form)
    name, role = form.cleaned_data["name"], form.cleaned_data["role"]
    try:
        password = memberships.add_member(project, name, role)
    except InvalidMember as error:
        form.add_error("name", error.message)
        return _render_members(request, project, status=422, member_form=form)
    record_event(request, project, f"added {name} as {role}", AuditEvent.Category.MEMBER)
    if password is not None:
        return _render_members(request, project, new_member_name=name, new_member_password=password)
    messages.success(request, f"{name} added as {role}.")
    return redirect("members", project=project.slug)


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
        return redirect("members", project=project.slug)
    if role == REMOVE_MEMBER:
        record_event(request, project, f"removed {name} from the project", AuditEvent.Category.MEMBER)
        messages.success(request, f"{name} removed from the project.")
    else:
        record_event(request, project, f"changed the role of {name} to {role}", AuditEvent.Category.MEMBER)
        messages.success(request, f"Role of {name} changed to {role}.")
    if membership.user == request.user and role != Membership.Role.ADMIN:
        return redirect("home")  # the settings are no longer visible to this user
    return redirect("members", project=project.slug)


def _render_members(request: HttpRequest, project: Project, status: int = 200, **extra: Any) -> HttpResponse:
    """Render the page. `extra` adds an invalid form, or the password of a new user."""
    context: dict[str, Any] = {
        "project": project,
        "memberships": Membership.objects.in_project(project),
        "roles": Membership.Role.values,
        **extra,
    }
    return render(request, "pages/settings/members.html", context, status=status)
