"""The rows of a comparison: a field of two runs, what stands on each side, and by how much they differ. Pure.

More is neither better nor worse here: differences of numbers carry no judgement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from dashboard.ui import formats, truncated_text
from dashboard.ui.json_diff import MISSING
from dashboard.ui.posted_object import FieldPresence, PostedObject
from dashboard.ui.run_rows import MULTIPLICATION_SIGN
from dashboard.ui.truncated_text import TruncatedText
from runs.protocol.lossless_json import JsonNumber, dump_json, is_equal_value, to_decimal

MAX_CELL_LENGTH = 600
# Larger objects, and what lies deeper, are compared as a whole.
MAX_COMPARED_MEMBERS = 100
MAX_COMPARED_DEPTH = 2
_MAX_NUMBER = 10**18
_MIN_EXPONENT = -12  # the power of ten below which no difference is written out
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class ComparisonCell:
    """A value of one side; `presence` tells null and what was not sent apart from it."""

    presence: FieldPresence
    text: TruncatedText | None = None


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """A field of both runs; `delta` is B minus A where both are numbers or times."""

    name: str
    left: ComparisonCell
    right: ComparisonCell
    differs: bool
    delta: str = ""


def get_posted_value(posted: PostedObject, name: str) -> Any:
    """A member as it was sent, or ABSENT."""
    return MISSING if posted.presence(name) is FieldPresence.ABSENT else posted.value(name)


def build_field_rows(name: str, left: Any, right: Any, depth: int = 0) -> Iterator[ComparisonRow]:
    """A row for a field, or one for each member where it is an object on one side; none where neither has it."""
    if left is MISSING and right is MISSING:
        return
    members = dict.fromkeys(member for side in (left, right) if isinstance(side, dict) for member in side)
    if not members or len(members) > MAX_COMPARED_MEMBERS or depth == MAX_COMPARED_DEPTH:
        yield ComparisonRow(
            name, value_cell(left), value_cell(right), not is_equal_value(left, right), _difference(left, right)
        )
        return
    for member in members:
        yield from build_field_rows(f"{name}.{member}", _member(left, member), _member(right, member), depth + 1)


def text_cell(words: str) -> ComparisonCell:
    """A cell of our own words."""
    return ComparisonCell(FieldPresence.VALUE, TruncatedText(words, longest=MAX_CELL_LENGTH))


def value_cell(found: Any) -> ComparisonCell:
    """A cell for a value as it was sent: integers with separators, strings as they are, else JSON."""
    if found is MISSING:
        return ComparisonCell(FieldPresence.ABSENT)
    return (
        ComparisonCell(FieldPresence.NULL)
        if found is None
        else text_cell(truncated_text.truncate_text(_words(found)).full)
    )


def time_cell(found: Any, moment: datetime | None) -> ComparisonCell:
    """A cell for a timestamp, which means `moment`."""
    return (
        value_cell(found)
        if moment is None or found in (MISSING, None)
        else text_cell(formats.format_prose_time(moment))
    )


def tool_calls_cell(counts: Counter[str] | None) -> ComparisonCell:
    """A cell for the tools that were called, None where nobody knows."""
    if counts is None:
        return text_cell("not known: no steps were received")
    names = (f"{name} {MULTIPLICATION_SIGN}{count}" if count > 1 else name for name, count in counts.items())
    return text_cell(", ".join(names) or "none")


def cost_cell(nano: int | None) -> ComparisonCell:
    """A cell for an estimate in nano-dollars."""
    return text_cell("not priced, or no usage" if nano is None else formats.format_cost(nano))


def format_cost_difference(left: int | None, right: int | None) -> str:
    """The difference of two estimates in nano-dollars."""
    if left is None or right is None or left == right:
        return ""
    return f"{'+' if right > left else formats.MINUS_SIGN}{formats.format_cost(abs(right - left))}"


def format_count_difference(left: int | None, right: int | None) -> str:
    """The difference of two counts."""
    return "" if left is None or right is None or left == right else _signed(Decimal(right - left))


def format_time_difference(left: datetime | None, right: datetime | None) -> str:
    """The difference of two moments."""
    return "" if left is None or right is None else format_duration_difference(0, (right - left) // _MILLISECOND)


def format_duration_difference(left: int | None, right: int | None) -> str:
    """The difference of two durations in milliseconds."""
    if left is None or right is None or left == right:
        return ""
    words = formats.format_duration(abs(right - left), precise=bool((right - left) % 1000))
    return f"{'+' if right > left else formats.MINUS_SIGN}{words}"


def _member(side: Any, name: str) -> Any:
    """A member of what may be no object on this side: where that is null, so are its members."""
    if isinstance(side, dict):
        return side.get(name, MISSING)
    return None if side is None else MISSING


def _words(found: Any) -> str:
    if isinstance(found, JsonNumber):
        return f"{int(found):,}" if found.lstrip("-").isdecimal() and len(found) < 20 else str(found)
    return found if isinstance(found, str) else dump_json(found)


def _difference(left: Any, right: Any) -> str:
    """B minus A, where both are numbers of a size that people read."""
    if not isinstance(left, JsonNumber) or not isinstance(right, JsonNumber) or is_equal_value(left, right):
        return ""
    old, new = to_decimal(left), to_decimal(right)
    if old is None or new is None or max(abs(old), abs(new)) > _MAX_NUMBER:
        return ""
    return _signed(new - old)


def _signed(change: Decimal) -> str:
    if change.adjusted() < _MIN_EXPONENT:
        return ""
    return f"{'+' if change > 0 else formats.MINUS_SIGN}{abs(change):,f}"
