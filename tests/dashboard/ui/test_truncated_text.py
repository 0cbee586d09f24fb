"""Texts are shown in part, and a page contains only so much of all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboard.ui.truncated_text import MAX_SHOWN_LENGTH, truncate_text
from dashboard.web import page_budget


@pytest.fixture(autouse=True)
def small_page() -> Iterator[None]:
    token = page_budget._remaining.set(60_000)
    yield
    page_budget._remaining.reset(token)


def test_long_text_is_shown_in_part() -> None:
    text = truncate_text("x" * 1_000_000)
    assert (len(text.preview), len(text.shown)) == (6_001, MAX_SHOWN_LENGTH)
    assert text.hidden_length == 1_000_000 - MAX_SHOWN_LENGTH


def test_short_text_is_shown_as_it_is() -> None:
    text = truncate_text("short")
    assert (text.preview, text.shown, text.hidden_length) == ("short", "short", 0)


def test_full_page_shows_beginnings_only() -> None:
    assert len(truncate_text("<" * 50_000).shown) < 20_000  # as &lt;
    assert len(truncate_text("y" * 50_000).shown) < 10_000
    assert truncate_text("z" * 100).preview == "z" * 80 + "…"
