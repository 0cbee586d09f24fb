"""Markdown of posted texts as sanitized HTML, without scripts, images or raw HTML."""

from __future__ import annotations

from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

# Rendering takes milliseconds per kilobyte, and longer for hostile input. Longer texts are shown as plain text.
MAX_MARKDOWN_LENGTH = 50_000

_BLOCKS = {"blockquote", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"}
_TABLES = {"table", "tbody", "td", "th", "thead", "tr"}
_TAGS = _BLOCKS | _TABLES | {"a", "br", "code", "em", "s", "strong"}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}

# Images are disabled because loading them would tell their server who reads a run.
_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")


@lru_cache(maxsize=128)
def render_markdown(source: str, *, heading_offset: int = 2) -> SafeString:
    """Render `source` as sanitized HTML. Headings are `heading_offset` levels deeper, below those of the page."""
    tokens = _parser.parse(source)
    for token in tokens:
        _demote_heading(token, heading_offset)
    html = _parser.renderer.render(tokens, _parser.options, {})
    safe = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(safe)  # noqa: S308 - nh3 lets through only the tags and attributes above


def _demote_heading(token: Token, levels: int) -> None:
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1:]) + levels)}"
