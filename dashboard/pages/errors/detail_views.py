"""One group of runs that ended badly, and what is decided about it."""

from __future__ import annotations

import uuid
from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard.pages.errors import chart
from dashboard.pages.errors.detail import ErrorGroupDetail
from dashboard.pages.errors.params import ErrorGroupParams
from dashboard.pages.errors.rows import describe_missing_message, get_message_parts
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import WRITE_ROLES, member_required, viewer_required
from dashboard.web.timezone import get_request_timezone
from runs.analytics import error_group_contrasts
from runs.models import ErrorGroup, Project, User

STATE_MESSAGES = {
    "open": "The group is open.",
    "resolved": "The group is resolved. Should a run of it be created from now on, it stands under Open, as regressed.",
    "ignored": "The group is ignored: it no longer stands under Open.",
}


@require_safe
@viewer_required
@handle_invalid_params
def error_group_detail(request: HttpRequest, project: Project, group: uuid.UUID) -> HttpResponse:
    """`errors/<group>/`: what its runs of a time come to, the last 14 days unless asked, and what sets them apart."""
    found = _get_group_or_404(project, group)
    asked = ErrorGroupParams.of_group(request, project, found)
    now = timezone.now()
    detail = ErrorGroupDetail(found, asked, now)
    context = {
        "project": project,
        "group": found,
        "words": get_message_parts(found),
        "missing_message": describe_missing_message(found),
        "asked": asked,
        "detail": detail,
        "may_decide": project.role in WRITE_ROLES,
        "from_value": asked.value(asked.filters.since, now),
        "to_value": asked.value(asked.filters.until, now),
        "few": error_group_contrasts.SMALL_SAMPLE_SIZE,
        "most_compared": error_group_contrasts.MAX_CONTRASTED_RUNS,
    }
    if detail.counted:
        context["chart"] = chart.build_error_group_chart(
            found, detail.parts, detail.found.time_range, get_request_timezone(request), "#error-range"
        )
    return htmx.render_page(request, "error_group/page.html", context)


@require_POST
@member_required
def set_error_group_state(request: HttpRequest, project: Project, group: uuid.UUID) -> HttpResponse:
    """`state` is open, resolved or ignored: who says so, and when, is noted."""
    found, state = _get_group_or_404(project, group), request.POST.get("state", "")
    if state not in ErrorGroup.State.values:
        known = ", ".join(ErrorGroup.State.values)
        return HttpResponseBadRequest(f"state: known are {known}", content_type="text/plain")
    ErrorGroup.objects.set_state(found, state, cast(User, request.user))
    messages.success(request, STATE_MESSAGES[state])
    return redirect("error-group", project=project.slug, group=found.pk)


def _get_group_or_404(project: Project, group: uuid.UUID) -> ErrorGroup:
    """Raises Http404."""
    found = ErrorGroup.objects.find(project, group)
    if found is None:
        raise Http404("No such error group")
    return found
