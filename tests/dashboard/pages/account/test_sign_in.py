"""Signing in and out."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

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
    assert page.alert().text == "Wrong user name or password. 4 attempts left."
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


def test_fifth_wrong_password_locks_name_and_address(client, user):
    for _ in range(5):
        response = sign_in(client, "wrong")
    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    assert "Try again in 15 minutes" in Page(response).alert().text
    assert sign_in(client).status_code == 429
    assert sign_in(client, REMOTE_ADDR="192.0.2.7").status_code == 302


def test_lockout_combines_user_name_and_address():
    assert settings.AXES_LOCKOUT_PARAMETERS == [["username", "ip_address"]]


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


def test_form_without_csrf_token_is_explained(user):
    response = sign_in(Client(enforce_csrf_checks=True))
    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()
