"""What changed between two texts, line by line and, within a changed line, word by word. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

CONTEXT = 3
# Aligning takes time that grows with more than the product of both sides; beyond this, what lies between the
# first and the last difference is shown as replaced. difflib's own rule, to pass over what occurs very often,
# stays on for the same reason.
MAX_ALIGNED_LINES = 1_000
# Words are compared in lines of that many characters together, where no more lines changed at one place.
MAX_MARKED_LENGTH = 2_000
MAX_MARKED_LINES = 40
MAX_SHOWN_LINES = 400
# Below this likeness, marked words would be confetti.
MIN_SIMILARITY = 0.4
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class DiffSegment:
    """A piece of a line; `marked` where it is what differs."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class DiffLine:
    """`kind`: same, added, removed, or skipped, which stands for `count` equal lines."""

    kind: str
    parts: tuple[DiffSegment, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class TextDiff:
    """The lines that differ, with some around them. `cut` counts lines that are not shown any more."""

    lines: tuple[DiffLine, ...]
    added: int
    removed: int
    cut: int


def diff_text(left: str, right: str) -> TextDiff:
    """From `left` to `right`."""
    lines = list(_lines(left.splitlines(), right.splitlines()))
    if not any(line.kind in ("added", "removed") for line in lines):
        return TextDiff((), 0, 0, 0) if left == right else _ends_differ()
    added, removed = (sum(line.kind == kind for line in lines) for kind in ("added", "removed"))
    shown = tuple(_folded(lines))
    return TextDiff(shown[:MAX_SHOWN_LINES], added, removed, max(0, len(shown) - MAX_SHOWN_LINES))


def _ends_differ() -> TextDiff:
    """Only the breaks between or behind the lines are not the same."""
    return TextDiff(
        (DiffLine("same", (DiffSegment("The lines are the same; their breaks or the last one differ."),)),), 0, 0, 0
    )


def _lines(left: Sequence[str], right: Sequence[str]) -> Iterator[DiffLine]:
    """Every line of both, in order."""
    head = _common(left, right)
    tail = _common(left[head:][::-1], right[head:][::-1])
    yield from map(_same, left[:head])
    yield from _changes(left[head : len(left) - tail], right[head : len(right) - tail])
    yield from map(_same, left[len(left) - tail :])


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """How many lines both begin with."""
    pairs = zip(left, right, strict=False)
    return next((place for place, (old, new) in enumerate(pairs) if old != new), min(len(left), len(right)))


def _changes(left: Sequence[str], right: Sequence[str]) -> Iterator[DiffLine]:
    if max(len(left), len(right)) > MAX_ALIGNED_LINES:
        yield from _replaced(left, right)
        return
    for tag, begin, end, new_begin, new_end in SequenceMatcher(None, left, right).get_opcodes():
        if tag == "equal":
            yield from map(_same, left[begin:end])
        else:
            yield from _replaced(left[begin:end], right[new_begin:new_end])


def _replaced(left: Sequence[str], right: Sequence[str]) -> Iterator[DiffLine]:
    """What went, then what came; lines that stand at the same place are compared by their words."""
    compare = _words if max(len(left), len(right)) <= MAX_MARKED_LINES else _wholes
    pairs = [compare(old, new) for old, new in zip_longest(left, right)]
    yield from (DiffLine("removed", old) for old, _ in pairs[: len(left)])
    yield from (DiffLine("added", new) for _, new in pairs[: len(right)])


def _words(old: str | None, new: str | None) -> tuple[tuple[DiffSegment, ...], tuple[DiffSegment, ...]]:
    if not old or not new or len(old) + len(new) > MAX_MARKED_LENGTH:
        return _wholes(old, new)
    left, right = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(None, left, right)
    if matcher.quick_ratio() < MIN_SIMILARITY or matcher.ratio() < MIN_SIMILARITY:
        return _wholes(old, new)
    codes = matcher.get_opcodes()
    return (
        tuple(DiffSegment("".join(left[a:b]), tag != "equal") for tag, a, b, _, _ in codes if b > a),
        tuple(DiffSegment("".join(right[c:d]), tag != "equal") for tag, _, _, c, d in codes if d > c),
    )


def _wholes(old: str | None, new: str | None) -> tuple[tuple[DiffSegment, ...], tuple[DiffSegment, ...]]:
    return _whole(old), _whole(new)


def _whole(line: str | None) -> tuple[DiffSegment, ...]:
    return () if line is None else (DiffSegment(line),)


def _same(line: str) -> DiffLine:
    return DiffLine("same", (DiffSegment(line),))


def _folded(lines: Sequence[DiffLine]) -> Iterator[DiffLine]:
    """`lines` with runs of equal ones cut down to what stands around a difference."""
    changed = [place for place, line in enumerate(lines) if line.kind != "same"]
    kept = {near for place in changed for near in range(place - CONTEXT, place + CONTEXT + 1)}
    skipped = 0
    for place, line in enumerate(lines):
        if place not in kept:
            skipped += 1
            continue
        if skipped:
            yield DiffLine("skipped", count=skipped)
            skipped = 0
        yield line
    if skipped:
        yield DiffLine("skipped", count=skipped)
