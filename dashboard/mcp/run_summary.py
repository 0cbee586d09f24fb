"""A run in a few lines, the same in every answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.mcp.page_links import PageLinks
from dashboard.mcp.posted_text import PostedText
from runs.analytics.usage import nano_to_usd
from runs.models import Run


def summarize_run(
    run: Run, assistant_names: Mapping[str, str], links: PageLinks, error_message: str | None = None
) -> dict[str, Any]:
    """Return what a list says of a run, without what it lacks."""
    summary = {
        "id": run.external_id,
        "source": run.get_source_display(),
        "status": run.status,
        "created_at": run.stated_created_at,
        "duration_ms": run.duration_ms,
        "model": run.model,
        "assistant_id": run.assistant_id,
        "assistant_name": assistant_names.get(run.assistant_id),
        "thread_id": run.thread_id,
        "total_tokens": run.total_tokens,
        "cost_usd": nano_to_usd(run.cost),
        "error_code": run.error_code,
        "error_message": PostedText(error_message) if error_message else None,
        "incomplete_reason": run.incomplete_reason,
        "awaits_output_of": run.pending_functions,
        "url": links.run(run.external_id),
    }
    return {name: value for name, value in summary.items() if value is not None}
