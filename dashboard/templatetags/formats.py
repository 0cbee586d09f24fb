"""`{% load formats %}`: the words of `dashboard.ui.formats`, escaped and marked up.

Ids, statuses and codes come from whoever posts runs: everything here goes through `format_html`.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard.ui import formats

register = template.Library()

register.filter(formats.format_integer)
register.filter(formats.format_tokens)
register.filter(formats.format_cost)
register.filter(formats.format_bytes)
register.filter(formats.shorten_id)
register.filter(formats.format_status)
register.filter(formats.format_timestamp)
register.simple_tag(formats.format_percent)


@register.filter
def duration(ms: int | None) -> str:
    """Milliseconds that were counted in whole seconds."""
    return formats.format_duration(ms)


@register.filter
def precise_duration(ms: int | None) -> str:
    """Milliseconds that were measured as such."""
    return formats.format_duration(ms, precise=True)


@register.simple_tag
def when(moment: datetime | None, *, focusable: bool = False) -> SafeString | str:
    """A relative time that `times.js` keeps current and completes with the reader's local time.

    `focusable` shows the exact time on keyboard focus too. Leave it off where a list would become a row
    of tab stops: there the account menu switches to exact times.
    """
    if moment is None:
        return formats.NO_VALUE
    return format_html(
        '<time datetime="{}" title="{}" data-when{}>{}</time>',
        formats.format_iso_time(moment),
        formats.format_timestamp(moment),
        format_html(' tabindex="{}"', 0) if focusable else "",
        formats.format_relative_time(moment, timezone.now()),
    )


@register.simple_tag
def moment(value: datetime | None) -> SafeString | str:
    """An exact time for a sentence."""
    if value is None:
        return formats.NO_VALUE
    return format_html(
        '<time datetime="{}" title="{}" data-exact>{}</time>',
        formats.format_iso_time(value),
        formats.format_timestamp(value),
        formats.format_prose_time(value),
    )


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, *, small: bool = False) -> SafeString:
    """A symbol of the sprite by its id, hidden from screen readers: the word stands beside it."""
    return format_html('<svg class="i{}" aria-hidden="true"><use href="#{}"/></svg>', " s" if small else "", name)


@register.simple_tag
def status_icon(value: str, *, small: bool = False) -> SafeString:
    """The shape of a status. Its colour is that of the nearest `data-status`."""
    return icon(f"s-{value}" if value in formats.STATUS_LABELS else "s-unknown", small=small)


@register.simple_tag
@lru_cache(maxsize=512)  # a list says the same few again and again
def status(value: str, *, big: bool = False) -> SafeString:
    """Icon and word. A status that the protocol does not know is shown raw, with the question mark."""
    return format_html(
        '<span class="status{}" data-status="{}">{}<span class="clip">{}</span></span>',
        " big" if big else "",
        value,
        status_icon(value),
        formats.format_status(value),
    )


@register.simple_tag
def copy(value: str, what: str, *, key: str = "") -> SafeString:
    """A button that copies `value`; `what` names it ("run id"). `key` makes it the page's target of a key."""
    return format_html(
        '<button class="copy needs-js" type="button" data-copy="{}" aria-label="Copy {}"{}>{}</button>',
        value,
        what,
        format_html(' data-key="{}"', key) if key else "",
        icon("i-copy"),
    )


@register.filter
def coded(text: str) -> SafeString:
    """What stands between backticks as code."""
    parts = enumerate(text.split("`"))
    marked = (format_html("<code>{}</code>" if place % 2 else "{}", part) for place, part in parts)
    return format_html_join("", "{}", ((each,) for each in marked))
