"""The differences between two texts."""

from __future__ import annotations

import time

import pytest

from dashboard.ui import text_diff


def test_long_different_texts_are_replaced_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_diff, "MAX_ALIGNED_LINES", 2)
    diff = text_diff.diff_text("same\na\nb\nc\nend", "same\nx\nb\ny\nend")
    assert [line.kind for line in diff.lines] == ["same", *["removed"] * 3, *["added"] * 3, "same"]
    assert (diff.added, diff.removed) == (3, 3)


def test_hidden_lines_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_diff, "MAX_SHOWN_LINES", 3)
    diff = text_diff.diff_text("a\nb\nc\nd", "")
    assert (len(diff.lines), diff.hidden_lines, diff.removed) == (3, 1, 4)


def test_different_line_breaks_are_mentioned() -> None:
    [line] = text_diff.diff_text("a\nb", "a\r\nb\n").lines
    assert "breaks" in line.segments[0].text


@pytest.mark.parametrize(
    ("left", "right", "is_partial"),
    [
        ("\n" * 1_000_000, "\n" * 999_999 + "x", True),
        ("x" * 1_000_000, "y" * 1_000_000, True),
        ("\n".join("a b " * 240 for _ in range(38)), "\n".join("b a " * 240 + "x" for _ in range(38)), False),
        ("\n".join(str(n % 2) for n in range(199)), "\n".join(str(n * 7 % 3) for n in range(199)), False),
    ],
)
def test_diff_of_hostile_texts_is_bounded(left: str, right: str, is_partial: bool) -> None:
    begin = time.process_time()
    diff = text_diff.diff_text(left, right)
    assert time.process_time() - begin < 2
    assert sum(len(segment.text) for line in diff.lines for segment in line.segments) < 200_000
    assert diff.is_partial is is_partial
