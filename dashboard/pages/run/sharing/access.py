"""Who opens a share link: people with its token, programs that preview it, and those who guess.

A use is an opening of the page, or a read of a part or of the JSON by a browser that has not opened the page lately.
What is not counted shows nothing of the run: the answers to HEAD requests and to programs that preview links.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.core.signing import BadSignature, dumps, loads
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from dashboard.web.timezone import activate_project_timezone
from runs.errors import InvalidFilter
from runs.models import Run, ShareLink
from runs.team.share_link_limits import charge_wrong_token, get_share_link_wait
from runs.team.share_links import find_share_link, record_use

SharedRunView = Callable[[HttpRequest, ShareLink, Run, str], HttpResponse]
SHARED_HEADERS = {"X-Robots-Tag": "noindex, nofollow, noarchive", "Referrer-Policy": "no-referrer"}
VISIT_COOKIE = "share-visit"
VISIT_SECONDS = 12 * 3600
_SALT = "share link visit"
# How the programs name themselves that fetch a link when it is pasted into a chat or mail.
_PREVIEW_AGENT = re.compile(
    r"bot\b|slack-img|facebookexternalhit|^whatsapp/|preview|embedly|iframely|mastodon|bluesky|crawler|spider|vkshare"
    r"|microsoft office|opengraph",
    re.IGNORECASE,
)


def share_link_required(view: SharedRunView) -> Callable[..., HttpResponse]:
    """Look up the link of the token in the URL, with its run, count its use, and set the headers of shared pages.

    Whatever the reason why a token opens nothing, the response is the same 404.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, token: str) -> HttpResponse:
        response = _respond(view, request, token)
        for name, value in SHARED_HEADERS.items():
            response.headers[name] = value
        return response

    return wrapper


def _respond(view: SharedRunView, request: HttpRequest, token: str) -> HttpResponse:
    address = request.META.get("REMOTE_ADDR") or ""
    if wait := get_share_link_wait(address):
        return _refuse(request, math.ceil(wait.total_seconds()))
    found = find_share_link(token)
    if found is None:
        charge_wrong_token(address)
        return _render_not_found(request)
    link, run = found
    if request.method == "HEAD" or _PREVIEW_AGENT.search(request.headers.get("User-Agent", "")):
        return render(request, "pages/run/sharing/preview.html", {"csrf_token": ""})
    activate_project_timezone(request, link.project)
    try:
        response = view(request, link, run, token)
    except Http404:
        return _render_not_found(request)
    except InvalidFilter as error:
        context = {"csrf_token": "", "problems": error.problems, "path": request.path}
        return render(request, "pages/run/sharing/invalid.html", context, status=400)
    if response.status_code == 200:
        _count_use(request, response, link, token)
    return response


def _render_not_found(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/run/sharing/not_found.html", {"csrf_token": ""}, status=404)


def _refuse(request: HttpRequest, seconds: int) -> HttpResponse:
    response = render(request, "pages/run/sharing/throttled.html", {"csrf_token": "", "seconds": seconds}, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _count_use(request: HttpRequest, response: HttpResponse, link: ShareLink, token: str) -> None:
    page_url = reverse("shared-run", kwargs={"token": token})
    is_page = request.path == page_url and not request.headers.get("HX-Request")
    if is_page or not _has_visited(request, link):
        record_use(link)
    if is_page:
        response.set_cookie(
            VISIT_COOKIE,
            dumps(link.pk, salt=_SALT),
            max_age=VISIT_SECONDS,
            path=page_url,
            secure=bool(settings.SESSION_COOKIE_SECURE),
            httponly=True,
            samesite="Lax",
        )


def _has_visited(request: HttpRequest, link: ShareLink) -> bool:
    """Return whether the browser has opened the page of `link` lately, which was counted."""
    try:
        return bool(loads(request.COOKIES.get(VISIT_COOKIE, ""), salt=_SALT, max_age=VISIT_SECONDS) == link.pk)
    except BadSignature:
        return False
