"""Making a project, which administrators of the server may."""

from __future__ import annotations

from typing import cast

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from runs.models import Project, User
from runs.team.memberships import create_project

TEMPLATE = "projects/new.html"


class NewProjectForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A name for people, and one for addresses and commands."""

    class Meta:
        model = Project
        fields = ["name", "slug"]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def project_create(request: HttpRequest) -> HttpResponse:
    """The form; a project that was made is connected next."""
    user = cast(User, request.user)
    if not user.is_superuser:
        raise PermissionDenied
    form = NewProjectForm(request.POST or None)
    if request.method != "POST":
        return render(request, TEMPLATE, {"form": NewProjectForm()})
    if not form.is_valid():
        return render(request, TEMPLATE, {"form": form}, status=422)
    project = create_project(form.cleaned_data["slug"], form.cleaned_data["name"], user)
    return redirect("connect", project=project.slug)
