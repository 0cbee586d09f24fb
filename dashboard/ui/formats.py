"""How numbers, times, ids and statuses are worded. Pure functions from values to plain text.

Nothing here knows of HTML: `dashboard.templatetags.formats` escapes and marks up what these return.
An absent value is a dash everywhere; zero is never taken for one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from runs.models import Run

NO_VALUE = "—"
_LEAST_DOLLARS = Decimal("0.0001")
MINUS_SIGN = "\N{MINUS SIGN}"
STATUS_LABELS = {value: value.replace("_", " ").capitalize() for value in Run.Status.values}


def format_status(value: str) -> str:
    """`requires_action` is "Requires action"; a status that the protocol does not know stays as it came."""
    return STATUS_LABELS.get(value, value)


def shorten_id(value: str) -> str:
    """`run_8tRkV2mQpX4cLz91HbnWq2Nd` is "run_8tRk…q2Nd"; what is hardly longer than that stays whole."""
    return f"{value[:8]}…{value[-4:]}" if len(value) > 14 else value


def format_integer(number: int | None) -> str:
    """14212 is "14,212"."""
    return NO_VALUE if number is None else f"{number:,}"


def format_tokens(number: int | None) -> str:
    """Three figures, for lists: 902, 15.3 k, 1.30 M."""
    return NO_VALUE if number is None else _three_figures(number, ("", "k", "M", "G", "T"))


def format_dollars(amount: Decimal) -> str:
    """Four decimals below a dollar, two above; never nothing for what is something."""
    if 0 < amount < _LEAST_DOLLARS:
        return f"< ${_LEAST_DOLLARS}"
    return f"${amount:,.4f}" if amount < 1 else f"${amount:,.2f}"


def format_cost(nano: int | None) -> str:
    """Nano-dollars, as costs are stored, in dollars."""
    return NO_VALUE if nano is None else format_dollars(Decimal(nano).scaleb(-9))


def format_change(now: int, before: int | None) -> str:
    """How much more than before, "+18 %", or less; "new" where there was nothing, a dash where that is unknown."""
    if before is None or not (now or before):
        return NO_VALUE
    if not before:
        return "new"
    share = round(100 * (now - before) / before)
    return f"{MINUS_SIGN if share < 0 else '+' if share > 0 else '±'}{abs(share):,} %"


def format_bytes(number: int | None) -> str:
    """Bytes in decimal units and three figures: 512 B, 18.2 kB."""
    return NO_VALUE if number is None else _three_figures(number, ("B", "kB", "MB", "GB", "TB"))


def _three_figures(number: int, units: tuple[str, ...]) -> str:
    """`number` with the unit in which it has at most three digits before the point."""
    if abs(number) < 1000:
        return f"{number} {units[0]}".rstrip()
    value = float(number)
    for unit in units[1:]:
        value /= 1000
        if abs(value) < 999.5:
            return f"{value:#.3g}".rstrip(".") + f" {unit}"
    return f"{value:,.0f} {units[-1]}"


def format_percent(part: float | None, whole: float | None) -> str:
    """The share as "1.5 %". Neither "0 %" nor "100 %" unless it is exactly that."""
    if part is None or not whole:
        return NO_VALUE
    share = 100 * part / whole
    if share in (0, 100):
        return f"{share:.0f} %"
    if 0 < share < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if 99.9 < share < 100 else f"{share:.1f} %"


def format_duration(ms: int | None, *, precise: bool = False, spelled: bool = False) -> str:
    """Milliseconds as "7 s", "3 m 48 s", "1 h 02 m", "3 d 04 h".

    Without `precise` the source counted whole seconds, so none of "299 ms" or "7.9 s" is claimed.
    `spelled` is for sentences: "3 min 48 s". Clocks may disagree: negative spans keep their sign.
    """
    if ms is None:
        return NO_VALUE
    if ms < 0:
        return MINUS_SIGN + format_duration(-ms, precise=precise, spelled=spelled)
    if precise and ms < 59_950:
        return f"{ms} ms" if ms < 1000 else f"{(ms + 50) // 100 / 10:.1f} s"
    seconds = (ms + 500) // 1000 if precise else ms // 1000
    return _seconds(seconds, minute="min" if spelled else "m")


def _seconds(seconds: int, *, minute: str) -> str:
    """The two largest units of a span, the second one padded so that columns line up."""
    if seconds < 1:
        return "< 1 s"
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} {minute} {seconds % 60:02} s"
    if seconds < 86_400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02} {minute}"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3600:02} h"


def format_relative_time(then: datetime, now: datetime) -> str:
    """ "4 min ago", or "in 4 min" when `then` is still to come. `times.js` counts on in the same words."""
    seconds = int(abs((now - then).total_seconds()))
    span = _largest_unit(seconds)
    return f"in {span}" if then > now and seconds else f"{span} ago"


def _largest_unit(seconds: int) -> str:
    """One unit, cut off rather than rounded: s, min, h, d."""
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def format_iso_time(moment: datetime) -> str:
    """For `datetime` attributes: 2026-11-20T14:27:54Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def format_timestamp(moment: datetime) -> str:
    """For titles and tables: 2026-11-20 14:27:54 UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def format_prose_time(moment: datetime) -> str:
    """For sentences: 20 Nov 2026, 14:27:54 UTC."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M:%S} UTC"
