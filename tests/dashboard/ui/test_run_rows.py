"""Tests for the rows of the run list."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.ui import run_rows
from runs.models import Run

NOW = datetime(2026, 11, 20, 14, 32, tzinfo=UTC)
AGO = NOW - timedelta(minutes=4)
TIMES = "\N{MULTIPLICATION SIGN}"


def build_run(**changes) -> Run:
    error_preview = changes.pop("error_preview", None)
    instance = Run(**{"external_id": "run_a", "status": "completed", "created_at": AGO} | changes)
    vars(instance)["error_preview"] = error_preview  # an annotation of the list's query
    return instance


def build_note(**changes) -> run_rows.RunNote:
    note = run_rows.build_run_note(build_run(**changes), NOW)
    assert note is not None
    return note


def build_row(calls=None, **changes) -> run_rows.RunRow:
    instance = build_run(**changes)
    tool_calls = {} if calls is None else {instance.pk: Counter(calls)}
    return run_rows.build_run_rows([instance], tool_calls, "/runs/", NOW)[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "completed", "ended_at": NOW, "duration_ms": 240_000}, "4 min 00 s"),
        ({"status": "completed", "ended_at": AGO, "duration_ms": 0}, "< 1 s"),
        (
            {"status": "failed", "ended_at": AGO + timedelta(milliseconds=2300), "duration_ms": 2300},
            "2.3 s",
        ),
        ({"status": "completed"}, "—"),
        ({"status": "in_progress"}, "4 min 00 s"),
        ({"status": "requires_action"}, "4 min 00 s"),
        ({"status": "paused_by_vendor"}, "4 min 00 s"),
        ({"status": "queued"}, "—"),
    ],
    ids=str,
)
def test_duration_precision_follows_the_source(changes, expected):
    assert run_rows.format_run_duration(build_run(**changes), NOW) == expected


@pytest.mark.parametrize(
    ("changes", "code", "text", "is_severe"),
    [
        (
            {"status": "failed", "error_code": "server_error", "error_preview": "Sorry."},
            "server_error",
            "Sorry.",
            True,
        ),
        ({"status": "failed"}, "", "Failed without a last_error.", True),
        ({"status": "cancelled", "error_code": "x", "error_preview": "y"}, "x", "y", False),
        (
            {"status": "incomplete", "incomplete_reason": "max_prompt_tokens"},
            "max_prompt_tokens",
            "Stopped at the limit of prompt tokens.",
            False,
        ),
        ({"status": "incomplete", "incomplete_reason": "else"}, "else", "", False),
        ({"status": "expired", "expires_at": NOW}, "", "Expired at 20 Nov 2026, 14:32:00 UTC.", False),
        (
            {"status": "expired", "expires_at": NOW, "pending_functions": ["refund", "label"]},
            "",
            "No outputs were submitted for refund and label. Expired at 20 Nov 2026, 14:32:00 UTC.",
            False,
        ),
        ({"status": "completed", "error_code": "odd"}, "odd", "", False),
        (
            {"status": "paused_by_vendor"},
            "unknown status",
            "Stored as received. Find it with status:paused_by_vendor",
            False,
        ),
        ({"status": "a b"}, "unknown status", 'Stored as received. Find it with status:"a b"', False),
    ],
    ids=str,
)
def test_note_explains_the_status(changes, code, text, is_severe):
    note = build_note(**changes)
    assert (note.code, note.text, note.is_severe) == (code, text, is_severe)


@pytest.mark.parametrize(
    "status", ["completed", "queued", "in_progress", "cancelling", "cancelled", "incomplete", "expired"]
)
def test_ordinary_run_has_no_note(status):
    assert run_rows.build_run_note(build_run(status=status), NOW) is None


@pytest.mark.parametrize(
    ("pending_functions", "expected"),
    [
        (["a"], "a"),
        (["a", "b", "a"], f"a {TIMES}2 and b"),
        (["a", "b", "c"], "a, b and c"),
        ([], "the client"),
        (None, "the client"),
    ],
)
def test_waiting_run_note_names_pending_tools(pending_functions, expected):
    note = build_note(status="requires_action", action_type="submit", pending_functions=pending_functions)
    assert (note.code, note.text) == ("submit", f"Waiting for {expected} for up to 4 min 00 s.")


@pytest.mark.parametrize(
    ("expires_at", "is_overdue"), [(NOW + timedelta(minutes=6), False), (AGO, True), (None, False)]
)
def test_waiting_run_note_has_a_deadline(expires_at, is_overdue):
    note = build_note(status="requires_action", expires_at=expires_at)
    assert (note.deadline, note.is_overdue) == (expires_at, is_overdue)


@pytest.mark.parametrize(
    ("calls", "tools", "first", "more"),
    [
        (None, None, "", 0),
        ({}, "", "", 0),
        ({"a": 1}, "a", "a", 0),
        ({"b": 1, "a": 1, "c": 3}, f"c {TIMES}3, a, b", f"c {TIMES}3", 2),
    ],
)
def test_tools_are_sorted_by_call_count(calls, tools, first, more):
    row = build_row(calls)
    assert (row.tools, row.first_tool, row.more_tools) == (tools, first, more)


def test_one_huge_run_leaves_other_bars_visible():
    runs = [build_run(total_tokens=1000, prompt_tokens=900, completion_tokens=100) for _ in range(30)]
    huge = build_run(total_tokens=1_000_000, prompt_tokens=900_000, completion_tokens=100_000)
    rows = run_rows.build_run_rows([*runs, huge], {}, "/runs/", NOW)
    assert [row.prompt_bar.width for row in (rows[0], rows[-1])] == ["90.0%", "90.0%"]
    assert rows[-1].completion_bar.start == "90.0%"


def test_token_bars_share_one_scale():
    runs = [
        build_run(pk="a", prompt_tokens=300, completion_tokens=100, total_tokens=400),
        build_run(pk="b", prompt_tokens=100, completion_tokens=0, total_tokens=100),
        build_run(pk="c", total_tokens=200),
        build_run(pk="d"),
    ]
    bars = [
        (
            row.prompt_bar and row.prompt_bar.width,
            row.completion_bar and (row.completion_bar.start, row.completion_bar.width),
        )
        for row in run_rows.build_run_rows(runs, {}, "/runs/", NOW)
    ]
    assert bars == [
        ("75.0%", ("75.0%", "25.0%")),
        ("25.0%", ("25.0%", "0.0%")),
        ("50.0%", ("50.0%", "0.0%")),
        (None, None),
    ]


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (None, ""),
        ({}, ""),
        ([], ""),
        ({"customer": "acme", "n": 1, "deep": {"a": None}}, 'customer=acme  n=1  deep={"a": null}'),
        (["a", 1], '["a", 1]'),
        ({"long": "x" * 999}, "long=" + "x" * 295 + "…"),
    ],
    ids=str,
)
def test_any_metadata_is_formatted(metadata, expected):
    assert build_row(metadata=metadata).metadata == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"prompt_tokens": 1200, "completion_tokens": 34, "total_tokens": 1234},
            "1,200 prompt + 34 completion = 1,234 tokens",
        ),
        ({"total_tokens": 0}, "0 tokens"),
        ({}, "No total_tokens"),
    ],
    ids=str,
)
def test_token_title_is_exact(changes, expected):
    assert build_row(**changes).tokens_title == expected


@pytest.mark.parametrize(("run_id", "segment"), [("a/b ?#%\n", "a~2Fb%20%3F%23%25~0A"), ("..", "~2E."), ("~", "~7E")])
def test_any_run_id_has_a_url(run_id, segment):
    assert build_row(external_id=run_id).url == f"/runs/{segment}/"
