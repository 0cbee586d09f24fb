"""The rollup of tool calls equals a recount of the steps, whatever was written."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models import Sum

from runs.enrichment import step_validation
from runs.ingest import RawItem, ingest_mixed
from runs.models import HourByTool, Project, Run, RunStep
from runs.rollups import compaction, tool_calls
from tests import factories
from tests.factories import NOW, delete_run, function_call, function_tool, run_object, step_object

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


def output_size(call: dict[str, Any]) -> int | None:
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


def recount_tool_calls(project: Project) -> dict[tuple[Any, ...], list[int]]:
    """Return the sums, computed from the posted steps and the stored validation results."""
    result: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(tool_calls.TOOL_CALL_MEASURES))
    for row in RunStep.objects.filter(project=project):
        posted = json.loads(row.as_json())
        hour = datetime.fromtimestamp(posted["created_at"], UTC).replace(minute=0, second=0)
        wrong = list(row.invalid_calls or ())
        for call in posted["step_details"].get("tool_calls", []):
            name = call["function"]["name"] if call["type"] == "function" else call.get("name", call["type"])
            size = None if row.invalid_calls is None else output_size(call)
            is_wrong = call["type"] == "function" and name in wrong
            if is_wrong:
                wrong.remove(name)
            failed, checked = posted["status"] == "failed", row.invalid_calls is not None
            measures = [1, failed, checked, is_wrong, size is not None, size or 0]
            key = (hour, call["type"], name, posted["assistant_id"])
            result[key] = [a + b for a, b in zip(result[key], measures, strict=True)]
    return dict(result)


def read_rollup(project: Project) -> dict[tuple[Any, ...], list[int]]:
    rows = HourByTool.objects.filter(project=project).values_list("hour", "type", "name", "assistant_id")
    summed = rows.annotate(*(Sum(name) for name in tool_calls.TOOL_CALL_MEASURES))
    return {row[:4]: list(map(int, row[4:])) for row in summed if any(row[4:])}


def validate_all(project: Project) -> int:
    """Validate all calls; return the number of steps."""
    after, count = None, 0
    while True:
        result = step_validation.validate_next_steps(project, after)
        after, count = result.next_position, count + result.validated_count
        if after is None:
            return count


def test_rollup_follows_every_kind_of_write(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_validation, "VALIDATION_BATCH_SIZE", 3)
    rng = random.Random(7)
    runs = [run_object(created_at=NOW + rng.randrange(2 * 86400)) for _ in range(6)]
    steps = [step_object(run) for run in runs for _ in range(3)]
    tools = [function_tool("search"), function_tool("refund", order={"type": "integer"})]
    for turn in range(120):
        base = rng.choice(steps)
        calls = rng.choices(
            [function_call("search", output="{}"), function_call("search", "no JSON", None), function_call("refund"),
             function_call("unheard_of", output="\u00fc"), SEARCH, LEDGER, CODE],
            k=rng.randrange(4),
        )  # fmt: skip
        details = {"type": "tool_calls", "tool_calls": calls}
        status = rng.choice(["in_progress", "completed", "failed"])
        factories.post_steps(project, base | {"status": status, "step_details": details})
        if rng.random() < 0.3:
            factories.post(project, rng.choice(runs) | {"tools": rng.sample(tools, 1)})
        if rng.random() < 0.3:
            validate_all(project)
        if rng.random() < 0.1 and (run := Run.objects.in_project(project).newest_first().first()):
            delete_run(run)
        if rng.random() < 0.1:
            compaction.compact_rollups(project)
        if turn % 20 == 0:
            assert read_rollup(project) == recount_tool_calls(project)
    factories.post(project, *(run | {"tools": tools[1:]} for run in runs))
    validate_all(project)
    assert read_rollup(project) == recount_tool_calls(project)
    assert all(
        sum(item[index] for item in read_rollup(project).values()) > 0
        for index, _ in enumerate(tool_calls.TOOL_CALL_MEASURES)
    )


def test_call_sent_repeatedly_counts_once(project: Project) -> None:
    run = run_object(tools=[function_tool("search")])
    call = step_object(run, function_call("search", output=None), status="in_progress")
    done = call | {
        "status": "completed",
        "step_details": {"type": "tool_calls", "tool_calls": [function_call("search")]},
    }
    factories.post_steps(project, call, done, call)
    factories.post(project, run)
    validate_all(project)
    factories.post_steps(project, done)
    assert read_rollup(project) == recount_tool_calls(project)
    assert [sums[0] for sums in read_rollup(project).values()] == [1]


@pytest.mark.parametrize(
    ("arguments", "expected"), [('{"order": "A"}', []), ('{"order": 1}', ["search"]), ("{", ["search"])]
)
def test_call_is_validated_against_its_runs_tools(project: Project, arguments: str, expected: list[str]) -> None:
    run = run_object(tools=[function_tool("search")])
    factories.post_steps(project, step_object(run, function_call("search", arguments), SEARCH))
    assert validate_all(project) == 0  # its run is not there
    factories.post(project, run)
    assert validate_all(project) == 1
    assert RunStep.objects.get().invalid_calls == expected
    assert validate_all(project) == 0


def test_other_call_than_function_needs_no_run(project: Project) -> None:
    factories.post_steps(project, step_object(run_object(), SEARCH, LEDGER))
    assert validate_all(project) == 1
    assert RunStep.objects.get().invalid_calls == []


@pytest.mark.parametrize("tools", [None, ...])
def test_calls_without_tools_sent_are_valid(project: Project, tools: Any) -> None:
    run = run_object(tools=tools)
    factories.post(project, run)
    factories.post_steps(project, step_object(run, function_call("search", "{")))
    validate_all(project)
    assert RunStep.objects.get().invalid_calls == []


def test_changed_tools_invalidate_validation(project: Project) -> None:
    run = run_object(tools=[function_tool("search")])
    factories.post(project, run)
    factories.post_steps(project, step_object(run, function_call("search")))
    validate_all(project)
    factories.post(project, run | {"tools": [function_tool("search", order={"type": "integer"})]})
    assert RunStep.objects.get().invalid_calls is None
    validate_all(project)
    assert RunStep.objects.get().invalid_calls == ["search"]
    assert read_rollup(project) == recount_tool_calls(project)


def test_validation_is_dropped_if_tools_changed_meanwhile(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_object(tools=[function_tool("search")])
    factories.post(project, run)
    factories.post_steps(project, step_object(run, function_call("search")))
    store = step_validation._store

    def store_late(*arguments: Any) -> int:
        factories.post(project, run | {"tools": [function_tool("other")]})
        return store(*arguments)

    monkeypatch.setattr(step_validation, "_store", store_late)
    assert validate_all(project) == 0
    assert RunStep.objects.get().invalid_calls is None


def test_step_written_meanwhile_is_validated_later(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_object(tools=[])
    posted = step_object(run, function_call("search", output=None), status="in_progress")
    factories.post(project, run)
    factories.post_steps(project, posted)
    store = step_validation._store

    def store_late(*arguments: Any) -> int:
        factories.post_steps(project, posted | {"status": "completed"})
        return store(*arguments)

    monkeypatch.setattr(step_validation, "_store", store_late)
    assert validate_all(project) == 0
    monkeypatch.undo()
    assert validate_all(project) == 1
    assert read_rollup(project) == recount_tool_calls(project)


def test_output_sizes_are_stored_by_call(project: Project) -> None:
    factories.post_steps(project, step_object(run_object(), LEDGER, CODE, SEARCH))
    validate_all(project)
    assert RunStep.objects.get().tool_outputs == [5, None, 17]


def test_resent_step_keeps_its_validation(project: Project) -> None:
    posted = step_object(run_object(), LEDGER)
    factories.post_steps(project, posted)
    validate_all(project)
    assert factories.post_steps(project, posted).counts["unchanged"] == 1
    assert RunStep.objects.get().invalid_calls == []


def test_names_with_special_characters_are_stored(project: Project) -> None:
    name = 'a "b" \\ {c}, NULL'
    run = run_object(tools=[function_tool("other")])
    factories.post(project, run)
    factories.post_steps(project, step_object(run, function_call(name)))
    validate_all(project)
    assert RunStep.objects.get().invalid_calls == [name]
    assert read_rollup(project) == recount_tool_calls(project)


def test_changed_tools_and_steps_in_one_request(project: Project) -> None:
    run = run_object(tools=[function_tool("search")])
    steps = [step_object(run, function_call("search"), status="in_progress") for _ in range(2)]
    factories.post(project, run)
    factories.post_steps(project, *steps)
    validate_all(project)
    objects = [run | {"tools": [function_tool("other")]}, steps[0] | {"status": "completed"}, steps[1]]
    report = ingest_mixed(project, [RawItem(index, json.dumps(item).encode()) for index, item in enumerate(objects)])
    assert report.counts["updated"] == 2
    assert set(RunStep.objects.values_list("invalid_calls", flat=True)) == {None}
    assert validate_all(project) == 2
    assert read_rollup(project) == recount_tool_calls(project)
    assert sum(sums[3] for sums in read_rollup(project).values()) == 2
