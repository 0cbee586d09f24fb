"""Tests of the search that ignores case."""

from __future__ import annotations

import sys
import time

import pytest

from dashboard.ui.text_search import fold_case, iterate_matches


def test_folding_keeps_every_position() -> None:
    characters = [chr(code) for code in range(sys.maxunicode + 1)]
    assert all(len(fold_case(character)) == 1 for character in characters)


@pytest.mark.parametrize(
    ("text", "word", "matches"),
    [
        ("Refund the REFUND", "refund", ["Refund", "REFUND"]),
        ("İİ stanbul İstanbul", "istanbul", ["İstanbul"]),
        ("ΟΔΟΣ οδος οδοσ", "ΟΔΟΣ", ["ΟΔΟΣ", "οδος", "οδοσ"]),
        ("Straße STRASSE", "straße", ["Straße"]),
        ("aaaa b aa", "a", ["aaaa", "aa"]),
        ("abc", "x", []),
        ("", "x", []),
    ],
)
def test_matches_are_found_in_any_case(text: str, word: str, matches: list[str]) -> None:
    assert [text[start:end] for start, end in iterate_matches(text, fold_case(word))] == matches


@pytest.mark.parametrize("letter", ["İ", "ß", "a"])
def test_long_runs_of_a_letter_take_linear_time(letter: str) -> None:
    started = time.process_time()
    assert not list(iterate_matches(letter * 1_000_000, fold_case(letter * 199 + "x")))
    assert time.process_time() - started < 2
