"""API keys: shown once, limited, replaced and revoked; the limit of requests."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from runs.models import ApiKey, AuditEvent, Project
from runs.team.api_keys import create_api_key, find_api_key
from tests import factories
from tests.pages import Page

URL = "/p/default/settings/keys/"


def audit_log(project: Project) -> list[str]:
    return [str(event) for event in AuditEvent.objects.newest(project)]


def test_created_key_works_until_revoked(admin_client: Client, project: Project) -> None:
    created = admin_client.post(URL, {"name": "nightly <import>", "scopes": ["ingest"]})
    secret = Page(created).button("Copy key").get("data-copy") or ""
    assert secret in Page(created).status().text
    key = find_api_key(secret)
    assert key is not None
    assert (key.name, key.scopes, key.project) == ("nightly <import>", ["ingest"], project)
    assert "no-store" in created["Cache-Control"]
    later = admin_client.get(URL)
    assert secret not in later.content.decode()
    row = Page(later).table("Table of API keys").row("nightly <import>")
    assert (row["Scopes"].text, row["Last used"].text != "never") == ("ingest", True)
    assert admin_client.post(f"{URL}{key.pk}").status_code == 302
    assert find_api_key(secret) is None
    assert audit_log(project) == [
        f"ada revoked the API key nightly <import> ({key.prefix}…)",
        "ada created the API key nightly <import> (ingest)",
    ]


def test_key_expires_after_the_chosen_time(admin_client: Client, project: Project) -> None:
    form = {"name": "script", "scopes": "read", "expires_in_days": "90"}
    created = admin_client.post(URL, form)
    row = Page(created).table("Table of API keys").row("script")
    assert row["Expires"].text not in ("", "never")
    assert audit_log(project) == ["ada created the API key script (read, expires in 90 days)"]
    ApiKey.objects.update(expires_at=timezone.now())
    row = Page(admin_client.get(URL)).table("Table of API keys").row("script")
    assert row["Expires"].text.startswith("expired")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": "", "scopes": "read"}, "Name"),
        ({"name": "x", "scopes": "read", "expires_in_days": "7"}, "Expires in days"),
        ({"name": "x"}, "Scopes"),
        ({"name": "x", "scopes": "all"}, "Scopes"),
        ({"name": "x", "scopes": "read", "description": "x" * 301}, "Description"),
        ({"name": "x", "scopes": "read", "query": "stauts:failed"}, "Query"),
        ({"name": "x", "scopes": ["read", "ingest"], "query": "status:failed"}, "Scopes"),
    ],
)
def test_invalid_key_form_names_the_field(admin_client: Client, form: dict[str, str], field: str) -> None:
    response = admin_client.post(URL, form)
    assert response.status_code == 422
    assert Page(response).alert().text.startswith(field)
    assert not ApiKey.objects.exists()


def test_key_of_another_project_gets_404(admin_client: Client) -> None:
    secret = factories.make_key(factories.make_project("other"))
    key = find_api_key(secret)
    assert key is not None
    assert admin_client.post(f"{URL}{key.pk}").status_code == 404
    assert find_api_key(secret) is not None


def test_replaced_key_stays_valid_for_a_while(admin_client: Client, project: Project) -> None:
    limits = {"description": "by cron", "query": "status:failed"}
    secret = create_api_key(project, "nightly", ["read"], timedelta(days=90), **limits)
    old, now = ApiKey.objects.get(), timezone.now()
    ApiKey.objects.update(created_at=now - timedelta(days=60), expires_at=now + timedelta(days=30))
    page = Page(admin_client.post(f"{URL}{old.pk}/replace", {"grace_hours": "168"}))
    new = find_api_key(page.button("Copy key").get("data-copy") or "")
    assert new is not None
    assert new.pk != old.pk
    assert [getattr(new, name) for name in ("name", "scopes", "description", "query")] == [
        *("nightly", ["read"], "by cron", "status:failed"),
    ]
    assert new.expires_at is not None
    assert now + timedelta(days=89) < new.expires_at < now + timedelta(days=91)
    assert find_api_key(secret) is not None
    old.refresh_from_db()
    assert old.expires_at is not None
    assert now + timedelta(days=6) < old.expires_at < now + timedelta(days=8)
    assert audit_log(project) == [f"ada replaced the API key nightly ({old.prefix}…), which expires in 168 hours"]


def test_replacement_never_prolongs_a_key(admin_client: Client, project: Project) -> None:
    create_api_key(project, "nightly", lifetime=timedelta(hours=2))
    key = ApiKey.objects.get()
    admin_client.post(f"{URL}{key.pk}/replace", {"grace_hours": "720"})
    assert ApiKey.objects.get(pk=key.pk).expires_at == key.expires_at
    assert admin_client.post(f"{URL}{key.pk}/replace", {"grace_hours": "5"}).status_code == 422
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    assert admin_client.post(f"{URL}{key.pk}/replace", {"grace_hours": "1"}).status_code == 404


def test_key_shows_query_and_last_use(admin_client: Client, project: Project) -> None:
    admin_client.post(URL, {"name": "acme", "scopes": "read", "query": "metadata.customer:acme", "description": "page"})
    key = ApiKey.objects.get()
    assert audit_log(project) == ["ada created the API key acme (read, only runs that match metadata.customer:acme)"]
    ApiKey.objects.update(last_used_at=timezone.now(), last_used_address="192.0.2.7")
    row = Page(admin_client.get(URL)).table("Table of API keys").row("acme")
    assert row["Scopes"].text == "read only metadata.customer:acme"
    assert row["Last used"].text.endswith("from 192.0.2.7")
    assert row.cells[0].text == "acme page"
    assert key.query == "metadata.customer:acme"


def test_request_limit_is_set_and_removed(admin_client: Client, project: Project) -> None:
    for value in ("60", "60", ""):
        page = Page(admin_client.post(f"{URL}limit", {"max_requests": value}, follow=True))
        assert page.field("Requests a minute").value == value
    assert audit_log(project) == [
        "ada changed the limit of requests a minute from 60 to none",
        "ada changed the limit of requests a minute from none to 60",
    ]
    for value in ("0", "-1", "many", "1000001"):
        refused = admin_client.post(f"{URL}limit", {"max_requests": value})
        assert refused.status_code == 422
        assert Page(refused).alert().text.startswith("Requests a minute")
