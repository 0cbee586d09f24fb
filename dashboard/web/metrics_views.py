"""The endpoint that Prometheus scrapes."""

from __future__ import annotations

from ipaddress import ip_address
from secrets import compare_digest

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.monitoring.exposition import CONTENT_TYPE, render_metrics

METRICS_PATH = "/metrics"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
# Headers by which proxies name themselves or their client.
_PROXY_HEADERS = ("FORWARDED", "VIA", "X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PROTO", "X_REAL_IP")


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Return all metrics to whoever shows RUNGLASS_METRICS_TOKEN, or without a token to this machine."""
    if settings.METRICS_TOKEN:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode()):
            message = "Send the token of RUNGLASS_METRICS_TOKEN: Authorization: Bearer TOKEN"
            return _refuse(401, message, headers={"WWW-Authenticate": "Bearer"})
    elif not _is_from_this_machine(request):
        return _refuse(403, "Metrics are for this machine only. Set RUNGLASS_METRICS_TOKEN to read them elsewhere")
    return HttpResponse(render_metrics(), content_type=CONTENT_TYPE)


def _is_from_this_machine(request: HttpRequest) -> bool:
    """Return whether a client on this machine sent the request itself.

    A proxy on this machine has its address, too. Most of them add headers or keep the Host of their client. One that
    does neither can only be told by RUNGLASS_TRUSTED_ORIGINS, which its sign-in needs.
    """
    is_behind_unknown_proxy = bool(settings.CSRF_TRUSTED_ORIGINS) and not settings.TRUSTED_PROXIES
    host = request.META.get("HTTP_HOST", "").rpartition(":")
    host_name = host[0] if host[2].isdecimal() and host[0] else request.META.get("HTTP_HOST", "")
    return (
        _is_loopback(request.META.get("REMOTE_ADDR", ""))
        and host_name in LOOPBACK_HOSTS
        and not any(f"HTTP_{name}" in request.META for name in _PROXY_HEADERS)
        and not is_behind_unknown_proxy
    )


def _is_loopback(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _refuse(status: int, message: str, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(f"{message}\n", status=status, content_type="text/plain; charset=utf-8", headers=headers)
