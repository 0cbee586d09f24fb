"""The time zone of the user, in which charts and tables show days and hours.

It is a cookie that `static/js/zone.js` sets, and not a user setting: the browser knows where the user is. The package
tzdata provides the zones that the operating system lacks.
"""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest

TIMEZONE_COOKIE = "timezone"
UTC = ZoneInfo("UTC")


def get_request_timezone(request: HttpRequest) -> ZoneInfo:
    """Return the time zone of the browser; UTC if it sends none, or an unknown one."""
    name = request.COOKIES.get(TIMEZONE_COOKIE, "")
    return ZoneInfo(name) if name in _known_timezones() else UTC


@cache
def _known_timezones() -> frozenset[str]:
    """Return the names of all time zones, except "localtime", which is the zone of this machine."""
    return frozenset(available_timezones() - {"localtime"})
