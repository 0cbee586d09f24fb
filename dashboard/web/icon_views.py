"""The icons that browsers ask for at the root of a site, whatever the page says."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe


@require_safe
def root_icon(request: HttpRequest, name: str) -> HttpResponse:  # noqa: ARG001 - Django passes the request
    """Redirect to the static file `name`."""
    return redirect(static(name))
