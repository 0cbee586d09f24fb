"""Timestamps: whole Unix seconds in OpenAI's specification, milliseconds and smaller units from some servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The size tells the unit: 10^11 seconds is the year 5138, 10^11 milliseconds the year 1973.
_MAX_SECONDS = 10**11
_MAX_MILLISECONDS = 10**14
_MAX_MICROSECONDS = 10**17
# Before the protocol existed, and further in the future than the clocks of servers differ.
MIN_PLAUSIBLE_TIME = datetime(2020, 1, 1, tzinfo=UTC)
MAX_CLOCK_SKEW = timedelta(hours=1)


def is_plausible_time(time: datetime, received_at: datetime) -> bool:
    """Return whether an object that was received at `received_at` can have been created at `time`."""
    return MIN_PLAUSIBLE_TIME <= time <= received_at + MAX_CLOCK_SKEW


def parse_timestamp(number: int) -> datetime:
    """Return the time of a posted timestamp, whose unit is inferred from its size.

    DashScope's compatible server sends milliseconds. Every bigint is accepted, as nanoseconds at most.
    """
    if number < _MAX_SECONDS:
        return datetime.fromtimestamp(number, UTC)
    if number < _MAX_MILLISECONDS:
        return EPOCH + timedelta(milliseconds=number)
    if number < _MAX_MICROSECONDS:
        return EPOCH + timedelta(microseconds=number)
    return EPOCH + timedelta(microseconds=number // 1000)


def to_unix_seconds(time: datetime) -> int:
    """Return `time` in whole Unix seconds, as the protocol writes it."""
    return (time - EPOCH) // timedelta(seconds=1)


def milliseconds_between(begin: datetime | None, end: datetime | None) -> int | None:
    """Return the milliseconds from `begin` to `end`, None if either is unknown or `end` is earlier."""
    if begin is None or end is None or end < begin:
        return None
    passed = end - begin
    # half the time of `passed // timedelta(milliseconds=1)`
    return (passed.days * 86_400 + passed.seconds) * 1000 + passed.microseconds // 1000
