"""The two steps of signing in with the OpenID provider: the redirect to it, and the return."""

from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

_MAX_SECONDS = 600  # that a browser may stay at the provider


@require_GET
@never_cache
def oidc_start(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the provider."""
    from allauth.socialaccount.providers.oauth2.views import OAuth2LoginView

    if settings.OIDC_CLIENT and not request.user.is_authenticated:
        request.session.set_expiry(_MAX_SECONDS)  # strangers leave no sessions behind
    return _run_step(request, OAuth2LoginView)


@require_GET
@never_cache
def oidc_callback(request: HttpRequest) -> HttpResponseBase:
    """Sign the person in who comes back from the provider."""
    from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView

    return _run_step(request, OAuth2CallbackView)


def _run_step(request: HttpRequest, view: Any) -> HttpResponseBase:
    """Run a view of allauth. If the provider can't be reached, the page says that it failed."""
    if settings.OIDC_CLIENT is None:
        raise Http404
    from allauth.socialaccount.helpers import render_authentication_error
    from allauth.socialaccount.providers.oauth2.client import OAuth2Error

    provider = get_adapter().get_provider(request, settings.OIDC_CLIENT.issuer)
    try:
        response: HttpResponseBase = view.adapter_view(provider.get_oauth2_adapter(request))(request)
    except OAuth2Error as error:
        response = render_authentication_error(request, provider, exception=error)
    except ImmediateHttpResponse as error:
        response = error.response
    return response
