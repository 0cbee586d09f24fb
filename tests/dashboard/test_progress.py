from __future__ import annotations

import io

from dashboard.server.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_than_on_a_terminal_the_first_and_the_last_step_are_lines() -> None:
    stream = io.StringIO()
    with progress("Loading", "runs", stream) as tell:
        for done in range(1, 2001):
            tell(done, 2000)

    assert stream.getvalue().splitlines() == ["Loading: 1 of 2,000 runs", "Loading: 2,000 of 2,000 runs"]


def test_a_terminal_gets_a_bar() -> None:
    stream = Terminal()
    with progress("Loading", "runs", stream) as tell:
        tell(10, 10)

    assert "Loading: 100%" in stream.getvalue()
    assert "10/10" in stream.getvalue()
