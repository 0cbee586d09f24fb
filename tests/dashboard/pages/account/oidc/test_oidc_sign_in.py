"""Signing in with an OpenID provider, which runs on loopback and signs with real keys."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from dashboard.pages.account.oidc.social_adapter import SocialAccountAdapter
from runs.models import AuditEvent, Membership, Project, User
from runs.team import failure_reports
from runs.team.claim_rules import parse_claim_rules
from runs.team.report_limiter import ReportLimiter
from tests import factories
from tests.oidc_provider import OTHER_KEY, OidcTestProvider, serve_oidc_provider, sign
from tests.pages import Page

START = "/login/sso/"
RULES = "groups=staff:default:viewer, groups=leads:default:admin"


@pytest.fixture
def provider(settings: Any, project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[OidcTestProvider]:
    monkeypatch.setattr(failure_reports, "_sign_in_limiter", ReportLimiter())
    with serve_oidc_provider() as provider:
        provider.person["groups"] = ["staff"]
        settings.OIDC_CLIENT = provider.client
        settings.OIDC_ROLE_RULES = parse_claim_rules(RULES)
        yield provider


def sign_in(client: Client, start: str = START) -> Any:
    """Go through the provider, and return the response to the callback."""
    redirect = httpx.get(client.get(start)["Location"])
    return client.get(redirect.headers["Location"].removeprefix("http://testserver"))


def get_roles() -> dict[str, str]:
    return {membership.user.username: membership.role for membership in Membership.objects.all()}


def test_person_with_claim_gets_user_and_role(provider: OidcTestProvider) -> None:
    client = Client()
    assert sign_in(client, f"{START}?next=/p/default/usage/")["Location"] == "/p/default/usage/"
    assert client.get("/p/default/runs/").status_code == 200
    assert get_roles() == {"mira": "viewer"}
    account, user = SocialAccount.objects.get(), User.objects.get()
    assert (account.provider, account.uid, account.extra_data) == (provider.issuer, "subject-1", {})
    assert (user.email, user.has_usable_password()) == ("", False)
    assert client.session.get_expiry_age() > 3600


@pytest.mark.django_db(transaction=True)
def test_simultaneous_first_sign_ins_create_one_user(
    provider: OidcTestProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_looked_up = threading.Barrier(2, timeout=20)
    save_user = SocialAccountAdapter.save_user

    def wait_and_save(*arguments: Any, **named: Any) -> User:
        both_looked_up.wait()
        return save_user(*arguments, **named)

    def sign_in_once(client: Client) -> int:
        try:
            status: int = sign_in(client).status_code
            return status
        finally:
            connection.close()

    monkeypatch.setattr(SocialAccountAdapter, "save_user", wait_and_save)
    with ThreadPoolExecutor(2) as executor:
        statuses = list(executor.map(sign_in_once, [Client(), Client()]))
    assert statuses == [302, 302]
    assert (SocialAccount.objects.count(), get_roles()) == (1, {"mira": "viewer"})
    assert sum("for the first time" in str(event) for event in AuditEvent.objects.all()) == 1


def test_sign_in_page_leads_to_the_provider(provider: OidcTestProvider) -> None:
    page = Page(Client().get("/login/?next=/p/default/usage/"))
    assert page.link("Sign in with Test ID").get("href") == f"{START}?next=%2Fp%2Fdefault%2Fusage%2F"
    assert page.has("button", "Sign in")


def test_without_the_claim_nobody_is_created(provider: OidcTestProvider) -> None:
    provider.person["groups"] = ["guests"]
    response = sign_in(Client())
    assert (response.status_code, User.objects.count()) == (403, 0)
    assert "has no access to this server" in Page(response).alert().text
    assert str(AuditEvent.objects.newest(None)[0]).endswith("no rule gives a role, subject subject-1")


def test_without_rules_only_linked_users_sign_in(provider: OidcTestProvider, project: Project, settings: Any) -> None:
    settings.OIDC_ROLE_RULES = ()
    assert sign_in(Client()).status_code == 403
    factories.make_user(project, "member", name="ada")
    call_command("link_user", "ada", "subject-1", stdout=None)
    assert sign_in(Client())["Location"] == "/"
    assert get_roles() == {"ada": "member"}


@pytest.mark.parametrize(
    ("groups", "roles"), [(["staff", "leads"], {"mira": "admin"}), (["staff"], {"mira": "viewer"}), ([], {})]
)
def test_roles_follow_claims_at_each_sign_in(
    provider: OidcTestProvider, project: Project, groups: list[str], roles: dict[str, str]
) -> None:
    sign_in(Client())
    factories.make_user(project, "admin", name="other")
    Membership.objects.filter(user__username="mira").update(role="member")
    provider.person["groups"] = groups
    assert sign_in(Client()).status_code == (302 if roles else 403)
    assert get_roles() == {"other": "admin", **roles}


def test_last_administrator_is_kept(provider: OidcTestProvider) -> None:
    provider.person["groups"] = ["leads"]
    sign_in(Client())
    provider.person["groups"] = []
    sign_in(Client())
    assert get_roles() == {"mira": "admin"}
    event = AuditEvent.objects.exclude(project=None).latest("pk")
    assert "stays as last administrator" in str(event)


def test_unknown_project_of_a_rule_is_logged(
    provider: OidcTestProvider, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OIDC_ROLE_RULES = parse_claim_rules("groups=staff:defualt:viewer")
    assert sign_in(Client())["Location"] == "/"
    assert "names the project 'defualt', which does not exist" in caplog.text
    assert get_roles() == {}


def test_projects_without_rule_are_left_alone(provider: OidcTestProvider) -> None:
    sign_in(Client())
    other = factories.make_project("other")
    Membership.objects.create(user=User.objects.get(), project=other, role="admin")
    sign_in(Client())
    assert Membership.objects.get(project=other).role == "admin"


@pytest.mark.parametrize("verified", [True, False])
def test_address_and_name_take_over_no_account(provider: OidcTestProvider, project: Project, verified: bool) -> None:
    local = factories.make_user(project, "admin", name="mira")
    User.objects.update(email="mira@example.com")
    provider.person |= {"email": "mira@example.com", "email_verified": verified}
    client = Client()
    assert sign_in(client)["Location"] == "/"
    assert int(client.session["_auth_user_id"]) != local.pk
    assert Membership.objects.get(user=local).role == "admin"
    assert User.objects.count() == 2


def test_other_issuer_has_other_accounts(provider: OidcTestProvider, settings: Any) -> None:
    sign_in(Client())
    with serve_oidc_provider() as other:
        other.person["groups"] = ["staff"]
        settings.OIDC_CLIENT = other.client
        sign_in(Client())
    assert User.objects.count() == 2


def change_claim(**values: Any) -> dict[str, Any]:
    return {"change": lambda claims: claims.update(values)}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (change_claim(nonce="another"), "wrong nonce"),
        ({"change": lambda claims: claims.pop("nonce")}, "wrong nonce"),
        (change_claim(exp=int(time.time()) - 3600), "expired"),
        ({"change": lambda claims: claims.pop("exp")}, "exp"),
        (change_claim(aud="another client"), "udience"),
        (change_claim(aud=["runglass", "other"], azp="other"), "another client"),
        (change_claim(iss="https://evil.example"), "ssuer"),
        (change_claim(iat=int(time.time()) + 3600), "iat"),
        (change_claim(sub=""), "subject"),
        (change_claim(sub="x" * 192), "subject"),
        ({"sign": lambda claims: sign(claims, key=OTHER_KEY)}, "ignature"),
        ({"sign": lambda claims: sign(claims, key_id="for-encryption")}, "0 keys"),
        ({"sign": lambda claims: sign(claims, key="x" * 40, algorithm="HS256")}, "alg"),
        ({"sign": lambda claims: sign(claims, key=None, algorithm="none")}, "alg"),
        ({"sign": lambda _: "no token"}, "ID token"),
        ({"sign": lambda _: None}, "no ID token"),
        ({"named_issuer": "https://evil.example"}, "https://evil.example"),
        ({"is_cancelled": True}, "cancelled"),
    ],
)
def test_bad_answers_sign_nobody_in(provider: OidcTestProvider, fault: dict[str, Any], reason: str) -> None:
    for name, value in fault.items():
        setattr(provider, name, value)
    client = Client()
    response = client.get(START) if "named_issuer" in fault else sign_in(client)
    assert (response.status_code, User.objects.count()) == (403, 0)
    assert "_auth_user_id" not in client.session
    assert reason in str(AuditEvent.objects.newest(None)[0])
    assert reason not in Page(response).alert().text or fault == {"is_cancelled": True}


def test_state_works_once_and_in_one_browser(provider: OidcTestProvider) -> None:
    client = Client()
    assert sign_in(client).status_code == 302
    callback = provider.callbacks[-1].removeprefix("http://testserver")
    for browser in (client, Client()):
        response = browser.get(callback)
        assert response.status_code == 403
    httpx.get(Client().get(START)["Location"])
    assert Client().get(provider.callbacks[-1].removeprefix("http://testserver")).status_code == 403


@pytest.mark.parametrize("next_url", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_provider_redirects_within_this_site_only(provider: OidcTestProvider, next_url: str) -> None:
    assert sign_in(Client(), f"{START}?next={next_url}")["Location"] == "/"


def test_visitors_add_nothing_to_the_request(provider: OidcTestProvider) -> None:
    url = Client().get(f"{START}?scope=admin&auth_params=prompt%3Dnone&process=connect")["Location"]
    assert ("admin" in url, "prompt" in url) == (False, False)
    assert Session.objects.get().expire_date - timezone.now() < timedelta(minutes=11)


def test_unreachable_provider_is_reported(settings: Any, db: None) -> None:
    with serve_oidc_provider() as provider:
        settings.OIDC_CLIENT = provider.client
    response = Client().get(START)
    assert (response.status_code, Page(response).alert().text.startswith("Signing in with Test ID failed")) == (
        403,
        True,
    )


def test_deactivated_user_is_refused(provider: OidcTestProvider) -> None:
    sign_in(Client())
    User.objects.update(is_active=False)
    client = Client()
    assert sign_in(client).status_code == 403
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(("superuser", "status"), [(True, 302), (False, 200)])
def test_break_glass_works_without_passwords(
    provider: OidcTestProvider, settings: Any, superuser: bool, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.PASSWORD_LOGIN = False
    call_command("create_user", "rescue", *(["--admin"] if superuser else []))
    form = {"username": "rescue", "password": capsys.readouterr().out.strip()}
    assert Client().post("/login/", form).status_code == status
    User.objects.update(password_expires_at=None)
    assert Page(Client().post("/login/", form)).alert().text.startswith("Incorrect user name or password.")
