"""The usage page as files."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from dashboard.pages.usage.views import asked
from dashboard.web import downloads
from dashboard.web.permissions import project_page
from runs.analytics.usage import Line, Sums, document, latency, lines, usage, usd
from runs.analytics.usage.serialization import MOST_GROUPS
from runs.models import Project
from runs.transfer.exports import Column


def _of_sums(name: str) -> Column:
    return Column(name, lambda line: getattr(line.sums, name))


def _key(line: Line) -> str | None:
    return f"({line.group.others} others)" if line.group.others else line.group.key


COLUMNS = (
    Column("from", lambda line: line.since),
    Column("to", lambda line: line.until),
    Column("group", _key),
    *(_of_sums(name) for name in Sums._fields if name != "cost"),
    Column("cost_usd", lambda line: usd(line.sums.cost)),
)
KIND_COLUMNS = (*COLUMNS[:3], _of_sums("total_tokens"))


@require_safe
@project_page
@downloads.refusing
def json(request: HttpRequest, project: Project) -> HttpResponse:
    """`usage.json`: what `GET /api/v1/usage` answers."""
    question = asked(request)
    return downloads.as_json(document(usage(project, question, MOST_GROUPS), latency(project, question)))


@require_safe
@project_page
@downloads.refusing
def table(request: HttpRequest, project: Project) -> HttpResponseBase:
    """`usage.csv`: a line for each group in each part of the time."""
    question = asked(request)
    columns = KIND_COLUMNS if question.split.name == "kind" else COLUMNS
    return downloads.as_csv(project, "usage", columns, lines(usage(project, question, MOST_GROUPS)))
