"""What is offered while a query is typed: fields, keys and values, most frequent first, at a bounded cost."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.errors import InvalidFilter
from runs.models import Project
from runs.query import Query
from runs.query.autocomplete import MAX_COMPLETIONS, suggest_completions
from tests import factories
from tests.runs.filters import dataset

CASES = [
    ("", ["status:", "model:", "assistant:", "thread:"]),
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
    ("tool:", ["function", "get_weather", "file_search", "retrieval"]),
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
NOTHING = [
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
def filled(project: Project) -> Project:
    dataset.fill(project)
    return project


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_the_likeliest_come_first(filled: Project, text: str, expected: list[str]) -> None:
    found = suggest_completions(filled, text, len(text))
    assert [each.text for each in found][: len(expected)] == expected
    assert len(found) <= MAX_COMPLETIONS


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_is_offered_where_anything_may_stand(filled: Project, text: str) -> None:
    assert suggest_completions(filled, text, len(text)) == []


def test_every_suggestion_makes_a_query_or_the_beginning_of_one(filled: Project) -> None:
    for text, _ in CASES:
        for each in suggest_completions(filled, text, len(text)):
            made = text[: each.start] + each.text + text[each.end :]
            if made.endswith((":", ".")):
                made += "k:*" if made.endswith(".") else "*"
            Query.parse(f"{made})" if " (" in text else made)


def test_what_stands_at_the_cursor_is_replaced(filled: Project) -> None:
    text = "model:o3 status:fai -tool:x"
    (found,) = suggest_completions(filled, text, text.index("ai "))
    assert text[: found.start] + found.text + text[found.end :] == "model:o3 status:failed -tool:x"
    assert found.note == "2 runs"


def test_another_projects_values_are_never_offered(filled: Project) -> None:
    other = factories.make_project("other")
    for text in ("model:", "metadata.customer:", "function:", "assistant:", "error:", "awaiting:", "cust"):
        assert suggest_completions(other, text, len(text)) == []


@pytest.mark.parametrize("text", ["sta", "status:", "model:", "metadata.customer:", "metadata.c", "tool:", "created:"])
def test_a_suggestion_costs_two_queries_at_most(filled: Project, text: str, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(2):
        suggest_completions(filled, text, len(text))


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["status:", "metadata.", "a", '"', "\\", " ", "(", ",", "-", "é", "%", "*"])),
    st.integers(-2, 30),
)
def test_any_text_may_be_typed(filled: Project, parts: list[str], position: int) -> None:
    text = "".join(parts)
    for each in suggest_completions(filled, text, position):
        assert 0 <= each.start <= each.end <= len(text)
        with contextlib.suppress(InvalidFilter):
            Query.parse(text[: each.start] + each.text + text[each.end :])
