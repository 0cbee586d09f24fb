"""The demo generator: deterministic, sorted, complete and valid."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections import Counter
from itertools import islice, pairwise
from random import Random
from typing import Any

import pytest

from runs.demo import Lifecycle, generate_assistants, generate_lifecycles
from runs.demo.cast import CAST
from runs.demo.rhythm import draw_start_times, find_throttled_period

END = 1_795_328_000
DAY = 86_400
TERMINAL_TIMES = {"completed": "completed_at", "failed": "failed_at", "cancelled": "cancelled_at"}
SECOND_REVISION = {
    *("id", "object", "created_at", "thread_id", "assistant_id", "status", "required_action", "last_error"),
    *("expires_at", "started_at", "cancelled_at", "failed_at", "completed_at", "incomplete_details", "model"),
    *("instructions", "tools", "metadata", "usage", "max_prompt_tokens", "max_completion_tokens"),
    *("truncation_strategy", "tool_choice", "parallel_tool_calls", "response_format"),
}
FIRST_REVISION = {
    *("id", "object", "created_at", "thread_id", "assistant_id", "status", "last_error", "expires_at"),
    *(
        "started_at",
        "cancelled_at",
        "failed_at",
        "completed_at",
        "model",
        "instructions",
        "tools",
        "metadata",
    ),
}
DASHSCOPE, LEGACY, AZURE, COMPATIBLE = (
    "qwen-max",
    "gpt-3.5-turbo-1106",
    "recon-gpt4o-weu",
    "llama-3.3-70b-instruct",
)


@pytest.fixture(scope="module")
def month() -> list[Lifecycle]:
    return list(generate_lifecycles(end=END))


def serialize(lifecycles: Any) -> list[str]:
    return [
        json.dumps([one.run, one.earlier, one.steps, one.messages], ensure_ascii=False, allow_nan=False)
        for one in lifecycles
    ]


def seconds(timestamp: int) -> int:
    return timestamp // 1000 if timestamp > 10**11 else timestamp


def tool_calls_of(lifecycle: Lifecycle) -> list[dict[str, Any]]:
    return [call for step in lifecycle.steps for call in step["step_details"].get("tool_calls", [])]


def test_same_arguments_give_same_bytes(month):
    assert serialize(generate_lifecycles(end=END)) == serialize(month)
    assert serialize(generate_lifecycles(end=END, runs=50, seed=2)) != serialize(generate_lifecycles(end=END, runs=50))


def test_hash_seed_does_not_matter():
    code = (
        "import json, sys; from runs.demo import generate_lifecycles\n"
        f"for one in generate_lifecycles(end={END}, runs=300):\n"
        "    sys.stdout.write(json.dumps([one.run, one.earlier, one.steps, one.messages]))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0]
    assert outputs[0] == outputs[1]


def test_generator_does_not_import_django():
    code = "import sys, runs.demo; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_runs_do_not_depend_on_steps():
    without_steps = list(generate_lifecycles(end=END, runs=400, steps=False))
    assert not any(one.steps or one.messages for one in without_steps)
    full = list(generate_lifecycles(end=END, runs=400))
    assert [(one.run, one.earlier) for one in without_steps] == [(one.run, one.earlier) for one in full]


@pytest.mark.parametrize("runs", [0, 1, 9, 10, 149, 3000])
def test_number_of_runs_is_exact(runs):
    assert sum(1 for _ in generate_lifecycles(end=END, runs=runs, steps=False)) == runs


@pytest.mark.parametrize("arguments", [{"runs": -1}, {"days": 0}, {"end": DAY}])
def test_invalid_periods_are_rejected_at_once(arguments):
    with pytest.raises(ValueError, match="cannot make"):
        generate_lifecycles(**{"end": END} | arguments)


@pytest.mark.parametrize("days", [1, 7, 30, 365])
def test_runs_are_sorted_within_period(days):
    created = [
        seconds(one.run["created_at"]) for one in generate_lifecycles(end=END, days=days, runs=1500, steps=False)
    ]
    assert all(earlier <= later for earlier, later in pairwise(created))
    assert created[0] >= END - days * DAY
    assert created[-1] == END


def test_memory_does_not_grow_with_runs():
    def peak(runs: int) -> int:
        tracemalloc.reset_peak()
        for _ in generate_lifecycles(end=END, runs=runs, steps=False):
            pass
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        peak(500)
        assert peak(8000) < peak(1000) + 200_000
    finally:
        tracemalloc.stop()


def test_first_of_a_million_runs_comes_immediately():
    assert len(list(islice(generate_lifecycles(end=END, runs=1_000_000), 5))) == 5


def test_ids_are_unique(month):
    ids = [one.run["id"] for one in month]
    ids += [made["id"] for one in month for made in (*one.steps, *one.messages)]
    assert len(set(ids)) == len(ids)


def test_weekdays_are_busy_and_nights_quiet():
    hours = Counter((timestamp // 3600) % 24 for timestamp in draw_start_times(Random(3), 5000, END - 28 * DAY, END))
    weekend = sum(
        (timestamp // DAY + 3) % 7 > 4 for timestamp in draw_start_times(Random(3), 5000, END - 28 * DAY, END)
    )
    assert hours[10] > 10 * hours[3]
    assert weekend < 600


def test_every_status_occurs(month):
    seen = Counter(one.run["status"] for one in month)
    assert set(seen) == {
        *("queued", "in_progress", "requires_action", "cancelling", "cancelled", "failed", "completed"),
        *("incomplete", "expired", "paused_by_vendor"),
    }
    assert 0.025 < seen["failed"] / len(month) < 0.055


@pytest.mark.parametrize("seed", range(4))
def test_rare_outcomes_occur_with_every_seed(seed):
    month = list(generate_lifecycles(end=END, seed=seed))
    codes = {one.run["last_error"]["code"] for one in month if one.run["last_error"]}
    assert codes >= {
        *("server_error", "rate_limit_exceeded", "invalid_prompt", "tool_user_error", "invalid_engine_error"),
        *("Throttling.RateQuota", "upstream_timeout"),
    }
    reasons = [one.run.get("incomplete_details") for one in month if one.run["status"] == "incomplete"]
    assert {reason and reason["reason"] for reason in reasons} == {
        None,
        "max_completion_tokens",
        "max_prompt_tokens",
    }
    cancelled = [one.run["started_at"] for one in month if one.run["status"] == "cancelled"]
    assert None in cancelled
    assert any(cancelled)


def test_every_tool_and_step_type_occurs(month):
    assert {call["type"] for one in month for call in tool_calls_of(one)} == {
        *("function", "code_interpreter", "file_search", "retrieval", "openapi", "azure_ai_search", "mcp"),
        *("bing_grounding", "connected_agent"),
    }
    assert {step["type"] for one in month for step in one.steps} == {
        "message_creation",
        "tool_calls",
        "activities",
    }
    assert {step["status"] for one in month for step in one.steps} == {
        *("in_progress", "cancelled", "failed", "completed", "expired"),
    }
    outputs = [
        output["type"]
        for one in month
        for call in tool_calls_of(one)
        if call["type"] == "code_interpreter"
        for output in call["code_interpreter"]["outputs"]
    ]
    assert set(outputs) == {"logs", "image"}


def test_every_dialect_has_its_share(month):
    shares = Counter(one.run["model"] for one in month)
    assert 0.06 < shares[LEGACY] / len(month) < 0.10
    assert 0.08 < shares[AZURE] / len(month) < 0.12
    assert 0.01 < shares[DASHSCOPE] / len(month) < 0.03
    assert shares[COMPATIBLE]
    assert any(model.startswith("ft:") for model in shares)
    assert {one.run["assistant_id"] for one in month} == {assistant.id for assistant in CAST}


def test_each_dialect_has_its_own_fields(month):
    for one in month:
        run, model = one.run, one.run["model"]
        if model == DASHSCOPE:
            assert run["created_at"] > 10**12
            assert run["metadata"] == []
            assert run["usage"] is None or "input_tokens" in run["usage"]
            continue
        assert run.keys() >= (FIRST_REVISION if model == LEGACY else SECOND_REVISION)
        assert ("file_ids" in run) == (model == LEGACY)
        assert ("x_placement" in run) == (model == COMPATIBLE)
        if model == AZURE:
            assert run["expires_at"] == run["created_at"] + 1800
        else:
            assert run["expires_at"] in (None, run["created_at"] + 600)


def test_times_agree_with_the_status(month):
    for run in (one.run for one in month if one.run["model"] != DASHSCOPE):
        status = run["status"]
        ended = {name for name in TERMINAL_TIMES.values() if run[name] is not None}
        allowed = {"incomplete": {"completed_at"}}.get(status, {TERMINAL_TIMES.get(status)} - {None})
        if status == "expired" and run["model"] == LEGACY:
            allowed = {"completed_at"}
        assert ended == allowed, run
        order = [run["created_at"], run["started_at"], *(run[name] for name in ended), END]
        known = [timestamp for timestamp in order if timestamp is not None]
        assert known == sorted(known), run
        assert (run["last_error"] is not None) == (status == "failed")
        assert (run.get("required_action") is not None) == (status == "requires_action")
        if status == "queued":
            assert run["started_at"] is None
        if status == "completed":
            assert 1 <= run["completed_at"] - run["created_at"] <= (700 if run["model"] == AZURE else 93)


def test_only_newest_runs_are_queued_or_working(month):
    for run in (one.run for one in month if one.run["status"] in ("queued", "in_progress", "cancelling")):
        assert END - seconds(run["created_at"]) <= 600


def test_waiting_runs_are_current_or_overdue(month):
    waiting = [one.run for one in month if one.run["status"] == "requires_action"]
    for kind in ("submit_tool_outputs", "submit_tool_approval"):
        expired = {run["expires_at"] < END for run in waiting if run["required_action"]["type"] == kind}
        assert expired == {True, False}


def test_pending_calls_match_last_step(month):
    for one in month:
        if one.run["status"] == "requires_action":
            action = one.run["required_action"]
            asked = action[action["type"]]["tool_calls"]
            made = one.steps[-1]["step_details"]["tool_calls"]
            assert 1 <= len(asked) <= 3
            assert [call["id"] for call in asked] == [call["id"] for call in made]
            assert all(call.get("function", call)["output"] is None for call in made)


def test_earlier_snapshots_lead_to_run(month):
    assert 0.2 < sum(bool(one.earlier) for one in month) / len(month) < 0.4
    for one in month:
        states = [*one.earlier, one.run]
        assert {state["id"] for state in states} == {one.run["id"]}
        if one.earlier:
            assert states[0]["status"] == "queued"
        starts = [state["started_at"] or 0 for state in states[:-1]]
        assert starts == sorted(starts)
        for state in one.earlier:
            assert state["status"] in ("queued", "in_progress", "requires_action")
            assert state["usage"] is None if "usage" in state else state["model"] == LEGACY


def test_steps_lie_within_their_run(month):
    for one in month:
        run, ended = one.run, END
        for name in TERMINAL_TIMES.values():
            ended = seconds(run[name]) if run[name] else ended
        for step in one.steps:
            assert (step["run_id"], step["thread_id"], step["assistant_id"]) == (
                *(run["id"], run["thread_id"], run["assistant_id"]),
            )
            assert step["type"] == step["step_details"]["type"]
            assert run["created_at"] <= step["created_at"]
            assert seconds(step["created_at"]) <= ended
            done = step["completed_at"] or step["failed_at"] or step["cancelled_at"]
            assert done is None or step["created_at"] <= done
            assert done is None or seconds(done) <= ended
            assert (step["completed_at"] is not None) == (step["status"] == "completed")
            assert (step["last_error"] is not None) == (step["status"] == "failed")
        begun = [step["created_at"] for step in one.steps]
        assert begun == sorted(begun)


def test_step_usage_adds_up_to_run_usage(month):
    for one in month:
        if one.run["status"] == "completed" and one.run.get("usage"):
            spent = sum(step["usage"]["total_tokens"] for step in one.steps if step["usage"])
            assert spent == one.run["usage"]["total_tokens"]


def test_unsuccessful_runs_report_usage_in_every_form(month):
    usages = [one.run.get("usage") for one in month if one.run["status"] in ("failed", "expired")]
    totals = {None if usage is None else usage["total_tokens"] > 0 for usage in usages}
    assert totals == {None, False, True}
    details = [one.run["usage"] for one in month if one.run["model"] == "o4-mini" and one.run["usage"]]
    assert any(usage["completion_tokens_details"]["reasoning_tokens"] for usage in details)
    assert any(usage["prompt_token_details"]["cached_tokens"] for usage in details)


def test_threads_hold_sequential_runs(month):
    threads: dict[str, list[dict[str, Any]]] = {}
    for one in month:
        threads.setdefault(one.run["thread_id"], []).append(one.run)
    assert {len(runs) for runs in threads.values()} == {1, 2, 3, 4, 5, 6}
    for before, after in (pair for runs in threads.values() for pair in pairwise(runs)):
        assert before["status"] in ("completed", "failed", "cancelled", "incomplete", "expired")
        assert (before["completed_at"] or 0) < after["created_at"]


def find_schema_errors(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return what is invalid about a value, for the keywords that the demo's schemas use."""
    kinds = {
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
        "string": isinstance(value, str),
        "integer": type(value) is int,
        "number": type(value) in (int, float),
        "boolean": type(value) is bool,
        "null": value is None,
    }
    allowed = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(kinds[kind] for kind in allowed):
        return [f"{value!r} is not {allowed}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{value!r} is none of {schema['enum']}"]
    if isinstance(value, list):
        return [
            found for each in value for found in find_schema_errors(each, schema.get("items", {"type": list(kinds)}))
        ]
    if isinstance(value, dict):
        missing = [name for name in schema.get("required", []) if name not in value]
        unknown = [name for name in value if name not in schema["properties"]]
        inner = [
            found
            for name in value.keys() & schema["properties"].keys()
            for found in find_schema_errors(value[name], schema["properties"][name])
        ]
        return missing + unknown + inner
    return []


def test_most_function_calls_match_their_schemas(month):
    counts: Counter[str] = Counter()
    for one in month:
        declared = {
            tool["function"]["name"]: tool["function"] for tool in one.run["tools"] if tool["type"] == "function"
        }
        for call in (call["function"] for call in tool_calls_of(one) if call["type"] == "function"):
            if call["name"] not in declared:
                counts["undeclared"] += 1
                continue
            try:
                arguments = json.loads(call["arguments"])
            except json.JSONDecodeError:
                counts["unreadable"] += 1
                continue
            counts["wrong" if find_schema_errors(arguments, declared[call["name"]]["parameters"]) else "sound"] += 1
    assert min(counts[kind] for kind in ("undeclared", "unreadable", "wrong")) >= 2
    assert counts["sound"] > 0.93 * counts.total()


def test_messages_belong_to_thread_and_steps(month):
    texts = set()
    for one in month:
        assert one.messages[0]["role"] == "user"
        written_ids = [
            step["step_details"]["message_creation"]["message_id"]
            for step in one.steps
            if step["type"] == "message_creation"
        ]
        assert [message["id"] for message in one.messages[1:]] == written_ids
        for message in one.messages:
            assert message["thread_id"] == one.run["thread_id"]
            for part in (part["text"] for part in message["content"] if part["type"] == "text"):
                texts.add(part["value"])
                for note in part["annotations"]:
                    assert part["value"][note["start_index"] : note["end_index"]] == note["text"]
    assert all(any(letter in text for text in texts) for letter in "طה届货배👩🤔")


def test_configurations_change_on_planned_days(month):
    for assistant in CAST:
        first_seen: dict[str, int] = {}
        for one in month:
            if one.run["assistant_id"] == assistant.id:
                fields = json.dumps(
                    {name: one.run[name] for name in assistant.configurations[0].fields if name in one.run}
                )
                first_seen.setdefault(fields, seconds(one.run["created_at"]))
        assert len(first_seen) == len(assistant.configurations), assistant.name
        for configuration, timestamp in zip(assistant.configurations, first_seen.values(), strict=True):
            assert timestamp >= END - 30 * DAY + int(configuration.since * 30) * DAY


def test_instructions_have_realistic_length():
    for assistant in CAST:
        for configuration in assistant.configurations:
            assert 500 <= len(configuration.fields["instructions"]) <= 4000
            assert len(configuration.fields["tools"]) <= 12


def test_one_morning_is_throttled_and_one_assistant_regresses(month):
    throttled = range(*find_throttled_period(END - 30 * DAY, 30))
    limited = [one.run for one in month if (one.run["last_error"] or {}).get("code") == "rate_limit_exceeded"]
    assert sum(run["created_at"] in throttled for run in limited) >= 10
    desk = next(assistant for assistant in CAST if assistant.key == "returns_desk")
    change = END - 30 * DAY + int(desk.configurations[-1].since * 30) * DAY
    failed: dict[bool, list[bool]] = {True: [], False: []}
    for run in (one.run for one in month if one.run["assistant_id"] == desk.id):
        failed[run["created_at"] >= change].append(run["status"] == "failed")
    assert sum(failed[True]) / len(failed[True]) > 2 * sum(failed[False]) / len(failed[False])


def test_error_messages_vary(month):
    messages = [one.run["last_error"]["message"] for one in month if one.run["last_error"]]
    assert len(set(messages)) > len(messages) / 2


def test_metadata_is_skewed_and_sometimes_missing(month):
    runs = [one.run["metadata"] for one in month if isinstance(one.run["metadata"], dict)]
    customers = Counter(metadata.get("customer") for metadata in runs)
    assert len(customers) == 13
    assert customers["acme"] > 3 * customers["tyrell"]
    assert {} in runs
    assert {name for metadata in runs for name in metadata} == {
        *("env", "customer", "release", "channel", "ticket", "experiment"),
    }


def test_every_assistant_has_unique_name(month: list[Lifecycle]) -> None:
    named = {each["id"]: each["name"] for each in generate_assistants(END - 30 * DAY)}
    assert {one.run["assistant_id"] for one in month} <= set(named)
    assert len(set(named.values())) == len(named)
