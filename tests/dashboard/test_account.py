"""Signing in and out, the shell around pages, and failures as pages."""

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from runs.models import Membership, Project

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.dashboard.shell_urls")]
SECRET = "correct horse battery"


@pytest.fixture
def user():
    return get_user_model().objects.create_user("mokafor", password=SECRET, first_name="M.", last_name="Okafor")


@pytest.fixture
def project(user):
    project = Project.objects.create(slug="support", name="Support <prod>")
    Membership.objects.create(user=user, project=project, role="member")
    return project


def attempt(client: Client, password: str = SECRET, **extra):
    return client.post("/login/", {"username": "mokafor", "password": password}, **extra)


def test_the_right_password_leads_home(client, user):
    response = attempt(client)
    assert (response.status_code, response["Location"]) == (302, "/")


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/p/support/runs/?status=failed", "/p/support/runs/?status=failed"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
    ],
)
def test_signing_in_returns_to_pages_of_this_site_only(client, user, wanted, reached):
    response = client.post("/login/?" + "next=" + wanted, {"username": "mokafor", "password": SECRET})
    assert response["Location"] == reached


def test_a_wrong_password_is_said_accessibly_and_tells_what_is_left(client, user):
    html = attempt(client, "wrong").content.decode()
    assert "User name or password is not right." in html
    assert "4 attempts left." in " ".join(html.split())
    assert 'role="alert" id="problem"' in html
    assert 'aria-describedby="problem"' in html
    assert 'value="mokafor"' in html
    assert "wrong" not in html


def test_missing_fields_are_named(client):
    assert "Enter both user name and password." in client.post("/login/", {}).content.decode()


def test_what_was_typed_is_escaped(client):
    html = client.post("/login/", {"username": '"><script>', "password": "x"}).content.decode()
    assert '"><script>' not in html


def test_the_fifth_wrong_password_locks_user_name_and_address_for_a_while(client, user):
    for _ in range(5):
        response = attempt(client, "wrong")
    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    assert "Wait 15 minutes" in response.content.decode()
    assert attempt(client).status_code == 429
    assert attempt(client, REMOTE_ADDR="192.0.2.7").status_code == 302


def test_the_form_is_not_cached(client):
    assert "no-store" in client.get("/login/")["Cache-Control"]


def test_who_is_signed_in_is_not_asked_again(client, user):
    client.force_login(user)
    assert client.get("/login/")["Location"] == "/"


def test_a_fragment_of_an_ended_session_sends_the_whole_browser_to_the_form(client):
    response = client.get(
        "/login/?next=/p/support/runs/%3Fcursor%3D1",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/p/support/runs/?status=failed"},
    )
    assert response["HX-Redirect"] == "/login/?next=%2Fp%2Fsupport%2Fruns%2F%3Fstatus%3Dfailed"
    assert not response.content


def test_signing_out_takes_a_post(client, user):
    client.force_login(user)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert "_auth_user_id" not in client.session


def test_the_shell_shows_the_projects_and_pages_of_the_user(client, user, project):
    Project.objects.create(slug="foreign", name="Foreign")
    client.force_login(user)
    html = client.get("/p/support/runs/run_1/").content.decode()
    assert "Support &lt;prod&gt;" in html
    assert "Foreign" not in html
    assert "M. Okafor · member" in html
    assert '<a href="/p/support/runs/" aria-current="page" data-key="g r">Runs</a>' in html
    assert '<a href="/p/support/connect/" data-key="g c">Connect</a>' in html


def test_a_foreign_project_in_the_url_is_not_shown(client, user, project):
    Project.objects.create(slug="foreign", name="Foreign")
    client.force_login(user)
    html = client.get("/p/foreign/runs/").content.decode()
    assert "Foreign" not in html
    assert "Okafor" in html


def test_the_shell_costs_the_same_however_many_projects_there_are(client, user, project, django_assert_num_queries):
    for n in range(10):
        other = Project.objects.create(slug=f"other-{n}", name=f"Other {n}")
        Membership.objects.create(user=user, project=other)
    client.force_login(user)
    with django_assert_num_queries(4):  # session, user, projects, roles
        client.get("/p/support/runs/")


def test_every_page_forbids_what_is_inline_or_from_elsewhere(client):
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
    [("/nothing", 404, "Nothing here"), ("/denied", 403, "Your role does not allow this")],
)
def test_failures_are_pages_of_the_shell(client, user, project, path, status, sentence):
    client.force_login(user)
    response = client.get(path)
    assert response.status_code == status
    assert sentence in response.content.decode()
    assert "M. Okafor" in response.content.decode()


def test_a_server_error_is_shown_without_the_database(client, django_assert_num_queries):
    client.raise_request_exception = False
    with django_assert_num_queries(0):
        response = client.get("/broken")
    assert response.status_code == 500
    assert "The server could not finish this" in response.content.decode()
    assert "broken on purpose" not in response.content.decode()


def test_a_host_that_is_not_ours_gets_a_page(client):
    response = client.get("/", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert "evil.example" not in response.content.decode()


def test_a_form_without_its_token_is_explained(user):
    client = Client(enforce_csrf_checks=True)
    response = attempt(client)
    assert response.status_code == 403
    assert "This form is too old" in response.content.decode()


def test_lockout_needs_user_name_and_address_together():
    assert settings.AXES_LOCKOUT_PARAMETERS == [["username", "ip_address"]]
