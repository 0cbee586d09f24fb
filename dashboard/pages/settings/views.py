"""A project's settings: its name, its API keys, its members, and who changed what. For administrators alone."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_POST, require_safe

from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import admin_required
from dashboard.web.query_params import read_query_params
from runs.errors import InvalidMember, LastAdministrator
from runs.models import ApiKey, AuditEvent, Membership, Project, User
from runs.team import api_keys, memberships

TEMPLATE = "settings/page.html"
REMOVE_MEMBER = "remove"


class ProjectNameForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What people call the project; its address stays."""

    class Meta:
        model = Project
        fields = ["name"]


class ApiKeyForm(forms.Form):
    """A new key."""

    name = forms.CharField(max_length=100)
    scopes = forms.MultipleChoiceField(choices=ApiKey.Scope.choices)


class NewMemberForm(forms.Form):
    """A new member: somebody who signs in here already, or who is to."""

    name = forms.CharField(max_length=150)
    role = forms.ChoiceField(choices=Membership.Role.choices)


class MemberRoleForm(forms.Form):
    """What a member is to be; nothing at all takes them out."""

    role = forms.ChoiceField(choices=[*Membership.Role.choices, (REMOVE_MEMBER, REMOVE_MEMBER)])


@require_safe
@admin_required
@handle_invalid_params
def project_settings(request: HttpRequest, project: Project) -> HttpResponse:
    """All of it on one page."""
    read_query_params(request)
    return _render_settings(request, project)


@require_POST
@admin_required
def project_rename(request: HttpRequest, project: Project) -> HttpResponse:
    """Call the project something else."""
    before = project.name
    form = ProjectNameForm(request.POST, instance=project)
    if not form.is_valid():
        project.name = before
        return _render_settings(request, project, status=422, name_form=form)
    form.save()
    return _record_and_redirect(
        request, project, f"renamed the project from {before} to {project.name}", "The project is renamed."
    )


@require_POST
@admin_required
def api_key_create(request: HttpRequest, project: Project) -> HttpResponse:
    """Make an API key. The answer, kept by no cache, is the one place where it is shown."""
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return _render_settings(request, project, status=422, key_form=form)
    called, scopes = form.cleaned_data["name"], form.cleaned_data["scopes"]
    secret = api_keys.create_api_key(project, called, scopes)
    _record_event(request, project, f"made the API key {called} ({', '.join(scopes)})")
    return _render_settings(request, project, secret=secret, secret_of=called)


@require_POST
@admin_required
def api_key_revoke(request: HttpRequest, project: Project, key_id: int) -> HttpResponse:
    """Close an API key."""
    key = get_object_or_404(ApiKey.objects.in_project(project), pk=key_id)
    api_keys.revoke_api_key(key)
    return _record_and_redirect(
        request, project, f"revoked the API key {key.name} ({key.prefix}…)", f"{key.name} is revoked."
    )


@require_POST
@admin_required
def member_add(request: HttpRequest, project: Project) -> HttpResponse:
    """Take somebody in; one who never signed in here gets a password, shown in the answer alone."""
    form = NewMemberForm(request.POST)
    if not form.is_valid():
        return _render_settings(request, project, status=422, member_form=form)
    who, role = form.cleaned_data["name"], form.cleaned_data["role"]
    try:
        password = memberships.add_member(project, who, role)
    except InvalidMember as error:
        form.add_error("name", error.message)
        return _render_settings(request, project, status=422, member_form=form)
    action = f"made {who} a {role}"
    if password is None:
        return _record_and_redirect(request, project, action, f"{who} is a {role} now.")
    _record_event(request, project, action)
    return _render_settings(request, project, password=password, password_of=who)


@require_POST
@admin_required
def member_update(request: HttpRequest, project: Project, membership_id: int) -> HttpResponse:
    """Change a member's role, or take them out."""
    found = get_object_or_404(Membership.objects.in_project(project), pk=membership_id)
    form = MemberRoleForm(request.POST)
    if not form.is_valid():
        raise Http404("no such role")
    role, who = form.cleaned_data["role"], found.user.get_username()
    try:
        if role == REMOVE_MEMBER:
            memberships.remove_member(found)
        else:
            memberships.change_member_role(found, role)
    except LastAdministrator as error:
        messages.error(request, error.message)
        return redirect("settings", project=project.slug)
    action = f"took {who} out of the project" if role == REMOVE_MEMBER else f"made {who} a {role}"
    response = _record_and_redirect(
        request, project, action, f"{who} is {'no member any more' if role == REMOVE_MEMBER else f'a {role} now'}."
    )
    gave_up = found.user == request.user and role != Membership.Role.ADMIN
    return redirect("home") if gave_up else response


def _render_settings(request: HttpRequest, project: Project, status: int = 200, **more: Any) -> HttpResponse:
    context: dict[str, Any] = {
        "project": project,
        "keys": ApiKey.objects.in_project(project),
        "members": Membership.objects.in_project(project),
        "roles": Membership.Role.values,
        "scopes": ApiKey.Scope.values,
        "events": AuditEvent.objects.newest(project),
    }
    response = render(request, TEMPLATE, context | more, status=status)
    patch_cache_control(response, no_store=True)
    return response


def _record_event(request: HttpRequest, project: Project, action: str) -> None:
    AuditEvent.objects.record(project, cast(User, request.user), action)


def _record_and_redirect(request: HttpRequest, project: Project, action: str, words: str) -> HttpResponse:
    _record_event(request, project, action)
    messages.success(request, words)
    return redirect("settings", project=project.slug)
