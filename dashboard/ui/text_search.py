"""Search a text without regard to case, in time that grows with its length only.

A regular expression that ignores case compares each position anew, and takes minutes for a long run of the same letter.
"""

from __future__ import annotations

from collections.abc import Iterator


def fold_case(text: str) -> str:
    """Return `text` in lower case, with as many characters: positions in it are those in `text`.

    İ is the only character whose lower case is longer. A final ς is folded like any other sigma.
    """
    return text.replace("İ", "i").lower().replace("ς", "σ")  # noqa: RUF001 - this is the Greek letter


def iterate_matches(text: str, folded_word: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of every match in `text`. Matches that touch each other are joined."""
    folded = fold_case(text)
    start = end = folded.find(folded_word)
    while end >= 0:
        end += len(folded_word)
        if not folded.startswith(folded_word, end):
            yield start, end
            start = end = folded.find(folded_word, end)
