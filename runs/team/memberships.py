"""Who belongs to a project, and as what."""

from __future__ import annotations

import secrets

from django.core.exceptions import ValidationError
from django.db import transaction

from runs.errors import InvalidMember, LastAdministrator, Problem
from runs.models import Membership, Project, User


@transaction.atomic
def create_user(name: str, project: Project, role: str) -> str:
    """Make a user who is a member of `project`; the one-time password. Raises InvalidMember."""
    password = secrets.token_urlsafe(12)
    user = User(username=name)
    user.set_password(password)
    try:
        user.full_clean()
    except ValidationError as error:
        raise _invalid_member("; ".join(error.messages)) from error
    user.save()
    Membership.objects.create(user=user, project=project, role=role)
    return password


def add_member(project: Project, name: str, role: str) -> str | None:
    """Make `name` a member of `project`; the one-time password of a user who was not there, else None.

    Raises InvalidMember.
    """
    user = User.objects.filter(username=name).first()
    if user is None:
        return create_user(name, project, role)
    _, is_new = Membership.objects.get_or_create(user=user, project=project, defaults={"role": role})
    if not is_new:
        raise _invalid_member(f"{name} is a member already")
    return None


@transaction.atomic
def change_member_role(membership: Membership, role: str) -> None:
    """Make the member something else in the project. Raises LastAdministrator."""
    if role != Membership.Role.ADMIN:
        _require_other_administrator(membership)
    Membership.objects.filter(pk=membership.pk).update(role=role)


@transaction.atomic
def remove_member(membership: Membership) -> None:
    """Take the member out of the project; the user stays. Raises LastAdministrator."""
    _require_other_administrator(membership)
    Membership.objects.filter(pk=membership.pk).delete()


def _require_other_administrator(leaving: Membership) -> None:
    keys = {each.pk for each in Membership.objects.administrators(leaving.project)}
    if keys == {leaving.pk}:
        raise LastAdministrator


def _invalid_member(message: str) -> InvalidMember:
    return InvalidMember(message, [Problem("name", message)])


@transaction.atomic
def create_project(slug: str, name: str, administrator: User) -> Project:
    """Make a project that `administrator` manages."""
    project = Project.objects.create(slug=slug, name=name)
    Membership.objects.create(project=project, user=administrator, role=Membership.Role.ADMIN)
    return project
