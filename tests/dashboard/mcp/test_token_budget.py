"""Answers fit into their budget, and say what was left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboard.mcp.answer_rendering import BothEndsList, CompleteList
from dashboard.mcp.posted_text import PostedText
from dashboard.mcp.token_budget import BYTES_PER_TOKEN, MAX_LISTED_CUTS, fit_into_budget


def fit(content: dict[str, Any], max_tokens: int = 1_000) -> dict[str, Any]:
    fitted = fit_into_budget(content, max_tokens)
    assert len(json.dumps(fitted, ensure_ascii=False, separators=(",", ":")).encode()) <= max_tokens * BYTES_PER_TOKEN
    return fitted


def test_short_answers_are_complete() -> None:
    fitted = fit({"a": PostedText("short"), "b": [1, None, {"c": "d"}]})

    assert (fitted["a"], fitted["b"]) == ({"posted": "short"}, [1, None, {"c": "d"}])
    assert fitted["cut"] == []
    assert fitted["budget"]["estimated_tokens"] < 100


def test_only_long_texts_are_shortened() -> None:
    fitted = fit({"long": PostedText("begin" + "x" * 50_000 + "the end"), "short": PostedText("kept " * 20)})

    text = fitted["long"]["posted"]
    assert text.startswith("begin")
    assert text.endswith("the end")
    assert "characters left out" in text
    assert fitted["short"] == {"posted": "kept " * 20}
    assert len(fitted["cut"]) == 1
    assert fitted["cut"][0].startswith("/long: ")
    assert "of 50,012 characters" in fitted["cut"][0]


@pytest.mark.parametrize(
    ("items", "first", "last", "place"),
    [
        ([{"n": n} for n in range(5_000)], 0, None, "from its end"),
        (BothEndsList({"n": n} for n in range(5_000)), 0, 4_999, "from its middle"),
    ],
)
def test_long_lists_lose_elements(items: list[Any], first: int, last: int | None, place: str) -> None:
    fitted = fit({"items": items})

    assert fitted["items"][0]["n"] == first
    assert last is None or fitted["items"][-1]["n"] == last
    assert f"of 5,000 elements, {place}" in fitted["cut"][0]


def test_complete_lists_lose_nothing() -> None:
    fitted = fit_into_budget({"rows": CompleteList(["x" * 200] * 40)}, 1_000)

    assert len(fitted["rows"]) == 40


def test_many_cuts_are_counted() -> None:
    fitted = fit({"texts": [PostedText("x" * 1_000) for _ in range(30)]}, 4_000)

    assert len(fitted["cut"]) == MAX_LISTED_CUTS + 1
    assert fitted["cut"][-1] == "and 10 more texts or lists"


@pytest.mark.parametrize("text", ['"\\' * 4_000, "\n" * 9_000, "\U0001f600" * 3_000, "\x01" * 3_000, "\u202e" * 3_000])
def test_escaped_characters_count(text: str) -> None:
    fit({"texts": [PostedText(text)] * 3}, 2_000)


def test_invisible_characters_are_shown() -> None:
    fitted = fit({"text": PostedText("a\u202eb\U000e0041c\x00"), "name\u200b": "d\u2066e"})

    assert fitted["text"] == {"posted": "a<U+202E>b<U+E0041>c<U+0000>"}
    assert "d<U+2066>e" in fitted.values()
