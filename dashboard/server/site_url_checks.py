"""Check RUNGLASS_URL against the settings that it replaces, and against the paths of the site."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.http.request import validate_host
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.http import is_same_domain

from dashboard.server.site_url import SiteUrl


def find_site_url_problems(site_url: SiteUrl | None) -> Iterator[str]:
    """Yield what contradicts the address of the site, as sentences."""
    if site_url is None:
        return
    named = f"RUNGLASS_URL is '{site_url}', but"
    if not validate_host(site_url.host, settings.ALLOWED_HOSTS):
        yield f"{named} {_describe_missing('RUNGLASS_ALLOWED_HOSTS', site_url.host)}"
    if not any(_is_same_origin(site_url, origin) for origin in settings.CSRF_TRUSTED_ORIGINS):
        yield f"{named} {_describe_missing('RUNGLASS_TRUSTED_ORIGINS', site_url.origin)}"
    segment = site_url.path.split("/")[1]
    if segment in {"static", *_find_first_segments(get_resolver().url_patterns)} - {""}:
        yield f"{named} Runglass has pages below /{segment}/ itself: choose another path, such as /runglass/"


def _describe_missing(variable: str, value: str) -> str:
    return f"{variable} does not contain '{value}': add it, or unset {variable}, which follows from RUNGLASS_URL"


def _is_same_origin(site_url: SiteUrl, origin: str) -> bool:
    """Return whether `origin`, which may have a wildcard as in `https://*.runs.example`, is that of the site."""
    scheme, _, host = origin.partition("://")
    if host.startswith("*"):
        return scheme == site_url.scheme and is_same_domain(site_url.origin.partition("://")[2], host[1:])
    return origin == site_url.origin


def _find_first_segments(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[str]:
    """Yield the first segments of the paths of the site; of `p/<slug:project>/`, that is `p`."""
    for pattern in patterns:
        route = str(pattern.pattern)
        if isinstance(pattern, URLResolver) and not route:
            yield from _find_first_segments(pattern.url_patterns)
        else:
            yield route.partition("/")[0]
