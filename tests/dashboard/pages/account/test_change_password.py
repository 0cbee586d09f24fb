"""Users change their own password."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import User
from tests import factories
from tests.pages import Page

URL = "/account/password/"
NEW_PASSWORD = "a much better one"


def test_change_needs_the_current_password(member_client: Client) -> None:
    form = {"old_password": "guess", "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    response = member_client.post(URL, form)
    assert response.status_code == 422
    assert Page(response).alert().text.startswith("Current password: ")


def test_weak_password_is_rejected(member_client: Client) -> None:
    form = {"old_password": factories.PASSWORD, "new_password1": "short", "new_password2": "short"}
    assert member_client.post(URL, form).status_code == 422


def test_changed_password_signs_in(member_client: Client, member: User) -> None:
    form = {"old_password": factories.PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert member_client.post(URL, form).status_code == 302
    assert member_client.get("/p/default/runs/").status_code == 200
    signed_in = Client().post("/login/", {"username": member.username, "password": NEW_PASSWORD})
    assert signed_in.status_code == 302


def test_session_does_not_serve_to_guess_the_password(member_client: Client, member: User) -> None:
    form = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    for _ in range(10):
        member_client.post(URL, {"old_password": "guess", **form})
    response = member_client.post(URL, {"old_password": factories.PASSWORD, **form})
    assert response.status_code == 422
    assert "Too many wrong passwords. Try again in" in Page(response).alert().text
    assert Client().post("/login/", {"username": member.username, "password": factories.PASSWORD}).status_code == 302


@pytest.mark.parametrize("field", ["old_password", "new_password1", "new_password2"])
@pytest.mark.parametrize("value", ["a\0b", "x" * 5000, " " * 12])
def test_hostile_values_are_errors_of_the_form(member_client: Client, field: str, value: str) -> None:
    form = {"old_password": factories.PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert member_client.post(URL, form | {field: value}).status_code == 422
