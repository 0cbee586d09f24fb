"""Short labels that stay different where their texts begin alike, for legends."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

_WORD_SEPARATORS = " _-./:,"
_ELLIPSIS = "…"


def shorten_apart(texts: Sequence[str], max_length: int) -> list[str]:
    """Shorten texts to about `max_length` characters, in the same order.

    A text whose beginning says too little, since another begins alike, starts with the word in which they differ:
    "…tokens/min: limit 10" beside "…requests per min".
    """
    return [_shorten_text(text, [other for other in texts if other != text], max_length) for text in texts]


def _shorten_text(text: str, others: Sequence[str], max_length: int) -> str:
    shared = max((_count_shared_characters(text, other) for other in others), default=0)
    if len(text) > max_length and shared > max_length // 2:
        start = max(text.rfind(separator, 0, shared) for separator in _WORD_SEPARATORS) + 1
        text = _ELLIPSIS + text[start or shared :]
    return text if len(text) <= max_length else text[:max_length].rstrip() + _ELLIPSIS


def _count_shared_characters(one: str, other: str) -> int:
    """Return the length of the common beginning of two texts."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
