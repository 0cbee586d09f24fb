"""Plain text for numbers, times, ids and statuses.

`dashboard.templatetags.formats` escapes the texts and adds markup. A missing value is a dash; zero is not missing.
Times are in the current time zone, that of the reader (see `dashboard.web.timezone`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from django.utils import timezone

from runs.models import Run

NO_VALUE = "—"
_MIN_DOLLARS = Decimal("0.0001")
MINUS_SIGN = "\N{MINUS SIGN}"
STATUS_LABELS = {value: value.replace("_", " ").capitalize() for value in Run.Status.values}


def format_status(value: str) -> str:
    """Return the label of a status: "Requires action". A status that the protocol does not define is unchanged."""
    return STATUS_LABELS.get(value, value)


def shorten_id(value: str) -> str:
    """Shorten an id to its beginning and end: "run_8tRk…q2Nd". Ids that are hardly longer are unchanged."""
    return f"{value[:8]}…{value[-4:]}" if len(value) > 14 else value


def format_integer(number: int | None) -> str:
    """Format an integer: "14,212"."""
    return NO_VALUE if number is None else f"{number:,}"


def format_tokens(number: int | None) -> str:
    """Format a number of tokens with three significant digits: "902", "15.3 k", "1.30 M"."""
    return NO_VALUE if number is None else _format_three_digits(number, ("", "k", "M", "G", "T"))


def format_dollars(amount: Decimal) -> str:
    """Format dollars with two decimals, or four below one dollar. A positive amount is never "$0.0000"."""
    if 0 < amount < _MIN_DOLLARS:
        return f"< ${_MIN_DOLLARS}"
    return f"${amount:,.4f}" if amount < 1 else f"${amount:,.2f}"


def format_cost(nano: int | None) -> str:
    """Format a cost in nano-dollars as dollars."""
    return NO_VALUE if nano is None else format_dollars(Decimal(nano).scaleb(-9))


def format_change(now: int, before: int | None) -> str:
    """Format a relative change: "+18 %", or "new" if there was nothing before. An unknown change is a dash."""
    if before is None or not (now or before):
        return NO_VALUE
    if not before:
        return "new"
    percent = round(100 * (now - before) / before)
    return f"{MINUS_SIGN if percent < 0 else '+' if percent > 0 else '±'}{abs(percent):,} %"


def format_bytes(number: int | None) -> str:
    """Format a number of bytes in decimal units with three significant digits: "512 B", "18.2 kB"."""
    return NO_VALUE if number is None else _format_three_digits(number, ("B", "kB", "MB", "GB", "TB"))


def _format_three_digits(number: int, units: tuple[str, ...]) -> str:
    """Format `number` in the unit in which it has at most three digits before the decimal point."""
    if abs(number) < 1000:
        return f"{number} {units[0]}".rstrip()
    value = float(number)
    for unit in units[1:]:
        value /= 1000
        if abs(value) < 999.5:
            return f"{value:#.3g}".rstrip(".") + f" {unit}"
    return f"{value:,.0f} {units[-1]}"


def format_percent(part: float | None, whole: float | None) -> str:
    """Format a part of a whole: "1.5 %". Only exact values are "0 %" and "100 %"."""
    if part is None or not whole:
        return NO_VALUE
    percent = 100 * part / whole
    if percent in (0, 100):
        return f"{percent:.0f} %"
    if 0 < percent < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if 99.9 < percent < 100 else f"{percent:.1f} %"


def format_duration(ms: int | None, *, precise: bool = False) -> str:
    """Format a duration in its two largest units: "7 s", "3 min 48 s", "1 h 02 min", "3 d 04 h".

    Args:
        ms: The duration in milliseconds. It may be negative, since clocks of servers differ.
        precise: Whether it was measured in milliseconds rather than whole seconds. Short durations then have
            decimals: "299 ms", "7.9 s".
    """
    if ms is None:
        return NO_VALUE
    if ms < 0:
        return MINUS_SIGN + format_duration(-ms, precise=precise)
    if precise and ms < 59_950:
        return f"{ms} ms" if ms < 1000 else f"{(ms + 50) // 100 / 10:.1f} s"
    seconds = (ms + 500) // 1000 if precise else ms // 1000
    return _format_seconds(seconds)


def _format_seconds(seconds: int) -> str:
    # The smaller unit is zero-padded, so that columns line up.
    if seconds < 1:
        return "< 1 s"
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    if seconds < 86_400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3600:02} h"


def format_relative_time(then: datetime, now: datetime) -> str:
    """Format a time relative to `now`, rounded down: "4 min ago" or "in 4 min". `times.js` does the same."""
    seconds = int(abs((now - then).total_seconds()))
    units = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    length, unit = next(((length, unit) for length, unit in units if seconds >= length), (1, "s"))
    text = f"{seconds // length} {unit}"
    return f"in {text}" if then > now and seconds else f"{text} ago"


def format_iso_time(moment: datetime) -> str:
    """Format a time for `datetime` attributes and URLs: "2026-11-20T14:27:54Z"."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def format_timestamp(moment: datetime, *, precise: bool = False) -> str:
    """Format a time in the current time zone: "20 Nov 2026, 15:27:54 CET". `precise` adds milliseconds."""
    local = timezone.localtime(moment)
    fraction = f".{local.microsecond // 1000:03}" if precise else ""
    return f"{format_date(local)}, {local:%H:%M:%S}{fraction} {format_zone(local)}"


def format_time_title(moment: datetime) -> str:
    """Format a time for tooltips, in the current time zone and in UTC: "20 Nov 2026, 15:27:54 CET · 14:27:54 UTC"."""
    local, utc = timezone.localtime(moment), moment.astimezone(UTC)
    if format_zone(local) == "UTC":
        return format_timestamp(moment)
    date = "" if local.date() == utc.date() else f"{format_date(utc)}, "
    return f"{format_timestamp(moment)} · {date}{utc:%H:%M:%S} UTC"


def format_date(day: date) -> str:
    """Format the date of a local time: "20 Nov 2026"."""
    return f"{day.day} {day:%b %Y}"


def format_zone(local: datetime) -> str:
    """Format the time zone of a local time: its abbreviation, or the difference to UTC if it has none."""
    name = local.tzname() or ""
    return f"UTC{local.isoformat()[-6:]}" if name[:1] in ("+", "-") else name
