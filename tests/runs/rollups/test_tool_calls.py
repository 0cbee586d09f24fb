"""The sums over tool calls are what counting them anew gives, whatever happened to steps, runs and their tools."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models import Sum

from runs.enrichment import tool_call_validation
from runs.ingest import RawItem, ingest_mixed
from runs.models import HourByTool, Project, Run, RunStep
from runs.rollups import compaction, tool_calls
from runs.team.deletion import delete_run
from tests import factories
from tests.factories import NOW, function_call, function_tool, run_object, step_object

SEARCH = {"id": "call_s", "type": "file_search", "file_search": {"results": [{"file_id": "f"}]}}
LEDGER = {
    "id": "call_m",
    "type": "mcp",
    "name": "post_entry",
    "arguments": "{}",
    "output": "gr\u00fcn",
    "server_label": "l",
}
CODE = {"id": "call_c", "type": "code_interpreter", "code_interpreter": {"input": "1", "outputs": []}}


def bytes_of(call: dict[str, Any]) -> int | None:
    match call["type"]:
        case "function":
            output = call["function"]["output"]
        case "mcp":
            output = call["output"]
        case kind:
            output = call[kind].get("results") or call[kind].get("outputs") or None
    if output is None:
        return None
    return len((output if isinstance(output, str) else json.dumps(output, separators=(",", ":"))).encode())


def counted_anew(project: Project) -> dict[tuple[Any, ...], list[int]]:
    """From what was posted; of verdicts, those that are stored."""
    found: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(tool_calls.TOOL_CALL_MEASURES))
    for row in RunStep.objects.filter(project=project):
        posted = json.loads(row.as_json())
        hour = datetime.fromtimestamp(posted["created_at"], UTC).replace(minute=0, second=0)
        wrong = list(row.misargued or ())
        for call in posted["step_details"].get("tool_calls", []):
            name = call["function"]["name"] if call["type"] == "function" else call.get("name", call["type"])
            size = None if row.misargued is None else bytes_of(call)
            is_wrong = call["type"] == "function" and name in wrong
            if is_wrong:
                wrong.remove(name)
            failed, checked = posted["status"] == "failed", row.misargued is not None
            measures = [1, failed, checked, is_wrong, size is not None, size or 0]
            key = (hour, call["type"], name, posted["assistant_id"])
            found[key] = [a + b for a, b in zip(found[key], measures, strict=True)]
    return dict(found)


def kept(project: Project) -> dict[tuple[Any, ...], list[int]]:
    rows = HourByTool.objects.filter(project=project).values_list("hour", "type", "name", "assistant_id")
    summed = rows.annotate(*(Sum(name) for name in tool_calls.TOOL_CALL_MEASURES))
    return {row[:4]: list(map(int, row[4:])) for row in summed if any(row[4:])}


def check_all(project: Project) -> int:
    """Hold all calls against their runs' tools; how many steps were checked."""
    after, count = None, 0
    while True:
        found = tool_call_validation.validate_next_steps({project.pk: project}, after)
        after, count = found.next_position, count + found.validated_count
        if after is None:
            return count


def test_sums_follow_steps_runs_checks_and_deletes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_call_validation, "VALIDATION_BATCH_SIZE", 3)
    chance = random.Random(7)
    runs = [run_object(created_at=NOW + chance.randrange(2 * 86400)) for _ in range(6)]
    steps = [step_object(run) for run in runs for _ in range(3)]
    tools = [function_tool("search"), function_tool("refund", order={"type": "integer"})]
    for turn in range(120):
        base = chance.choice(steps)
        calls = chance.choices(
            [function_call("search", output="{}"), function_call("search", "no JSON", None), function_call("refund"),
             function_call("unheard_of", output="\u00fc"), SEARCH, LEDGER, CODE],
            k=chance.randrange(4),
        )  # fmt: skip
        details = {"type": "tool_calls", "tool_calls": calls}
        status = chance.choice(["in_progress", "completed", "failed"])
        factories.post_steps(project, base | {"status": status, "step_details": details})
        if chance.random() < 0.3:
            factories.post(project, chance.choice(runs) | {"tools": chance.sample(tools, 1)})
        if chance.random() < 0.3:
            check_all(project)
        if chance.random() < 0.1 and (run := Run.objects.in_project(project).newest_first().first()):
            delete_run(run)
        if chance.random() < 0.1:
            compaction.compact_rollups(project)
        if turn % 20 == 0:
            assert kept(project) == counted_anew(project)
    factories.post(project, *(run | {"tools": tools[1:]} for run in runs))
    check_all(project)
    assert kept(project) == counted_anew(project)
    assert all(
        sum(each[place] for each in kept(project).values()) > 0 for place, _ in enumerate(tool_calls.TOOL_CALL_MEASURES)
    )


def test_one_request_with_run_and_steps_counts_each_call_once(project: Project) -> None:
    run = run_object(tools=[function_tool("search")])
    call = step_object(run, function_call("search", output=None), status="in_progress")
    done = call | {
        "status": "completed",
        "step_details": {"type": "tool_calls", "tool_calls": [function_call("search")]},
    }
    factories.post_steps(project, call, done, call)
    factories.post(project, run)
    check_all(project)
    factories.post_steps(project, done)
    assert kept(project) == counted_anew(project)
    assert [sums[0] for sums in kept(project).values()] == [1]


@pytest.mark.parametrize(
    ("arguments", "expected"), [('{"order": "A"}', []), ('{"order": 1}', ["search"]), ("{", ["search"])]
)
def test_a_call_is_held_against_its_own_runs_tools(project: Project, arguments: str, expected: list[str]) -> None:
    run = run_object(tools=[function_tool("search")])
    factories.post_steps(project, step_object(run, function_call("search", arguments), SEARCH))
    assert check_all(project) == 0  # its run is not there
    factories.post(project, run)
    assert check_all(project) == 1
    assert RunStep.objects.get().misargued == expected
    assert check_all(project) == 0


def test_a_call_of_no_function_needs_no_run(project: Project) -> None:
    factories.post_steps(project, step_object(run_object(), SEARCH, LEDGER))
    assert check_all(project) == 1
    assert RunStep.objects.get().misargued == []


@pytest.mark.parametrize("tools", [None, ...])
def test_nothing_is_wrong_where_tools_were_not_sent(project: Project, tools: Any) -> None:
    run = run_object(tools=tools)
    factories.post(project, run)
    factories.post_steps(project, step_object(run, function_call("search", "{")))
    check_all(project)
    assert RunStep.objects.get().misargued == []


def test_other_tools_take_the_verdict_back(project: Project) -> None:
    run = run_object(tools=[function_tool("search")])
    factories.post(project, run)
    factories.post_steps(project, step_object(run, function_call("search")))
    check_all(project)
    factories.post(project, run | {"tools": [function_tool("search", order={"type": "integer"})]})
    assert RunStep.objects.get().misargued is None
    check_all(project)
    assert RunStep.objects.get().misargued == ["search"]
    assert kept(project) == counted_anew(project)


def test_a_verdict_on_tools_that_changed_meanwhile_is_dropped(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_object(tools=[function_tool("search")])
    factories.post(project, run)
    factories.post_steps(project, step_object(run, function_call("search")))
    store = tool_call_validation._store

    def store_late(*arguments: Any) -> int:
        factories.post(project, run | {"tools": []})
        return store(*arguments)

    monkeypatch.setattr(tool_call_validation, "_store", store_late)
    assert check_all(project) == 0
    assert RunStep.objects.get().misargued is None


def test_a_step_that_was_written_meanwhile_is_checked_later(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_object(tools=[])
    posted = step_object(run, function_call("search", output=None), status="in_progress")
    factories.post(project, run)
    factories.post_steps(project, posted)
    store = tool_call_validation._store

    def store_late(*arguments: Any) -> int:
        factories.post_steps(project, posted | {"status": "completed"})
        return store(*arguments)

    monkeypatch.setattr(tool_call_validation, "_store", store_late)
    assert check_all(project) == 0
    monkeypatch.undo()
    assert check_all(project) == 1
    assert kept(project) == counted_anew(project)


def test_sizes_of_outputs_are_kept_by_call(project: Project) -> None:
    factories.post_steps(project, step_object(run_object(), LEDGER, CODE, SEARCH))
    check_all(project)
    assert RunStep.objects.get().tool_outputs == [5, None, 17]


def test_a_step_that_is_sent_again_is_unchanged_and_keeps_its_verdict(project: Project) -> None:
    posted = step_object(run_object(), LEDGER)
    factories.post_steps(project, posted)
    check_all(project)
    assert factories.post_steps(project, posted).counts["unchanged"] == 1
    assert RunStep.objects.get().misargued == []


def test_names_that_arrays_would_trip_over_are_kept(project: Project) -> None:
    name = 'a "b" \\ {c}, NULL'
    run = run_object(tools=[function_tool("other")])
    factories.post(project, run)
    factories.post_steps(project, step_object(run, function_call(name)))
    check_all(project)
    assert RunStep.objects.get().misargued == [name]
    assert kept(project) == counted_anew(project)


def test_one_request_may_bring_other_tools_and_steps_that_were_checked(project: Project) -> None:
    run = run_object(tools=[function_tool("search")])
    steps = [step_object(run, function_call("search"), status="in_progress") for _ in range(2)]
    factories.post(project, run)
    factories.post_steps(project, *steps)
    check_all(project)
    objects = [run | {"tools": []}, steps[0] | {"status": "completed"}, steps[1]]
    report = ingest_mixed(project, [RawItem(place, json.dumps(each).encode()) for place, each in enumerate(objects)])
    assert report.counts["updated"] == 2
    assert set(RunStep.objects.values_list("misargued", flat=True)) == {None}
    assert check_all(project) == 2
    assert kept(project) == counted_anew(project)
    assert sum(sums[3] for sums in kept(project).values()) == 2
