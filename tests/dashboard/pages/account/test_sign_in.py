"""Signing in and out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from runs.models import AuditEvent
from runs.team import failure_reports
from runs.team.report_limiter import ReportLimiter
from tests.pages import Page

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.dashboard.web.shell_urls")]
PASSWORD = "correct horse battery"


@pytest.fixture
def user() -> Any:
    return get_user_model().objects.create_user("mokafor", password=PASSWORD)


def sign_in(client: Client, password: str = PASSWORD, **extra: Any) -> Any:
    return client.post("/login/", {"username": "mokafor", "password": password}, **extra)


def test_right_password_leads_home(client, user):
    response = sign_in(client)
    assert (response.status_code, response["Location"]) == (302, "/")


@pytest.mark.parametrize(
    ("next_url", "location"),
    [
        ("/p/support/runs/?status=failed", "/p/support/runs/?status=failed"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
    ],
)
def test_sign_in_redirects_within_this_site_only(client, user, next_url, location):
    response = client.post("/login/?" + "next=" + next_url, {"username": "mokafor", "password": PASSWORD})
    assert response["Location"] == location


def test_wrong_password_shows_attempts_left(client, user):
    response = sign_in(client, "wrong")
    page = Page(response)
    assert page.alert().text == "Incorrect user name or password. 9 attempts left."
    user_name = page.field("User name")
    assert user_name.value == "mokafor"
    assert user_name.get("aria-describedby") == page.alert().get("id")
    assert "wrong" not in response.content.decode()


def test_missing_fields_are_reported(client):
    assert Page(client.post("/login/", {})).alert().text == "Enter both user name and password."


def test_typed_user_name_is_escaped(client):
    response = client.post("/login/", {"username": '"><script>', "password": "x"})
    assert '"><script>' not in response.content.decode()
    assert Page(response).field("User name").value == '"><script>'


@pytest.mark.parametrize(
    "name", ["x" * 151, "x" * 5000, "mokafor\0", "mok\nafor", "mokafor\u202e", b"\xff", "nobody", "İ" * 150]
)
def test_impossible_name_is_simply_wrong(client, user, name):
    body = urlencode({"username": name, "password": PASSWORD})
    response = client.post("/login/", body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 200
    assert Page(response).alert().text.startswith("Incorrect user name or password.")


@pytest.mark.parametrize("password", ["x" * 2000, "a\0b"])
def test_impossible_password_is_simply_wrong(client, user, password):
    assert Page(sign_in(client, password)).alert().text.startswith("Incorrect user name or password.")


def test_sign_ins_are_recorded(client, user, monkeypatch):
    monkeypatch.setattr(failure_reports, "_sign_in_limiter", ReportLimiter())
    client.post("/login/", {"username": "mok\nafor", "password": "wrong"}, REMOTE_ADDR="192.0.2.9")
    sign_in(client, "wrong", REMOTE_ADDR="192.0.2.8")
    sign_in(client, REMOTE_ADDR="192.0.2.7")
    client.post("/logout/", REMOTE_ADDR="192.0.2.6")
    events = [(str(event), event.category, event.address) for event in AuditEvent.objects.newest(None)]
    assert events == [
        ("mokafor signed out", "sign_in", "192.0.2.6"),
        ("mokafor signed in", "sign_in", "192.0.2.7"),
        ("mokafor failed to sign in", "sign_in_failure", "192.0.2.8"),
        ("mok\N{REPLACEMENT CHARACTER}afor failed to sign in", "sign_in_failure", "192.0.2.9"),
    ]


def test_failures_of_a_flood_are_summarised(client, user, monkeypatch):
    monkeypatch.setattr(failure_reports, "_sign_in_limiter", ReportLimiter())
    for _ in range(15):
        sign_in(client, "wrong")
    assert [str(event) for event in AuditEvent.objects.newest(None)] == [
        "mokafor was refused an attempt to sign in: too many for this user name from your address",
        "mokafor failed to sign in",
    ]


def test_form_is_not_cached(client):
    assert "no-store" in client.get("/login/")["Cache-Control"]


def test_signed_in_user_is_redirected_home(client, user):
    client.force_login(user)
    assert client.get("/login/")["Location"] == "/"


def test_fragment_of_ended_session_redirects_the_browser(client):
    response = client.get(
        "/login/?next=/p/support/runs/%3Fcursor%3D1",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/p/support/runs/?status=failed"},
    )
    assert response["HX-Redirect"] == "/login/?next=%2Fp%2Fsupport%2Fruns%2F%3Fstatus%3Dfailed"
    assert not response.content


def test_sign_out_needs_a_post(client, user):
    client.force_login(user)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert "_auth_user_id" not in client.session
