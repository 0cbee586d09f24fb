"""Marks around what was searched for, in texts and in the HTML that Markdown is rendered to."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from dashboard.ui.text_search import fold_case, iterate_matches
from runs.analytics.content_hits import ContentHit

# Characters of a snippet before the hit, and after it.
SNIPPET_BEFORE, SNIPPET_AFTER = 40, 140
MAX_MARKS = 500  # of a text
_TAG = re.compile(r"""(<(?:[^<>"']|"[^"]*"|'[^']*')*>)""")
_WHITE_SPACE = re.compile(r"\s+")


def mark_words(text: str, words: Collection[str]) -> SafeString:
    """Return `text`, escaped, with a mark around each of `words`, in upper or lower case."""
    if not words:
        return escape(text)
    pieces, end = [], 0
    for start, stop in _find_words(text, words):
        pieces.append(format_html("{}<mark>{}</mark>", text[end:start], text[start:stop]))
        end = stop
    return mark_safe("".join([*pieces, escape(text[end:])]))  # noqa: S308 - all pieces are escaped


def mark_words_in_html(markup: SafeString, words: Collection[str]) -> SafeString:
    """Return sanitized HTML with a mark around each of `words` in its texts. Words across tags are not marked."""
    if not words:
        return markup
    pieces = (
        piece if index % 2 else mark_words(html.unescape(piece), words)
        for index, piece in enumerate(_TAG.split(markup))
    )
    return mark_safe("".join(pieces))  # noqa: S308 - tags are those of the sanitized HTML, texts are escaped


def build_snippet(hit: ContentHit) -> SafeString:
    """Return one line of the text around a hit, which is marked."""
    start, stop = next(iterate_matches(hit.text, fold_case(hit.word)), (0, 0))
    first, last = max(0, start - SNIPPET_BEFORE), stop + SNIPPET_AFTER
    before = ("…" if first else "") + hit.text[first:start].lstrip()
    after = hit.text[stop:last].rstrip() + ("…" if last < len(hit.text) else "")
    parts = (_WHITE_SPACE.sub(" ", part) for part in (before, hit.text[start:stop], after))
    return format_html("{}<mark>{}</mark>{}", *parts)


def _find_words(text: str, words: Collection[str]) -> Iterator[tuple[int, int]]:
    """Yield the places of words from left to right, without overlaps."""
    places = sorted(place for word in words if word for place in iterate_matches(text, fold_case(word)))
    end = 0
    for start, stop in places[:MAX_MARKS]:
        if start >= end:
            yield start, stop
            end = stop
