"""Time ranges as short labels and as values of form fields, in the time zone of the reader."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.utils import timezone

_EN_DASH = "\N{EN DASH}"


def format_time_field(moment: datetime) -> str:
    """Format a time as the value of a field of type datetime-local: "2026-11-20T15:27:54"."""
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M:%S}"


def format_time_range(since: datetime | None, until: datetime | None, now: datetime) -> str:
    """Return a short label: "18-21 Nov" with a dash for whole days, "18 Nov, 14:00-16:30", or "Since 18 Nov, 14:00".

    The year is left out if it is that of `now`. `until` is exclusive. A range without bounds is "".
    """
    year = timezone.localtime(now).year
    if since is None or until is None:
        bound = since or until
        word = "Since" if since else "Before"
        return f"{word} {_format_moment(timezone.localtime(bound), year)}" if bound else ""
    begin, end = timezone.localtime(since), timezone.localtime(until)
    if begin.time() == end.time() == time() and begin < end:
        return _format_days(begin, end - timedelta(days=1), year)
    if begin.date() == end.date():
        return f"{_format_moment(begin, year)}{_EN_DASH}{_format_time(end)}"
    return f"{_format_moment(begin, year)} {_EN_DASH} {_format_moment(end, year)}"


def _format_days(first: datetime, last: datetime, year: int) -> str:
    end = _format_day(last, year)
    if first.date() == last.date():
        return end
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}{_EN_DASH}{end}"
    begin = f"{first.day} {first:%b}" if first.year == last.year else _format_day(first, year)
    return f"{begin} {_EN_DASH} {end}"


def _format_moment(moment: datetime, year: int) -> str:
    return f"{_format_day(moment, year)}, {_format_time(moment)}"


def _format_day(day: datetime, year: int) -> str:
    return f"{day.day} {day:%b}" if day.year == year else f"{day.day} {day:%b %Y}"


def _format_time(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
