"""Members: added, given another role, removed; one administrator stays."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from runs.models import AuditEvent, Membership, Project, User
from tests import factories
from tests.pages import Page

URL = "/p/default/settings/members/"


def audit_log(project: Project) -> list[str]:
    return [str(event) for event in AuditEvent.objects.newest(project)]


def test_new_user_gets_password_shown_once(admin_client: Client, project: Project) -> None:
    added = Page(admin_client.post(URL, {"name": "grace", "role": "member"}))
    password = added.button("Copy password").get("data-copy") or ""
    assert password in added.status().text
    assert Client().post("/login/", {"username": "grace", "password": password}).status_code == 302
    assert password not in admin_client.get(URL).content.decode()
    assert Membership.objects.get(user__username="grace").role == "member"
    assert audit_log(project) == ["ada added grace as member"]


def test_existing_user_keeps_password(admin_client: Client, project: Project) -> None:
    user = factories.make_user(factories.make_project("other"), name="grace")
    assert admin_client.post(URL, {"name": "grace", "role": "viewer"}).status_code == 302
    assert factories.role_of(user, project) == "viewer"
    assert user.check_password(factories.PASSWORD)


@pytest.mark.parametrize("name", ["ada", "", "no spaces", "x" * 151])
def test_invalid_member_name_is_rejected(admin_client: Client, name: str) -> None:
    response = admin_client.post(URL, {"name": name, "role": "viewer"})
    assert response.status_code == 422
    assert Page(response).alert().text.startswith("Name")
    assert get_user_model().objects.count() == 1


def test_members_change_roles_and_leave(admin_client: Client, project: Project) -> None:
    grace = factories.make_user(project, role="viewer", name="grace")
    url = f"{URL}{Membership.objects.get(user=grace).pk}"
    admin_client.post(url, {"role": "member"})
    assert factories.role_of(grace, project) == "member"
    admin_client.post(url, {"role": "remove"})
    assert factories.role_of(grace, project) == ""
    assert audit_log(project) == ["ada removed grace from the project", "ada changed the role of grace to member"]


@pytest.mark.parametrize("role", ["viewer", "remove"])
def test_last_administrator_stays(admin_client: Client, admin: User, project: Project, role: str) -> None:
    url = f"{URL}{Membership.objects.get(user=admin).pk}"
    page = Page(admin_client.post(url, {"role": role}, follow=True))
    assert page.status().text == "A project needs an administrator, and this is the last one."
    assert factories.role_of(admin, project) == "admin"
    assert audit_log(project) == []


def test_one_of_two_administrators_may_leave(admin_client: Client, admin: User, project: Project) -> None:
    factories.make_user(project, role="admin")
    url = f"{URL}{Membership.objects.get(user=admin).pk}"
    assert admin_client.post(url, {"role": "remove"})["Location"] == "/"
