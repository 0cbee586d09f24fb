"""The status page and its JSON twin."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.pages.status.instance_numbers import (
    InstanceNumbers,
    read_instance_numbers,
    serialize_instance_numbers,
    to_time,
)
from dashboard.web.downloads import json_response
from dashboard.web.permissions import instance_admin_required
from runs.models import Project, User


@require_safe
@instance_admin_required
def status(request: HttpRequest) -> HttpResponse:
    """Show how the instance is doing."""
    numbers = _read_numbers(request)
    context = {
        "numbers": numbers,
        "collected_at": numbers.state and to_time(numbers.state),
        "slow_requests": [(slow, to_time(slow), int(slow.seconds * 1000)) for slow in numbers.slow_requests],
        "refusals": [(refusal, to_time(refusal)) for refusal in numbers.refusals],
    }
    return render(request, "pages/status/page.html", context)


@require_safe
@instance_admin_required
def status_json(request: HttpRequest) -> HttpResponse:
    """Respond with the same numbers as JSON."""
    return json_response(serialize_instance_numbers(_read_numbers(request)))


def _read_numbers(request: HttpRequest) -> InstanceNumbers:
    projects = Project.objects.visible_to(cast(User, request.user))
    return read_instance_numbers({project.slug for project in projects})
