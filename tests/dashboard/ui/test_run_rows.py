"""What a row of the run list says."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.ui import run_rows
from runs.models import Run

NOW = datetime(2026, 11, 20, 14, 32, tzinfo=UTC)
AGO = NOW - timedelta(minutes=4)
X = "\N{MULTIPLICATION SIGN}"


def run(**changes) -> Run:
    preview = changes.pop("error_preview", None)
    made = Run(**{"external_id": "run_a", "status": "completed", "created_at": AGO} | changes)
    vars(made)["error_preview"] = preview
    return made


def note_of(**changes) -> run_rows.RunNote:
    found = run_rows.build_run_note(run(**changes), NOW)
    assert found is not None
    return found


def row(called=None, **changes) -> run_rows.RunRow:
    made = run(**changes)
    return run_rows.build_run_rows([made], {} if called is None else {made.pk: Counter(called)}, "/runs/", NOW)[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "completed", "ended_at": NOW, "duration_ms": 240_000}, "4 m 00 s"),
        ({"status": "completed", "ended_at": AGO, "duration_ms": 0}, "< 1 s"),
        (
            {"status": "failed", "ended_at": AGO + timedelta(milliseconds=2300), "duration_ms": 2300},
            "2.3 s",
        ),
        ({"status": "completed"}, "—"),
        ({"status": "in_progress"}, "4 m 00 s"),
        ({"status": "requires_action"}, "4 m 00 s"),
        ({"status": "paused_by_vendor"}, "4 m 00 s"),
        ({"status": "queued"}, "—"),
    ],
    ids=str,
)
def test_duration_precision_follows_the_source(changes, words):
    assert run_rows.format_run_duration(run(**changes), NOW) == words


@pytest.mark.parametrize(
    ("changes", "code", "text", "severe"),
    [
        (
            {"status": "failed", "error_code": "server_error", "error_preview": "Sorry."},
            "server_error",
            "Sorry.",
            True,
        ),
        ({"status": "failed"}, "", "It failed without a last_error.", True),
        ({"status": "cancelled", "error_code": "x", "error_preview": "y"}, "x", "y", False),
        (
            {"status": "incomplete", "incomplete_reason": "max_prompt_tokens"},
            "max_prompt_tokens",
            "Stopped at the limit of prompt tokens.",
            False,
        ),
        ({"status": "incomplete", "incomplete_reason": "else"}, "else", "", False),
        ({"status": "expired", "expires_at": NOW}, "", "It had until 2026-11-20 14:32:00 UTC.", False),
        (
            {"status": "expired", "expires_at": NOW, "awaited": ["refund", "label"]},
            "",
            "No outputs arrived for refund and label. It had until 2026-11-20 14:32:00 UTC.",
            False,
        ),
        ({"status": "completed", "error_code": "odd"}, "odd", "", False),
        (
            {"status": "paused_by_vendor"},
            "unknown status",
            "Kept as received. Ask for it with status:paused_by_vendor",
            False,
        ),
        ({"status": "a b"}, "unknown status", 'Kept as received. Ask for it with status:"a b"', False),
    ],
    ids=str,
)
def test_note_explains_the_status(changes, code, text, severe):
    note = note_of(**changes)
    assert (note.code, note.text, note.severe) == (code, text, severe)


@pytest.mark.parametrize(
    "status", ["completed", "queued", "in_progress", "cancelling", "cancelled", "incomplete", "expired"]
)
def test_ordinary_run_has_no_note(status):
    assert run_rows.build_run_note(run(status=status), NOW) is None


@pytest.mark.parametrize(
    ("awaited", "words"),
    [
        (["a"], "a"),
        (["a", "b", "a"], f"a {X}2 and b"),
        (["a", "b", "c"], "a, b and c"),
        ([], "its caller"),
        (None, "its caller"),
    ],
)
def test_waiting_run_note_names_pending_tools(awaited, words):
    note = note_of(status="requires_action", action_type="submit", awaited=awaited)
    assert (note.code, note.text) == ("submit", f"Waiting for {words}, 4 min 00 s at most so far.")


@pytest.mark.parametrize(("expires", "missed"), [(NOW + timedelta(minutes=6), False), (AGO, True), (None, False)])
def test_waiting_run_note_has_a_deadline(expires, missed):
    note = note_of(status="requires_action", expires_at=expires)
    assert (note.deadline, note.missed) == (expires, missed)


@pytest.mark.parametrize(
    ("called", "words", "first", "more"),
    [
        (None, None, "", 0),
        ({}, "", "", 0),
        ({"a": 1}, "a", "a", 0),
        ({"b": 1, "a": 1, "c": 3}, f"c {X}3, a, b", f"c {X}3", 2),
    ],
)
def test_tools_are_sorted_by_call_count(called, words, first, more):
    found = row(called)
    assert (found.tools, found.first_tool, found.more_tools) == (words, first, more)


def test_token_bars_share_one_scale():
    runs = [
        run(pk="a", prompt_tokens=300, completion_tokens=100, total_tokens=400),
        run(pk="b", prompt_tokens=100, completion_tokens=0, total_tokens=100),
        run(pk="c", total_tokens=200),
        run(pk="d"),
    ]
    bars = [
        (
            each.prompt and each.prompt.width,
            each.completion and (each.completion.start, each.completion.width),
        )
        for each in run_rows.build_run_rows(runs, {}, "/runs/", NOW)
    ]
    assert bars == [
        ("75.0%", ("75.0%", "25.0%")),
        ("25.0%", ("25.0%", "0.0%")),
        ("50.0%", ("50.0%", "0.0%")),
        (None, None),
    ]


@pytest.mark.parametrize(
    ("metadata", "words"),
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
def test_any_metadata_is_formatted(metadata, words):
    assert row(metadata=metadata).metadata == words


@pytest.mark.parametrize(
    ("changes", "words"),
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
def test_token_title_is_exact(changes, words):
    assert row(**changes).tokens_title == words


def test_any_run_id_has_a_url():
    assert row(external_id="a/b ?#%\n").url == "/runs/a%2Fb%20%3F%23%25%0A/"
