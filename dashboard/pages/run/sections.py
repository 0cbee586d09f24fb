"""The sections that the page of a run and the page of its share links have in common, and what they are built on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404

from dashboard.pages.run.configuration import ConfigurationSection
from dashboard.pages.run.errors import ErrorsSection
from dashboard.pages.run.header import OverviewSection, RunHeader
from dashboard.pages.run.model_calls import ModelCallsSection
from dashboard.pages.run.params import RunPageParams, parse_step_number
from dashboard.pages.run.raw_json import RawJsonTree
from dashboard.pages.run.responses import RunResponses
from dashboard.pages.run.steps import (
    MAX_STEPS_COUNTED,
    RunSteps,
    fetch_opening_steps,
    fetch_run_step,
    fetch_run_steps,
    fetch_unread_steps,
)
from dashboard.pages.run.timeline.section import Timeline
from dashboard.pages.run.tools import ToolsSection
from dashboard.pages.run.usage import UsageSection
from dashboard.ui.posted_object import PostedObject
from runs.analytics.run_turns import RunTurns
from runs.models import Run

# Templates by the id of the element that they replace.
SECTION_FRAGMENTS = {
    "timeline": "pages/run/_timeline.html",
    "errors": "pages/run/_errors.html",
    "tools": "pages/run/_tools.html",
    "usage": "pages/run/_usage.html",
    "model-calls": "pages/run/_model_calls.html",
    "raw": "pages/run/_raw_json.html",
    "raw-tree": "pages/run/_raw_json_tree.html",
}


def build_row_context(
    run: Run, posted: PostedObject, now: datetime, params: RunPageParams, position: str
) -> dict[str, Any]:
    """Return the context of the content of a timeline row. Raises Http404 if there is none at `position`."""
    step = fetch_run_step(run, posted, parse_step_number(position))
    timeline = Timeline(run, step, now, params)
    row = timeline.find_row(position)
    if row is None:
        raise Http404(f"No timeline row '{position}'")
    return {"params": params, "timeline": timeline, "row": row}


def build_branch_context(
    run: Run, posted: PostedObject, now: datetime, params: RunPageParams, branch: str
) -> dict[str, Any]:
    """Return the context of the rows below a timeline row, or of the next ones of the outermost level."""
    number = parse_step_number(branch)
    steps = fetch_run_step(run, posted, number) if number else fetch_unread_steps(run, posted)
    timeline = Timeline(run, steps, now, params)
    return {"params": params, "timeline": timeline, "rows": timeline.branch_rows}


def fetch_page_steps(run: Run, posted: PostedObject, params: RunPageParams) -> RunSteps:
    """Fetch the steps that a page with these parameters shows."""
    if params.needs_all_steps:
        return fetch_run_steps(run, posted, params.open_step_number, max_steps=MAX_STEPS_COUNTED)
    return fetch_opening_steps(run, posted, params.open_step_number)


def build_section_context(
    run: Run,
    posted: PostedObject,
    steps: RunSteps,
    timeline: Timeline,
    turns: RunTurns,
    json_url: str,
    *,
    is_shared: bool = False,
) -> dict[str, Any]:
    """Return the context of the sections. They run further queries when a template reads them.

    With `is_shared`, they tell nothing of other runs.
    """
    params, now = timeline.params, timeline.now
    errors = ErrorsSection(run, posted, steps, timeline, now, is_full="errors" in params.full, is_shared=is_shared)
    header = RunHeader(run, posted, steps.totals, turns, now, params, errors)
    return {
        "run": run,
        "json_url": json_url,
        "params": params,
        "header": header,
        "steps": steps,
        "overview": OverviewSection(run, steps, timeline),
        "timeline": timeline,
        "model_calls": ModelCallsSection(run, timeline, is_loaded="model-calls" in params.full),
        "tools": ToolsSection(posted, steps, timeline, is_full="tools" in params.full),
        "errors": errors,
        "usage": UsageSection(run, posted, steps, timeline, header.cost, is_full="usage" in params.full),
        "configuration": ConfigurationSection(run, posted, "change" in params.full, is_shared=is_shared),
        "raw_json": RawJsonTree(json_url, posted.members, params),
        "responses": RunResponses(run),
    }
