"""The reader's time zone, as their browser says it: days and hours in pictures and tables are theirs.

It is a cookie, which `static/js/zone.js` sets, and no preference: it is the browser that knows where its reader is.
Every zone that a browser can name is known here, since the package tzdata stands in for what a system leaves out.
"""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest

TIMEZONE_COOKIE = "timezone"
UTC = ZoneInfo("UTC")


def get_request_timezone(request: HttpRequest) -> ZoneInfo:
    """The zone of whoever asks; UTC where the browser says none, or one that is not known."""
    name = request.COOKIES.get(TIMEZONE_COOKIE, "")
    return ZoneInfo(name) if name in _known_timezones() else UTC


@cache
def _known_timezones() -> frozenset[str]:
    """The names, read from disk once. "localtime" is this machine's zone, and nobody else's."""
    return frozenset(available_timezones() - {"localtime"})
