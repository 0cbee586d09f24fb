"""Rules that give roles by the claims of an identity provider."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from runs.team.claim_rules import find_claimed_roles, parse_claim_rules

ENTRA_GROUP = "3f2c1d9e-0000-4000-8000-0123456789ab"


@pytest.mark.parametrize(
    ("rule", "claims"),
    [
        (f"groups={ENTRA_GROUP}:default:member", {"groups": [ENTRA_GROUP, "other"]}),
        ("hd=example.com:default:member", {"hd": "example.com"}),
        ("realm_access.roles=runglass:default:member", {"realm_access": {"roles": ["runglass"]}}),
        ("https://example.com/roles=a=b:default:member", {"https://example.com/roles": "a=b"}),
        ("group=urn:team:a:default:member", {"group": "urn:team:a"}),
        ("email_verified=true:default:member", {"email_verified": True}),
        ("level=3:default:member", {"level": 3}),
    ],
)
def test_claims_give_the_role_of_their_rule(rule: str, claims: dict[str, Any]) -> None:
    assert find_claimed_roles(parse_claim_rules(rule), claims) == {"default": "member"}


@pytest.mark.parametrize(
    "claims", [{}, {"groups": "staffs"}, {"groups": None}, {"groups": {"staff": 1}}, {"groups": [["staff"]]}]
)
def test_other_claims_give_no_role(claims: dict[str, Any]) -> None:
    assert find_claimed_roles(parse_claim_rules("groups=staff:default:viewer"), claims) == {"default": None}


def test_highest_role_wins() -> None:
    rules = parse_claim_rules("g=a:default:admin, g=b:default:viewer, g=b:other:member, g=c:third:admin")
    assert find_claimed_roles(rules, {"g": ["b", "a"]}) == {"default": "admin", "other": "member", "third": None}


@pytest.mark.parametrize(
    "text",
    [
        "groups", "groups=a", "groups=a:default", "a:default:viewer", "g=:default:viewer", "g=a:default:owner",
        "g=a::viewer", "g=a:default:viewer,",
    ],
)  # fmt: skip
def test_invalid_rules_are_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="RUNGLASS_OIDC_ROLES: rule"):
        parse_claim_rules(text)
