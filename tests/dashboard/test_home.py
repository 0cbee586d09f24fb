"""The front door."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.models import Membership
from tests import factories


@pytest.fixture
def both(project, member):
    """A second project of the member; by its slug it comes before the first one."""
    other = factories.make_project("another")
    Membership.objects.create(user=member, project=other)
    return other


def home(client) -> str:
    response = client.get("/")
    assert response.status_code == 302
    return str(response["Location"])


def test_it_asks_for_a_login(client, db):
    assert home(client) == "/login/?next=/"


def test_the_first_time_it_leads_to_the_first_project(member_client, both):
    assert home(member_client) == "/p/another/runs/"


@pytest.mark.parametrize("page", ["runs", "connect"])
def test_it_leads_back_to_the_project_that_was_seen_last(member_client, both, page):
    member_client.get(f"/p/default/{page}/")
    assert home(member_client) == "/p/default/runs/"
    member_client.get(f"/p/another/{page}/")
    assert home(member_client) == "/p/another/runs/"


def test_a_project_that_one_may_not_see_is_not_remembered(member_client, both):
    factories.make_project("secret")
    member_client.get("/p/default/runs/")
    assert member_client.get("/p/secret/runs/").status_code == 404
    assert home(member_client) == "/p/default/runs/"


def test_whoever_left_a_project_is_led_elsewhere(member_client, both, member):
    member_client.get("/p/default/runs/")
    member.memberships.filter(project__slug="default").delete()
    assert home(member_client) == "/p/another/runs/"


def test_the_memory_is_a_cookie_that_scripts_can_not_read(member_client, project):
    cookie = member_client.get("/p/default/runs/").cookies["project"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("default", True, "Lax")
    assert "project" not in member_client.get("/p/default/runs/").cookies


def test_looking_around_writes_nothing(member_client, project):
    with CaptureQueriesContext(connection) as captured:
        for page in ("runs", "threads", "assistants", "tools", "errors", "actions", "usage", "connect"):
            assert member_client.get(f"/p/default/{page}/").status_code == 200
    statements = [query["sql"] for query in captured.captured_queries]
    assert {statement.split()[0] for statement in statements} <= {"SELECT", "WITH"}
    writing = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM)\b")
    assert not [statement for statement in statements if writing.search(statement)]


def test_without_a_project_it_says_how_to_get_into_one(client, db):
    client.force_login(factories.make_user(name="mokafor"))
    response = client.get("/")
    assert response.status_code == 200
    assert "You are not in a project yet" in response.content.decode()
    assert "<code>mokafor</code>" in response.content.decode()
