"""Fit an answer into a number of tokens, and name what was left out.

First long lists lose elements, then the longest texts are shortened to a common size, so that an answer keeps its
structure. Tokens are estimated from bytes: language models count differently, and this errs on the safe side.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dashboard.mcp.answer_rendering import AnswerRendering, Path

BYTES_PER_TOKEN = 3
MIN_LIST_LENGTH = 4  # elements that a list keeps
MIN_TEXT_BYTES = 160
MAX_LISTED_CUTS = 20
_RESERVED_BYTES = 1_500  # for the names of what was left out


def fit_into_budget(content: dict[str, Any], max_tokens: int) -> dict[str, Any]:
    """Return the content as JSON types of about `max_tokens` tokens at most, with the budget and what was left out.

    `cut` in `content` is what the tool itself left out.
    """
    max_bytes = max_tokens * BYTES_PER_TOKEN - _RESERVED_BYTES
    # 1. Lists, as if all texts were as short as they can be.
    max_elements: dict[Path, int] = {}
    while True:
        smallest = AnswerRendering(max_elements, MIN_TEXT_BYTES)
        if len(msgspec.json.encode(smallest.render(content))) <= max_bytes:
            break
        longest = max(smallest.list_lengths, key=smallest.list_lengths.__getitem__, default=None)
        if longest is None or smallest.list_lengths[longest] <= MIN_LIST_LENGTH:
            break
        max_elements[longest] = max(smallest.list_lengths[longest] // 2, MIN_LIST_LENGTH)
    # 2. Texts, with the room that is left.
    without_texts = AnswerRendering(max_elements, 0)
    available = max_bytes - len(msgspec.json.encode(without_texts.render(content)))
    rendering = AnswerRendering(max_elements, _share_out(available, without_texts.text_sizes))
    fitted: dict[str, Any] = rendering.render(content)
    fitted["cut"] = [*content.get("cut", []), *_describe_cuts(rendering)]
    size = len(msgspec.json.encode(fitted))
    fitted["budget"] = {"max_tokens": max_tokens, "estimated_tokens": size // BYTES_PER_TOKEN + 1}
    return fitted


def _share_out(available: int, sizes: list[int]) -> int | None:
    """Return the number of bytes that each text may have, so that all fit; None if no text has to be shortened."""
    for index, size in enumerate(sorted(sizes)):
        share = available // (len(sizes) - index)
        if size > share:
            return max(share, MIN_TEXT_BYTES)
        available -= size
    return None


def _describe_cuts(rendering: AnswerRendering) -> list[str]:
    cuts = [*rendering.list_cuts, *rendering.text_cuts]
    hidden = len(cuts) - MAX_LISTED_CUTS
    return cuts if hidden <= 0 else [*cuts[:MAX_LISTED_CUTS], f"and {hidden:,} more texts or lists"]
