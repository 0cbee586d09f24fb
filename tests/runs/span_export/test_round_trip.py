"""Tests that runs are the same after they were exported as spans and posted to another project."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from runs.ingest import RawItem, ingest_mixed
from runs.models import Message, Project, Run, RunStep
from runs.responses import ingest_responses
from tests import factories, responses
from tests.factories import function_call, message_object, run_object, step_object
from tests.runs.span_export.round_trip import (
    derived_run_id,
    describe,
    describe_project,
    export_otlp,
    exported_spans,
    questions,
    read_attributes,
    send_to_other_project,
)

USAGE = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}


def post_conversation(project: Project) -> dict[str, Any]:
    """Post a run that calls two tools and answers, with what was asked. Return the run."""
    asked = message_object(text="Where is my order?")
    run = run_object(usage=USAGE, instructions="Be brief.")
    calls = [
        function_call("search_orders", '{"order": 12345678901234567890}', "[]"),
        function_call("refund", "{broken", None),
    ]
    step = step_object(run, *calls)
    answered = message_object(run, text="It is lost.")
    details = {"type": "message_creation", "message_creation": {"message_id": answered["id"]}}
    last = step_object(run, step_details=details)
    factories.post(project, run)
    factories.post_steps(project, step, last)
    factories.post_messages(project, asked, answered)
    return run


def test_conversation_survives(project: Project) -> None:
    post_conversation(project)
    other = send_to_other_project(project)
    assert describe_project(other) == describe_project(project)
    assert questions(other) == questions(project) == [("thread_first", "Where is my order?")]
    steps = RunStep.objects.of_run(Run.objects.get(project=other)).oldest_first()
    assert list(steps.values_list("type", "total_tokens")) == [("tool_calls", 75), ("message_creation", 75)]
    assert Run.objects.with_configuration().get(project=other).configuration.instructions == "Be brief."


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "in_progress", "completed_at": None},
        {"status": "requires_action", "completed_at": None},
        {"status": "cancelled", "completed_at": None, "cancelled_at": factories.NOW + 60},
        {"status": "expired", "completed_at": None, "expires_at": factories.NOW + 60},
        {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
        {"status": "incomplete", "incomplete_details": {"reason": "max_completion_tokens"}},
        {"status": "failed", "last_error": {"code": "server_error", "message": "Sorry."}, "usage": None},
        {"usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}},
        {"usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 20}},
        {"model": None, "instructions": None, "tools": [], "metadata": None},
        {"assistant_id": "asst:1 ü", "thread_id": "thread ü"},
    ],
)
def test_outcomes_survive(project: Project, changes: dict[str, Any]) -> None:
    run = factories.post_run(project, **changes)
    other = send_to_other_project(project)
    assert describe_project(other) == describe_project(project)
    assert Run.objects.get(project=other).incomplete_reason == run.incomplete_reason


def test_usage_of_calls_never_counts_twice(project: Project) -> None:
    run = run_object(usage=USAGE | {"total_tokens": 151})
    factories.post(project, run)
    factories.post_steps(project, step_object(run, function_call("search_orders")))
    other = send_to_other_project(project)
    assert Run.objects.get(project=other).total_tokens == 151


def test_tools_of_all_types_survive(project: Project) -> None:
    run = run_object()
    calls = [
        {"id": "c1", "type": "code_interpreter", "code_interpreter": {"input": "1+1", "outputs": [{"type": "logs"}]}},
        {"id": "c2", "type": "file_search", "file_search": {"results": [{"file_id": "file_1", "score": 0.5}]}},
        {"id": "c3", "type": "mcp", "name": "lookup", "arguments": "{}", "output": "found", "server_label": "crm"},
        {"id": "c4", "type": "bing_grounding", "bing_grounding": {"requesturl": "https://example.com"}},
    ]
    factories.post(project, run)
    factories.post_steps(project, step_object(run, *calls, status="failed", last_error={"code": "e", "message": "m"}))
    spans = [read_attributes(span) for span in exported_spans(export_otlp(project))]
    found = [
        (span["gen_ai.tool.name"], span.get("gen_ai.tool.call.arguments"), span.get("gen_ai.tool.call.result"))
        for span in spans
        if span["gen_ai.operation.name"] == "execute_tool"
    ]
    assert found == [
        ("code_interpreter", "1+1", '[{"type":"logs"}]'),
        ("file_search", None, '[{"file_id":"file_1","score":0.5}]'),
        ("lookup", "{}", "found"),
        ("bing_grounding", '{"requesturl":"https://example.com"}', None),
    ]
    step = RunStep.objects.get(project=send_to_other_project(project))
    assert (step.status, step.error_code, step.tool_names) == ("failed", "e", [name for name, *_ in found])


def test_turns_of_responses_survive(project: Project) -> None:
    called = responses.call("search_orders")
    first = responses.response_object(called, usage=responses.usage(100, 10))
    second = responses.response_object(
        responses.answer("None."), at=10, previous_response_id=first["id"], usage=responses.usage(150, 20)
    )
    pair = {"input": [responses.question("Any orders?")]}
    responses.post_responses(project, {"request": pair, "response": first})
    request = {"input": [responses.call_output(called, "[]")]}
    responses.post_responses(project, {"request": request, "response": second})
    other = send_to_other_project(project)
    assert describe_project(other) == describe_project(project)
    assert questions(other) == questions(project)
    (run,) = describe_project(other)
    assert len(run["calls"]) == 1
    assert run["tokens"][:3] == (250, 30, 280)


def test_second_export_changes_nothing(project: Project) -> None:
    post_conversation(project)
    other = send_to_other_project(project)
    before = list(Message.objects.filter(project=other).order_by("pk").values()), describe_project(other)
    send_to_other_project(project)
    assert before == (list(Message.objects.filter(project=other).order_by("pk").values()), describe_project(other))


@pytest.mark.skipif(not os.environ.get("RUNGLASS_REAL_DATA"), reason="no recorded objects")
def test_recorded_runs_survive(project: Project) -> None:
    folder = Path(os.environ["RUNGLASS_REAL_DATA"])
    for name in ("runs", "steps", "messages"):
        lines = (folder / f"{name}.jsonl").read_bytes().splitlines()
        ingest_mixed(project, [RawItem(index, line) for index, line in enumerate(lines)])
    check_survival(project)


@pytest.mark.skipif(not os.environ.get("RUNGLASS_TODAY_DATA"), reason="no recorded objects")
def test_recorded_responses_survive(project: Project) -> None:
    lines = (Path(os.environ["RUNGLASS_TODAY_DATA"]) / "responses.jsonl").read_bytes().splitlines()
    ingest_responses(project, [RawItem(index, line) for index, line in enumerate(lines)])
    check_survival(project)


def check_survival(project: Project) -> None:
    lines = export_otlp(project)
    other = send_to_other_project(project, lines)
    agents = {read_attributes(span).get("runglass.run.id"): derived_run_id(span) for span in exported_spans(lines)}
    runs = list(Run.objects.in_project(project))
    assert len(runs) == Run.objects.in_project(other).count()
    for run in runs:
        found = Run.objects.find(other, agents[run.external_id])
        assert found is not None
        # a span has an end, also where none was posted, and times of whole seconds
        assert describe(found) | {"times": None} == describe(run) | {"times": None}
        assert (
            run.ended_at is None or found.duration_ms is None or abs(found.duration_ms - (run.duration_ms or 0)) < 2000
        )
    threads = {run.thread_id for run in runs}
    assert not Counter(pair for pair in questions(project) if pair[0] in threads) - Counter(questions(other))
