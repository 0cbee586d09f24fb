"""Adding members to projects, changing their roles, removing them."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from runs.errors import InvalidMember, LastAdministrator, Problem
from runs.models import ErrorGroup, Membership, Project, User
from runs.team.passwords import set_one_time_password


@transaction.atomic
def create_project(slug: str, name: str, administrator: User) -> Project:
    """Create a project with `administrator` as its first member."""
    project = Project.objects.create(slug=slug, name=name)
    Membership.objects.create(project=project, user=administrator, role=Membership.Role.ADMIN)
    return project


@transaction.atomic
def create_user(name: str, project: Project, role: str, *, is_instance_admin: bool = False) -> str:
    """Create a user with a role in `project`, and return the one-time password. Raises InvalidMember."""
    user = User(username=name, is_superuser=is_instance_admin)
    password = set_one_time_password(user)
    try:
        user.full_clean()
    except ValidationError as error:
        raise _invalid_member("; ".join(error.messages)) from error
    user.save()
    Membership.objects.create(user=user, project=project, role=role)
    return password


def add_member(project: Project, name: str, role: str) -> str | None:
    """Give the user `name` a role in `project`.

    A user who does not exist yet is created, and the one-time password is returned; otherwise None.

    Raises InvalidMember.
    """
    user = User.objects.filter(username=name).first()
    if user is None:
        return create_user(name, project, role)
    _, is_new = Membership.objects.get_or_create(user=user, project=project, defaults={"role": role})
    if not is_new:
        raise _invalid_member(f"{name} is already a member")
    return None


@transaction.atomic
def change_member_role(membership: Membership, role: str) -> None:
    """Set the role of a member. Raises LastAdministrator."""
    if role != Membership.Role.ADMIN:
        _require_other_administrator(membership)
    Membership.objects.filter(pk=membership.pk).update(role=role)


@transaction.atomic
def remove_member(membership: Membership) -> None:
    """Remove a member from the project, without deleting the user. Raises LastAdministrator.

    The error groups that were assigned to the user are unassigned.
    """
    _require_other_administrator(membership)
    ErrorGroup.objects.unassign(membership.project, membership.user)
    Membership.objects.filter(pk=membership.pk).delete()


def _require_other_administrator(membership: Membership) -> None:
    administrators = Membership.objects.locked_administrators(membership.project)
    if {administrator.pk for administrator in administrators} == {membership.pk}:
        raise LastAdministrator


def _invalid_member(message: str) -> InvalidMember:
    return InvalidMember(message, [Problem("name", message)])
