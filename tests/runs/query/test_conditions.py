"""The runs that queries select, for every example of the help page and more."""

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
from tests.runs.api.api_client import RUNS, ApiClient
from tests.runs.query import dataset
from tests.runs.query.test_grammar import trees

RELATIVE = re.compile(r"-[0-9]+[smhdw]")
ALL_RUNS = {"plain", "billing", "refund", "waiting", "broken", "cut"}

# the examples of the help page and the runs that they select, by the last part of their ids
HELP_EXAMPLES = {
    "said:refund": {"billing"},
    'said:"where is my order"': {"billing"},
    'asked:"cancel my order" -status:completed': {"refund"},
    "answered:sorry": {"billing"},
    "-answered:*": ALL_RUNS - {"billing"},
    'arguments:"A-1001"': {"plain"},
    "function:get_weather arguments:Paris": {"plain"},
    'output:"not found"': {"plain"},
    "-output:*": ALL_RUNS - {"plain", "refund"},
    "step:step_refund": {"refund"},
    "step:step_re*": {"refund"},
    "call:call_refund": {"refund"},
    "call:call_re*": {"refund"},
    "status:failed": {"refund", "broken"},
    "status:failed,expired": {"refund", "broken"},
    "-status:completed": {"refund", "waiting", "broken", "cut"},
    "model:gpt-4o": {"plain"},
    "model:gpt-4*": {"plain", "billing"},
    "-model:gpt-4o": ALL_RUNS - {"plain"},
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
    # runs of other sources are selected in test_source
    "source:responses": set(),
    "source:responses,otel": set(),
    "-source:assistants": set(),
    "total_tokens:>1000": {"billing"},
    "total_tokens:100..200": {"plain"},
    "total_tokens:<2M": {"plain", "billing"},
    "-total_tokens:*": ALL_RUNS - {"plain", "billing"},
    "prompt_tokens:>=1.5k": {"billing"},
    "completion_tokens:<=30": {"plain"},
    "cached_tokens:>0": {"billing"},
    "reasoning_tokens:>0": {"billing"},
    "cost:>0.001": {"billing"},
    "cost:$0.0005..$0.001": {"plain"},
    "-cost:*": ALL_RUNS - {"plain", "billing"},
    "duration:>30s": {"billing", "refund", "broken"},
    "duration:1m..2h": {"billing", "refund", "broken"},
    "queue:>=1m30s": {"broken"},
    "created:-7d": {"billing", "refund", "waiting", "cut"},
    "created:>=2026-05-01": ALL_RUNS - {"broken"},
    "created:2026-05-01..2026-05-08": {"plain", "billing"},
    "created:2026-05-01": {"plain"},
    "started:>2026-05-01T14:30:00Z": {"billing", "refund", "waiting"},
    "-started:*": {"cut"},
    "ended:<2026-05-08": {"plain", "broken"},
    "received:-1h": {"cut"},
    "metadata.customer:acme": {"plain"},
    "metadata.customer:*": {"plain", "billing"},
    "-metadata.customer:*": ALL_RUNS - {"plain", "billing"},
    'metadata."odd key":"a b"': {"plain"},
    "tag:needs-review": {"refund"},
    "tag:needs-*": {"refund", "broken"},
    "-tag:*": ALL_RUNS - {"refund", "broken"},
    "reviewed:yes": {"refund", "plain"},
    "reviewed:no status:failed": {"broken"},
    "reviewed:ann": {"refund"},
    "tool:file_search": {"plain"},
    "tool:get_weather": {"plain", "billing"},
    "function:get_weather": {"plain"},
    "function:get_*": {"plain"},
    "-function:*": ALL_RUNS - {"plain", "refund"},
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
    "-status:failed": ALL_RUNS - {"refund", "broken"},
    "NOT (status:failed OR status:completed)": {"waiting", "cut"},
    "status:failed (model:o3 OR error:*)": {"refund", "broken"},
    "status:failed,incomplete": {"refund", "broken", "cut"},
    "requests": {"refund"},
    '"refund policy"': {"billing"},
    "run_ref": {"refund"},
    "acme": {"plain"},
}

# queries that the examples do not cover
MORE_QUERIES = {
    "reasoning_tokens:9 cached_tokens:=12": {"billing"},
    "cost:<=0.0006": {"plain"},
    "cost:0.0006": {"plain"},
    "cost:<$1": {"plain", "billing"},
    "cost:0": set(),
    "total_tokens:<151,5k": {"plain", "billing"},
    "-total_tokens:>1000": ALL_RUNS - {"billing"},
    "duration:20s": {"plain"},
    "duration:<=20000ms": {"plain"},
    "duration:<20s": set(),
    # the first start of a run with functions and without steps is not known
    "queue:2s": {"plain", "refund", "waiting"},
    "queue:<1m": {"plain", "refund", "waiting"},
    "-queue:*": {"billing", "cut"},
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
    "reviewed:*": {"refund", "plain"},
    "reviewed:no": ALL_RUNS - {"refund", "plain"},
    "-reviewed:no": {"refund", "plain"},
    "-reviewed:yes": ALL_RUNS - {"refund", "plain"},
    'reviewed:"Ann Lee"': {"plain"},
    "reviewed:ann,no": ALL_RUNS - {"plain"},
    "reviewed:*nn*": {"refund", "plain"},
    "-reviewed:ann": ALL_RUNS - {"refund"},
    "reviewed:nobody": set(),
    "-tag:urgent": ALL_RUNS - {"refund"},
    'tag:"Needs Review",nobody': {"refund"},
    "tag:NEEDS-*": {"refund", "broken"},
    "tag:urgent OR model:gpt-4o": {"refund", "plain"},
    "-tool:*": ALL_RUNS - {"plain", "billing", "refund", "broken"},
    "tool:issue_refund": {"refund"},
    "defines:get_*": {"plain", "billing"},
    "awaiting:*_refund": {"waiting"},
    "instructions:POLICY": {"billing"},
    "-instructions:help": {"plain", "billing"},
    "-defines:nothing": ALL_RUNS,
    "-(status:failed OR defines:nothing)": ALL_RUNS - {"refund", "broken"},
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
    "-error_group:b4e12d": ALL_RUNS - {"refund"},
    "revision:v1,v2": ALL_RUNS,
    "source:assistants": ALL_RUNS,
    "-requests": ALL_RUNS - {"refund"},
    "get_weather": {"plain", "billing"},
    "thread_plain": {"plain"},
    "asst_billing": {"billing"},
    '"a b"': {"plain"},
    '"%"': set(),
    '"\\""': {"plain", "refund", "waiting"},  # in the JSON of arguments, those of pending calls too
}


@pytest.fixture
def dataset_project(project: Project) -> Project:
    dataset.fill(project)
    return project


def find_runs(project: Project, text: str) -> set[str]:
    conditions = RunFilters(q=Query.parse(text)).plan(project, dataset.NOW).build_page_condition()
    runs = Run.objects.in_project(project).filter(conditions)
    return {each.removeprefix("run_") for each in runs.values_list("external_id", flat=True)}


def test_every_help_example_is_tested() -> None:
    entries = (*query_help.SYNTAX_HELP, *query_help.VALUE_HELP, *query_help.build_field_help())
    shown = [example for entry in entries for example in entry.examples]
    assert shown
    assert set(shown) == HELP_EXAMPLES.keys()


@pytest.mark.parametrize(("text", "expected"), [*HELP_EXAMPLES.items(), *MORE_QUERIES.items()])
def test_query_selects_expected_runs(dataset_project: Project, text: str, expected: set[str]) -> None:
    assert find_runs(dataset_project, text) == expected
    assert find_runs(dataset_project, str(Query.parse(text))) == expected


def test_query_and_negation_partition_runs(dataset_project: Project) -> None:
    for text in (*HELP_EXAMPLES, *MORE_QUERIES):
        there, elsewhere = find_runs(dataset_project, text), find_runs(dataset_project, f"NOT ({text})")
        assert not there & elsewhere, text
        assert there | elsewhere == ALL_RUNS, text


def test_rest_api_returns_same_runs(dataset_project: Project) -> None:
    caller = ApiClient.for_project(dataset_project, "read")
    for text in (*HELP_EXAMPLES, *MORE_QUERIES):
        response = caller.get(f"{RUNS}?{RunFilters(q=Query.parse(text)).to_query_string()}")
        assert response.status_code == 200, response.content
        ids = {run["id"].removeprefix("run_") for run in json.loads(response.content)["data"]}
        if not RELATIVE.search(text):  # the server uses its own time
            assert ids == find_runs(dataset_project, text), text


def test_choice_params_are_terms(dataset_project: Project) -> None:
    simple = RunFilters(status=("failed", "completed"), error=("Quota is gone (429)", "none"))
    assert simple.to_query_text() == 'status:failed,completed error_code:"Quota is gone (429)",none'
    assert find_runs(dataset_project, simple.to_query_text()) == {"broken"}


def test_other_projects_never_match(dataset_project: Project) -> None:
    other = factories.make_project("other")
    factories.post_run(other, id="run_other", instructions="Mind the refund policy.")
    for text in ("instructions:refund", "refund", "-status:failed", "configuration:3f2a9c OR model:*", "error_group:*"):
        assert "other" not in find_runs(dataset_project, text)
    assert find_runs(other, 'instructions:"refund policy"') == {"other"}
    assert find_runs(other, f"error_group:{dataset.GROUP}") == set()


def test_subquery_replaces_many_inline_ids(dataset_project: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(scope, "MAX_INLINE_IDS", 1)
    assert find_runs(dataset_project, "instructions:help") == ALL_RUNS - {"plain", "billing"}
    assert find_runs(dataset_project, "-instructions:help") == {"plain", "billing"}
    assert find_runs(dataset_project, "defines:get_weather") == {"plain", "billing"}


def test_unknown_configuration_queries_no_runs(dataset_project: Project) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert not list(RunFilters(q=Query.parse("defines:nothing")).apply(Run.objects.in_project(dataset_project)))
    assert [query["sql"].split('"')[1] for query in queries] == ["configuration"]


def test_long_names_match_by_prefix(project: Project) -> None:
    name = "f" * 5000
    run = factories.run_object(id="run_long", tools=[factories.function_tool(name)])
    assert not factories.post(project, run).errors
    assert not factories.post_steps(project, factories.step_object(run, factories.function_call(name))).errors
    for text in ("defines:ffff*", "function:ffff*", f"tool:{name[:256]}"):
        assert find_runs(project, text) == {"long"}


def test_no_query_reads_payload_columns(dataset_project: Project) -> None:
    with CaptureQueriesContext(connection) as queries:
        for text in (*HELP_EXAMPLES, *MORE_QUERIES):
            list(RunFilters(q=Query.parse(text)).apply(Run.objects.in_project(dataset_project)).for_list())
    for query in queries:
        for payload in ('"required_action"', '"extra"', '"details"', '"body"'):
            assert payload not in query["sql"]


def test_assistant_matches_by_id_or_name(dataset_project: Project) -> None:
    for text in ('assistant:"Refund desk"', "assistant:Refund*", "assistant:asst_bill*", "assistant:asst_billing"):
        assert find_runs(dataset_project, text) == {"billing"}
    assert find_runs(dataset_project, '-assistant:"Refund desk"') == ALL_RUNS - {"billing"}
    assert find_runs(dataset_project, 'assistant:"refund desk"') == set()
    assert find_runs(dataset_project, "assistant:*") == ALL_RUNS


def test_shared_name_matches_both_assistants(dataset_project: Project) -> None:
    factories.post_assistants(dataset_project, asst_concierge="Refund desk")
    assert find_runs(dataset_project, 'assistant:"Refund desk"') == ALL_RUNS


def test_names_of_other_projects_do_not_match(dataset_project: Project) -> None:
    factories.post_assistants(factories.make_project("other"), asst_billing="Theirs")
    assert find_runs(dataset_project, "assistant:Theirs") == set()


# the expressions of the indexes; Postgres does not use an index for a condition in other words
INDEX_EXPRESSIONS = {
    "id:run_re*": '"run"."external_id" LIKE  E\'run',
    "error_message:quota": '"run"."error_message" ILIKE \'%quota%\'',
    "metadata.customer:acme": '"run"."metadata" @> ',
    "metadata.customer:*": '"run"."metadata" ? \'customer\'',
    "acme": '"run"."metadata" @@ ',
    "total_tokens:>1000": 'COALESCE("run"."total_tokens",  -9223372036854775807) > 1000',
    "duration:>30s": 'COALESCE("run"."duration_ms",  -9223372036854775807) > 30000',
    "-duration:*": 'NOT (COALESCE("run"."duration_ms",  -9223372036854775807) >  -9223372036854775807)',
    "awaiting:issue_refund": '"run"."pending_functions" @> ',
    "awaiting:*": '"run"."pending_functions" IS NOT NULL',
    "function:get_weather": '"tool_names" @> ',
    "failed_call:issue_refund": '"status" = \'failed\' AND U0."tool_names" @> ',
    "invalid_call:issue_refund": 'NOT (U0."invalid_calls" = ',
    "instructions:policy": '"configuration"."instructions" ILIKE \'%policy%\'',
    "defines:get_weather": '"configuration"."function_names" @> ',
}


@pytest.mark.parametrize(("text", "expected"), INDEX_EXPRESSIONS.items())
def test_conditions_use_index_expressions(dataset_project: Project, text: str, expected: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        list(RunFilters(q=Query.parse(text)).apply(Run.objects.in_project(dataset_project)).values("pk"))
    assert any(expected in query["sql"] for query in queries), [query["sql"] for query in queries]


def test_every_field_has_example_with_its_name() -> None:
    for field in QUERY_FIELDS:
        assert any(field.name in example for example in field.examples)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trees)
@example(Query.parse("created:0001-01-01 ended:<-99999w received:>9998-12-30").tree)
@example(Query.parse("queue:>36500d duration:<36500d total_tokens:<9223372036854775807").tree)
@example(Query.parse("metadata.n:1234567890123456.123456789012345 metadata.n:-0,true,1e999").tree)
@example(Query.parse('"$.*\\"\\\\ \u2028 \u007f 😀" metadata."$":"\\\\"').tree)
def test_no_query_raises_database_error(project: Project, tree: QueryNode) -> None:
    list(RunFilters(q=Query(tree)).apply(Run.objects.in_project(project)).newest_first()[:1])


# served by a BRIN index if no better index serves them
RARE_QUANTITIES = ("prompt_tokens:>1M", "cached_tokens:>1M", "queue:>2h", "ended:<2026-04-20", "received:>2026-05-09")


@pytest.mark.parametrize("text", RARE_QUANTITIES)
def test_rare_quantities_use_range_index(dataset_project: Project, text: str) -> None:
    plan = RunFilters(q=Query.parse(text)).plan(dataset_project, dataset.NOW)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        plan = Run.objects.filter(plan.condition).explain()
    assert "run_ranges" in plan
