"""The shell around pages: navigation, content security policy, and error pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from runs.models import Membership, Project
from tests.pages import Page

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.dashboard.web.shell_urls")]


@pytest.fixture
def user() -> Any:
    return get_user_model().objects.create_user("mokafor", password="x", first_name="M.", last_name="Okafor")


@pytest.fixture
def project(user):
    project = Project.objects.create(slug="support", name="Support <prod>")
    Membership.objects.create(user=user, project=project, role="member")
    return project


def test_shell_shows_own_projects_and_pages(client, user, project):
    Project.objects.create(slug="foreign", name="Foreign")
    client.force_login(user)
    response = client.get("/p/support/runs/run_1/")
    assert "Support &lt;prod&gt;" in response.content.decode()
    assert "Foreign" not in response.content.decode()
    assert "M. Okafor · member" in response.content.decode()
    navigation = Page(response).navigation()
    assert (navigation.link("Runs").url, navigation.link("Runs").is_current) == ("/p/support/runs/", True)
    assert not navigation.has("link", "Connect")
    connect = Page(response).navigation("Project").link("Connect")
    assert (connect.url, connect.is_current) == ("/p/support/connect/", False)


def test_titles_end_with_project_and_product(client, user, project):
    client.force_login(user)
    assert Page(client.get("/p/support/runs/")).title == "Runglass · Support <prod> · Runglass"
    assert Page(client.get("/account/password/")).title == "Change password · Runglass"


def test_foreign_project_in_url_is_not_shown(client, user, project):
    Project.objects.create(slug="foreign", name="Foreign")
    client.force_login(user)
    html = client.get("/p/foreign/runs/").content.decode()
    assert "Foreign" not in html
    assert "Okafor" in html


def test_number_of_queries_is_constant(client, user, project, django_assert_num_queries):
    for n in range(10):
        other = Project.objects.create(slug=f"other-{n}", name=f"Other {n}")
        Membership.objects.create(user=user, project=other)
    client.force_login(user)
    with django_assert_num_queries(4):  # session, user, projects, roles
        client.get("/p/support/runs/")


def test_policy_forbids_inline_and_foreign_content(client):
    response = client.get("/login/")
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy.split("; "))
    assert {"frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} <= set(policy.split("; "))
    html = response.content.decode()
    assert " style=" not in html
    assert html.count("<script") == html.count("<script src=")


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [("/nothing", 404, "Page not found"), ("/denied", 403, "Your role does not allow this")],
)
def test_errors_are_rendered_in_the_shell(client, user, project, path, status, sentence):
    client.force_login(user)
    response = client.get(path)
    assert response.status_code == status
    assert sentence in response.content.decode()
    assert "M. Okafor" in response.content.decode()
    assert Page(response).main.link("Go to runs").url == "/"


def test_missing_object_is_named(client, user, project):
    client.force_login(user)
    assert Page(client.get("/p/support/threads/thread_1/")).main.has("heading", "No thread with this id")


@pytest.mark.parametrize(("method", "is_told"), [("get", False), ("post", True)])
def test_only_refused_forms_say_nothing_changed(client, user, project, method, is_told):
    client.force_login(user)
    response = getattr(client, method)("/denied")
    assert response.status_code == 403
    assert ("Nothing was changed." in Page(response).text) is is_told


def test_server_error_page_needs_no_database(client, django_assert_num_queries):
    client.raise_request_exception = False
    with django_assert_num_queries(0):
        response = client.get("/broken")
    assert response.status_code == 500
    assert Page(response).link("Runglass").url == "/"
    assert Page(response).has("heading", "Internal server error")
    assert "broken on purpose" not in response.content.decode()


def test_unknown_host_gets_an_error_page(client):
    response = client.get("/", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert "evil.example" not in response.content.decode()
