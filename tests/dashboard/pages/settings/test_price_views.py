"""The page of prices."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from runs.models import AuditEvent, Project
from tests import factories
from tests.pages import Page

URL = "/p/default/settings/prices/"
PRICE = {"model": "house-model", "input": "2.50", "output": "10", "cached": ""}


@pytest.fixture
def admin_client(project: Project) -> Client:
    client = Client()
    client.force_login(factories.make_user(project, role="admin", name="root"))
    return client


@pytest.fixture
def recent_runs(project: Project) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    for model in ("house-model", "gpt-4o", None):
        factories.post_run(project, model=model, usage=usage, created_at=int(time.time()) - 60)


def test_models_without_price_are_listed(admin_client: Client, recent_runs: None) -> None:
    page = Page(admin_client.get(URL))
    (row,) = page.table("Models without a price").rows
    assert (row["Model"].text, row["Runs, 90 days"].text, row["Tokens"].text) == ("house-model", "1", "1.10 k")
    assert row["Model"].link().url == "/p/default/runs/?model=house-model&from=-90d"
    assert row.link("Set price of house-model").url == "?model=house-model"
    assert Page(admin_client.get(f"{URL}?model=house-model")).field("Model, as posted").value == "house-model"


def test_administrator_sets_and_removes_price(project: Project, admin_client: Client, recent_runs: None) -> None:
    page = Page(admin_client.post(URL, PRICE, follow=True))
    assert page.status().text.startswith("You set the price of house-model.")
    assert page.region("Models without a price").text.endswith("every model used in the last 90 days has a price.")
    (row,) = page.table("Set by the project").rows
    assert [cell.text for cell in row.cells][:4] == ["house-model", "$2.5", "$10", "as input"]
    admin_client.post(f"{URL}remove", {"model": "house-model"})
    admin_client.post(f"{URL}remove", {"model": "house-model"})
    assert Project.objects.get(pk=project.pk).prices == {}
    actions = [event.action for event in AuditEvent.objects.newest(project)]
    assert actions == ["removed the price of house-model", "set the price of house-model"]


def test_invalid_price_is_shown_with_reason(admin_client: Client) -> None:
    response = admin_client.post(URL, PRICE | {"output": "cheap"})
    assert response.status_code == 422
    assert Page(response).alert().text.startswith("output: expected dollars such as 2.50")
    assert Page(response).field("Output").value == "cheap"


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_only_administrators_set_prices(project: Project, recent_runs: None, role: str) -> None:
    client = Client()
    client.force_login(factories.make_user(project, role=role))
    page = Page(client.get(URL))
    assert page.table("Models without a price").row("house-model")
    assert not page.has("button", "Set price")
    assert not page.has("link", "Set price of house-model")
    assert client.post(URL, PRICE).status_code == 403
    assert client.post(f"{URL}remove", {"model": "x"}).status_code == 403
    assert Project.objects.get(pk=project.pk).prices == {}


def test_unknown_parameter_is_rejected(admin_client: Client) -> None:
    assert admin_client.get(f"{URL}?modle=x").status_code == 400
