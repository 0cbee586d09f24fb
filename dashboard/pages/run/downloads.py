"""A run as JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from dashboard.ui.json_pointer import resolve_pointer
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from dashboard.web.query_params import QueryParams, query_param
from runs.models import Project, Run, RunAlias
from runs.protocol.lossless_json import join_members

MAX_POINTER_LENGTH = 20_000


def _parse_download(text: str) -> bool:
    if text != "1":
        raise ValueError(f"expected 1, got '{text}'")
    return True


@dataclass(frozen=True, slots=True)
class RunJsonParams(QueryParams):
    """The parameters of a run as JSON. `at` is a JSON pointer; `download` saves the response as a file."""

    at: str | None = query_param(str, default=None, max_length=MAX_POINTER_LENGTH)
    download: bool = query_param(_parse_download, default=False)


@require_safe
@viewer_required
@handle_invalid_params
def run_json(request: HttpRequest, project: Project, run_id: str) -> HttpResponse:
    """Respond with the run as it was posted, or with the value at a JSON pointer in it."""
    params = RunJsonParams.parse(request.GET)
    run = RunAlias.objects.resolve_run(project, run_id)
    if run is None:
        raise Http404(f"No run '{run_id}'")
    return respond_with_json(run, run.members(), params)


def respond_with_json(run: Run, members: dict[str, bytes], params: RunJsonParams) -> HttpResponse:
    """Return `members` of `run` as JSON, or what `params` ask for of them."""
    body = join_members(members) if params.at is None else resolve_pointer(members, params.at)
    if body is None:
        raise Http404(f"No value at '{params.at}'")
    response = HttpResponse(body, content_type="application/json")
    if params.download:
        name = re.sub(r"[^\w.-]", "_", run.external_id)
        response["Content-Disposition"] = content_disposition_header(True, f"{name}.json") or "attachment"
    return response
