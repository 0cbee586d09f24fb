"""Protocol times: whole Unix seconds by the specification, milliseconds and finer from some servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Told by size: 10^11 s is the year 5138, 10^11 ms is 1973.
_SECONDS = 10**11
_MILLISECONDS = 10**14
_MICROSECONDS = 10**17


def parse_timestamp(number: int) -> datetime:
    """The moment that a posted timestamp means, whatever unit its size tells.

    DashScope's compatible server sends milliseconds; every bigint is covered, up to nanoseconds.
    """
    if number < _SECONDS:
        return datetime.fromtimestamp(number, UTC)
    if number < _MILLISECONDS:
        return EPOCH + timedelta(milliseconds=number)
    if number < _MICROSECONDS:
        return EPOCH + timedelta(microseconds=number)
    return EPOCH + timedelta(microseconds=number // 1000)


def to_unix_seconds(moment: datetime) -> int:
    """`moment` in whole Unix seconds, as the protocol writes it."""
    return (moment - EPOCH) // timedelta(seconds=1)


def milliseconds_between(begin: datetime | None, end: datetime | None) -> int | None:
    """The time from `begin` to `end` in milliseconds; None where one is unknown or they are the wrong way round."""
    if begin is None or end is None or end < begin:
        return None
    passed = end - begin
    return (passed.days * 86_400 + passed.seconds) * 1000 + passed.microseconds // 1000  # in half the time of `//`
