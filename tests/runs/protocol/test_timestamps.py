"""Timestamps are parsed in every unit that servers send."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.protocol.timestamps import EPOCH, milliseconds_between, parse_timestamp, to_unix_seconds


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (0, EPOCH),
        (1_795_000_000, datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)),
        (1_795_000_000_123, datetime(2026, 11, 18, 11, 6, 40, 123_000, tzinfo=UTC)),
        (1_795_000_000_123_456, datetime(2026, 11, 18, 11, 6, 40, 123_456, tzinfo=UTC)),
        (1_795_000_000_123_456_789, datetime(2026, 11, 18, 11, 6, 40, 123_456, tzinfo=UTC)),
        (10**11 - 1, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        (10**11, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
    ],
)
def test_timestamp_unit_is_inferred_from_size(number: int, moment: datetime) -> None:
    assert parse_timestamp(number) == moment


@given(st.integers(0, 2**63 - 1))
def test_every_bigint_is_a_time(number: int) -> None:
    assert parse_timestamp(number) >= EPOCH


@given(st.integers(0, 10**11 - 1))
def test_whole_seconds_round_trip(number: int) -> None:
    assert to_unix_seconds(parse_timestamp(number)) == number


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (0, 1, 1000),
        (5, 5, 0),
        (5, 4, None),
        (None, 4, None),
        (4, None, None),
        (1_795_000_000, 1_795_000_000_250, 250),
    ],
)
def test_duration_is_never_negative_or_guessed(begin: int | None, end: int | None, expected: int | None) -> None:
    moments = [None if number is None else parse_timestamp(number) for number in (begin, end)]
    assert milliseconds_between(*moments) == expected
