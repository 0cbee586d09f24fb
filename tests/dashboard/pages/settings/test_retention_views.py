"""The page of retention."""

from __future__ import annotations

import pytest
from django.test import Client

from runs.models import AuditEvent, Project, RetentionPolicy
from tests import factories
from tests.pages import Page

URL = "/p/default/settings/retention/"
LIMITS = {
    "unsuccessful-max_age_days": "90",
    "unsuccessful-max_runs": "",
    "other-max_age_days": "30",
    "other-max_runs": "1000",
}


@pytest.fixture
def admin_client(project: Project) -> Client:
    client = Client()
    client.force_login(factories.make_user(project, role="admin", name="root"))
    return client


def confirm(client: Client, **changes: str) -> Page:
    """Post limits, and post them again as the preview has them."""
    preview = Page(client.post(URL, LIMITS | changes))
    return Page(client.post(URL, dict(preview.form("Retention").values), follow=True))


def test_limits_are_previewed_before_they_are_set(admin_client: Client, project: Project) -> None:
    factories.post_run(project, id="run_old", created_at=1_700_000_000)
    preview = Page(admin_client.post(URL, LIMITS))
    assert "1 run beyond these limits now, created from 14 Nov 2023" in preview.region("All other runs").text
    assert "No run is beyond" in preview.region("Failed, incomplete and expired runs").text
    assert preview.link("Show runs of all other runs").url.startswith("/p/default/runs/?to=")
    assert not RetentionPolicy.objects.exists()
    page = Page(admin_client.post(URL, dict(preview.form("Retention").values), follow=True))
    assert page.status().text.startswith("Retention changed.")
    assert page.region("All other runs").field("Runs to keep").value == "1000"
    assert [event.action for event in AuditEvent.objects.newest(project)] == [
        "changed the retention of all other runs from no limit to at most 30 days, at most 1,000 runs",
        "changed the retention of failed, incomplete and expired runs from no limit to at most 90 days",
    ]


def test_limits_that_were_not_previewed_are_refused(admin_client: Client) -> None:
    values = dict(Page(admin_client.post(URL, LIMITS)).form("Retention").values)
    page = Page(admin_client.post(URL, values | {"other-max_runs": "1"}))
    assert page.has("button", "Set limits")
    assert not RetentionPolicy.objects.exists()


def test_previewed_list_has_the_counted_runs(admin_client: Client, project: Project) -> None:
    for number in range(3):
        factories.post_run(project, id=f"run_old{number}", created_at=1_700_000_000 + number)
    preview = Page(admin_client.post(URL, LIMITS | {"other-max_age_days": "", "other-max_runs": "1"}))
    listed = Page(admin_client.get(preview.link("Show runs of all other runs").url))
    assert "run_old0" in listed.text
    assert "run_old1" in listed.text
    assert "run_old2" not in listed.text


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "x", "36501", "9" * 30])
def test_invalid_days_are_refused(admin_client: Client, value: str) -> None:
    response = admin_client.post(URL, LIMITS | {"other-max_age_days": value})
    assert response.status_code == 422
    assert "Days to keep" in Page(response).alert().text
    assert not RetentionPolicy.objects.exists()


def test_limits_can_be_removed(admin_client: Client, project: Project) -> None:
    confirm(admin_client)
    confirm(admin_client, **dict.fromkeys(LIMITS, ""))
    assert {policy.describe_limits() for policy in RetentionPolicy.objects.all()} == {"no limit"}
