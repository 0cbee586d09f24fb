"""Refuse requests that pages of other sites send.

A page can make a browser believe that its own host name belongs to this server's address (DNS rebinding). Django
refuses the unknown host name, and here the origin that the browser names is refused. Programs send none.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import PermissionDenied


def check_origin(request: HttpRequest) -> None:
    """Raise PermissionDenied if the request comes from a page of another site."""
    origin = request.headers.get("Origin")
    own = f"{request.scheme}://{request.get_host()}"
    if origin is not None and origin not in (own, *settings.CSRF_TRUSTED_ORIGINS):
        raise PermissionDenied(f"The origin '{origin[:200]}' is not allowed; see RUNGLASS_TRUSTED_ORIGINS")
