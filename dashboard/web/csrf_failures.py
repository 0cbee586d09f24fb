"""Explain why a form was refused: to the visitor on the page, and to the operator in the log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.middleware import csrf

_ORIGIN_REASONS = tuple(reason.partition("%s")[0] for reason in (csrf.REASON_BAD_ORIGIN, csrf.REASON_BAD_REFERER))
_HIDDEN_ORIGIN_REASONS = (csrf.REASON_NO_REFERER, csrf.REASON_MALFORMED_REFERER)
_ORIGIN = re.compile(r"https?://[^\s/?#]{1,260}")


@dataclass(frozen=True, slots=True)
class CsrfFailure:
    """Why a form was refused.

    Attributes:
        title: the heading of the page.
        explanation: what the visitor can do.
        advice: what the operator can do; "" if there is nothing.
        is_expired: whether a fresh form would be accepted.
    """

    title: str
    explanation: str
    advice: str = ""
    is_expired: bool = False


EXPIRED_FORM = CsrfFailure(
    "This form has expired",
    "You have signed in or out since you opened it. Nothing was changed. Open it again and submit it once more.",
    is_expired=True,
)
HIDDEN_ORIGIN = CsrfFailure(
    "Your browser did not say where the form came from",
    "Nothing was changed. A privacy extension of your browser may hide it, or a proxy in front of this server. "
    "Try without the extension, or ask an administrator of this server: its log has the details.",
    "The form came without its origin. If a proxy sets `Referrer-Policy: no-referrer`, remove it there: Runglass sends "
    "`Referrer-Policy: same-origin`",
)
MISSING_COOKIE = CsrfFailure(
    "Your browser did not send the cookie of this site",
    "Nothing was changed. Allow cookies for this site, open the form again and submit it once more.",
    is_expired=True,
)
UNENCRYPTED_REQUEST = CsrfFailure(
    "This site must be opened with https",
    "Nothing was changed. Your browser sends the cookies of this site only over https. "
    "Open the site with an address that begins with https:// and sign in there.",
    "A form came over http, but RUNGLASS_TRUSTED_ORIGINS makes cookies secure. If people use https, the proxy must "
    "send `X-Forwarded-Proto: https`; if they use http, unset RUNGLASS_TRUSTED_ORIGINS",
)


def explain_csrf_failure(request: HttpRequest, reason: str) -> CsrfFailure:
    """Return the explanation for a form that Django's middleware refused with `reason`."""
    if reason in _HIDDEN_ORIGIN_REASONS:
        return HIDDEN_ORIGIN
    if reason == csrf.REASON_INSECURE_REFERER:
        return UNENCRYPTED_REQUEST
    if reason == csrf.REASON_NO_CSRF_COOKIE:
        return UNENCRYPTED_REQUEST if settings.CSRF_COOKIE_SECURE and not request.is_secure() else MISSING_COOKIE
    if reason.startswith(_ORIGIN_REASONS):
        source = _read_source(request)
        return _explain_origin(source) if source else HIDDEN_ORIGIN
    return EXPIRED_FORM


def _read_source(request: HttpRequest) -> str:
    """Return the origin that the form came from, such as `https://host:8443`; "" if the browser hid it."""
    header = request.headers.get("Origin") or request.headers.get("Referer") or ""
    match = _ORIGIN.match(header)
    return match[0].lower() if match else ""


def _explain_origin(source: str) -> CsrfFailure:
    site_url = settings.SITE_URL
    if site_url is not None and urlsplit(source).hostname == urlsplit(site_url.origin).hostname:
        setting = f"RUNGLASS_URL={source}{site_url.path}"
    else:
        setting = f"RUNGLASS_TRUSTED_ORIGINS={','.join(_replace_origin(settings.CSRF_TRUSTED_ORIGINS, source))}"
    return CsrfFailure(
        f"This server does not expect forms from {source}",
        "Nothing was changed. If this is the address under which you opened the site, its configuration is incomplete: "
        "ask an administrator of this server, whose log has the setting. If it is not, another site sent the form.",
        f"A form from {source} was refused. If this is an address of this site, set {setting}",
    )


def _replace_origin(origins: Sequence[str], source: str) -> list[str]:
    """Return `origins` with `source` in place of those with the same host, such as one without the port."""
    host = urlsplit(source).hostname
    return [*(origin for origin in origins if urlsplit(origin).hostname != host), source]
