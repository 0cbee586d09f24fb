"""django-allauth runs the steps of signing in, by the rules of this site."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from allauth.core import context
from django.test import Client, RequestFactory

from runs.models import AuditEvent, User
from tests import factories
from tests.pages import Page

FORM = {"username": "mira", "password": factories.PASSWORD}


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [("/p/default/", True), ("https://runs.example/p/", True), ("https://other.example/", False), ("//evil", False)],
)
def test_redirects_stay_on_this_host(settings: Any, url: str, is_safe: bool) -> None:
    settings.ALLOWED_HOSTS = ["runs.example", "other.example"]
    request = RequestFactory(SERVER_NAME="runs.example").get("/login/", secure=True)
    with context.request_context(request):
        assert get_adapter().is_safe_url(url) is is_safe


def test_deactivated_user_gets_the_constant_answer(project: Any) -> None:
    factories.make_user(project, name="mira")
    User.objects.update(is_active=False)
    response = Client().post("/login/", FORM)
    assert Page(response).alert().text == "Incorrect user name or password. 9 attempts left."


def test_sign_in_shows_no_message_of_the_library(project: Any) -> None:
    factories.make_user(project, name="mira")
    response = Client().post("/login/", FORM, follow=True)
    assert (response.status_code, b"Successfully" in response.content) == (200, False)
    assert str(AuditEvent.objects.newest(None)[0]) == "mira signed in"
