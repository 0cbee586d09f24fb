"""Recorded event streams in all forms in which they are found."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.protocol.event_stream import MalformedLine, parse_event_stream
from tests.runs import objects

CASES: dict[str, tuple[str, list[tuple[str, str, int]]]] = {
    # as in the specification
    "one": ("event: a\ndata: {}\n\n", [("a", "{}", 1)]),
    "no space after the colon": ("event:a\ndata:{}\n\n", [("a", "{}", 1)]),
    "data first": ("data: {}\nevent: a\n\ndata: [1]\nevent: b\n\n", [("a", "{}", 1), ("b", "[1]", 4)]),
    "no blank line at the end": ("event: a\ndata: {}", [("a", "{}", 1)]),
    "several blank lines": ("\n\nevent: a\ndata: {}\n\n\n\ndata: 1\n\n", [("a", "{}", 3), ("", "1", 8)]),
    "mark": ("\ufeffevent: a\ndata: {}\n\n", [("a", "{}", 1)]),
    "comment, id, retry": (": hi\nid: 1\nretry: 5\nevent: a\n: x\ndata: {}\nid\n\n", [("a", "{}", 4)]),
    "CRLF": ("event: a\r\ndata: {}\r\n\r\ndata: 1\r\n\r\n", [("a", "{}", 1), ("", "1", 4)]),
    "CR": ("event: a\rdata: {}\r\rdata: 1\r\r", [("a", "{}", 1), ("", "1", 4)]),
    "several lines of data": ('data: {"a": [\ndata: {},\ndata: {}\ndata: ]}\n\n', [("", '{"a": [\n{},\n{}\n]}', 1)]),
    "value on its own line": ('data: {"a":\ndata: {}\ndata: }\n\n', [("", '{"a":\n{}\n}', 1)]),
    "empty data at the end": ("data: {}\ndata:\ndata\n\n", [("", "{}\n\n", 1)]),
    "text of several lines": ("event: ping\ndata: all\ndata: well\n\n", [("ping", "all\nwell", 1)]),
    "end": ("event: done\ndata: [DONE]\n\n", [("done", "[DONE]", 1)]),
    "event without data": ("event: a\n\nevent: b\ndata: {}\n\n", [("a", "", 1), ("b", "{}", 3)]),
    "only comments": (": ping\n\n: ping\n\n", []),
    # without blank lines
    "names begin events": ("event: a\ndata: {}\nevent: b\ndata: {}\n", [("a", "{}", 1), ("b", "{}", 3)]),
    "name after unnamed data": ("data: {}\nevent: b\ndata: {}\n", [("", "{}", 1), ("b", "{}", 2)]),
    "names in a row": ("event: a\nevent: b\ndata: {}\n", [("a", "", 1), ("b", "{}", 2)]),
    "data begins events": ("data: {}\ndata: {}\ndata: [DONE]\n", [("", "{}", 1), ("", "{}", 2), ("", "[DONE]", 3)]),
    "unnamed data after named": ("event: a\ndata: {}\ndata: {}\n", [("a", "{}", 1), ("", "{}", 3)]),
    "comments and ids": ("event: a\ndata: {}\n: x\nid: 2\nevent: b\ndata: {}", [("a", "{}", 1), ("b", "{}", 5)]),
    "several lines each": ("event: a\ndata: {\ndata: }\ndata: [\ndata: ]\n", [("a", "{\n}", 1), ("", "[\n]", 4)]),
    "brackets in strings": (r'data: {"a": "}\"{["}' + '\ndata: {}\n', [("", r'{"a": "}\"{["}', 1), ("", "{}", 2)]),
    "cut in a string": ('event: a\ndata: {"a": "b\ndata: {}\n', [("a", '{"a": "b', 1), ("", "{}", 3)]),
    "cut after a value": ('data: {"a": 1\ndata: {"b": 2}\n', [("", '{"a": 1', 1), ("", '{"b": 2}', 2)]),
    "cut before a name": ('event: a\ndata: {"a":\nevent: b\ndata: {}\n', [("a", '{"a":', 1), ("b", "{}", 3)]),
    # without field names
    "lines of JSON": ('{"event": "a", "data": {}}\n{"event": "b", "data": {}}\n', [
        ("", '{"event": "a", "data": {}}', 1), ("", '{"event": "b", "data": {}}', 2),
    ]),
}  # fmt: skip


def parse(body: str) -> list[tuple[str, str, int]]:
    events = list(parse_event_stream(body.encode()))
    assert not any(isinstance(event, MalformedLine) for event in events), events
    return [(event.name, event.data.decode(), event.line) for event in events]  # type: ignore[union-attr, misc]


@pytest.mark.parametrize("case", CASES)
def test_events_are_found_in_every_form(case: str) -> None:
    body, expected = CASES[case]
    assert parse(body) == expected


@pytest.mark.parametrize("line", ["hello", "dat: {}", "Event: a", "HTTP/1.1 200 OK", "  event: a", "[1]"])
def test_other_lines_are_malformed(line: str) -> None:
    first, malformed, last = parse_event_stream(f"event: a\ndata: {{}}\n\n{line}\nevent: b\ndata: {{}}".encode())
    assert (malformed, first.line, last.line) == (MalformedLine(line.encode(), 4), 1, 5)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\{}[]:,\n', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a"{', max_size=2), inner, max_size=3),
    max_leaves=5,
)


@objects.examples(60)
@given(st.lists(st.dictionaries(st.text("abc{", max_size=3), _values), min_size=1, max_size=5), st.data())
def test_lost_blank_lines_lose_no_event(values: list[Any], data: st.DataObject) -> None:
    blank = data.draw(st.sampled_from(["\n", ""]))
    name = data.draw(st.sampled_from(["event: a\n", ""]))
    indent = data.draw(st.sampled_from([None, 0, 2]))
    texts = [json.dumps(value, indent=indent) for value in values]
    body = "".join(f"{name}data: " + text.replace("\n", "\ndata: ") + f"\n{blank}" for text in texts)
    assert [event[1] for event in parse(body)] == texts


@pytest.mark.parametrize("line", ["data: {}", "data: [", "data: [{}", 'data: {"', "event: a", "data: x", "x"])
def test_time_grows_with_length_only(line: str) -> None:
    body = "\n".join([line] * 30_000).encode()
    begin = time.process_time()
    assert sum(1 for _ in parse_event_stream(body)) >= 1
    assert time.process_time() - begin < 5
