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

from dashboard.ui import formats, json_view, truncated_text
from dashboard.ui.json_diff import ABSENT, equal, number
from dashboard.ui.json_view import Number
from dashboard.ui.posted_object import Posted, Presence
from dashboard.ui.run_rows import TIMES
from dashboard.ui.truncated_text import Excerpt

LONGEST = 600
# Larger objects, and what lies deeper, are compared as a whole.
MOST_MEMBERS = 100
DEEPEST = 2
_LARGEST = 10**18
_SMALLEST = -12  # the power of ten below which no difference is written out
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of one side; `presence` tells null and what was not sent apart from it."""

    presence: Presence
    text: Excerpt | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A field of both runs; `delta` is B minus A where both are numbers or times."""

    name: str
    left: Cell
    right: Cell
    differs: bool
    delta: str = ""


def value(posted: Posted, name: str) -> Any:
    """A member as it was sent, or ABSENT."""
    return ABSENT if posted.presence(name) is Presence.ABSENT else posted.value(name)


def rows(name: str, left: Any, right: Any, depth: int = 0) -> Iterator[Row]:
    """A row for a field, or one for each member where it is an object on one side; none where neither has it."""
    if left is ABSENT and right is ABSENT:
        return
    members = dict.fromkeys(member for side in (left, right) if isinstance(side, dict) for member in side)
    if not members or len(members) > MOST_MEMBERS or depth == DEEPEST:
        yield Row(name, cell(left), cell(right), not equal(left, right), _difference(left, right))
        return
    for member in members:
        yield from rows(f"{name}.{member}", _member(left, member), _member(right, member), depth + 1)


def worded(words: str) -> Cell:
    """A cell of our own words."""
    return Cell(Presence.VALUE, Excerpt(words, longest=LONGEST))


def cell(found: Any) -> Cell:
    """A cell for a value as it was sent: integers with separators, strings as they are, else JSON."""
    if found is ABSENT:
        return Cell(Presence.ABSENT)
    return Cell(Presence.NULL) if found is None else worded(truncated_text.of_text(_words(found)).full)


def time(found: Any, moment: datetime | None) -> Cell:
    """A cell for a timestamp, which means `moment`."""
    return cell(found) if moment is None or found in (ABSENT, None) else worded(formats.prose_time(moment))


def calls(counts: Counter[str] | None) -> Cell:
    """A cell for the tools that were called, None where nobody knows."""
    if counts is None:
        return worded("not known: no steps were received")
    names = (f"{name} {TIMES}{count}" if count > 1 else name for name, count in counts.items())
    return worded(", ".join(names) or "none")


def cost(nano: int | None) -> Cell:
    """A cell for an estimate in nano-dollars."""
    return worded("not priced, or no usage" if nano is None else formats.cost(nano))


def dearer(left: int | None, right: int | None) -> str:
    """The difference of two estimates in nano-dollars."""
    if left is None or right is None or left == right:
        return ""
    return f"{'+' if right > left else formats.MINUS}{formats.cost(abs(right - left))}"


def more(left: int | None, right: int | None) -> str:
    """The difference of two counts."""
    return "" if left is None or right is None or left == right else _signed(Decimal(right - left))


def later(left: datetime | None, right: datetime | None) -> str:
    """The difference of two moments."""
    return "" if left is None or right is None else longer(0, (right - left) // _MILLISECOND)


def longer(left: int | None, right: int | None) -> str:
    """The difference of two durations in milliseconds."""
    if left is None or right is None or left == right:
        return ""
    words = formats.duration(abs(right - left), precise=bool((right - left) % 1000))
    return f"{'+' if right > left else formats.MINUS}{words}"


def _member(side: Any, name: str) -> Any:
    """A member of what may be no object on this side: where that is null, so are its members."""
    if isinstance(side, dict):
        return side.get(name, ABSENT)
    return None if side is None else ABSENT


def _words(found: Any) -> str:
    if isinstance(found, Number):
        return f"{int(found):,}" if found.lstrip("-").isdecimal() and len(found) < 20 else str(found)
    return found if isinstance(found, str) else json_view.dump(found)


def _difference(left: Any, right: Any) -> str:
    """B minus A, where both are numbers of a size that people read."""
    if not isinstance(left, Number) or not isinstance(right, Number) or equal(left, right):
        return ""
    old, new = number(left), number(right)
    if old is None or new is None or max(abs(old), abs(new)) > _LARGEST:
        return ""
    return _signed(new - old)


def _signed(change: Decimal) -> str:
    if change.adjusted() < _SMALLEST:
        return ""
    return f"{'+' if change > 0 else formats.MINUS}{abs(change):,f}"
