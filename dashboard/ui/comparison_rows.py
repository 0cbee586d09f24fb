"""The rows of a comparison: a field, its value on each side, and the difference of numbers and times.

Differences are not rated: a larger value is neither better nor worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from dashboard.ui import formats, truncated_text
from dashboard.ui.json_diff import MISSING
from dashboard.ui.posted_object import FieldPresence, PostedObject
from dashboard.ui.run_rows import MULTIPLICATION_SIGN
from dashboard.ui.truncated_text import TruncatedText
from runs.protocol.lossless_json import JsonNumber, dump_json, is_equal_value, to_decimal

MAX_CELL_LENGTH = 600
# Larger objects, and objects nested more deeply, are compared as a whole.
MAX_COMPARED_MEMBERS = 100
MAX_COMPARED_DEPTH = 2
_MAX_NUMBER = 10**18
_MIN_EXPONENT = -12  # smaller differences are not written out
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class ComparisonCell:
    """The value of one side. `presence` tells null from a field that was not sent; `status` is shown with its color."""

    presence: FieldPresence
    text: TruncatedText | None = None
    status: str = ""


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """A field of both sides. `difference` is B minus A, formatted, if both are numbers or times."""

    name: str
    left: ComparisonCell
    right: ComparisonCell
    differs: bool
    difference: str = ""


def get_posted_value(posted: PostedObject, name: str) -> Any:
    """Return the value of a member, or MISSING if it was not sent."""
    return MISSING if posted.presence(name) is FieldPresence.ABSENT else posted.value(name)


def build_field_rows(name: str, left: Any, right: Any, depth: int = 0) -> Iterator[ComparisonRow]:
    """Yield a row for a field, or a row for each member of an object. Yield nothing if the field is MISSING in both."""
    if left is MISSING and right is MISSING:
        return
    members = dict.fromkeys(member for side in (left, right) if isinstance(side, dict) for member in side)
    if not members or len(members) > MAX_COMPARED_MEMBERS or depth == MAX_COMPARED_DEPTH:
        name = name[:MAX_CELL_LENGTH]
        difference = _format_number_difference(left, right)
        yield ComparisonRow(
            name[:MAX_CELL_LENGTH], value_cell(left), value_cell(right), not is_equal_value(left, right), difference
        )
        return
    for member in members:
        sides = _get_member(left, member), _get_member(right, member)
        yield from build_field_rows(f"{name}.{member}", *sides, depth + 1)


def text_cell(text: str) -> ComparisonCell:
    """Return a cell that shows `text`."""
    return ComparisonCell(FieldPresence.VALUE, TruncatedText(text, max_length=MAX_CELL_LENGTH))


def value_cell(value: Any) -> ComparisonCell:
    """Return a cell for a posted value: integers with separators, strings unchanged, anything else as JSON."""
    if value is MISSING:
        return ComparisonCell(FieldPresence.ABSENT)
    if value is None:
        return ComparisonCell(FieldPresence.NULL)
    if isinstance(value, JsonNumber):
        text = f"{int(value):,}" if value.lstrip("-").isdecimal() and len(value) < 20 else str(value)
    else:
        text = value if isinstance(value, str) else dump_json(value)
    return text_cell(truncated_text.truncate_text(text).full)


def time_cell(value: Any, moment: datetime | None) -> ComparisonCell:
    """Return a cell for a posted timestamp. `moment` is the time that it was parsed to."""
    if moment is None or value in (MISSING, None):
        return value_cell(value)
    return text_cell(formats.format_timestamp(moment))


def status_cell(status: str) -> ComparisonCell:
    """Return a cell for the status of a run."""
    return replace(text_cell(status), status=status)


def tool_calls_cell(names: Sequence[str] | None) -> ComparisonCell:
    """Return a cell for tool calls in the order in which they were made. None means that no steps were received."""
    if names is None:
        return text_cell("unknown: no steps were received")
    repeated = ((name, len(list(calls))) for name, calls in groupby(names))
    calls = (f"{name} {MULTIPLICATION_SIGN}{count}" if count > 1 else name for name, count in repeated)
    return text_cell(", ".join(calls) or "none")


def cost_cell(nano: int | None) -> ComparisonCell:
    """Return a cell for an estimated cost in nano-dollars."""
    return text_cell("no price, or no usage" if nano is None else formats.format_cost(nano))


def format_cost_difference(left: int | None, right: int | None) -> str:
    """Format the difference of two costs in nano-dollars."""
    if left is None or right is None or left == right:
        return ""
    return f"{'+' if right > left else formats.MINUS_SIGN}{formats.format_cost(abs(right - left))}"


def format_count_difference(left: int | None, right: int | None) -> str:
    """Format the difference of two counts."""
    return "" if left is None or right is None or left == right else _format_signed(Decimal(right - left))


def format_time_difference(left: datetime | None, right: datetime | None) -> str:
    """Format the time from one moment to another."""
    return "" if left is None or right is None else format_duration_difference(0, (right - left) // _MILLISECOND)


def format_duration_difference(left: int | None, right: int | None) -> str:
    """Format the difference of two durations in milliseconds."""
    if left is None or right is None or left == right:
        return ""
    duration = formats.format_duration(abs(right - left), precise=bool((right - left) % 1000))
    return f"{'+' if right > left else formats.MINUS_SIGN}{duration}"


def _get_member(side: Any, name: str) -> Any:
    """Return a member of one side. If the side is null, so are its members."""
    if isinstance(side, dict):
        return side.get(name, MISSING)
    return None if side is None else MISSING


def _format_number_difference(left: Any, right: Any) -> str:
    if not isinstance(left, JsonNumber) or not isinstance(right, JsonNumber) or is_equal_value(left, right):
        return ""
    old, new = to_decimal(left), to_decimal(right)
    if old is None or new is None or max(abs(old), abs(new)) > _MAX_NUMBER:
        return ""
    return _format_signed(new - old)


def _format_signed(difference: Decimal) -> str:
    if difference.adjusted() < _MIN_EXPONENT:
        return ""
    return f"{'+' if difference > 0 else formats.MINUS_SIGN}{abs(difference):,f}"
