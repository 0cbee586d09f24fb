"""The status page: who sees it, and what it shows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from dashboard.monitoring.instance_state import InstanceStateCollector
from dashboard.monitoring.recent_activity import RecentActivity
from dashboard.monitoring.request_record import RequestRecord
from dashboard.pages.status import instance_numbers
from runs.enrichment.maintenance import Maintenance
from runs.models import Project
from tests import factories
from tests.pages import Page


@pytest.fixture
def admin_client(project: Project) -> Client:
    client = Client()
    client.force_login(factories.make_user(project, "admin"))
    return client


@pytest.fixture
def monitoring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shared directory of an instance with a state, a slow read in each of two projects, and a refusal."""
    monkeypatch.setattr(instance_numbers, "get_shared_directory", lambda: tmp_path)
    activity, now = RecentActivity(), time.monotonic()
    for slug in ("default", "other"):
        record = RequestRecord(f"id-of-{slug}", "GET", "/", "", started=now - 7.5, ended=now, route="runs", status=200)
        record.project, record.question = slug, f"question in {slug}"
        activity.note_request(record)
    activity.note_refusal("too_many_requests", "downloads", "10.0.0.9")
    activity.write(tmp_path, "worker-1")
    return tmp_path


def test_status_draws_the_numbers(admin_client: Client, project: Project, monitoring: Path) -> None:
    InstanceStateCollector(monitoring).collect(Maintenance())
    page = Page(admin_client.get("/status/"))
    slow = page.table("Table of slow reads")
    assert slow.row("id-of-default")["Duration"].text == "7.5 s"
    assert slow.row("id-of-default")["Query"].text == "question in default"
    assert slow.row("id-of-other")["Query"].text == ""
    refusal = page.table("Table of refusals").rows[0]
    assert (refusal["Reason"].text, refusal["Address"].text) == ("too_many_requests", "10.0.0.9")
    assert page.table("Table of tables").row("run_step")["Size with indexes"].text.endswith("B")
    assert page.definition("Last backup").text == "none"


def test_status_json_has_the_same(admin_client: Client, monitoring: Path, project: Project) -> None:
    InstanceStateCollector(monitoring).collect(Maintenance())
    document = admin_client.get("/status.json").json()
    assert document["slow_requests"][0]["seconds"] == 7.5
    assert [refusal["lane"] for refusal in document["refusals"]] == ["downloads"]
    assert document["state"]["database"]["size_bytes"] > 0
    assert "question in other" not in str(document)


def test_old_state_is_a_warning(admin_client: Client, monitoring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    InstanceStateCollector(monitoring).collect(Maintenance())
    now = time.time()
    monkeypatch.setattr(instance_numbers.time, "time", lambda: now + 600)
    assert "has not reported" in Page(admin_client.get("/status/")).text


def test_status_without_state(admin_client: Client) -> None:
    assert "Not reported yet" in Page(admin_client.get("/status/")).text


@pytest.mark.parametrize(("slug", "role", "is_shown"), [("default", "admin", True), ("default", "member", False),
                                                        ("other", "admin", False)])  # fmt: skip
def test_status_is_linked_for_administrators(client: Client, db: Any, slug: str, role: str, is_shown: bool) -> None:
    client.force_login(factories.make_user(factories.make_project(slug), role))
    page = Page(client.get(f"/p/{slug}/runs/"))
    assert page.has("link", "Status") is is_shown
    assert client.get("/status/").status_code == (200 if is_shown else 403)
