"""The page of one tool or function, and single calls of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.tools.detail import ToolDetail
from dashboard.pages.tools.params import ToolTimeRange, parse_choice
from dashboard.pages.tools.samples import fetch_sample_call
from dashboard.pages.tools.views import ToolChoiceLink
from dashboard.web import htmx, query_params
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from dashboard.web.timezone import get_request_timezone
from runs.analytics import tools
from runs.errors import Problem
from runs.models import Project
from runs.rollups.reader import ToolKey

CALL_PARAMS = ("run", "step", "call")


@dataclass(frozen=True, slots=True)
class ToolDetailParams:
    """Over what time, which versions side by side, or which single call."""

    range: ToolTimeRange
    compared: tuple[int, int] | None
    call: tuple[str, str, int] | None

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Raises InvalidFilter."""
        given = query_params.read_query_params(request, "range", "left", "right", *CALL_PARAMS)
        sides = [_parse_number(given, name) for name in ("left", "right") if name in given]
        if len(sides) == 1:
            raise query_params.build_params_error(Problem("left", "left and right come together"))
        is_call = set(CALL_PARAMS) <= given.keys()
        return cls(
            parse_choice(given, "range", ToolTimeRange.WEEK),
            (sides[0], sides[1]) if sides else None,
            (given["run"], given["step"], _parse_number(given, "call")) if is_call else None,
        )


@require_safe
@viewer_required
@handle_invalid_params
def tool_detail(request: HttpRequest, project: Project, tool: str) -> HttpResponse:
    """`tools/<type>/<name>/`. With `run`, `step` and `call`, what that call holds."""
    asked = ToolDetailParams.of(request)
    detail = _get_tool_or_404(project, tool, asked, timezone.now(), request)
    if asked.call is not None:
        return _render_call(request, project, detail, asked.call)
    path = reverse("tool", kwargs={"project": project.slug, "tool": tool})
    context = {
        "project": project,
        "detail": detail,
        "tool": detail.tool,
        "range": asked.range,
        "ranges": [ToolChoiceLink(each.label, f"{path}?range={each}", asked.range == each) for each in ToolTimeRange],
        "path": path,
        "most_steps": tools.MAX_SAMPLED_STEPS_PER_TOOL,
    }
    return htmx.render_page(request, "tool/page.html", context)


def _get_tool_or_404(
    project: Project, tool: str, asked: ToolDetailParams, now: datetime, request: HttpRequest
) -> ToolDetail:
    """Kinds and names are any text: of an address with several slashes, the first reading that is known is meant."""
    for kind, name in _split_tool_path(tool):
        detail = ToolDetail(
            project, (kind, name), asked.range.period(now), get_request_timezone(request), asked.compared
        )
        if detail.is_known:
            count = len(detail.versions)
            if asked.compared and not all(1 <= number <= count for number in asked.compared):
                raise Http404(f"There are {count} versions")
            return detail
    raise Http404(f"No tool '{tool}'")


def _split_tool_path(tool: str) -> list[ToolKey]:
    parts = tool.split("/")
    return [("/".join(parts[:place]), "/".join(parts[place:])) for place in range(1, len(parts))][:8]


def _render_call(
    request: HttpRequest, project: Project, detail: ToolDetail, call: tuple[str, str, int]
) -> HttpResponse:
    sample = fetch_sample_call(project, detail.key, *call)
    if sample is None:
        raise Http404("No such call")
    return htmx.render_page(request, "tool/_body.html", {"sample": sample})


def _parse_number(given: dict[str, str], name: str) -> int:
    text = given[name]
    if text.isdecimal() and len(text) < 6:
        return int(text)
    raise query_params.build_params_error(Problem(name, f"expected a number, got '{text}'"))
