"""Tool outputs that look like errors are told from those that only mention errors."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.enrichment.tool_output_errors import MAX_QUOTED_LENGTH, find_output_error

TRACEBACK = """Loading data
Traceback (most recent call last):
  File "<stdin>", line 1, in <module>
    1 / 0
ZeroDivisionError: division by zero
done"""


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ('{"error": "order not found"}', "order not found"),
        ('{"error": {"code": 404, "message": "No such order"}}', "No such order"),
        ('{"error": {"type": "timeout"}}', '{"type": "timeout"}'),
        ('{"error": true, "message": "Upstream is down"}', "Upstream is down"),
        ('{"errors": [{"message": "Bad field"}, {"message": "Other"}], "data": null}', "Bad field"),
        ('{"Error": "x"}', "x"),
        ('{"errorMessage": "Task timed out", "data": {}}', "Task timed out"),
        ('{"status": 503, "title": "Service down"}', "Service down"),
        ('{"statusCode": "404", "message": "gone"}', "gone"),
        ('{"status_code": 400}', '{"status_code": 400}'),
        ('{"status": "error", "message": "Invalid date"}', "Invalid date"),
        ('{"type": "error", "message": "overloaded"}', "overloaded"),
        ('{"success": false, "reason": "no stock"}', "no stock"),
        ('{"ok": false, "error": "channel_not_found"}', "channel_not_found"),
        ('{"isError": true, "content": []}', '{"isError": true, "content": []}'),
        ('  \\n {"error": "indented"}'.replace("\\n", "\n"), "indented"),
        ('"Error: quoted as JSON"', "Error: quoted as JSON"),
        ("Error: connection refused", "Error: connection refused"),
        ("ERROR: relation does not exist", "ERROR: relation does not exist"),
        ("error: unknown option", "error: unknown option"),
        ("ValueError: invalid literal", "ValueError: invalid literal"),
        ("requests.exceptions.HTTPError: 404 Client Error", "requests.exceptions.HTTPError: 404 Client Error"),
        ("java.lang.NullPointerException: x", "java.lang.NullPointerException: x"),
        ("Uncaught TypeError: x is not a function", "Uncaught TypeError: x is not a function"),
        ("HTTP 500", "HTTP 500"),
        ("HTTP/1.1 404 Not Found", "HTTP/1.1 404 Not Found"),
        ("HTTP Error 403: Forbidden", "HTTP Error 403: Forbidden"),
        ("503 Service Unavailable", "503 Service Unavailable"),
        ("429 Too Many Requests, retry in 3 s", "429 Too Many Requests, retry in 3 s"),
        (TRACEBACK, "ZeroDivisionError: division by zero"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
    ],
)
def test_errors_are_recognized_and_quoted(output: str, words: str) -> None:
    assert find_output_error(output) == words


@pytest.mark.parametrize(
    "output",
    [
        "",
        " ",
        "null",
        "true",
        "404",
        "500 items were found",
        "404 Main Street",
        "{}",
        "[]",
        '{"error": null, "orders": []}',
        '{"error": "", "orders": []}',
        '{"error": false}',
        '{"error": "none"}',
        '{"error": 0}',
        '{"errors": []}',
        '{"errors": {}}',
        '{"status": "failed", "payment": "pi_1"}',
        '{"status": "completed"}',
        '{"status": 200, "message": "created"}',
        '{"status": 404000}',
        '{"status": true}',
        '{"success": true}',
        '{"ok": false}',
        '{"ok": false, "address": {"city": "Graz"}}',
        '{"success": true, "message": "created"}',
        '{"code": 500, "currency": "EUR"}',
        '{"type": "error_report", "count": 3}',
        '{"order": {"status": "error"}}',
        '{"orders": [{"error": "lost in transit"}]}',
        '{"error_rate": 0.4}',
        '[{"error": "in a list"}]',
        "No error was found.",
        "Errors: none, so all is well",
        "The customer wrote: Error: my parcel is lost",
        "error handling is described in chapter 4",
        "Error",
        "Error:",
        "Terror: a history",
        "Tracebacks are explained here (most recent call last):",
        '{"error": "cut off',
        '"unfinished',
    ],
)
def test_mention_of_error_is_no_error(output: str) -> None:
    assert find_output_error(output) is None


def test_long_message_is_truncated() -> None:
    words = find_output_error(json.dumps({"error": "x" * 5000}))
    assert words == "x" * MAX_QUOTED_LENGTH + "…"


def test_large_outputs_are_not_parsed() -> None:
    large = json.dumps({"rows": ["a" * 100] * 9_000})
    begun = time.perf_counter()
    assert find_output_error(large) is None
    assert find_output_error('{"error": 1' + "[" * 1_000_000) is None
    assert find_output_error("A" * 1_000_000) is None
    assert find_output_error("a." * 500_000 + "Error") is None
    assert time.perf_counter() - begun < 1


KEYS = st.sampled_from(["error", "errors", "status", "success", "message", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)
)


@given(st.text() | VALUES.map(json.dumps))
def test_arbitrary_output_never_raises(output: str) -> None:
    words = find_output_error(output)
    assert words is None or len(words) <= MAX_QUOTED_LENGTH + 1
