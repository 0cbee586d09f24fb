"""Tests of short labels that stay different."""

from __future__ import annotations

import pytest

from dashboard.ui.distinct_labels import shorten_apart


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (["short", "short too"], ["short", "short too"]),
        (["You exceeded your current quota"], ["You exceeded your cu…"]),
        (
            ["Rate limit reached for <model> on requests", "Rate limit reached for <model>, tokens", "Other"],
            ["…<model> on requests", "…<model>, tokens", "Other"],
        ),
        (["ft:gpt-4o-mini:acme:guide-one", "ft:gpt-4o-mini:acme:guide-two"], ["…one", "…two"]),
        (["a" * 30 + "b", "a" * 30 + "c"], ["…b", "…c"]),
        (["same text that is long enough"] * 2, ["same text that is lo…"] * 2),
    ],
)
def test_labels_show_what_differs(texts: list[str], labels: list[str]) -> None:
    assert shorten_apart(texts, 20) == labels
