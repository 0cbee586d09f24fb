"""Which columns the run list shows: a choice of each person, kept on the server."""

from __future__ import annotations

from dataclasses import replace
from typing import cast
from urllib.parse import parse_qs

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from dashboard.ui import run_columns
from dashboard.ui.run_list_address import parse_run_list_or_default
from dashboard.web.permissions import viewer_required
from runs.errors import InvalidFilter
from runs.models import Project, User


@require_POST
@viewer_required
def update_run_columns(request: HttpRequest, project: Project) -> HttpResponse:
    """Remember the choice and go back to the list, which a script swaps in and a browser loads.

    It holds wherever a saved view showed columns of its own.
    """
    try:
        run_columns.save_preferred_columns(cast(User, request.user), request.POST.getlist("column"))
    except InvalidFilter as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    address, filters = parse_run_list_or_default(project, parse_qs(request.POST.get("query", "")))
    return redirect(replace(address, columns="").of(filters))
