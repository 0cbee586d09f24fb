"""Which runs a query selects: every example of the help, on runs made by hand."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings

from runs.models import Project, Run
from runs.query import Query, RunFilters, query_help, scope
from runs.query.ast import QueryNode
from runs.query.fields import QUERY_FIELDS
from tests import factories
from tests.runs.api.caller import RUNS, Caller
from tests.runs.filters import dataset
from tests.runs.filters.test_language import trees

RELATIVE = re.compile(r"-[0-9]+[smhdw]")
EVERYONE = {"plain", "billing", "refund", "waiting", "broken", "cut"}

# what each example of the help finds, by the last part of the ids
FOUND = {
    "status:failed": {"refund", "broken"},
    "status:failed,expired": {"refund", "broken"},
    "-status:completed": {"refund", "waiting", "broken", "cut"},
    "model:gpt-4o": {"plain"},
    "model:gpt-4*": {"plain", "billing"},
    "-model:gpt-4o": EVERYONE - {"plain"},
    "-model:*": {"cut"},
    "assistant:asst_billing": {"billing"},
    'assistant:"Refund desk"': {"billing"},
    "thread:thread_invoices": {"billing"},
    "id:run_refund": {"refund"},
    "id:run_re*": {"refund"},
    "error:rate_limit_exceeded": {"refund"},
    'error:"too many requests"': {"refund"},
    "error:*": {"refund", "broken"},
    "error:*_exceeded": {"refund"},
    'error_code:"Quota is gone (429)"': {"broken"},
    "error_message:quota": {"broken"},
    'error_message:"too many requests"': {"refund"},
    "reason:max_completion_tokens": {"cut"},
    "reason:*": {"cut"},
    "revision:v1": {"broken"},
    "total_tokens:>1000": {"billing"},
    "total_tokens:100..200": {"plain"},
    "total_tokens:<2M": {"plain", "billing"},
    "-total_tokens:*": EVERYONE - {"plain", "billing"},
    "prompt_tokens:>=1.5k": {"billing"},
    "completion_tokens:<=30": {"plain"},
    "cached_tokens:>0": {"billing"},
    "reasoning_tokens:>0": {"billing"},
    "cost:>0.001": {"billing"},
    "cost:$0.0005..$0.001": {"plain"},
    "-cost:*": EVERYONE - {"plain", "billing"},
    "duration:>30s": {"billing", "refund", "broken"},
    "duration:1m..2h": {"billing", "refund", "broken"},
    "queue:>=1m30s": {"broken"},
    "created:-7d": {"billing", "refund", "waiting", "cut"},
    "created:>=2026-05-01": EVERYONE - {"broken"},
    "created:2026-05-01..2026-05-08": {"plain", "billing"},
    "created:2026-05-01": {"plain"},
    "started:>2026-05-01T14:30:00Z": {"billing", "refund", "waiting"},
    "-started:*": {"cut"},
    "ended:<2026-05-08": {"plain", "broken"},
    "received:-1h": {"cut"},
    "metadata.customer:acme": {"plain"},
    "metadata.customer:*": {"plain", "billing"},
    "-metadata.customer:*": EVERYONE - {"plain", "billing"},
    'metadata."odd key":"a b"': {"plain"},
    "tag:needs-review": {"refund"},
    "tag:needs-*": {"refund", "broken"},
    "-tag:*": EVERYONE - {"refund", "broken"},
    "tool:file_search": {"plain"},
    "tool:get_weather": {"plain", "billing"},
    "function:get_weather": {"plain"},
    "function:get_*": {"plain"},
    "-function:*": EVERYONE - {"plain", "refund"},
    "defines:get_weather -function:get_weather": {"billing"},
    "failed_call:issue_refund": {"refund"},
    "failed_call:*": {"refund"},
    "invalid_call:issue_refund": {"refund"},
    "invalid_call:*": {"refund"},
    "awaiting:issue_refund": {"waiting"},
    "awaiting:*": {"waiting"},
    'instructions:"refund policy"': {"billing"},
    "configuration:3f2a9c": {"plain"},
    "error_group:b4e12d": {"refund"},
    "error_group:* -status:failed": {"cut"},
    "status:failed model:o3": {"refund", "broken"},
    "status:failed AND model:o3": {"refund", "broken"},
    "model:gpt-4o OR model:o3": {"plain", "refund", "broken", "waiting"},
    "-status:failed": EVERYONE - {"refund", "broken"},
    "NOT (status:failed OR status:completed)": {"waiting", "cut"},
    "status:failed (model:o3 OR error:*)": {"refund", "broken"},
    "status:failed,incomplete": {"refund", "broken", "cut"},
    "requests": {"refund"},
    '"refund policy"': {"billing"},
    "run_ref": {"refund"},
    "acme": {"plain"},
}

# what the examples leave out
MORE = {
    "reasoning_tokens:9 cached_tokens:=12": {"billing"},
    "cost:<=0.0006": {"plain"},
    "cost:0.0006": {"plain"},
    "cost:<$1": {"plain", "billing"},
    "cost:0": set(),
    "total_tokens:<151,5k": {"plain", "billing"},
    "-total_tokens:>1000": EVERYONE - {"billing"},
    "duration:20s": {"plain"},
    "duration:<=20000ms": {"plain"},
    "duration:<20s": set(),
    "queue:2s": {"plain", "billing", "refund", "waiting"},
    "created:>2026-05-08": {"refund", "waiting", "cut"},
    "created:<=2026-05-01": {"plain", "broken"},
    "created:<-7d": {"plain", "broken"},
    "created:-14d..-48h": {"plain", "billing"},
    "created:2026-05-01T10:00:00Z": {"plain"},
    "created:>2026-05-01T10:00:00Z created:<2026-05-09T08:00:00Z": {"billing"},
    "created:2026-05-01T12:00:00+02:00": {"plain"},
    "metadata.attempt:5": {"plain"},
    "metadata.customer:ac*,glob*": {"plain", "billing"},
    "metadata.customer:ACME": set(),
    "metadata.0:acme": set(),
    "-metadata.customer:acme metadata.customer:*": {"billing"},
    "function:issue_refund,get_weather": {"plain", "refund"},
    "function:file_search": set(),
    "tool:file_*": {"plain"},
    "tag:*": {"refund", "broken"},
    "-tag:urgent": EVERYONE - {"refund"},
    'tag:"Needs Review",nobody': {"refund"},
    "tag:NEEDS-*": {"refund", "broken"},
    "tag:urgent OR model:gpt-4o": {"refund", "plain"},
    "-tool:*": EVERYONE - {"plain", "billing", "refund", "broken"},
    "tool:issue_refund": {"refund"},
    "defines:get_*": {"plain", "billing"},
    "awaiting:*_refund": {"waiting"},
    "instructions:POLICY": {"billing"},
    "-instructions:help": {"plain", "billing"},
    "-defines:nothing": EVERYONE,
    "-(status:failed OR defines:nothing)": EVERYONE - {"refund", "broken"},
    "status:failed OR defines:nothing": {"refund", "broken"},
    "status:failed defines:nothing": set(),
    "error_message:100%": set(),
    "error_message:_": set(),
    'error:"quota is gone (429)"': set(),
    'error:"Quota is gone (429)"': {"broken"},
    "configuration:3F2A9C00-1111": {"plain"},
    "configuration:ffff": set(),
    "error_group:B4E12D00-1111-2222-3333-444455556666": {"refund"},
    "error_group:ffff": set(),
    "error_group:b4e12d,ffff": {"refund"},
    "-error_group:*": {"plain", "billing", "waiting"},
    "-error_group:b4e12d": EVERYONE - {"refund"},
    "revision:v1,v2": EVERYONE,
    "-requests": EVERYONE - {"refund"},
    "get_weather": {"plain", "billing"},
    "thread_plain": {"plain"},
    "asst_billing": {"billing"},
    '"a b"': {"plain"},
    '"%"': set(),
    '"\\""': set(),
}


@pytest.fixture
def filled(project: Project) -> Project:
    dataset.fill(project)
    return project


def found(project: Project, text: str) -> set[str]:
    conditions = RunFilters(q=Query.parse(text)).plan(project, dataset.NOW).build_page_condition()
    runs = Run.objects.in_project(project).filter(conditions)
    return {each.removeprefix("run_") for each in runs.values_list("external_id", flat=True)}


def test_every_example_of_the_help_is_tested() -> None:
    entries = (*query_help.SYNTAX_HELP, *query_help.VALUE_HELP, *query_help.build_field_help())
    shown = [example for entry in entries for example in entry.examples]
    assert shown
    assert set(shown) == FOUND.keys()


@pytest.mark.parametrize(("text", "expected"), [*FOUND.items(), *MORE.items()])
def test_a_query_selects_what_it_says(filled: Project, text: str, expected: set[str]) -> None:
    assert found(filled, text) == expected
    assert found(filled, str(Query.parse(text))) == expected


def test_a_query_and_its_negation_divide_the_runs(filled: Project) -> None:
    for text in (*FOUND, *MORE):
        there, elsewhere = found(filled, text), found(filled, f"NOT ({text})")
        assert not there & elsewhere, text
        assert there | elsewhere == EVERYONE, text


def test_rest_finds_the_same(filled: Project) -> None:
    caller = Caller.of(filled, "read")
    for text in (*FOUND, *MORE):
        response = caller.get(f"{RUNS}?{RunFilters(q=Query.parse(text)).query()}")
        assert response.status_code == 200, response.content
        ids = {run["id"].removeprefix("run_") for run in json.loads(response.content)["data"]}
        if not RELATIVE.search(text):  # the server's now is another
            assert ids == found(filled, text), text


def test_simple_parameters_are_terms(filled: Project) -> None:
    simple = RunFilters(status=("failed", "completed"), error=("Quota is gone (429)", "none"))
    assert simple.as_language() == 'status:failed,completed error_code:"Quota is gone (429)",none'
    assert found(filled, simple.as_language()) == {"broken"}


def test_another_project_is_never_seen(filled: Project) -> None:
    other = factories.make_project("other")
    factories.post_run(other, id="run_other", instructions="Mind the refund policy.")
    for text in ("instructions:refund", "refund", "-status:failed", "configuration:3f2a9c OR model:*", "error_group:*"):
        assert "other" not in found(filled, text)
    assert found(other, 'instructions:"refund policy"') == {"other"}
    assert found(other, f"error_group:{dataset.GROUP}") == set()


def test_what_many_configurations_match_is_found_too(filled: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(scope, "MAX_INLINE_IDS", 1)
    assert found(filled, "instructions:help") == EVERYONE - {"plain", "billing"}
    assert found(filled, "-instructions:help") == {"plain", "billing"}
    assert found(filled, "defines:get_weather") == {"plain", "billing"}


def test_a_configuration_that_nobody_has_asks_no_runs(filled: Project) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert not list(RunFilters(q=Query.parse("defines:nothing")).apply(Run.objects.in_project(filled)))
    assert [query["sql"].split('"')[1] for query in queries] == ["configuration"]


def test_long_names_are_found_by_their_beginning(project: Project) -> None:
    name = "f" * 5000
    run = factories.run_object(id="run_long", tools=[factories.function_tool(name)])
    assert not factories.post(project, run).errors
    assert not factories.post_steps(project, factories.step_object(run, factories.function_call(name))).errors
    for text in ("defines:ffff*", "function:ffff*", f"tool:{name[:256]}"):
        assert found(project, text) == {"long"}


def test_no_query_reads_payloads(filled: Project) -> None:
    with CaptureQueriesContext(connection) as queries:
        for text in (*FOUND, *MORE):
            list(RunFilters(q=Query.parse(text)).apply(Run.objects.in_project(filled)).for_list())
    for query in queries:
        for payload in ('"required_action"', '"extra"', '"details"', '"body"'):
            assert payload not in query["sql"]


def test_an_assistant_is_found_by_id_or_name(filled: Project) -> None:
    for text in ('assistant:"Refund desk"', "assistant:Refund*", "assistant:asst_bill*", "assistant:asst_billing"):
        assert found(filled, text) == {"billing"}
    assert found(filled, '-assistant:"Refund desk"') == EVERYONE - {"billing"}
    assert found(filled, 'assistant:"refund desk"') == set()
    assert found(filled, "assistant:*") == EVERYONE


def test_a_name_that_two_assistants_have_finds_both(filled: Project) -> None:
    factories.post_assistants(filled, asst_concierge="Refund desk")
    assert found(filled, 'assistant:"Refund desk"') == EVERYONE


def test_names_of_other_projects_find_nothing(filled: Project) -> None:
    factories.post_assistants(factories.make_project("other"), asst_billing="Theirs")
    assert found(filled, "assistant:Theirs") == set()


# what the indexes of the models are made of; a query in other words would not be served by them
SERVED = {
    "id:run_re*": '"run"."external_id" LIKE  E\'run',
    "error_message:quota": '"run"."error_message" ILIKE \'%quota%\'',
    "metadata.customer:acme": '"run"."metadata" @> ',
    "metadata.customer:*": '"run"."metadata" ? \'customer\'',
    "acme": '"run"."metadata" @@ ',
    "total_tokens:>1000": 'COALESCE("run"."total_tokens",  -9223372036854775807) > 1000',
    "duration:>30s": 'COALESCE("run"."duration_ms",  -9223372036854775807) > 30000',
    "-duration:*": 'NOT (COALESCE("run"."duration_ms",  -9223372036854775807) >  -9223372036854775807)',
    "awaiting:issue_refund": '"run"."awaited" @> ',
    "awaiting:*": '"run"."awaited" IS NOT NULL',
    "function:get_weather": '"tool_names" @> ',
    "failed_call:issue_refund": '"status" = \'failed\' AND U0."tool_names" @> ',
    "invalid_call:issue_refund": 'NOT (U0."misargued" = ',
    "instructions:policy": '"configuration"."instructions" ILIKE \'%policy%\'',
    "defines:get_weather": '"configuration"."function_names" @> ',
}


@pytest.mark.parametrize(("text", "expected"), SERVED.items())
def test_conditions_are_in_the_words_of_the_indexes(filled: Project, text: str, expected: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        list(RunFilters(q=Query.parse(text)).apply(Run.objects.in_project(filled)).values("pk"))
    assert any(expected in query["sql"] for query in queries), [query["sql"] for query in queries]


def test_every_field_has_an_example_that_it_starts() -> None:
    for field in QUERY_FIELDS:
        assert any(field.name in example for example in field.examples)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trees)
@example(Query.parse("created:0001-01-01 ended:<-99999w received:>9998-12-30").tree)
@example(Query.parse("queue:>36500d duration:<36500d total_tokens:<9223372036854775807").tree)
@example(Query.parse("metadata.n:1234567890123456.123456789012345 metadata.n:-0,true,1e999").tree)
@example(Query.parse('"$.*\\"\\\\ \u2028 \u007f 😀" metadata."$":"\\\\"').tree)
def test_no_query_breaks_the_database(project: Project, tree: QueryNode) -> None:
    list(RunFilters(q=Query(tree)).apply(Run.objects.in_project(project)).newest_first()[:1])


# asked of what lies in every few pages of the table, where nothing better leads to it
IN_PAGES = ("prompt_tokens:>1M", "cached_tokens:>1M", "queue:>2h", "ended:<2026-04-20", "received:>2026-05-09")


@pytest.mark.parametrize("text", IN_PAGES)
def test_rare_quantities_are_found_without_reading_all_runs(filled: Project, text: str) -> None:
    search = RunFilters(q=Query.parse(text)).plan(filled, dataset.NOW)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        plan = Run.objects.filter(search.condition).explain()
    assert "run_ranges" in plan
