"""One-time passwords must be changed at the first sign-in, and expire."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from runs.models import AuditEvent, Project, User
from tests import factories
from tests.pages import Page

CHANGE = "/account/password/"
CHOSEN = "zwölf Boxkämpfer jagen"


@pytest.fixture
def password(project: Project) -> str:
    """The one-time password of the new user mira."""
    out = io.StringIO()
    call_command("create_user", "mira", stdout=out)
    return out.getvalue().strip()


def sign_in(password: str) -> tuple[Client, Any]:
    client = Client()
    return client, client.post("/login/?next=/p/default/usage/", {"username": "mira", "password": password})


def test_every_page_leads_to_the_change(password: str) -> None:
    client, response = sign_in(password)
    assert response["Location"] == "/p/default/usage/"
    assert client.get("/p/default/usage/")["Location"] == f"{CHANGE}?next=%2Fp%2Fdefault%2Fusage%2F"
    assert client.get("/")["Location"] == f"{CHANGE}?next=%2F"
    assert client.post("/p/default/tags/", {"run": "x"})["Location"] == f"{CHANGE}?next=%2F"
    assert client.get("/projects/new/").status_code == 302
    fragment = client.get("/p/default/new-runs/", headers={"HX-Request": "true", "HX-Target": "new-runs"})
    assert fragment["HX-Redirect"] == CHANGE
    on_this_page = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{CHANGE}?next=/"}
    assert client.get("/p/default/receiving/", headers=on_this_page).status_code == 204
    assert client.get(CHANGE).status_code == 200


def test_chosen_password_leads_to_the_page(password: str) -> None:
    client, _ = sign_in(password)
    page = Page(client.get(f"{CHANGE}?next=/p/default/usage/"))
    assert page.has("heading", "Choose a password")
    assert "one-time password" in page.text
    form = {"new_password1": CHOSEN, "new_password2": CHOSEN}
    assert client.post(f"{CHANGE}?next=/p/default/usage/", form)["Location"] == "/p/default/usage/"
    assert client.get("/p/default/usage/").status_code == 200
    assert User.objects.get().password_expires_at is None
    assert sign_in(password)[1].status_code == 200
    assert sign_in(CHOSEN)[1].status_code == 302
    assert "mira changed the password" in [str(event) for event in AuditEvent.objects.newest(None)]


def test_one_time_password_is_not_kept(password: str) -> None:
    client, _ = sign_in(password)
    response = client.post(CHANGE, {"new_password1": password, "new_password2": password})
    assert response.status_code == 422
    assert "Choose another one" in Page(response).alert().text
    assert User.objects.get().has_one_time_password


def test_expired_password_is_refused_with_the_command(password: str) -> None:
    expires_at = User.objects.get().password_expires_at
    assert expires_at is not None
    assert abs(expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    User.objects.update(password_expires_at=timezone.now() - timedelta(seconds=1))
    client, response = sign_in(password)
    assert Page(response).alert().text.endswith("uv run manage.py reset_password mira")
    assert "_auth_user_id" not in client.session
    assert "expired" not in Page(sign_in("wrong")[1]).alert().text


def test_reset_ends_sessions_and_issues_a_password(project: Project) -> None:
    user = factories.make_user(project, name="mira")
    client = Client()
    client.force_login(user)
    out = io.StringIO()
    call_command("reset_password", "mira", stdout=out)
    assert client.get("/p/default/runs/").status_code == 302
    client, response = sign_in(out.getvalue().strip())
    assert (response.status_code, client.get("/p/default/runs/").status_code) == (302, 302)


def test_change_ends_other_sessions(member: User) -> None:
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        client.force_login(member)
    form = {"old_password": factories.PASSWORD, "new_password1": CHOSEN, "new_password2": CHOSEN}
    assert here.post(CHANGE, form).status_code == 302
    assert (here.get("/p/default/runs/").status_code, elsewhere.get("/p/default/runs/").status_code) == (200, 302)


def test_api_keys_work_before_the_change(password: str, project: Project) -> None:
    key = factories.make_key(project)
    assert Client().get("/api/v1/runs", headers={"Authorization": f"Bearer {key}"}).status_code == 200
