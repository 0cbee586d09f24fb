"""Two runs side by side, chosen by their ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.compare.comparison import RunComparison
from dashboard.web import htmx, query_params
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from runs.errors import Problem
from runs.models import Assistant, Project, Run, RunStep
from runs.protocol.lossless_json import clean_text

# What can stand beside a run without its id being known, in words.
PREVIOUS, LAST_GOOD = "previous", "last-good"
CANDIDATE_LABELS = {PREVIOUS: "Previous run in its thread", LAST_GOOD: "Last run of its assistant that completed"}


@dataclass(frozen=True, slots=True)
class CompareParams:
    """The ids of runs A and B, "" where one is still to be chosen, and whether equal fields are shown too.

    `beside` names the run to find as A.
    """

    left: str = ""
    right: str = ""
    show_all: bool = False
    beside: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> CompareParams:
        """Raises InvalidFilter."""
        given = query_params.read_query_params(request, "left", "right", "show", "with")
        if given.get("show", "all") != "all":
            raise query_params.build_params_error(Problem("show", "known is all"))
        if given.get("with", PREVIOUS) not in CANDIDATE_LABELS:
            raise query_params.build_params_error(Problem("with", f"known are {', '.join(CANDIDATE_LABELS)}"))
        left, right = (clean_text(given.get(side, "")) for side in ("left", "right"))
        if "with" in given and (left or not right):
            raise query_params.build_params_error(Problem("with", "goes with right alone, and finds left"))
        return cls(left, right, show_all="show" in given, beside=given.get("with", ""))

    @property
    def swapped(self) -> str:
        """The query string with A and B the other way round."""
        return _query(self.right, self.left, show_all=self.show_all)

    @property
    def differing(self) -> str:
        return _query(self.left, self.right)

    @property
    def everything(self) -> str:
        return _query(self.left, self.right, show_all=True)


@dataclass(frozen=True, slots=True)
class ComparisonCandidate:
    """A run that is worth comparing with the one that is chosen, and the query string that does it."""

    kind: str
    words: str
    run_id: str
    query: str


@require_safe
@viewer_required
@handle_invalid_params
def compare_runs(request: HttpRequest, project: Project) -> HttpResponse:
    """`compare/?left=&right=`: what differs; a form, and whom to compare with, while one of them is missing."""
    asked = CompareParams.of(request)
    wanted = [each for each in (asked.left, asked.right) if each]
    found = _found(project, wanted) if wanted else {}
    unknown = [each for each in dict.fromkeys(wanted) if each not in found]
    context: dict[str, Any] = {"project": project, "asked": asked, "unknown": unknown}
    if not unknown and asked.left and asked.right:
        compared = _compare(project, found[asked.left], found[asked.right])
        return htmx.render_page(request, "pages/compare/page.html", context | {"comparison": compared})
    if not unknown and found:
        candidates = list(_candidates(*found.values()))
        wanted_one = next((each for each in candidates if each.kind == asked.beside), None)
        if wanted_one is not None:
            return redirect(f"{request.path}{wanted_one.query}")
        context |= {"candidates": candidates, "missed": CANDIDATE_LABELS.get(asked.beside, "")}
    return htmx.render_page(request, "pages/compare/form.html", context, status=404 if unknown else 200)


def _found(project: Project, run_ids: list[str]) -> dict[str, Run]:
    """Those of the runs that there are, by their ids."""
    found = {run.external_id: run for run in Run.objects.with_external_ids(project, run_ids).with_configuration()}
    for run in found.values():
        run.project = project
    return found


def _compare(project: Project, left: Run, right: Run) -> RunComparison:
    called = RunStep.objects.count_tools_by_run({left.pk, right.pk})
    names = Assistant.objects.names_by_id(project, {left.assistant_id, right.assistant_id})
    return RunComparison(left, right, called.get(left.pk), called.get(right.pk), timezone.now(), names)


def _candidates(run: Run) -> Iterator[ComparisonCandidate]:
    """Runs before `run` that tell what has changed since: A is the earlier one, whichever was chosen."""
    found = {PREVIOUS: Run.objects.previous_id_in_thread(run), LAST_GOOD: Run.objects.last_completed_id_before(run)}
    for kind, run_id in found.items():
        if run_id is not None:
            yield ComparisonCandidate(kind, CANDIDATE_LABELS[kind], run_id, _query(run_id, run.external_id))


def _query(left: str, right: str, *, show_all: bool = False) -> str:
    show = {"show": "all"} if show_all else {}
    return "?" + urlencode({"left": left, "right": right} | show)
