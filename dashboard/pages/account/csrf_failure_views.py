"""The response to a form that was refused because it may come from another site."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from dashboard.pages.account.sign_in_form import MAX_USER_NAME_LENGTH, SignInForm
from dashboard.pages.account.views import SIGN_IN_TEMPLATE
from dashboard.web.csrf_failures import explain_csrf_failure
from runs.team.report_limiter import ReportLimiter

logger = logging.getLogger(__name__)

_advice_limiter = ReportLimiter()


def csrf_failure_view(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return a page with status 403 that says why. An expired sign-in form is shown afresh, with the name typed."""
    failure = explain_csrf_failure(request, reason)
    if failure.advice and _advice_limiter.admit(failure.advice) is not None:
        logger.warning("%s", failure.advice, extra={"action": "csrf_failure"})
    is_sign_in = request.resolver_match is not None and request.resolver_match.url_name == "account_login"
    if is_sign_in:
        user_name = request.POST.get("username", "")[:MAX_USER_NAME_LENGTH]
        context = {"form": SignInForm(request), "csrf_failure": failure, "username": user_name}
        return render(request, SIGN_IN_TEMPLATE, context, status=403)
    context = {"csrf_failure": failure, "form_url": _find_form_url(request) if failure.is_expired else ""}
    return render(request, "web/errors/403.html", context, status=403)


def _find_form_url(request: HttpRequest) -> str:
    """Return the URL of the page with the form; "" if the browser did not send it."""
    referer = request.headers.get("Referer") or ""
    is_own = url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure())
    return referer if is_own else ""
