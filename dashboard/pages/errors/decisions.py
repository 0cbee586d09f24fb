"""The form with which the team decides on one error group or on several."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import cast

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from dashboard.pages.errors.params import ASSIGNED_TO_ME, ErrorGroupListParams
from dashboard.web.audit import record_event
from dashboard.web.permissions import member_required
from runs.errors import InvalidDecision, InvalidFilter, Problem
from runs.models import ErrorGroup, Project, User
from runs.team.error_groups import (
    MAX_GROUPS_PER_DECISION,
    Decision,
    build_assignee_change,
    build_state_change,
    decide_on_error_groups,
    describe_decision,
)

# What the list offers; the page of a group asks for any number of runs and any time.
IGNORE_CHOICES = {
    "forever": "forever",
    "runs:1": "1 more run",
    "runs:10": "10 more runs",
    "runs:100": "100 more runs",
    "days:1": "tomorrow",
    "days:7": "in 7 days",
    "days:30": "in 30 days",
    "regression": "a regression",
}


@require_POST
@member_required
def set_error_group_state(request: HttpRequest, project: Project, group_id: uuid.UUID) -> HttpResponse:
    """Decide on one group (see `_parse_decision`)."""
    if ErrorGroup.objects.find(project, group_id) is None:
        raise Http404("No such error group")
    return _respond(request, project, [group_id], reverse("error-group", args=[project.slug, group_id]))


@require_POST
@member_required
def change_error_groups(request: HttpRequest, project: Project) -> HttpResponse:
    """Decide on the groups with the ids `group`, and return to the list with the parameters `query`."""
    try:
        group_ids = [uuid.UUID(value) for value in request.POST.getlist("group")]
        query = ErrorGroupListParams.parse(QueryDict(request.POST.get("query", ""))).query_string()
    except (ValueError, InvalidFilter) as error:
        raise BadRequest("group: expected ids of error groups") from error
    url = reverse("errors", args=[project.slug]) + query
    if len(group_ids) > MAX_GROUPS_PER_DECISION:
        messages.error(request, f"Select at most {MAX_GROUPS_PER_DECISION:,} groups; {len(group_ids):,} were selected.")
        return redirect(url)
    return _respond(request, project, group_ids, url)


def _respond(request: HttpRequest, project: Project, group_ids: list[uuid.UUID], url: str) -> HttpResponse:
    try:
        decision = _parse_decision(request, project)
    except InvalidDecision as error:
        messages.error(request, f"Nothing was changed: {error.problems[0].message}.")
        return redirect(url)
    count = decide_on_error_groups(project, group_ids, decision, cast(User, request.user))
    action = describe_decision(decision, count)
    if count:
        record_event(request, project, f"{action} of errors")
        messages.success(request, f"{action[0].upper()}{action[1:]}.")
    else:
        messages.info(request, "No group was selected.")
    return redirect(url)


def _parse_decision(request: HttpRequest, project: Project) -> Decision:
    """Return what the pressed button does: `state` (with `until`), or `assign`. Raises InvalidDecision."""
    fields = request.POST
    if "assign" in fields:
        is_reader = fields["assign"] == ASSIGNED_TO_ME
        name = cast(User, request.user).get_username() if is_reader else fields.get("assignee", "")
        return build_assignee_change(project, name)
    try:
        until, runs, at = _parse_until(fields)
    except (ValueError, OverflowError) as error:
        message = "expected a whole number of runs, or a date and time"
        raise InvalidDecision(message, [Problem("until", message)]) from error
    return build_state_change(fields.get("state", ""), until, runs, at)


def _parse_until(fields: QueryDict) -> tuple[str, int | None, datetime | None]:
    """Return until when groups are ignored, and the number of runs or the time, if any.

    `until` is one of `ErrorGroup.IgnoredUntil`, with the fields `until_runs` and `until_at`, or one of
    `IGNORE_CHOICES`. Raises ValueError.
    """
    until, _, number = fields.get("until", ErrorGroup.IgnoredUntil.FOREVER).partition(":")
    if until == "days":
        return ErrorGroup.IgnoredUntil.DATE, None, timezone.now() + timedelta(days=int(number))
    runs, at = number or fields.get("until_runs", ""), fields.get("until_at", "")
    return until, int(runs) if runs else None, timezone.make_aware(datetime.fromisoformat(at)) if at else None
