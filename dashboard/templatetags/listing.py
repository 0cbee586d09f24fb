"""Template filters of lists of runs and views, loaded with `{% load listing %}`."""

from __future__ import annotations

from django import template

from dashboard.ui import formats
from dashboard.web.navigation import PageShell
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.models import SavedView

register = template.Library()


@register.filter
def capped_count(count: int) -> str:
    """Format a count. Counting stops at a limit: a larger count is "10,000+"."""
    return f"{MAX_SAMPLE_SIZE:,}+" if count > MAX_SAMPLE_SIZE else f"{count:,}"


@register.filter
def measured_duration(ms: int | None) -> str:
    """Format the duration of one of many runs, with decimals only if that run was timed in milliseconds."""
    return formats.format_duration(ms, precise=ms is not None and ms % 1000 != 0)


@register.filter
def is_editable_in(view: SavedView, shell: PageShell) -> bool:
    """Return whether to show controls that change `view`. The views check this themselves."""
    return shell.user is not None and view.can_be_changed_by(shell.user, shell.role)
