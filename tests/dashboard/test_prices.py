"""The page of prices."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from runs.models import AuditEvent, Project
from tests import factories

PAGE = "/p/default/settings/prices/"
PRICE = {"model": "house-model", "input": "2.50", "output": "10", "cached": ""}


@pytest.fixture
def admin_client(project: Project) -> Client:
    client = Client()
    client.force_login(factories.make_user(project, role="admin", name="root"))
    return client


@pytest.fixture
def ran(project: Project) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    for model in ("house-model", "gpt-4o", None):
        factories.post_run(project, model=model, usage=usage, created_at=int(time.time()) - 60)


def test_models_without_a_price_are_listed_with_their_runs(admin_client: Client, ran: None) -> None:
    response = admin_client.get(PAGE)
    (found,) = response.context["unpriced"]
    assert (found.model, found.runs, found.tokens) == ("house-model", 1, 1100)
    assert found.url == "/p/default/runs/?model=house-model&from=-90d"
    assert '<a href="?model=house-model">Set a price' in response.content.decode()
    assert 'name="model" value="house-model"' in admin_client.get(f"{PAGE}?model=house-model").content.decode()


def test_an_administrator_sets_and_removes_a_price(project: Project, admin_client: Client, ran: None) -> None:
    response = admin_client.post(PAGE, PRICE, follow=True)
    assert "You set the price of house-model." in response.content.decode()
    assert not response.context["unpriced"]
    assert response.context["own"] == [("house-model", {"input": "2.5", "output": "10"})]
    admin_client.post(f"{PAGE}remove", {"model": "house-model"})
    admin_client.post(f"{PAGE}remove", {"model": "house-model"})
    assert Project.objects.get(pk=project.pk).prices == {}
    actions = [event.action for event in AuditEvent.objects.newest(project)]
    assert actions == ["removed the price of house-model", "set the price of house-model"]


def test_what_is_no_price_comes_back_with_the_reason(admin_client: Client) -> None:
    response = admin_client.post(PAGE, PRICE | {"output": "cheap"})
    assert response.status_code == 422
    content = response.content.decode()
    assert "<b>output</b>: expected dollars such as 2.50" in content
    assert 'value="cheap"' in content


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_others_read_and_set_nothing(project: Project, ran: None, role: str) -> None:
    client = Client()
    client.force_login(factories.make_user(project, role=role))
    content = client.get(PAGE).content.decode()
    assert "house-model" in content
    assert 'method="post" action="/p/default/settings/prices/' not in content
    assert client.post(PAGE, PRICE).status_code == 403
    assert client.post(f"{PAGE}remove", {"model": "x"}).status_code == 403
    assert Project.objects.get(pk=project.pk).prices == {}


def test_unknown_parameters_are_refused(admin_client: Client) -> None:
    assert admin_client.get(f"{PAGE}?modle=x").status_code == 400
