"""`{% load listing %}`: numbers over many runs, which may be capped or measured in different ways."""

from __future__ import annotations

from django import template

from dashboard.ui import formats
from dashboard.web.navigation import PageShell
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.models import SavedView

register = template.Library()


@register.filter
def capped(count: int) -> str:
    """A count that was given up at its limit is "10,000+"."""
    return f"{MAX_SAMPLE_SIZE:,}+" if count > MAX_SAMPLE_SIZE else f"{count:,}"


@register.filter
def measured(ms: int | None) -> str:
    """A duration out of many: with decimals only where the run it belongs to was timed in milliseconds."""
    return formats.format_duration(ms, precise=ms is not None and ms % 1000 != 0)


@register.filter
def may_be_changed_in(view: SavedView, shell: PageShell) -> bool:
    """Whether to offer changing `view` to whoever looks; the views decide."""
    return shell.user is not None and view.may_change(shell.user, shell.role)
