"""The comparison of two runs."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.compare.comparison import RunComparison
from dashboard.pages.compare.params import CandidateKind, CompareParams
from dashboard.ui.truncated_text import TruncatedText, truncate_text
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from runs.analytics.run_steps import read_steps
from runs.models import Assistant, Message, Project, Run


@dataclass(frozen=True, slots=True)
class ComparisonCandidate:
    """A run to compare a given run with. `query` is the query string of the comparison."""

    kind: CandidateKind
    run_id: str
    query: str


@require_safe
@viewer_required
@handle_invalid_params
def compare_runs(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the differences of two runs. If one of them is missing, render a form with suggestions."""
    # 1. Parse
    params = CompareParams.parse(request.GET)
    run_ids = [run_id for run_id in dict.fromkeys((params.left, params.right)) if run_id]

    # 2. Fetch
    runs: dict[str, Run] = {}
    if run_ids:
        for run in Run.objects.with_external_ids(project, run_ids).with_configuration():
            run.project = project
            runs[run.external_id] = run
    unknown_ids = [run_id for run_id in run_ids if run_id not in runs]
    if params.left and params.right and not unknown_ids:
        left, right = runs[params.left], runs[params.right]
        comparison = RunComparison(
            left=left,
            right=right,
            left_steps=read_steps(left),
            right_steps=read_steps(right),
            now=timezone.now(),
            assistant_names=Assistant.objects.names_by_id(project, {left.assistant_id, right.assistant_id}),
        )
        context = {
            "project": project,
            "params": params,
            "comparison": comparison,
            "answers": [_fetch_last_answer(run) for run in (left, right)],
            "is_last_successful": left.external_id == Run.objects.last_completed_id_before(right),
        }
        return htmx.render_page(request, "pages/compare/comparison.html", context)
    candidates = _fetch_candidates(*runs.values()) if runs and not unknown_ids else []
    for candidate in candidates:
        if candidate.kind == params.find_left:
            return redirect(f"{request.path}{candidate.query}")

    # 3. Render
    context = {"project": project, "params": params, "unknown_ids": unknown_ids, "candidates": candidates}
    return htmx.render_page(request, "pages/compare/form.html", context, status=404 if unknown_ids else 200)


def _fetch_last_answer(run: Run) -> TruncatedText | None:
    """Return the last message with a text that `run` wrote, if any."""
    message = Message.objects.last_answer_of(run)
    return truncate_text(message.text) if message else None


def _fetch_candidates(run: Run) -> list[ComparisonCandidate]:
    """Return earlier runs to compare `run` with. The earlier run is A, whichever side `run` was given for."""
    run_ids = {
        CandidateKind.PREVIOUS: Run.objects.previous_id_in_thread(run),
        CandidateKind.LAST_SUCCESSFUL: Run.objects.last_completed_id_before(run),
    }
    return [
        ComparisonCandidate(kind, run_id, CompareParams(left=run_id, right=run.external_id).query_string())
        for kind, run_id in run_ids.items()
        if run_id is not None
    ]
