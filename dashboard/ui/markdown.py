"""Markdown that somebody else wrote, as HTML that can do nothing: no scripts, no images, no raw HTML."""

from __future__ import annotations

from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

# Rendering takes some milliseconds a kilobyte, and more where it was made to; longer texts stay plain.
MAX_MARKDOWN_LENGTH = 50_000
# Headings of a text stand below those of the page around it.
_DEMOTED_BY = 2

_BLOCKS = {"blockquote", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"}
_TABLES = {"table", "tbody", "td", "th", "thead", "tr"}
_TAGS = _BLOCKS | _TABLES | {"a", "br", "code", "em", "s", "strong"}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}

# Without images, whose loading would tell their server who reads a run.
_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")


@lru_cache(maxsize=128)
def render_markdown(source: str) -> SafeString:
    """`source` as sanitised HTML."""
    tokens = _parser.parse(source)
    for token in tokens:
        _demote(token)
    html = _parser.renderer.render(tokens, _parser.options, {})
    safe = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(safe)  # noqa: S308 - what nh3 lets through is its allow list above


def _demote(token: Token) -> None:
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1:]) + _DEMOTED_BY)}"
