"""A line diff of two texts that marks the changed words within changed lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

CONTEXT_LINES = 3
# Only the beginnings of longer texts are compared, since each line of a diff takes hundreds of bytes.
MAX_COMPARED_LENGTH = 200_000  # characters
MAX_COMPARED_LINES = 10_000
# The time to align lines grows faster than the product of both lengths. Beyond this number of lines, everything between
# the first and the last difference is shown as replaced. For the same reason, difflib may ignore frequent lines.
MAX_ALIGNED_LINES = 1_000
# Words are compared only in pairs of lines up to this length together, and in hunks up to this number of lines.
MAX_MARKED_LENGTH = 2_000
MAX_MARKED_LINES = 40
MAX_SHOWN_LINES = 400
MAX_SHOWN_LENGTH = 100_000  # characters
# The work of an alignment: for each line or word, the places in the other text where it occurs.
MAX_ALIGNMENT_WORK = 12_000
# Lines that are less similar have so many changed words that marking them would not help.
MIN_SIMILARITY = 0.4
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class DiffSegment:
    """A part of a line, and whether it differs from the other text."""

    text: str
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a diff.

    Attributes:
        kind: `same`, `added` or `removed`; or `skipped`, which stands for several equal lines.
        segments: The text of the line.
        count: The number of skipped lines.
    """

    kind: str
    segments: tuple[DiffSegment, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class TextDiff:
    """The changed lines with some context.

    Attributes:
        lines: The lines, at most `MAX_SHOWN_LINES`.
        added: The number of added lines.
        removed: The number of removed lines.
        hidden_lines: The number of lines beyond `MAX_SHOWN_LINES` or `MAX_SHOWN_LENGTH`.
        is_partial: Whether the texts are too long, and only their beginnings were compared.
    """

    lines: tuple[DiffLine, ...]
    added: int
    removed: int
    hidden_lines: int
    is_partial: bool = False


def diff_text(left: str, right: str) -> TextDiff:
    """Return the changes from `left` to `right`, in bounded time and memory."""
    old, new = (text[:MAX_COMPARED_LENGTH].splitlines() for text in (left, right))
    is_partial = max(len(left), len(right)) > MAX_COMPARED_LENGTH or max(len(old), len(new)) > MAX_COMPARED_LINES
    lines = list(_diff_lines(old[:MAX_COMPARED_LINES], new[:MAX_COMPARED_LINES]))
    added, removed = (sum(line.kind == kind for line in lines) for kind in ("added", "removed"))
    if added or removed:
        every = tuple(_skip_equal_lines(lines))
        shown = tuple(_fit_lines(every))
        return TextDiff(shown, added, removed, len(every) - len(shown), is_partial)
    if left == right or is_partial:
        return TextDiff((), 0, 0, 0, is_partial)
    note = DiffSegment("The lines are equal, but their line breaks or the end of the last line differ.")
    return TextDiff((DiffLine("same", (note,)),), 0, 0, 0)


def _fit_lines(lines: Sequence[DiffLine]) -> Iterator[DiffLine]:
    """Yield the first lines that a page may contain; the last one may be cut off."""
    remaining = MAX_SHOWN_LENGTH
    for line in lines[:MAX_SHOWN_LINES]:
        length = sum(len(segment.text) for segment in line.segments)
        if length > remaining:
            segments = (DiffSegment(line.segments[0].text[:remaining] + "…", line.segments[0].is_changed),)
            yield DiffLine(line.kind, segments)
            return
        remaining -= length
        yield line


def _diff_lines(left: Sequence[str], right: Sequence[str]) -> Iterator[DiffLine]:
    """Yield the lines of both texts in order, equal lines once."""
    # Cutting off the common beginning and end leaves little to align.
    head = _count_common_lines(left, right)
    tail = _count_common_lines(left[head:][::-1], right[head:][::-1])
    yield from map(_build_equal_line, left[:head])
    yield from _align_lines(left[head : len(left) - tail], right[head : len(right) - tail])
    yield from map(_build_equal_line, left[len(left) - tail :])


def _count_common_lines(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the number of equal lines at the beginning."""
    pairs = zip(left, right, strict=False)
    return next((index for index, (old, new) in enumerate(pairs) if old != new), min(len(left), len(right)))


def _align_lines(left: Sequence[str], right: Sequence[str]) -> Iterator[DiffLine]:
    if max(len(left), len(right)) > MAX_ALIGNED_LINES or _alignment_work(left, right) > MAX_ALIGNMENT_WORK:
        yield from _build_hunk(left, right)
        return
    for tag, start, end, new_start, new_end in SequenceMatcher(None, left, right).get_opcodes():
        if tag == "equal":
            yield from map(_build_equal_line, left[start:end])
        else:
            yield from _build_hunk(left[start:end], right[new_start:new_end])


def _build_hunk(left: Sequence[str], right: Sequence[str]) -> Iterator[DiffLine]:
    """Yield the removed lines, then the added lines. Words are compared between lines at the same position."""
    compare_words = max(len(left), len(right)) <= MAX_MARKED_LINES
    pairs = [
        _diff_words(old, new) if compare_words else (_build_segments(old), _build_segments(new))
        for old, new in zip_longest(left, right)
    ]
    yield from (DiffLine("removed", old) for old, _ in pairs[: len(left)])
    yield from (DiffLine("added", new) for _, new in pairs[: len(right)])


def _diff_words(old: str | None, new: str | None) -> tuple[tuple[DiffSegment, ...], tuple[DiffSegment, ...]]:
    """Return the segments of both lines; None stands for no line."""
    unmarked = _build_segments(old), _build_segments(new)
    if not old or not new or len(old) + len(new) > MAX_MARKED_LENGTH:
        return unmarked
    left, right = _WORDS.findall(old), _WORDS.findall(new)
    if _alignment_work(left, right) > MAX_ALIGNMENT_WORK:
        return unmarked
    matcher = SequenceMatcher(None, left, right)
    if matcher.quick_ratio() < MIN_SIMILARITY or matcher.ratio() < MIN_SIMILARITY:
        return unmarked
    opcodes = matcher.get_opcodes()
    return (
        tuple(DiffSegment("".join(left[a:b]), tag != "equal") for tag, a, b, _, _ in opcodes if b > a),
        tuple(DiffSegment("".join(right[c:d]), tag != "equal") for tag, _, _, c, d in opcodes if d > c),
    )


def _alignment_work(left: Sequence[str], right: Sequence[str]) -> int:
    """Return how many pairs of equal elements there are. difflib looks at all of them, again for each difference.

    In texts of 200 elements and more, it ignores those that make up more than one percent.
    """
    counts = Counter(right)
    ignored = len(right) // 100 + 1 if len(right) >= 200 else len(right)
    return sum(counts[element] for element in left if counts[element] <= ignored)


def _build_segments(line: str | None) -> tuple[DiffSegment, ...]:
    return () if line is None else (DiffSegment(line),)


def _build_equal_line(line: str) -> DiffLine:
    return DiffLine("same", (DiffSegment(line),))


def _skip_equal_lines(lines: Sequence[DiffLine]) -> Iterator[DiffLine]:
    """Yield `lines` without equal lines far from a change; a `skipped` line stands for each run of them."""
    changed = [index for index, line in enumerate(lines) if line.kind != "same"]
    visible = {near for index in changed for near in range(index - CONTEXT_LINES, index + CONTEXT_LINES + 1)}
    skipped = 0
    for index, line in enumerate(lines):
        if index not in visible:
            skipped += 1
            continue
        if skipped:
            yield DiffLine("skipped", count=skipped)
            skipped = 0
        yield line
    if skipped:
        yield DiffLine("skipped", count=skipped)
