"""The usage section of the run page: tokens, limits, steps and costs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from runs.models import Project
from tests import factories
from tests.dashboard.pages.run.run_pages import open_run


def test_bars_are_drawn_for_limits_only(project: Project, member_client: Client) -> None:
    usage = {
        "prompt_tokens": 14212, "completion_tokens": 1102, "total_tokens": 15000,
        "prompt_token_details": {"cached_tokens": 6144}, "completion_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip
    run = factories.run_object(usage=usage, max_prompt_tokens=20000)
    factories.post(project, run)
    section = open_run(member_client, run).region("Usage")
    assert "Prompt tokens 14,212 of 20,000 (max_prompt_tokens) 6,144 cached · 28.9 % left" in section.text
    assert "Completion tokens 1,102 0 reasoning · no limit" in section.text
    assert "The reported total, 15,000, is not the sum of the two." in section.text
    assert sum(element.tag == "svg" for element in section.iterate()) == 1


def test_missing_usage_is_shown_as_null(project: Project, member_client: Client) -> None:
    run = factories.run_object(usage=None)
    factories.post(project, run)
    assert "usage: null" in open_run(member_client, run).region("Usage").text


def test_cost_has_formula_and_price_source(project: Project, member_client: Client) -> None:
    usage = {
        "prompt_tokens": 14212, "completion_tokens": 1102, "total_tokens": 15314,
        "prompt_tokens_details": {"cached_tokens": 6144},
    }  # fmt: skip
    run = factories.run_object(model="gpt-4o-2024-08-06", usage=usage)
    factories.post(project, run)
    text = open_run(member_client, run).region("Usage").text
    formula = "8,068 x $2.50/M + 6,144 cached x $1.25/M + 1,102 x $10.00/M = $0.0389 est."
    assert formula.replace(" x ", " \N{MULTIPLICATION SIGN} ") in text
    assert re.search(r"Prices of gpt-4o from genai-prices [\d.]+, as of \d+ \w+ \d{4}\.", text)


@pytest.mark.parametrize(
    ("changes", "cost", "sentence"),
    [
        ({"model": "returns-desk"}, "no price", "No price is known for returns-desk"),
        (
            {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
            "< $0.0001 est.",
            "= < $0.0001",
        ),
    ],
)
def test_unknown_or_tiny_cost_is_not_invented(
    project: Project, member_client: Client, changes: dict[str, Any], cost: str, sentence: str
) -> None:
    run = factories.run_object(**changes)
    factories.post(project, run)
    page = open_run(member_client, run)
    assert page.definition("Cost").text == cost
    assert sentence in page.region("Usage").text


def test_steps_have_costs_if_price_is_known(project: Project, member_client: Client) -> None:
    run = factories.run_object(model="gpt-4o")
    factories.post(project, run)
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    factories.post_steps(project, factories.step_object(run, usage=usage))
    [row] = open_run(member_client, run).table("Tokens by step").rows
    columns = ("Step", "Prompt", "Completion", "Cost, est.")
    assert [row[column].text for column in columns] == ["1 message_creation", "1,000", "100", "$0.0035"]
    unpriced = factories.run_object(model="our-own")
    factories.post(project, unpriced)
    factories.post_steps(project, factories.step_object(unpriced))
    assert "Cost, est." not in open_run(member_client, unpriced).table("Tokens by step").columns


def test_own_price_is_not_attributed_to_the_list(project: Project, member_client: Client) -> None:
    project.prices = {"our-own": {"input": "1", "output": "2"}}
    project.save()
    run = factories.run_object(model="our-own")
    factories.post(project, run)
    section = open_run(member_client, run).region("Usage").text
    assert "The project's own price of our-own." in section
    assert "genai-prices" not in section


def test_reached_limit_is_never_called_missing(project: Project, member_client: Client) -> None:
    stopped = {"status": "incomplete", "incomplete_details": {"reason": "max_prompt_tokens"}}
    run = factories.run_object(**stopped)
    factories.post(project, run)
    page = open_run(member_client, run)
    assert "Prompt tokens 120 limit reached, but not sent" in page.region("Usage").text
    assert "The run stopped at a token limit that was not sent." in page.region("Status").text
