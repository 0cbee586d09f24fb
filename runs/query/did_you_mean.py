"""Near words: what was probably meant by a word that isn't known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def find_closest_match(wrong: str, known: Iterable[str]) -> str | None:
    """The known word that `wrong` was probably meant to be."""
    return next(iter(difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.7)), None)
