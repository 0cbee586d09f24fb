"""The time zone of the reader, in which pages show all times and read those of their forms.

It is the current time zone of Django while a page is rendered. The reader's browser sends it in a cookie that
`static/js/zone.js` sets; without one, it is that of the project. Responses of the API are in UTC. The package tzdata
provides the zones that the operating system lacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone

from runs.models import Project

TIMEZONE_COOKIE = "timezone"
UTC = ZoneInfo("UTC")
# The fields of forms that choose a time range, and what browsers send for them: a time without a zone.
_TIME_FIELDS = ("from", "to")
# All other paths are those of APIs.
_PAGE_PATH = re.compile(r"/(p/.*|shared/.*|status/?|account/.*|projects/.*|login/?)?", re.DOTALL)
_LOCAL_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", re.ASCII)


class ReaderTimezoneMiddleware:
    """Activate the time zone of the reader, and read times that a form sends in it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Wrap the next middleware."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond to `request` in the reader's time zone."""
        if not _PAGE_PATH.fullmatch(request.path_info):
            return self._get_response(request)
        with timezone.override(get_request_timezone(request)):
            url = _build_url_with_zones(request)
            return HttpResponseRedirect(url) if url else self._get_response(request)


def get_request_timezone(request: HttpRequest) -> ZoneInfo:
    """Return the time zone of the browser; UTC if it sends none, or an unknown one."""
    name = request.COOKIES.get(TIMEZONE_COOKIE, "")
    return ZoneInfo(name) if is_known_timezone(name) else UTC


def get_reader_timezone() -> ZoneInfo:
    """Return the time zone that is active for the request at hand."""
    return timezone.get_current_timezone()


def activate_project_timezone(request: HttpRequest, project: Project) -> None:
    """Activate the time zone of `project`, if the reader's browser sends none."""
    if not is_known_timezone(request.COOKIES.get(TIMEZONE_COOKIE, "")) and is_known_timezone(project.time_zone):
        timezone.activate(ZoneInfo(project.time_zone))


def is_known_timezone(name: str) -> bool:
    """Return whether there is a time zone of that name."""
    return name in _known_timezones()


@cache
def _known_timezones() -> frozenset[str]:
    """Return the names of all time zones, except "localtime", which is the zone of this machine."""
    return frozenset(available_timezones() - {"localtime"})


def _build_url_with_zones(request: HttpRequest) -> str:
    """Return the URL of a form's request with the times in UTC, so that it means the same to all who open it.

    Return "" if there are none to convert.
    """
    if request.method != "GET" or timezone.get_current_timezone() == UTC:
        return ""
    local = {name: request.GET[name] for name in _TIME_FIELDS if _LOCAL_TIME.fullmatch(request.GET.get(name, ""))}
    if not local:
        return ""
    params = request.GET.copy()
    for name, text in local.items():
        params[name] = _to_utc(text)
    return f"{request.path}?{params.urlencode()}"


def _to_utc(text: str) -> str:
    try:
        moment = timezone.make_aware(datetime.fromisoformat(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return text  # the page names the problem
    return moment.isoformat().replace("+00:00", "Z")
