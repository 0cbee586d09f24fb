"""Every number about tools equals a recount of the posted steps."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.analytics import tools
from runs.analytics.tools import ToolCallMetrics
from runs.enrichment import step_validation
from runs.models import Project, Run, RunStep
from runs.rollups import compaction
from runs.rollups.time_buckets import build_recent_buckets
from tests import factories
from tests.factories import delete_run, function_call, function_tool, run_object, step_object

NOW = datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)
PERIOD = build_recent_buckets(NOW, timedelta(hours=24), 24)
SEARCH = {"id": "call_s", "type": "file_search", "file_search": {"results": [{"file_id": "f1"}, {"file_id": "f2"}]}}
LEDGER = {
    "id": "call_m",
    "type": "mcp",
    "name": "post_entry",
    "arguments": "{}",
    "output": "posted",
    "server_label": "l",
}


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"2026-11-{text}+00:00").timestamp())


def step(run: dict[str, Any], when: str, took: int | None, *calls: dict[str, Any], **changes: Any) -> dict[str, Any]:
    created = at(when)
    ended = None if took is None else created + took
    return step_object(run, *calls, created_at=created, completed_at=ended, **changes)


def fill(project: Project) -> None:
    """Post runs of two assistants with two versions of `search`, and steps around the limits of the period."""
    strict = function_tool("search", order={"type": "integer"})
    loose = run_object(
        id="run_loose", created_at=at("18T09:59:00"), tools=[function_tool("search"), function_tool("idle")]
    )
    tight = run_object(id="run_tight", created_at=at("18T10:00:00"), tools=[strict, {"type": "file_search"}],
                       assistant_id="asst_tight")  # fmt: skip
    gone = run_object(id="run_gone", created_at=at("18T10:00:00"), tools=[strict])
    orphan = run_object(id="run_never_posted")
    parallel = [function_call("search", output="abc"), function_call("search", output="\u00fc" * 10), SEARCH]
    sent_again = step(loose, "18T10:30:00", 5, function_call("search"))
    late = step(tight, "18T11:00:00", None, function_call("search", output=None), status="in_progress")
    failed = {"status": "failed", "failed_at": at("18T10:40:09")}
    factories.post_steps(
        project,
        step(loose, "17T11:59:59", 1, function_call("search")),  # the second before the period
        step(loose, "17T12:00:00", 60, function_call("search")),  # its first second
        step(loose, "18T11:06:40", 0, function_call("search")),
        step(loose, "18T12:00:00", 3, function_call("search")),  # by a clock that is ahead
        step(tight, "18T10:05:00", 10, *parallel),
        step(tight, "18T10:40:00", None, function_call("search", "{"), SEARCH, **failed),
        step(orphan, "18T10:10:00", 4, function_call("search"), LEDGER),
        step(gone, "18T10:10:00", 4, function_call("search")),
        sent_again, late, step(loose, "18T10:45:00", 2),
    )  # fmt: skip
    factories.post(project, loose, tight, gone)
    factories.post_steps(project, sent_again, sent_again | {"status": "in_progress", "completed_at": None})
    delete_run(Run.objects.get(external_id="run_gone"))
    step_validation.validate_next_steps(project, None)
    done = {"status": "completed", "completed_at": at("18T11:00:20")}
    details = {"type": "tool_calls", "tool_calls": [function_call("search", '{"order": 7}', "done")]}
    factories.post_steps(project, late | done | {"step_details": details})


def read_calls(project: Project) -> list[dict[str, Any]]:
    """Return the calls of the period, as they were posted."""
    result = []
    for row in RunStep.objects.filter(project=project):
        posted = json.loads(row.as_json())
        created = datetime.fromtimestamp(posted["created_at"], UTC)
        ended = posted["completed_at"] if posted["status"] == "completed" else None
        for call in posted["step_details"].get("tool_calls", []):
            function = call.get("function", {})
            output = function.get("output", call.get("output", call.get("file_search", {}).get("results")))
            text = output if isinstance(output, str) or output is None else json.dumps(output, separators=(",", ":"))
            result.append(
                {
                    "key": (call["type"], function.get("name", call.get("name", call["type"]))),
                    "at": created,
                    "assistant": posted["assistant_id"],
                    "failed": posted["status"] == "failed",
                    "took": None if ended is None else (ended - posted["created_at"]) * 1000,
                    "size": None if text is None else len(text.encode()),
                    "run": posted["run_id"],
                    "arguments": function.get("arguments"),
                    "checked": row.invalid_calls is not None,
                }
            )
    return [call for call in result if call["at"] >= PERIOD.start]


def is_invalid(call: dict[str, Any]) -> bool:
    """Return whether a call is invalid: `run_tight` requires an integer, `run_loose` a string."""
    if not call["checked"] or call["key"] != ("function", "search"):
        return False
    try:
        order = json.loads(call["arguments"])["order"]
    except ValueError:
        return True
    return not isinstance(order, int if call["run"] == "run_tight" else str)


def percentile(values: list[int], share: float) -> int | None:
    """Return the percentile that is one of the values."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else None


def by_key(calls: list[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    result = defaultdict(list)
    for call in calls:
        result[call["key"]].append(call)
    return result


def test_call_counts_equal_posted_steps(project: Project) -> None:
    fill(project)
    compaction.compact_rollups(project)
    result = tools.fetch_tool_calls(project, PERIOD)
    raw = by_key(read_calls(project))
    tools_called = {("function", "search"), ("file_search", "file_search"), ("mcp", "post_entry")}
    assert result.keys() == raw.keys() == tools_called
    for key, calls in raw.items():
        called = result[key]
        recounted = [
            calls,
            [c for c in calls if c["failed"]],
            [c for c in calls if c["checked"]],
            [*filter(is_invalid, calls)],
        ]
        total = called.total
        assert [total.calls, total.failed, total.checked, total.invalid] == list(map(len, recounted))
        assert total.unchecked == len(calls) - len(recounted[2])
        for index, part in enumerate(called.buckets):
            edges = PERIOD.edges[index], PERIOD.edges[index + 1] + timedelta(days=index == PERIOD.count - 1)
            assert part.calls == sum(edges[0] <= call["at"] < edges[1] for call in calls)
        for assistant, counts in called.by_assistant.items():
            own = [call for call in calls if call["assistant"] == assistant]
            assert (counts.calls, counts.failed) == (len(own), sum(call["failed"] for call in own))
        assert called.last_hour == max(call["at"] for call in calls).replace(minute=0, second=0)
    search = result["function", "search"].total
    assert (search.calls, search.failed, search.invalid, search.unchecked) == (9, 1, 3, 2)


def test_metrics_equal_posted_steps(project: Project) -> None:
    fill(project)
    result = tools.fetch_tool_metrics(project, PERIOD.start, 1000)
    for key, calls in by_key(read_calls(project)).items():
        times = [call["took"] for call in calls if call["took"] is not None]
        sizes = [call["size"] for call in calls if call["checked"] and call["size"] is not None]
        assert result[key] == ToolCallMetrics(
            calls=len(calls),
            last_at=max(call["at"] for call in calls),
            timed_calls=len(times),
            p50_ms=percentile(times, 0.5),
            p95_ms=percentile(times, 0.95),
            max_ms=percentile(times, 1),
            has_sub_second_times=False,
            outputs=len(sizes),
            median_output_bytes=percentile(sizes, 0.5),
            max_output_bytes=percentile(sizes, 1),
        )
        assert tools.fetch_tool_metrics(project, PERIOD.start, 1000, key) == {key: result[key]}


def test_metrics_read_newest_steps_only(project: Project) -> None:
    fill(project)
    assert sum(item.calls for item in tools.fetch_tool_metrics(project, PERIOD.start, 2).values()) == 2


def test_definitions_have_versions_and_first_use(project: Project) -> None:
    fill(project)
    known = tools.fetch_tool_definitions(project)
    assert known.keys() == {("function", "search"), ("function", "idle"), ("file_search", "file_search")}
    search = known["function", "search"]
    assert sorted(map(sorted, search.versions.values())) == [["asst_concierge"], ["asst_tight"]]
    assert sorted(search.assistants) == ["asst_concierge", "asst_tight"]
    assert search.description == "Does search."
    since = {assistant: moment for version in search.versions.values() for assistant, moment in version.items()}
    assert since["asst_tight"] == datetime(2026, 11, 18, 10, tzinfo=UTC)
    written = {json.loads(body)["function"]["parameters"]["properties"]["order"]["type"]
               for body in tools.fetch_tool_definition_bodies(project, ("function", "search")).values()}  # fmt: skip
    assert written == {"string", "integer"}


def test_definition_dates_from_earliest_run(project: Project) -> None:
    search = function_tool("search")
    for created, temperature in (("18T10:00:00", 1), ("17T10:00:00", 0.5), ("18T11:00:00", 0.2)):
        factories.post(project, run_object(created_at=at(created), tools=[search], temperature=temperature))
    (since,) = tools.fetch_tool_definitions(project)["function", "search"].versions.values()
    assert since == {"asst_concierge": datetime(2026, 11, 17, 10, tzinfo=UTC)}


def test_overview_joins_definitions_and_calls(project: Project) -> None:
    fill(project)
    result = {(tool.type, tool.name): tool for tool in tools.fetch_tool_overview(project, PERIOD)}
    assert [tool.name for tool in result.values() if tool.is_never_called] == ["idle"]
    assert sorted(tool.name for tool in result.values() if tool.counts.failed or tool.counts.invalid) == [
        "file_search",
        "search",
    ]
    assert [tool.name for tool in result.values() if tool.version_count > 1] == ["search"]
    assert result["mcp", "post_entry"].definition is None
    assert result["function", "search"].last_at == datetime(2026, 11, 18, 12, tzinfo=UTC)


def test_tool_called_before_period_has_last_hour(project: Project) -> None:
    run = run_object(tools=[function_tool("old")])
    factories.post(project, run)
    factories.post_steps(project, step(run, "02T08:20:00", 1, function_call("old")))
    (tool,) = tools.fetch_tool_overview(project, PERIOD)
    assert not tool.is_never_called
    assert (tool.last_at, tool.is_last_at_hourly) == (datetime(2026, 11, 2, 8, tzinfo=UTC), True)
    delete_run(Run.objects.get())
    assert tools.fetch_last_call_hour(project, ("function", "old")) is None


def test_mcp_server_is_called_by_its_tool_names(project: Project) -> None:
    run = run_object(tools=[{"type": "mcp", "server_label": "ledger"}])
    factories.post(project, run)
    factories.post_steps(project, step(run, "18T08:20:00", 1, LEDGER))
    server = next(tool for tool in tools.fetch_tool_overview(project, PERIOD) if tool.name == "ledger")
    assert server.called_as == ("post_entry",)
    assert not server.is_never_called


def test_tools_of_other_projects_are_ignored(project: Project) -> None:
    fill(factories.make_project("other"))
    assert tools.fetch_tool_overview(project, PERIOD) == []


def test_overview_takes_constant_queries(project: Project) -> None:
    counts = []
    for many in (2, 40):
        names = [f"tool_{number}" for number in range(many)]
        run = run_object(tools=[function_tool(name) for name in names])
        factories.post(project, run)
        factories.post_steps(project, step(run, "18T10:00:00", 1, *map(function_call, names[: many // 2])))
        with CaptureQueriesContext(connection) as captured:
            assert len(tools.fetch_tool_overview(project, PERIOD)) == many
        counts.append(len(captured))
    assert counts == [4, 4]
