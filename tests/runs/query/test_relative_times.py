"""Points in time as filters write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.query import TimeExpression
from runs.query.relative_times import EARLIEST_TIME, EXPECTED_TIME, LATEST_TIME

YEARS = datetime(1971, 1, 1), datetime(8999, 1, 1)  # noqa: DTZ001 - the strategy adds zones
NOW = datetime(2026, 5, 15, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "canonical", "time", "description"),
    [
        ("2026-05-01", "2026-05-01T00:00:00Z", datetime(2026, 5, 1, tzinfo=UTC), "1 May 2026, 00:00:00 UTC"),
        ("2026-05-01T14:30", "2026-05-01T14:30:00Z", datetime(2026, 5, 1, 14, 30, tzinfo=UTC), None),
        ("2026-05-01 14:30:00", "2026-05-01T14:30:00Z", datetime(2026, 5, 1, 14, 30, tzinfo=UTC), None),
        ("2026-05-01T14:30:00Z", "2026-05-01T14:30:00Z", datetime(2026, 5, 1, 14, 30, tzinfo=UTC), None),
        ("2026-05-01T14:30:00+02:00", "2026-05-01T12:30:00Z", datetime(2026, 5, 1, 12, 30, tzinfo=UTC), None),
        ("2026-05-01T23:00:00-05:30", "2026-05-02T04:30:00Z", datetime(2026, 5, 2, 4, 30, tzinfo=UTC), None),
        ("2026-05-01T14:30:00.25Z", None, datetime(2026, 5, 1, 14, 30, 0, 250_000, tzinfo=UTC), None),
        ("  2026-05-01 ", "2026-05-01T00:00:00Z", datetime(2026, 5, 1, tzinfo=UTC), None),
        ("0001-01-01", "0001-01-01T00:00:00Z", EARLIEST_TIME, None),
        (
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59Z",
            LATEST_TIME,
            None,
        ),
        ("-90s", "-90s", NOW - timedelta(seconds=90), "90 seconds ago"),
        ("-1m", "-1m", NOW - timedelta(minutes=1), "1 minute ago"),
        ("-24h", "-24h", NOW - timedelta(hours=24), "24 hours ago"),
        ("-7d", "-7d", NOW - timedelta(days=7), "7 days ago"),
        ("-1w", "-1w", NOW - timedelta(weeks=1), "1 week ago"),
        ("-0d", "-0d", NOW, "0 days ago"),
        ("-99999w", "-99999w", EARLIEST_TIME, "99999 weeks ago"),
    ],
)
def test_time_is_parsed(text: str, canonical: str | None, time: datetime, description: str | None) -> None:
    parsed = TimeExpression.parse(text)
    assert parsed.resolve(NOW) == time
    assert canonical is None or str(parsed) == canonical
    assert description is None or parsed.describe() == description


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "today", "yesterday", "24h", "+24h", "-h", "-24", "-24x", "-1.5h", "--1d", "-24H", "- 24h", "-٣h",
        "-100000w", "-999999999999d",
        "2026-13-01", "2026-02-30", "2026-05-01T25:00", "1779000000", "2026",
        "05/01/2026",
        "2026-05-01T14:30:00 02:00", "2026-05-01Tmorning", "10000-01-01", "-2026-05-01",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00",
    ],
)  # fmt: skip
def test_invalid_time_is_rejected_with_example(text: str) -> None:
    with pytest.raises(ValueError, match=EXPECTED_TIME):
        TimeExpression.parse(text)


@settings(deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"-?\d{0,6}[smhdwT:+Z-]\d*", fullmatch=True))
def test_any_text_parses_or_is_rejected(text: str) -> None:
    try:
        time = TimeExpression.parse(text)
    except ValueError:
        return
    assert TimeExpression.parse(str(time)) == time
    time.resolve(NOW)
    time.describe()


offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(deadline=None)
@given(st.datetimes(*YEARS, timezones=st.just(UTC) | offsets))
def test_any_zone_keeps_its_instant(time: datetime) -> None:
    parsed = TimeExpression.parse(time.isoformat())
    assert parsed.resolve(NOW) == time
    assert TimeExpression.parse(str(parsed)) == parsed
