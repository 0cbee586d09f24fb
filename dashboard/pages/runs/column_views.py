"""Choosing the columns of the run list: which, in which order and how wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import reswap, retarget

from dashboard.pages.runs.params import RunListParams
from dashboard.ui import run_columns
from dashboard.ui.run_columns import METADATA_PREFIX, RUN_COLUMNS, ShownColumn
from dashboard.web import htmx
from dashboard.web.permissions import viewer_required
from runs.errors import InvalidFilter
from runs.models import MetadataKey, Project, User


@dataclass(frozen=True, slots=True)
class ColumnChoices:
    """The columns that a list shows, in their order, and those that it could show besides."""

    shown: Sequence[ShownColumn]

    @property
    def hidden(self) -> list[ShownColumn]:
        """The columns that are not shown, in the order in which a list shows them at first."""
        names = {column.name for column in self.shown}
        return [ShownColumn(column.name) for column in RUN_COLUMNS if column.name not in names]


@require_safe
@viewer_required
def metadata_key_options(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the keys of metadata that can be columns, as options of a datalist."""
    options = MetadataKey.objects.keys_of(project)
    return render(request, "pages/runs/_datalist_options.html", {"options": options})


@require_POST
@viewer_required
def update_run_columns(request: HttpRequest, project: Project) -> HttpResponse:
    """Store the user's columns and redirect to the list. They replace the columns of a saved view.

    The form posts the columns in their order as `column`, and a key of metadata to add as `key`.
    """
    user = cast(User, request.user)
    params = RunListParams.from_form(project, user, request.POST)
    texts = request.POST.getlist("column")
    if key := request.POST.get("key", "").strip():
        texts.append(METADATA_PREFIX + quote(key, safe=""))
    try:
        run_columns.save_preferred_columns(user, project, texts)
    except InvalidFilter as error:
        return _refuse(request, params, error)
    return redirect(replace(params.address, columns="").url(params.filters))


def _refuse(request: HttpRequest, params: RunListParams, error: InvalidFilter) -> HttpResponse:
    """Explain why the columns were not stored: in the menu, or above the list without scripts."""
    problem = error.problems[0].message
    if not htmx.is_partial_request(request):
        messages.error(request, f"The columns were not changed: {problem}.")
        return redirect(params.url)
    context = {"columns": ColumnChoices(params.columns), "problem": problem, "typed_key": request.POST.get("key", "")}
    response = htmx.render_page(request, "pages/runs/_columns.html", context, status=422)
    return retarget(reswap(response, "outerHTML"), "#columns")
