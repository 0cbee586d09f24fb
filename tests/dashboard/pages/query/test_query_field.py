"""The query field, which is the same on every page that takes the query language."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.test import Client

from runs.models import Project
from tests import factories
from tests.pages import Page

PAGES = ["runs", "errors", "usage", "actions", "threads", "assistants"]
TERMS = ["metadata.customer:acme", '-model:"odd one"', "a OR b", "refund"]


@pytest.fixture(autouse=True)
def failed_run(project: Project) -> None:
    factories.post(project, factories.failed_run())


def get_page(client: Client, page: str, *pairs: tuple[str, str], status: int = 200) -> Page:
    response = client.get(f"/p/default/{page}/?{urlencode(pairs)}")
    assert response.status_code == status
    return Page(response)


def token_names(page: Page) -> list[str]:
    return [name.removeprefix("Remove ") for name in page.names("link") if name.startswith("Remove ")]


@pytest.mark.parametrize("name", PAGES)
def test_every_term_is_a_token(member_client: Client, name: str) -> None:
    query = " ".join(["status:failed", *(f"({term})" if " OR " in term else term for term in TERMS)])
    page = get_page(member_client, name, ("q", query))
    assert token_names(page) == ["status:failed", *TERMS]
    assert page.field("Query").value == ""
    others = Page(member_client.get(page.link("Remove metadata.customer:acme").url))
    assert token_names(others) == ["status:failed", *TERMS[1:]]


@pytest.mark.parametrize("name", PAGES)
def test_form_sends_tokens_and_typed_text(member_client: Client, name: str) -> None:
    page = get_page(member_client, name, ("q", "metadata.customer:acme thread:t_1"))
    pairs = [pair for pair in page.find("search").values if pair[0] in ("q", "thread")]
    assert pairs == [("thread", "t_1"), ("q", "metadata.customer:acme"), ("q", "")]
    typed = [*pairs[:-1], ("q", "-tag:*")]
    assert token_names(get_page(member_client, name, *typed)) == ["thread:t_1", "metadata.customer:acme", "-tag:*"]


@pytest.mark.parametrize("name", PAGES)
def test_typo_is_corrected_with_one_click(member_client: Client, name: str) -> None:
    page = get_page(member_client, name, ("q", "model:gpt*"), ("q", "stauts:failed"), status=400)
    assert page.field("Query").value == "stauts:failed"
    assert page.field("Query").get("aria-invalid") == "true"
    assert page.find("mark", hidden=True).text == "stauts"
    assert token_names(page) == ["model:gpt*"]
    corrected = member_client.get(page.link("Search status:failed").url)
    assert corrected.status_code == 200
    assert token_names(Page(corrected)) == ["status:failed", "model:gpt*"]


def test_correction_keeps_other_parameters(member_client: Client) -> None:
    page = get_page(member_client, "usage", ("range", "7d"), ("measure", "cost"), ("q", "stauts:failed"), status=400)
    url = page.link("Search status:failed").url
    assert "range=7d" in url
    assert "measure=cost" in url


def test_mistake_without_correction_is_marked(member_client: Client) -> None:
    page = get_page(member_client, "errors", ("q", "model:o3 <b>:1"), status=400)
    assert page.find("mark", hidden=True).text == "<b>"
    assert not any(name.startswith("Search") for name in page.names("link"))


def test_other_invalid_parameters_are_named(member_client: Client) -> None:
    page = get_page(member_client, "errors", ("q", "stauts:failed"), ("sorrt", "x"), status=400)
    assert "sorrt" in page.text
    assert page.has("link", "Reset filters")
