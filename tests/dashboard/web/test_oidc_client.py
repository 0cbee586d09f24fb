"""The settings of the identity provider."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard.web.oidc_client import check_password_login, parse_oidc_client


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://accounts.google.com", "https://accounts.google.com/.well-known/openid-configuration"),
        ("https://id.example/application/o/runglass/", "https://id.example/application/o/runglass/.well-known/openid-configuration"),
        ("http://127.0.0.1:8080/realm", "http://127.0.0.1:8080/realm/.well-known/openid-configuration"),
    ],
)  # fmt: skip
def test_issuer_leads_to_the_configuration(issuer: str, url: str) -> None:
    client = parse_oidc_client(issuer, "id", "secret", "")
    assert client is not None
    assert (client.issuer, client.discovery_url) == (issuer, url)
    assert "secret" not in repr(client)


@pytest.mark.parametrize(
    "values",
    [
        ("", "id", "", ""), ("", "", "", "Company"), ("https://id.example", "", "secret", ""),
        ("https://id.example", "id", "", ""), ("http://id.example", "id", "secret", ""), ("id.example", "id", "s", ""),
        ("https://user@id.example", "id", "s", ""), ("https://id.example?x=1", "id", "s", ""),
        ("https://id.example/.well-known/openid-configuration", "id", "s", ""), ("https://[", "id", "s", ""),
        ("https://id.example/" + "x" * 200, "id", "s", ""), ("https://id.example/a b", "id", "s", ""),
    ],
)  # fmt: skip
def test_incomplete_and_unsafe_settings_are_refused(values: tuple[str, str, str, str]) -> None:
    with pytest.raises(ImproperlyConfigured, match="OIDC_"):
        parse_oidc_client(*values)


def test_passwords_need_an_alternative() -> None:
    assert parse_oidc_client("", "", "", "") is None
    with pytest.raises(ImproperlyConfigured, match="RUNGLASS_PASSWORD_LOGIN is off"):
        check_password_login(False, None)
