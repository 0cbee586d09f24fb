"""The progress bar of long commands."""

from __future__ import annotations

import io

import pytest

from runs.management import progress
from runs.management.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_terminal_gets_a_bar() -> None:
    stream = Terminal()
    with ProgressBar(stream, " runs", label="Loading") as bar:
        bar.show(10, 10, "7 records")
    assert "Loading: 100%" in stream.getvalue()
    assert "10/10" in stream.getvalue()
    assert "7 records" in stream.getvalue()


def test_announced_bar_writes_first_and_last_line() -> None:
    stream = io.StringIO()
    with ProgressBar(stream, " runs", label="Loading", announce=True) as bar:
        for done in range(1, 2001):
            bar.show(done, 2000)
    assert stream.getvalue().splitlines() == ["Loading: 0 runs", "Loading: 2000 of 2000 runs, 100%, 00:00 left"]


def test_short_work_writes_no_line() -> None:
    stream = io.StringIO()
    with ProgressBar(stream, " runs", total=10) as bar:
        bar.show(10)
    assert stream.getvalue() == ""


def test_long_work_writes_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_INTERVAL", 0.0)
    stream = io.StringIO()
    with ProgressBar(stream, "B", total=2000) as bar:
        bar.show(1000, details="1,234 records")
        bar.show(1000, details="1,235 records")
    first, second, third = stream.getvalue().splitlines()
    assert first == "0.00 of 2.00kB, 0%, ? left"
    assert second == "1.00k of 2.00kB, 50%, 00:00 left, 1,234 records"
    assert third == "1.00k of 2.00kB, 50%, 00:00 left, 1,235 records"


def test_disabled_bar_writes_nothing() -> None:
    stream = Terminal()
    with ProgressBar(stream, " runs", total=10, is_enabled=False) as bar:
        bar.show(10)
    assert stream.getvalue() == ""
