"""`{% load formats %}`: the formats of `dashboard.ui.formats`, escaped and marked up.

Ids, statuses and codes are posted by API clients, so all markup goes through `format_html`.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard.templatetags.shortcuts import shortcut_attributes
from dashboard.ui import formats, search_marks
from dashboard.web.shortcuts import KEYS_BY_NAME

register = template.Library()
_NAME_SEPARATORS = re.compile(r"(?<=[_./:-])(?=[^_./:-])")

register.filter("integer", formats.format_integer)
register.filter("tokens", formats.format_tokens)
register.filter("cost", formats.format_cost)
register.filter("bytes", formats.format_bytes)
register.filter("short_id", formats.shorten_id)
register.filter("status_label", formats.format_status)
register.filter("timestamp", formats.format_timestamp)
register.filter("time_title", formats.format_time_title)
register.filter("date_only", formats.format_date)
register.simple_tag(formats.format_percent, name="percent")


@register.filter
def duration(ms: int | None) -> str:
    """Format a duration, given in milliseconds, that was measured in whole seconds."""
    return formats.format_duration(ms)


@register.filter
def precise_duration(ms: int | None) -> str:
    """Format a duration that was measured in milliseconds."""
    return formats.format_duration(ms, precise=True)


@register.simple_tag
def relative_time(value: datetime | None, *, focusable: bool = False) -> SafeString | str:
    """Render a relative time: `4 min ago`.

    `times.js` keeps it current. `focusable` also shows the exact time on keyboard focus.
    Leave it off in long lists, where it would add a tab stop to each row: the account menu switches to exact times.
    """
    if value is None:
        return formats.NO_VALUE
    return format_html(
        '<time datetime="{}" title="{}" data-when{}>{}</time>',
        formats.format_iso_time(value),
        formats.format_time_title(value),
        format_html(' tabindex="{}"', 0) if focusable else "",
        formats.format_relative_time(value, timezone.now()),
    )


@register.simple_tag
def exact_time(value: datetime | None) -> SafeString | str:
    """Render an exact time: `20 Nov 2026, 14:27:54 UTC`."""
    if value is None:
        return formats.NO_VALUE
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        formats.format_iso_time(value),
        formats.format_time_title(value),
        formats.format_timestamp(value),
    )


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, *, small: bool = False) -> SafeString:
    """Render a symbol of the sprite by its id. It is hidden from screen readers, since a text label accompanies it."""
    return format_html('<svg class="i{}" aria-hidden="true"><use href="#{}"/></svg>', " s" if small else "", name)


@register.simple_tag
def status_icon(value: str, *, small: bool = False) -> SafeString:
    """Render the icon of a status. The nearest `data-status` sets its color."""
    return icon(f"s-{value}" if value in formats.STATUS_LABELS else "s-unknown", small=small)


@register.simple_tag
@lru_cache(maxsize=512)  # a list repeats the same few statuses
def status_badge(value: str, *, big: bool = False) -> SafeString:
    """Render the icon and the label of a status. An unknown status is shown as posted, with a question mark."""
    return format_html(
        '<span class="status{}" data-status="{}">{}<span class="clip">{}</span></span>',
        " big" if big else "",
        value,
        status_icon(value),
        formats.format_status(value),
    )


@register.simple_tag
def copy_button(value: str, label: str, *, shortcut: str = "") -> SafeString:
    """Render a button that copies `value`. `label` names the value ("run id"), `shortcut` its keyboard shortcut."""
    return format_html(
        '<button class="copy needs-js" type="button" data-copy="{}" aria-label="Copy {}"{}>{}</button>',
        value,
        label,
        format_html(" {}", shortcut_attributes(KEYS_BY_NAME[shortcut])) if shortcut else "",
        icon("i-copy"),
    )


@register.simple_tag(takes_context=True)
def marked(context: Context, text: str) -> SafeString:
    """Render a text, or sanitized HTML, with marks around the `search_words` of the page, if there are any."""
    words = context.get("search_words") or ()
    if isinstance(text, SafeString):
        return search_marks.mark_words_in_html(text, words)
    return search_marks.mark_words(text, words)


@register.filter
def break_words(text: str) -> SafeString:
    """Render a name that may be broken after its separators: `search_orders`, before it is broken within a word."""
    parts = _NAME_SEPARATORS.split(text)
    return format_html_join(SafeString("<wbr>"), "{}", ((part,) for part in parts))


@register.filter
def code_spans(text: str) -> SafeString:
    """Render text between backticks as code."""
    parts = enumerate(text.split("`"))
    rendered = (format_html("<code>{}</code>" if index % 2 else "{}", part) for index, part in parts)
    return format_html_join("", "{}", ((part,) for part in rendered))
