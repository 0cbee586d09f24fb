"""A project's settings: its name, its API keys, its members, and who changed what. For administrators alone."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_POST, require_safe

from dashboard.web.invalid_params import refusing
from dashboard.web.permissions import admin_page
from dashboard.web.query_params import read
from runs.errors import InvalidMember, LastAdministrator
from runs.models import ApiKey, AuditEvent, Membership, Project, User
from runs.team import api_keys, memberships

PAGE = "settings/page.html"
OUT = "remove"


class NameForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What people call the project; its address stays."""

    class Meta:
        model = Project
        fields = ["name"]


class KeyForm(forms.Form):
    """A new key."""

    name = forms.CharField(max_length=100)
    scopes = forms.MultipleChoiceField(choices=ApiKey.Scope.choices)


class MemberForm(forms.Form):
    """A new member: somebody who signs in here already, or who is to."""

    name = forms.CharField(max_length=150)
    role = forms.ChoiceField(choices=Membership.Role.choices)


class RoleForm(forms.Form):
    """What a member is to be; nothing at all takes them out."""

    role = forms.ChoiceField(choices=[*Membership.Role.choices, (OUT, OUT)])


@require_safe
@admin_page
@refusing
def page(request: HttpRequest, project: Project) -> HttpResponse:
    """All of it on one page."""
    read(request)
    return _page(request, project)


@require_POST
@admin_page
def name(request: HttpRequest, project: Project) -> HttpResponse:
    """Call the project something else."""
    before = project.name
    form = NameForm(request.POST, instance=project)
    if not form.is_valid():
        project.name = before
        return _page(request, project, status=422, name_form=form)
    form.save()
    return _done(request, project, f"renamed the project from {before} to {project.name}", "The project is renamed.")


@require_POST
@admin_page
def new_key(request: HttpRequest, project: Project) -> HttpResponse:
    """Make an API key. The answer, kept by no cache, is the one place where it is shown."""
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _page(request, project, status=422, key_form=form)
    called, scopes = form.cleaned_data["name"], form.cleaned_data["scopes"]
    secret = api_keys.create_key(project, called, scopes)
    _note(request, project, f"made the API key {called} ({', '.join(scopes)})")
    return _page(request, project, secret=secret, secret_of=called)


@require_POST
@admin_page
def revoke_key(request: HttpRequest, project: Project, key_id: int) -> HttpResponse:
    """Close an API key."""
    key = get_object_or_404(ApiKey.objects.of_project(project), pk=key_id)
    api_keys.revoke_key(key)
    return _done(request, project, f"revoked the API key {key.name} ({key.prefix}…)", f"{key.name} is revoked.")


@require_POST
@admin_page
def new_member(request: HttpRequest, project: Project) -> HttpResponse:
    """Take somebody in; one who never signed in here gets a password, shown in the answer alone."""
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _page(request, project, status=422, member_form=form)
    who, role = form.cleaned_data["name"], form.cleaned_data["role"]
    try:
        password = memberships.add(project, who, role)
    except InvalidMember as error:
        form.add_error("name", error.message)
        return _page(request, project, status=422, member_form=form)
    action = f"made {who} a {role}"
    if password is None:
        return _done(request, project, action, f"{who} is a {role} now.")
    _note(request, project, action)
    return _page(request, project, password=password, password_of=who)


@require_POST
@admin_page
def member(request: HttpRequest, project: Project, membership_id: int) -> HttpResponse:
    """Change a member's role, or take them out."""
    found = get_object_or_404(Membership.objects.of_project(project), pk=membership_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Http404("no such role")
    role, who = form.cleaned_data["role"], found.user.get_username()
    try:
        if role == OUT:
            memberships.remove(found)
        else:
            memberships.change_role(found, role)
    except LastAdministrator as error:
        messages.error(request, error.message)
        return redirect("settings", project=project.slug)
    action = f"took {who} out of the project" if role == OUT else f"made {who} a {role}"
    response = _done(request, project, action, f"{who} is {'no member any more' if role == OUT else f'a {role} now'}.")
    gave_up = found.user == request.user and role != Membership.Role.ADMIN
    return redirect("home") if gave_up else response


def _page(request: HttpRequest, project: Project, status: int = 200, **more: Any) -> HttpResponse:
    context: dict[str, Any] = {
        "project": project,
        "keys": ApiKey.objects.of_project(project),
        "members": Membership.objects.of_project(project),
        "roles": Membership.Role.values,
        "scopes": ApiKey.Scope.values,
        "events": AuditEvent.objects.newest(project),
    }
    response = render(request, PAGE, context | more, status=status)
    patch_cache_control(response, no_store=True)
    return response


def _note(request: HttpRequest, project: Project, action: str) -> None:
    AuditEvent.objects.note(project, cast(User, request.user), action)


def _done(request: HttpRequest, project: Project, action: str, words: str) -> HttpResponse:
    _note(request, project, action)
    messages.success(request, words)
    return redirect("settings", project=project.slug)
