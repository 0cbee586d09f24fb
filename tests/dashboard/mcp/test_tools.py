"""The tools on stored runs: their answers, their errors and their queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.mcp.tools import TOOLS
from runs.analytics import run_steps
from runs.errors import QueryTimeout
from runs.models import ErrorGroup, Project, RunAlias
from tests import factories
from tests.dashboard.mcp.client import McpTestClient

SINCE = "created:>=2026-11-01"


@pytest.fixture
def runs(project: Project) -> dict[str, dict[str, Any]]:
    """Store a completed run, and one that failed after its configuration changed."""
    completed = factories.run_object(id="run_good")
    tools = [factories.function_tool("lookup", n={"type": "integer"})]
    failed = factories.failed_run(id="run_bad", model="o3", tools=tools, instructions="Be brief.\nBe kind.")
    factories.post(project, completed, failed)
    factories.post_assistants(project, asst_concierge="Concierge")
    calls = factories.step_object(
        failed, factories.function_call("lookup", '{"n": "x"}', '{"error": "no such order"}'), id="step_calls"
    )
    broken = factories.step_object(
        failed, id="step_broken", status="failed", last_error={"code": "server_error", "message": "Sorry."},
        created_at=failed["created_at"] + 5,
    )  # fmt: skip
    ordinary = factories.step_object(
        failed, factories.function_call("lookup", '{"n": 1}'), id="step_ordinary", created_at=failed["created_at"] + 1
    )
    factories.post_steps(project, ordinary, calls, broken)
    question = factories.message_object(text="Where is my order?", created_at=failed["created_at"] - 1)
    factories.post_messages(project, question, factories.message_object(failed, "It is late."))
    return {"good": completed, "bad": failed}


CALLS: dict[str, dict[str, Any]] = {
    "search_runs": {"query": f"{SINCE} status:failed"},
    "describe_query_language": {},
    "list_values": {"field": "model"},
    "get_run": {"run_id": "run_bad"},
    "explain_failure": {"run_id": "run_bad"},
    "compare_runs": {"left": "run_good", "right": "run_bad"},
    "list_error_groups": {"query": SINCE},
    "get_usage": {"query": SINCE},
    "list_tools_health": {"range": "30d"},
    "list_configuration_changes": {"since": "2026-11-01"},
}
# Queries of a call without those of the API key. The number of records changes none of them.
QUERY_COUNTS = {
    "search_runs": 3, "describe_query_language": 0, "list_values": 1, "get_run": 9, "explain_failure": 16,
    "compare_runs": 5, "list_error_groups": 5, "get_usage": 1, "list_tools_health": 4, "list_configuration_changes": 3,
}  # fmt: skip


def test_every_tool_is_tested() -> None:
    assert list(CALLS) == list(TOOLS) == list(QUERY_COUNTS)


@pytest.mark.parametrize("tool", CALLS)
def test_answers_follow_their_schema(mcp: McpTestClient, runs: Any, tool: str) -> None:
    described = {entry["name"]: entry for entry in mcp.request("tools/list")["result"]["tools"]}[tool]

    jsonschema.Draft202012Validator.check_schema(described["inputSchema"])
    jsonschema.validate(CALLS[tool], described["inputSchema"])
    assert described["inputSchema"]["additionalProperties"] is False
    assert described["annotations"]["readOnlyHint"] is True
    jsonschema.validate(mcp.call(tool, **CALLS[tool]), described["outputSchema"])


@pytest.mark.parametrize("tool", CALLS)
def test_number_of_queries_is_bounded(mcp: McpTestClient, project: Project, runs: Any, tool: str) -> None:
    mcp.call("describe_query_language")
    with CaptureQueriesContext(connection) as keys_only:
        mcp.call("describe_query_language")
    with CaptureQueriesContext(connection) as few:
        mcp.call(tool, **CALLS[tool])
    assert len(few) - len(keys_only) == QUERY_COUNTS[tool]

    for number in range(8):
        others = factories.failed_run(f"code_{number}", f"Error {number}", assistant_id=f"asst_{number}")
        factories.post(project, others, factories.run_object(assistant_id=f"asst_{number}", model=f"model-{number}"))
        factories.post_steps(project, factories.step_object(runs["bad"], factories.function_call("lookup")))
    with CaptureQueriesContext(connection) as many:
        mcp.call(tool, **CALLS[tool])
    assert len(many) == len(few)


def test_search_runs_pages(mcp: McpTestClient, runs: Any) -> None:
    first = mcp.call("search_runs", limit=1, sort="created")
    second = mcp.call("search_runs", limit=1, sort="created", cursor=first["next_cursor"])

    assert [page["runs"][0]["id"] for page in (first, second)] == ["run_good", "run_bad"]
    assert (first["matching_runs"], second["next_cursor"]) == (2, None)
    assert second["runs"][0]["error_message"] == {"posted": "Rate limit reached."}
    assert second["runs"][0]["assistant_name"] == "Concierge"
    assert second["runs"][0]["url"] == "http://testserver/p/default/runs/run_bad/"


def test_links_use_the_host_of_the_request(mcp: McpTestClient, runs: Any, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["runs.example"]
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search_runs", "arguments": {}}}
    content = mcp.post(message, Host="runs.example").json()["result"]["structuredContent"]

    assert content["url"] == "http://runs.example/p/default/runs/"


def test_explain_failure_collects_the_causes(mcp: McpTestClient, runs: Any) -> None:
    explained = mcp.call("explain_failure", run_id="run_bad")

    assert explained["error"] == {
        "code": "rate_limit_exceeded", "message": {"posted": "Rate limit reached."}, "incomplete_reason": None
    }  # fmt: skip
    assert [step["step_id"] for step in explained["failed_steps"]] == ["step_broken"]
    assert explained["output_errors"][0]["message"] == {"posted": "no such order"}
    assert [(call["function"], call["at"], call["step_id"]) for call in explained["invalid_calls"]] == [
        ("lookup", "/n", "step_calls")
    ]
    assert [step["id"] for step in explained["steps"]] == ["step_calls", "step_broken"]
    assert explained["question"]["text"] == {"posted": "Where is my order?"}
    completed = explained["last_completed_run"]
    assert (completed["id"], completed["has_same_configuration"]) == ("run_good", False)
    assert {"field": "model", "left": {"posted": "gpt-4o-mini"}, "right": {"posted": "o3"}} in completed[
        "configuration"
    ]
    assert (completed["tools_diff"]["added"], completed["tools_diff"]["removed"]) == (["lookup"], ["search_orders"])
    assert explained["error_group"]["query"].startswith("error_group:")


def test_explain_failure_of_a_success(mcp: McpTestClient, runs: Any) -> None:
    explained = mcp.call("explain_failure", run_id="run_good")

    assert (explained["is_unsuccessful"], explained["error"], explained["error_group"]) == (False, None, None)
    assert (explained["failed_steps"], explained["last_completed_run"]) == ([], None)


def test_get_run_has_everything(mcp: McpTestClient, runs: Any) -> None:
    run = mcp.call("get_run", run_id="run_bad")

    assert [step["id"] for step in run["steps"]] == ["step_ordinary", "step_calls", "step_broken"]
    call = run["steps"][1]["calls"][0]
    assert (call["name"], call["arguments"]) == ("lookup", {"posted": '{"n": "x"}'})
    assert (call["output"], call["looks_like_error"]) == ({"posted": '{"error": "no such order"}'}, True)
    assert run["messages"][0]["text"] == {"posted": "It is late."}
    assert run["instructions"] == {"posted": "Be brief.\nBe kind."}
    assert run["metadata"] == [{"key": "customer", "value": {"posted": "acme"}}]


def test_get_run_fits_into_its_budget(mcp: McpTestClient, project: Project) -> None:
    run = factories.failed_run(id="run_long", instructions="Be brief. " * 9_000)
    factories.post(project, run)
    for start in range(0, 300, 100):
        steps = [
            factories.step_object(run, factories.function_call("f", output="x" * 500), created_at=run["created_at"] + n)
            for n in range(start, start + 100)
        ]
        factories.post_steps(project, *steps)
    answer = mcp.call("get_run", run_id="run_long", max_tokens=2_000)

    assert answer["budget"]["max_tokens"] == 2_000
    assert answer["budget"]["estimated_tokens"] <= 2_000
    assert answer["step_count"] == 300
    assert (answer["steps"][0]["number"], answer["steps"][-1]["number"]) == (1, 300)
    assert any(cut.startswith("/steps: ") and cut.endswith("from its middle") for cut in answer["cut"])
    assert any(cut.startswith("/instructions: ") for cut in answer["cut"])


@pytest.mark.parametrize("tool", ["get_run", "explain_failure"])
def test_unread_steps_are_named(mcp: McpTestClient, runs: Any, monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    monkeypatch.setattr(run_steps, "MAX_STEPS_READ", 1)
    monkeypatch.setattr(run_steps, "LAST_STEPS", 1)
    answer = mcp.call(tool, run_id="run_bad")

    assert answer["cut"] == ["/steps: 1 of 3 elements, which are too many to be read at once"]


def test_former_id_leads_to_its_run(mcp: McpTestClient, project: Project, runs: Any) -> None:
    RunAlias.objects.redirect_ids(project, {"resp_early": "run_bad"})

    assert mcp.call("get_run", run_id="resp_early")["run"]["id"] == "run_bad"
    assert mcp.call("search_runs", query="source:assistants")["runs"][0]["source"] == "assistants"


def test_list_values_shows_keys_and_values(mcp: McpTestClient, runs: Any) -> None:
    assert mcp.call("list_values", field="metadata")["how_to_write"] == "metadata.customer:*"
    assert mcp.call("list_values", field="metadata.customer")["values"] == [{"value": "acme", "count": 2}]
    assert mcp.call("list_values", field="assistant")["values"] == [{"value": "Concierge", "count": 2}]
    assert mcp.call("list_values", field="model", contains="O3")["values"] == [{"value": "o3", "count": 1}]
    assert "failed" in mcp.call("list_values", field="status")["known_values"]


def test_list_error_groups_filters_by_state(mcp: McpTestClient, runs: Any) -> None:
    group = ErrorGroup.objects.get()
    listed = mcp.call("list_error_groups", query=SINCE)["groups"]
    assert (listed[0]["runs"], listed[0]["query"]) == (1, f"error_group:{group.pk.hex[:12]}")
    found = mcp.call("search_runs", query=listed[0]["query"])
    assert [run["id"] for run in found["runs"]] == ["run_bad"]

    ErrorGroup.objects.update(state="ignored")
    assert mcp.call("list_error_groups", query=SINCE)["groups"] == []
    assert len(mcp.call("list_error_groups", query=SINCE, show="ignored")["groups"]) == 1


def test_get_usage_groups(mcp: McpTestClient, runs: Any) -> None:
    usage = mcp.call("get_usage", query=SINCE, split="metadata.customer", measure="runs")

    assert [(group["key"], group["totals"]["runs"]) for group in usage["groups"]] == [("acme", 2)]
    assert usage["totals"]["total_tokens"] == 150


def test_list_tools_health_counts_calls(mcp: McpTestClient, runs: Any) -> None:
    tools = {tool["name"]: tool for tool in mcp.call("list_tools_health", range="30d")["tools"]}

    assert (tools["lookup"]["calls"], tools["search_orders"]["calls"]) == (2, 0)
    assert tools["lookup"]["description"] == {"posted": "Does lookup."}


def test_configuration_changes_name_what_changed(mcp: McpTestClient, runs: Any) -> None:
    for assistant in ("", "asst_concierge", "Concierge"):
        answer = mcp.call("list_configuration_changes", since="2026-11-01", assistant=assistant)
        newest, first = answer["changes"]
        assert newest["summary"].startswith("Model gpt-4o-mini to o3")
        assert first["summary"] == "First configuration of this assistant"
        assert newest["tools_diff"]["added"] == ["lookup"]


@pytest.mark.parametrize(
    ("tool", "arguments", "argument", "text"),
    [
        ("search_runs", {"query": "stats:failed"}, "query", "column 1: unknown field 'stats'; did you mean 'status'?"),
        ("search_runs", {"query": "status:failed ("}, "query", "column 15: this '(' is never closed"),
        ("search_runs", {"query": "status:failled"}, "query", "did you mean 'failed'?"),
        ("search_runs", {"query": "a" * 5_000}, "query", "at most 4,000 characters"),
        ("search_runs", {"query": "a\0b"}, "query", "NUL"),
        ("search_runs", {"quer": "x"}, "quer", "unknown argument; did you mean 'query'?"),
        ("search_runs", {"__proto__": 1}, "__proto__", "unknown argument; expected query, sort, limit, cursor"),
        ("search_runs", {"limit": "3"}, "limit", "Expected `int`, got `str`"),
        ("search_runs", {"limit": 51}, "limit", "Expected `int` <= 50"),
        ("search_runs", {"limit": 10**30}, "limit", "Expected `int`"),
        ("search_runs", {"query": None}, "query", "Expected `str`, got `null`"),
        ("search_runs", {"sort": "-age"}, "sort", "can't sort by 'age'"),
        ("search_runs", {"cursor": "nonsense"}, "cursor", "cursor"),
        ("describe_query_language", {"field": "x"}, "field", "unknown argument; this tool takes none"),
        ("list_values", {}, "", "missing required field `field`"),
        ("list_values", {"field": "modle"}, "field", "unknown field 'modle'; did you mean 'model'?"),
        ("list_values", {"field": "model.x"}, "field", "expected 'model', found 'model.x'"),
        ("list_values", {"field": "instructions"}, "field", "has no list of values"),
        ("list_values", {"field": "a\0"}, "field", "NUL"),
        ("list_values", {"field": "model", "contains": "x" * 5_000}, "contains", "at most"),
        ("get_run", {"run_id": "run_none"}, "run_id", "no run 'run_none' in project default"),
        ("get_run", {"run_id": "run_none\0"}, "run_id", "no run"),
        ("get_run", {"run_id": ""}, "run_id", "length >= 1"),
        ("get_run", {"run_id": "x", "part": "half"}, "part", "Invalid enum value 'half'"),
        ("get_run", {"run_id": "x", "max_tokens": 5}, "max_tokens", "Expected `int` >= 1000"),
        ("compare_runs", {"left": "run_good", "right": "run_none"}, "right", "no run 'run_none'"),
        ("list_error_groups", {"query": "created:soon"}, "query", "column 9"),
        ("list_error_groups", {"show": "closed"}, "show", "Invalid enum value 'closed'"),
        ("get_usage", {"split": "modell"}, "split", "did you mean 'model'?"),
        ("get_usage", {"query": "status:", "range": "7d"}, "query", "column 8"),
        ("get_usage", {"split": "kind", "measure": "cost"}, "split", "requires the measure tokens"),
        ("list_tools_health", {"contains": "x\0"}, "contains", "NUL"),
        ("list_configuration_changes", {"since": "yesterday"}, "since", ""),
        ("list_configuration_changes", {"assistant": "nobody"}, "assistant", "no assistant has the id or name"),
    ],
)  # fmt: skip
def test_invalid_arguments_are_explained(
    mcp: McpTestClient, runs: Any, tool: str, arguments: dict[str, Any], argument: str, text: str
) -> None:
    error = mcp.fail(tool, **arguments)

    assert [problem["argument"] for problem in error["problems"]] == [argument]
    assert text in error["message"]


@pytest.mark.django_db(transaction=True)
def test_slow_reads_end(mcp: McpTestClient, runs: Any, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.READ_TIMEOUT_SECONDS = 0.2

    def sleep(*_: Any) -> Callable[[], None]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")
        raise AssertionError("not interrupted")

    monkeypatch.setattr("dashboard.mcp.tools.search_runs.count_matching_runs", sleep)
    error = mcp.fail("search_runs")

    assert error["code"] == QueryTimeout.code
    settings.READ_TIMEOUT_SECONDS = 30
    assert mcp.call("get_run", run_id="run_good")["run"]["id"] == "run_good"
