"""Cookies of instances on one host do not overwrite each other."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client

from dashboard.server.cookie_names import build_cookie_name
from runs.models import Project
from tests import factories


def test_instances_have_own_names() -> None:
    names = {build_cookie_name("session", key, is_secure=False) for key in ("one", "another")}
    assert len(names) == 2
    assert all(re.fullmatch(r"runglass_session_[0-9a-f]{8}", name) for name in names)


def test_secure_names_have_the_host_prefix() -> None:
    name = build_cookie_name("csrf", "key", is_secure=True)
    assert name == "__Host-" + build_cookie_name("csrf", "key", is_secure=False)


@pytest.mark.django_db
def test_every_cookie_has_a_name_of_its_own(project: Project) -> None:
    user = factories.make_user(project)
    client = Client()
    client.get("/login/")
    client.post("/login/", {"username": user.username, "password": factories.PASSWORD})
    client.get("/p/default/runs/")
    suffix = settings.SESSION_COOKIE_NAME[-9:]
    assert len(client.cookies) >= 3
    assert all(name.endswith(suffix) and morsel["path"] == "/" for name, morsel in client.cookies.items())
