"""Completions while a query is typed: fields, metadata keys and values, most frequent first, at a bounded cost."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.errors import InvalidFilter
from runs.models import Project
from runs.query import Query, RunFilters
from runs.query.autocomplete import MAX_COMPLETIONS, suggest_completions
from tests import factories
from tests.runs.query import dataset

COMPLETIONS = [
    ("", ["status:", "model:", "assistant:", "source:"]),
    ("sta", ["status:", "started:"]),
    ("STA", ["status:"]),
    ("-mod", ["model:"]),
    ("status:failed (to", ["total_tokens:", "tool:"]),
    ("tokens", ["total_tokens:", "prompt_tokens:", "completion_tokens:", "cached_tokens:", "reasoning_tokens:"]),
    ("cust", ["metadata.customer:"]),
    ("meta", ["metadata."]),
    ("metadata.", ["metadata.customer:", "metadata.attempt:", 'metadata."odd key":']),
    ("odd", ['metadata."odd key":']),
    ("status:", ["completed", "failed", "incomplete", "requires_action"]),
    ("status:fa", ["failed"]),
    ("status:failed,", ["completed", "incomplete"]),
    ("-status:failed,exp", ["expired"]),
    ("model:", ["o3", "gpt-4o", "gpt-4o-mini"]),
    ("model:MINI", ["gpt-4o-mini"]),
    ('model:"gpt', ["gpt-4o", "gpt-4o-mini"]),
    ("assistant:", ["asst_concierge", '"Refund desk"']),
    ("assistant:refu", ['"Refund desk"']),
    ("assistant:asst_", ["asst_concierge", "asst_billing"]),
    ("error:", ['"Quota is gone (429)"', "rate_limit_exceeded"]),
    ("reason:", ["max_completion_tokens"]),
    ("revision:", ["v1", "v2", "azure"]),
    ("tag:", ["needs-owner", "needs-review", "urgent"]),
    ("tag:REV", ["needs-review"]),
    ("reviewed:", ['"Ann Lee"', "ann", "yes", "no"]),
    ("reviewed:lee", ['"Ann Lee"']),
    ("tool:", ["function", "get_weather", "file_search", "issue_refund"]),
    ("failed_call:", ["issue_refund"]),
    ("invalid_call:", []),
    ("function:get", ["get_weather"]),
    ("defines:", ["get_weather"]),
    ("awaiting:", ["issue_refund"]),
    ("metadata.customer:", ["acme", "globex"]),
    ('metadata."odd key":', ['"a b"']),
    ("metadata.customer:glo", ["globex"]),
    ("created:", ["-1h", "-24h", "-7d", "-30d"]),
    ("duration:>", [">30s", ">2m"]),
    ("total_tokens:", [">1000", ">10k", "100..200"]),
]  # fmt: skip
NO_COMPLETIONS = [
    '"status:',
    '"a sta',
    "statsu:",
    "thread:",
    "metadata:",
    "status.x:",
    "zzz",
    "status:zzz",
    "model:\0",
    "x" * 5000,
]


@pytest.fixture
def dataset_project(project: Project) -> Project:
    dataset.fill(project)
    return project


@pytest.mark.parametrize(("text", "expected"), COMPLETIONS)
def test_likely_completions_come_first(dataset_project: Project, text: str, expected: list[str]) -> None:
    completions = suggest_completions(dataset_project, text, len(text))
    assert [completion.text for completion in completions][: len(expected)] == expected
    assert len(completions) <= MAX_COMPLETIONS


@pytest.mark.parametrize("text", NO_COMPLETIONS)
def test_free_input_has_no_completions(dataset_project: Project, text: str) -> None:
    assert suggest_completions(dataset_project, text, len(text)) == []


def test_every_completion_makes_valid_query(dataset_project: Project) -> None:
    for text, _ in COMPLETIONS:
        for completion in suggest_completions(dataset_project, text, len(text)):
            completed = text[: completion.start] + completion.text + text[completion.end :]
            if completed.endswith((":", ".")):
                completed += "k:*" if completed.endswith(".") else "*"
            Query.parse(f"{completed})" if " (" in text else completed)


def test_completion_replaces_word_at_cursor(dataset_project: Project) -> None:
    text = "model:o3 status:fai -tool:x"
    (completion,) = suggest_completions(dataset_project, text, text.index("ai "))
    assert text[: completion.start] + completion.text + text[completion.end :] == "model:o3 status:failed -tool:x"
    assert completion.note == "2 runs"


SCOPED_COUNTS = [
    ("tool:get", "", {"get_weather": "2 runs"}),
    ("tool:get", "model:gpt-4o", {"get_weather": "1 run"}),
    ("tool:get", "status:failed", {}),
    ("function:", "", {"get_weather": "1 run", "issue_refund": "1 run"}),
    ("failed_call:", "", {"issue_refund": "1 run"}),
    ("failed_call:", "status:completed", {}),
    ("status:", "error_group:*", {"failed": "2 runs", "incomplete": "1 run"}),
    ("model:gpt", "created:>=2026-05-05", {"gpt-4o-mini": "1 run"}),
    ("assistant:refu", "status:completed", {'"Refund desk"': "1 run"}),
    ("tag:", "error_code:rate_limit_exceeded", {"needs-review": "1 run", "urgent": "1 run"}),
    ("awaiting:", "status:requires_action", {"issue_refund": "1 run"}),
    ("source:", "status:failed", {"assistants": "2 runs"}),
    ("metadata.customer:", "model:gpt-4o", {"acme": "1 run"}),
    ("cust", "status:completed", {"metadata.customer:": "2 runs"}),
]


@pytest.mark.parametrize(("text", "scope", "expected"), SCOPED_COUNTS)
def test_runs_are_counted_in_scope(dataset_project: Project, text: str, scope: str, expected: dict[str, str]) -> None:
    filters = RunFilters.parse_query_text(scope)
    completions = suggest_completions(dataset_project, text, len(text), filters)
    assert {completion.text: completion.note for completion in completions if completion.note} == expected


def test_values_of_other_projects_are_hidden(dataset_project: Project) -> None:
    other = factories.make_project("other")
    for text in ("model:", "metadata.customer:", "function:", "assistant:", "error:", "awaiting:", "cust"):
        assert suggest_completions(other, text, len(text)) == []


@pytest.mark.parametrize("text", ["sta", "status:", "model:", "metadata.customer:", "metadata.c", "tool:", "created:"])
def test_completion_needs_at_most_two_queries(
    dataset_project: Project, text: str, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(2):
        suggest_completions(dataset_project, text, len(text))


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["status:", "metadata.", "a", '"', "\\", " ", "(", ",", "-", "é", "%", "*"])),
    st.integers(-2, 30),
)
def test_any_typed_text_is_accepted(dataset_project: Project, parts: list[str], position: int) -> None:
    text = "".join(parts)
    for completion in suggest_completions(dataset_project, text, position):
        assert 0 <= completion.start <= completion.end <= len(text)
        with contextlib.suppress(InvalidFilter):
            Query.parse(text[: completion.start] + completion.text + text[completion.end :])
