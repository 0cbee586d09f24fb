"""The query parameters of the usage page and its downloads."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone

from dashboard.web.timezone import get_reader_timezone
from runs.analytics.usage import UsageQuery


def parse_usage_query(request: HttpRequest) -> UsageQuery:
    """Parse the parameters of a request. Days are those of the browser's time zone unless `zone` is given.

    Raises InvalidFilter.
    """
    return UsageQuery.parse_params(dict(request.GET.lists()), get_reader_timezone(), timezone.now())
