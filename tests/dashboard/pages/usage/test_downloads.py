"""The usage report as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from django.test import Client

from runs.models import Project
from tests import factories
from tests.runs.analytics.usage.seeded_project import seed

JSON_URL, CSV_URL = "/p/default/usage.json", "/p/default/usage.csv"


def csv_rows(client: Client, url: str) -> list[dict[str, str]]:
    response = client.get(url)
    assert re.search(r'filename="default-usage-[0-9-]+\.csv"', response["Content-Disposition"])
    return list(csv.DictReader(io.StringIO(response.getvalue().decode().removeprefix("\ufeff"))))


def test_downloads_have_the_numbers_of_the_page(client: Client, project: Project) -> None:
    seed(project)
    breakdown = client.get("/p/default/usage/?split=assistant").context["breakdown"]
    document = json.loads(client.get(f"{JSON_URL}?split=assistant").content)
    assert document["time_zone"] == "Asia/Kolkata"
    assert {group["key"]: group["totals"]["total_tokens"] for group in document["groups"]} == {
        row.label: row.sums.total_tokens for row in breakdown.rows
    }
    rows = csv_rows(client, f"{CSV_URL}?split=assistant")
    assert sum(int(row["total_tokens"]) for row in rows) == document["totals"]["total_tokens"]
    assert sum(float(row["cost_usd"]) for row in rows) == pytest.approx(document["totals"]["cost_usd"])
    kinds = csv_rows(client, f"{CSV_URL}?split=kind")
    assert sum(int(row["total_tokens"]) for row in kinds) == document["totals"]["total_tokens"]
    assert "runs" not in kinds[0]


@pytest.mark.parametrize("url", [JSON_URL, CSV_URL])
def test_invalid_split_gets_a_hint(client: Client, url: str) -> None:
    response = client.get(f"{url}?split=modle")
    assert response.status_code == 400
    assert "did you mean" in response.content.decode()


@pytest.mark.parametrize("url", [JSON_URL, CSV_URL])
def test_non_member_gets_404(project: Project, url: str) -> None:
    stranger = Client()
    stranger.force_login(factories.make_user(name="stranger"))
    assert stranger.get(url).status_code == 404
