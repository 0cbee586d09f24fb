"""Where a page begins."""

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


def coded(text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(deadline=None)
@given(st.datetimes(*YEARS, timezones=zones), st.uuids())
def test_a_cursor_says_the_same_when_it_is_read_again(moment: datetime, key: uuid.UUID) -> None:
    written = str(Cursor(moment, key))
    assert parse_cursor(written) == Cursor(moment, key)
    assert str(parse_cursor(written)) == written
    assert written.replace("-", "").replace("_", "").isalnum()  # needs no quoting in an address


def test_microseconds_are_kept() -> None:
    cursor = Cursor(datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC), KEY)
    assert parse_cursor(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "garbage", "====", "é", "\0", "a" * 5000, "run_000000000000000000000001",
        coded(""), coded(" "), coded("2026-01-01T00:00:00+00:00"), coded(f" {KEY}"), coded(f"today {KEY}"),
        coded("2026-01-01T00:00:00+00:00 7"), coded("2026-01-01T00:00:00+00:00 "), coded(b"\xff\xfe"),
        coded(f"0001-01-01T00:00:00+14:00 {KEY}"), coded(f"9999-12-31T23:59:59-14:00 {KEY}"),
        coded(f"2026-01-01T00:00:00 {KEY}"), coded(f"2026-01-01T00:00:00+00:00 {{{KEY}}}"),
        str(Cursor(datetime(2026, 1, 1, tzinfo=UTC), KEY)) + "!",
        str(Cursor(datetime(2026, 1, 1, tzinfo=UTC), KEY))[:-2],
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidFilter, match="not a cursor") as raised:
        parse_cursor(text)
    assert [problem.path for problem in raised.value.problems] == ["cursor"]


@settings(deadline=None)
@given(st.text(max_size=80) | st.binary(max_size=80).map(coded))
def test_no_text_crashes_it(text: str) -> None:
    try:
        cursor = parse_cursor(text)
    except InvalidFilter:
        return
    assert str(cursor) == text
