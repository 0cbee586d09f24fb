"""The page of one tool or function, and single calls of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.tools.detail import Detail
from dashboard.pages.tools.params import Range, choice
from dashboard.pages.tools.samples import body
from dashboard.pages.tools.views import Choice
from dashboard.web import htmx, query_params
from dashboard.web.invalid_params import refusing
from dashboard.web.permissions import project_page
from dashboard.web.timezone import zone_of
from runs.analytics import tools
from runs.analytics.tools import Key
from runs.errors import Problem
from runs.models import Project

_CALL = ("run", "step", "call")


@dataclass(frozen=True, slots=True)
class Asked:
    """Over what time, which versions side by side, or which single call."""

    range: Range
    compared: tuple[int, int] | None
    call: tuple[str, str, int] | None

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Raises InvalidFilter."""
        given = query_params.read(request, "range", "left", "right", *_CALL)
        sides = [_number(given, name) for name in ("left", "right") if name in given]
        if len(sides) == 1:
            raise query_params.invalid(Problem("left", "left and right come together"))
        is_call = set(_CALL) <= given.keys()
        return cls(
            choice(given, "range", Range.WEEK),
            (sides[0], sides[1]) if sides else None,
            (given["run"], given["step"], _number(given, "call")) if is_call else None,
        )


@require_safe
@project_page
@refusing
def page(request: HttpRequest, project: Project, tool: str) -> HttpResponse:
    """`tools/<type>/<name>/`. With `run`, `step` and `call`, what that call holds."""
    asked = Asked.of(request)
    detail = _find(project, tool, asked, timezone.now(), request)
    if asked.call is not None:
        return _call(request, project, detail, asked.call)
    path = reverse("tool", kwargs={"project": project.slug, "tool": tool})
    context = {
        "project": project,
        "detail": detail,
        "tool": detail.tool,
        "range": asked.range,
        "ranges": [Choice(each.label, f"{path}?range={each}", asked.range == each) for each in Range],
        "path": path,
        "most_steps": tools.MOST_STEPS_OF_ONE,
    }
    return htmx.render_page(request, "tool/page.html", context)


def _find(project: Project, tool: str, asked: Asked, now: datetime, request: HttpRequest) -> Detail:
    """Kinds and names are any text: of an address with several slashes, the first reading that is known is meant."""
    for kind, name in _readings(tool):
        detail = Detail(project, (kind, name), asked.range.period(now), zone_of(request), asked.compared)
        if detail.is_known:
            count = len(detail.versions)
            if asked.compared and not all(1 <= number <= count for number in asked.compared):
                raise Http404(f"There are {count} versions")
            return detail
    raise Http404(f"No tool '{tool}'")


def _readings(tool: str) -> list[Key]:
    parts = tool.split("/")
    return [("/".join(parts[:place]), "/".join(parts[place:])) for place in range(1, len(parts))][:8]


def _call(request: HttpRequest, project: Project, detail: Detail, call: tuple[str, str, int]) -> HttpResponse:
    sample = body(project, detail.key, *call)
    if sample is None:
        raise Http404("No such call")
    return htmx.render_page(request, "tool/_body.html", {"sample": sample})


def _number(given: dict[str, str], name: str) -> int:
    text = given[name]
    if text.isdecimal() and len(text) < 6:
        return int(text)
    raise query_params.invalid(Problem(name, f"expected a number, got '{text}'"))
