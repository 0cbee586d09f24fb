"""Memberships that follow the claims of an identity provider, at each sign-in."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from runs.errors import LastAdministrator
from runs.models import AuditEvent, Membership, Project, User
from runs.team.memberships import change_member_role, remove_member

logger = logging.getLogger(__name__)


def apply_claimed_roles(user: User, roles: Mapping[str, str | None], address: str) -> None:
    """Give `user` exactly the claimed roles, and record each change. The last administrator of a project stays.

    Args:
        user: the person who signs in.
        roles: the role by the slug of each project that the rules name; None for no role.
            Other projects are left alone.
        address: the address of the browser.
    """
    memberships = {membership.project_id: membership for membership in Membership.objects.filter(user=user)}
    projects = list(Project.objects.filter(slug__in=roles))
    for slug in roles.keys() - {project.slug for project in projects}:
        logger.warning("RUNGLASS_OIDC_ROLES names the project %r, which does not exist", slug)
    for project in projects:
        change = _apply_role(user, project, memberships.get(project.pk), roles[project.slug])
        if change:
            AuditEvent.objects.record(project, user, change, category=AuditEvent.Category.MEMBER, address=address)


def _apply_role(user: User, project: Project, membership: Membership | None, role: str | None) -> str:
    """Set, change or remove the role. Return what was done, "" if nothing was."""
    if (membership.role if membership else None) == role:
        return ""
    if membership is None:
        Membership.objects.create(user=user, project=project, role=role or "")
        return f"became {role} by a claim of the identity provider"
    try:
        if role is None:
            remove_member(membership)
            return "was removed from the project: no claim of the identity provider gives a role"
        change_member_role(membership, role)
    except LastAdministrator:
        return f"would be {role or 'removed'} by the claims of the identity provider, and stays as last administrator"
    return f"became {role} instead of {membership.role} by a claim of the identity provider"
