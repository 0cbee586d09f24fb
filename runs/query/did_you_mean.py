"""Suggestions for mistyped words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def find_closest_match(word: str, known_words: Iterable[str]) -> str | None:
    """Return the known word most similar to `word`, or None if none is similar."""
    return next(iter(difflib.get_close_matches(word, list(known_words), n=1, cutoff=0.7)), None)
