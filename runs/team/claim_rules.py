"""Rules that give roles to people by the claims of an identity provider: RUNGLASS_OIDC_ROLES.

Rules are separated by commas: `groups=engineers:default:member, hd=example.com:support:viewer`. The name of a claim may
be a path into nested objects, as in `realm_access.roles=admin:default:admin`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

ROLES_BY_RANK = ("viewer", "member", "admin")
_VARIABLE = "RUNGLASS_OIDC_ROLES"


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """People whose claim `claim` is or contains `value` have the role `role` in the project with the slug `project`."""

    claim: str
    value: str
    project: str
    role: str

    def matches(self, claims: Mapping[str, Any]) -> bool:
        """Return whether `claims` have the value, exactly as it is spelled."""
        found = _find_claim(claims, self.claim)
        return any(_spell(item) == self.value for item in (found if isinstance(found, list) else [found]))


def parse_claim_rules(text: str) -> tuple[ClaimRule, ...]:
    """Return the rules of the variable. Raises ImproperlyConfigured, which names the number of the rule."""
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    return tuple(_parse_rule(part, number) for number, part in enumerate(parts, start=1))


def find_claimed_roles(rules: Iterable[ClaimRule], claims: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the highest role that `claims` give in each project of `rules`; None where they give none."""
    roles: dict[str, str | None] = {}
    for rule in rules:
        candidates = [roles.setdefault(rule.project, None), rule.role if rule.matches(claims) else None]
        roles[rule.project] = max(candidates, key=lambda role: ROLES_BY_RANK.index(role) if role else -1)
    return roles


def _parse_rule(text: str, number: int) -> ClaimRule:
    condition, _, role = text.rpartition(":")
    condition, _, project = condition.rpartition(":")
    claim, _, value = (part.strip() for part in condition.partition("="))
    if not (claim and value and project.strip()) or role.strip() not in ROLES_BY_RANK:
        raise ImproperlyConfigured(
            f"{_VARIABLE}: rule {number} is {text!r}: expected claim=value:project:role with the role viewer, member "
            "or admin, such as groups=engineers:default:member"
        )
    return ClaimRule(claim, value, project.strip(), role.strip())


def _find_claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim by its name, or by a path of names with dots; None if there is none."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _spell(value: Any) -> str | None:
    """Return a claim as a rule spells it. Objects have no spelling."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None
