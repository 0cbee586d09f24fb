"""The start page leads to a project."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs.models import Membership, Project, User
from tests import factories
from tests.pages import Page


@pytest.fixture
def second_project(project: Project, member: User) -> Project:
    """A second project of the member, with a slug that sorts before the first one's."""
    second = factories.make_project("another")
    Membership.objects.create(user=member, project=second)
    return second


def home_location(client: Client) -> str:
    response = client.get("/")
    assert response.status_code == 302
    return str(response["Location"])


def test_home_needs_sign_in(client, db):
    assert home_location(client) == "/login/?next=/"


def test_first_visit_leads_to_first_project(member_client, second_project):
    assert home_location(member_client) == "/p/another/runs/"


@pytest.mark.parametrize("page", ["runs", "connect"])
def test_home_leads_to_last_visited_project(member_client, second_project, page):
    member_client.get(f"/p/default/{page}/")
    assert home_location(member_client) == "/p/default/runs/"
    member_client.get(f"/p/another/{page}/")
    assert home_location(member_client) == "/p/another/runs/"


def test_invisible_project_is_not_remembered(member_client, second_project):
    factories.make_project("secret")
    member_client.get("/p/default/runs/")
    assert member_client.get("/p/secret/runs/").status_code == 404
    assert home_location(member_client) == "/p/default/runs/"


def test_home_skips_a_project_that_was_left(member_client, second_project, member):
    member_client.get("/p/default/runs/")
    member.memberships.filter(project__slug="default").delete()
    assert home_location(member_client) == "/p/another/runs/"


def test_last_project_cookie_is_hidden_from_scripts(member_client, project):
    cookie = member_client.get("/p/default/runs/").cookies[settings.LAST_PROJECT_COOKIE_NAME]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("default", True, "Lax")
    assert settings.LAST_PROJECT_COOKIE_NAME not in member_client.get("/p/default/runs/").cookies


def test_visiting_pages_writes_nothing(member_client, project):
    with CaptureQueriesContext(connection) as captured:
        for page in ("runs", "threads", "assistants", "tools", "errors", "actions", "usage", "connect"):
            assert member_client.get(f"/p/default/{page}/").status_code == 200
    statements = [query["sql"] for query in captured.captured_queries]
    assert {statement.split()[0] for statement in statements} <= {"SELECT", "WITH"}
    writing = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM)\b")
    assert not [statement for statement in statements if writing.search(statement)]


def test_user_without_project_sees_what_to_do(client, db):
    client.force_login(factories.make_user(name="mokafor"))
    response = client.get("/")
    assert response.status_code == 200
    page = Page(response)
    assert page.has("heading", "You are not a member of any project")
    assert page.text.endswith("Your user name is mokafor.")
