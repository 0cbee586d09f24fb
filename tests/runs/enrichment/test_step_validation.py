"""The calls of stored steps are validated in batches that fit into memory, and the findings are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runs.enrichment import step_validation, tool_call_validation, validation_batches
from runs.enrichment.function_calls import FindingKind, PostedFunctionCall
from runs.enrichment.step_validation import read_stored_findings, validate_next_steps
from runs.models import Project, RunStep
from tests import factories

ORDER_TOOL = factories.function_tool("find", order={"type": "string"})


def post_calls(project: Project, *arguments: str, **changes: Any) -> RunStep:
    """Store a run whose only step calls `find` with each of `arguments`."""
    run = factories.run_object(tools=[ORDER_TOOL], **changes)
    step = factories.step_object(run, *(factories.function_call("find", text) for text in arguments))
    assert not factories.post(project, run).errors
    assert not factories.post_steps(project, step).errors
    return RunStep.objects.get(external_id=step["id"])


def stored_kinds(step: RunStep) -> list[list[FindingKind]] | None:
    step.refresh_from_db()
    calls = {position: PostedFunctionCall("", name, None) for position, name in enumerate(step.tool_names)}
    findings = read_stored_findings(step, calls)
    return None if findings is None else [[finding.kind for finding in found] for found in findings.values()]


def test_findings_are_stored_by_call(project: Project) -> None:
    step = post_calls(project, '{"order": "A-1"}', '{"order": 1}', "{")
    assert stored_kinds(step) is None
    assert validate_next_steps(project, None).next_position is None
    assert stored_kinds(step) == [[], [FindingKind.INVALID_ARGUMENTS], [FindingKind.UNPARSEABLE]]
    assert step.invalid_calls == ["find", "find"]


def test_steps_of_other_projects_are_left_alone(project: Project) -> None:
    step = post_calls(factories.make_project("other"), "{}")
    assert validate_next_steps(project, None).validated_count == 0
    assert stored_kinds(step) is None


def test_batches_are_limited_by_size(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [post_calls(project, json.dumps({"order": "x" * 5000})) for _ in range(5)]
    monkeypatch.setattr(validation_batches, "MAX_BATCH_SIZE", 12_000)
    position, counts = None, []
    while counts == [] or position is not None:
        progress = validate_next_steps(project, position)
        position = progress.next_position
        counts.append(progress.validated_count)
    assert counts == [2, 2, 1]
    assert [stored_kinds(step) for step in steps] == [[[]]] * 5


def test_large_steps_are_not_decoded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    large, small = post_calls(project, "{" + " " * 5000), post_calls(project, "{")
    monkeypatch.setattr(validation_batches, "MAX_DETAILS_SIZE", 2000)
    assert validate_next_steps(project, None).validated_count == 2
    assert stored_kinds(large) == [[FindingKind.NOT_VALIDATED]]
    assert stored_kinds(small) == [[FindingKind.UNPARSEABLE]]
    assert (large.invalid_calls, large.tool_outputs) == ([], [None])


def test_slow_steps_end_a_batch(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [post_calls(project, "{") for _ in range(3)]
    find = tool_call_validation.find_call_findings
    monkeypatch.setattr(step_validation, "find_call_findings", lambda calls, _: [*find(calls, 30)[:1], None, None])
    progress = validate_next_steps(project, None)
    assert progress.validated_count == 1
    assert [stored_kinds(step) for step in steps] == [[[FindingKind.UNPARSEABLE]], None, None]

    # a step that takes too long by itself does not hold up those behind it
    monkeypatch.setattr(step_validation, "find_call_findings", lambda calls, _: [None] * len(calls))
    assert validate_next_steps(project, progress.next_position).validated_count == 1
    assert stored_kinds(steps[1]) == [[FindingKind.NOT_VALIDATED]]
