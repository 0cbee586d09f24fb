"""Tests of names that may be broken after their separators."""

from __future__ import annotations

import pytest

from dashboard.templatetags.formats import break_words


@pytest.mark.parametrize(
    ("name", "html"),
    [
        ("search_orders", "search_<wbr>orders"),
        ("mcp.ledger/post-entry", "mcp.<wbr>ledger/<wbr>post-<wbr>entry"),
        ("__init__", "__<wbr>init__"),
        ("a_<b>", "a_<wbr>&lt;b&gt;"),
        ("", ""),
    ],
)
def test_names_break_after_separators(name: str, html: str) -> None:
    assert break_words(name) == html
