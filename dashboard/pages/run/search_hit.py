"""The first place on the page of a run where the list that it was opened from found what was searched for."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString

from dashboard.pages.run.params import RunPageParams
from dashboard.pages.run.steps import make_step_anchor
from dashboard.pages.run.timeline.section import Timeline
from dashboard.ui.search_marks import build_snippet
from runs.analytics.content_hits import ContentHit, fetch_content_hits, list_searched_words
from runs.models import Run


@dataclass(frozen=True, slots=True)
class RunSearchHit:
    """The place in words, the called tool or "", the text with a mark, and the URL that opens it."""

    place: str
    tool: str
    snippet: SafeString
    url: str


def get_search_words(params: RunPageParams) -> list[str]:
    """Return the words to mark on the page: those that the list was searched for."""
    return list_searched_words(params.run_list.filters.tree) if params.run_list else []


def fetch_search_hit(run: Run, params: RunPageParams, timeline: Timeline) -> RunSearchHit | None:
    """Return the first hit, None if nothing was searched for. Up to four queries if there was."""
    tree = params.run_list.filters.tree if params.run_list else None
    hit = fetch_content_hits(run.project, tree, [run]).get(run.pk)
    return None if hit is None else RunSearchHit(hit.place, hit.tool, build_snippet(hit), _build_url(hit, timeline))


def _build_url(hit: ContentHit, timeline: Timeline) -> str:
    if not hit.step_id:
        return "#overview"
    listed = ((number, record) for number, record in timeline.steps.listed if record.external_id == hit.step_id)
    number, record = next(listed, (0, None))
    if record is None:
        return "#timeline"
    suffix = f"-{hit.call_number}" if len(record.tool_names) > 1 else ""
    view = "timeline=steps&" if timeline.shows_spans else ""
    anchor = make_step_anchor(record.external_id, number)
    return f"?{timeline.params.link_prefix}{view}full=row-{number}{suffix}#{anchor}{suffix}"
