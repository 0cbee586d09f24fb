"""The cookie that shows that a user has signed in with this browser before.

A browser with it has its own limit of failed sign-ins, so that the failures of strangers don't slow it down. It grants
nothing else: the password is still needed.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

_SALT = "runglass.device"
_MAX_AGE_SECONDS = 180 * 24 * 3600
_MAX_USERS = 5  # whose sign-ins one browser remembers


def read_device_id(request: HttpRequest, user_name: str) -> str | None:
    """Return the id that this browser has for `user_name`; None if the user has not signed in with it."""
    return _read_device_ids(request).get(_digest_user_name(user_name))


def remember_device(request: HttpRequest, response: HttpResponse, user_name: str) -> None:
    """Set the cookie on `response`, after `user_name` has signed in."""
    device_ids = _read_device_ids(request)
    digest = _digest_user_name(user_name)
    device_ids[digest] = device_ids.pop(digest, "") or secrets.token_urlsafe(12)  # the last one is the newest
    newest = dict(list(device_ids.items())[-_MAX_USERS:])
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(newest, salt=_SALT),
        max_age=_MAX_AGE_SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read_device_ids(request: HttpRequest) -> dict[str, str]:
    """Return the ids by the digest of the user name. A forged or old cookie counts as none."""
    try:
        device_ids: dict[str, str] = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=_SALT, max_age=_MAX_AGE_SECONDS
        )
    except signing.BadSignature:
        return {}
    return device_ids


def _digest_user_name(user_name: str) -> str:
    return salted_hmac(_SALT, user_name, algorithm="sha256").hexdigest()[:16]
