"""Cursors of the run list."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.db.keyset_pagination import Cursor
from runs.errors import InvalidFilter
from runs.query.order import parse_cursor

YEARS = (datetime(2, 1, 1), datetime(9998, 12, 31))  # noqa: DTZ001 - bounds have no zone
KEY = uuid.UUID(int=7)


def encode(text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(deadline=None)
@given(st.datetimes(*YEARS, timezones=zones), st.uuids())
def test_cursor_survives_round_trip(time: datetime, key: uuid.UUID) -> None:
    text = str(Cursor(time, key))
    assert parse_cursor(text) == Cursor(time, key)
    assert str(parse_cursor(text)) == text
    assert text.replace("-", "").replace("_", "").isalnum()  # needs no quoting in an address


def test_cursor_keeps_microseconds() -> None:
    cursor = Cursor(datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC), KEY)
    assert parse_cursor(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "garbage", "====", "é", "\0", "a" * 5000, "run_000000000000000000000001",
        encode(""), encode(" "), encode("2026-01-01T00:00:00+00:00"), encode(f" {KEY}"), encode(f"today {KEY}"),
        encode("2026-01-01T00:00:00+00:00 7"), encode("2026-01-01T00:00:00+00:00 "), encode(b"\xff\xfe"),
        encode(f"0001-01-01T00:00:00+14:00 {KEY}"), encode(f"9999-12-31T23:59:59-14:00 {KEY}"),
        encode(f"2026-01-01T00:00:00 {KEY}"), encode(f"2026-01-01T00:00:00+00:00 {KEY} -duration x"),
        encode(f"2026-01-01T00:00:00+00:00 {{{KEY}}}"),
        str(Cursor(datetime(2026, 1, 1, tzinfo=UTC), KEY)) + "!",
        str(Cursor(datetime(2026, 1, 1, tzinfo=UTC), KEY))[:-2],
    ],
)  # fmt: skip
def test_invalid_cursor_is_rejected(text: str) -> None:
    with pytest.raises(InvalidFilter, match="not a cursor") as raised:
        parse_cursor(text)
    assert [problem.path for problem in raised.value.problems] == ["cursor"]


@settings(deadline=None)
@given(st.text(max_size=80) | st.binary(max_size=80).map(encode))
def test_any_text_parses_or_is_rejected(text: str) -> None:
    try:
        cursor = parse_cursor(text)
    except InvalidFilter:
        return
    assert str(cursor) == text
