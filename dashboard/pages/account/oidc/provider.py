"""The OpenID provider of the settings, for django-allauth: with PKCE, a nonce, and every ID token checked.

allauth trusts ID tokens without a signature that come over TLS, sends no nonce, and lets visitors add parameters to the
authorization request.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from requests import RequestException

from dashboard.pages.account.oidc.id_tokens import build_nonce, verify_id_token
from dashboard.web.oidc_client import OidcClient

_CONFIGURATION_SECONDS = 600  # that the provider's configuration is kept
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OidcAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth has no types
    """Talks to the provider."""

    nonce = ""

    @property
    def openid_config(self) -> dict[str, Any]:
        """The provider's configuration, which must be that of the issuer. Raises OAuth2Error."""
        issuer: str = self.provider_id
        cache_key = f"oidc-{sha256(issuer.encode()).hexdigest()}"
        config: dict[str, Any] | None = cache.get(cache_key)
        if config is None:
            config = _fetch_json(self.get_provider().server_url)
            if config.get("issuer") != issuer:
                raise OAuth2Error(f"The configuration of the provider names the issuer {config.get('issuer')!r}")
            if missing := [name for name in _ENDPOINTS if not isinstance(config.get(name), str)]:
                raise OAuth2Error(f"The configuration of the provider has no {missing[0]}")
            cache.set(cache_key, config, _CONFIGURATION_SECONDS)
        return config

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:  # noqa: ARG002 - the signature is allauth's
        """Return the URL that the provider redirects to."""
        return request.build_absolute_uri(reverse("oidc-callback"))

    def get_access_token_data(self, *arguments: Any, pkce_code_verifier: str, **options: Any) -> Any:
        """Exchange the code for tokens, and keep the nonce that the ID token must have."""
        self.nonce = build_nonce(pkce_code_verifier)
        return super().get_access_token_data(*arguments, pkce_code_verifier=pkce_code_verifier, **options)

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **options: Any) -> Any:  # noqa: ARG002
        """Return the sign-in by the claims of the ID token. What else the provider knows is not asked for."""
        id_token = options["response"].get("id_token")
        if not isinstance(id_token, str):
            raise OAuth2Error("The provider sent no ID token")
        claims = verify_id_token(
            id_token,
            _fetch_json(self.openid_config["jwks_uri"]),
            issuer=self.provider_id,
            client_id=app.client_id,
            nonce=self.nonce,
        )
        login = self.get_provider().sociallogin_from_response(request, {"id_token": claims})
        login.claims = claims
        return login


class OidcProvider(OpenIDConnectProvider):  # type: ignore[misc]  # allauth has no types
    """The provider. Accounts are linked to its issuer and the subject, never by an e-mail address."""

    oauth2_adapter_class = OidcAdapter

    def get_pkce_params(self) -> dict[str, str]:
        """Return the parameters for PKCE, and the nonce that goes with them."""
        params: dict[str, str] = super().get_pkce_params()
        return {**params, "nonce": build_nonce(params["code_verifier"])}

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Return what a visitor may choose: the page to go on to."""
        return {"process": "login", "next_url": get_next_redirect_url(request)}

    def extract_common_fields(self, data: Any) -> dict[str, str]:
        """Return the names for a new user. An e-mail address is at most the source of a user name."""
        claims = {name: value for name, value in data["id_token"].items() if isinstance(value, str)}
        user_name = claims.get("preferred_username") or claims.get("email", "").partition("@")[0]
        return {
            "username": user_name,
            "first_name": claims.get("given_name", ""),
            "last_name": claims.get("family_name", ""),
            "name": claims.get("name", ""),
        }

    def extract_extra_data(self, data: Any) -> dict[str, Any]:  # noqa: ARG002 - the signature is allauth's
        """Return what is stored of the claims: nothing."""
        return {}

    def extract_email_addresses(self, data: Any) -> list[Any]:  # noqa: ARG002 - the signature is allauth's
        """Return the addresses that could identify somebody: none."""
        return []


def build_provider(request: HttpRequest, client: OidcClient) -> OidcProvider:
    """Return the provider of the settings. Its id is the issuer, so that another issuer has accounts of its own."""
    app = SocialApp(
        provider=OidcProvider.id,
        provider_id=client.issuer,
        name=client.name,
        client_id=client.client_id,
        secret=client.secret,
        settings={"server_url": client.discovery_url, "oauth_pkce_enabled": True},
    )
    return OidcProvider(request, app=app)


def _fetch_json(url: str) -> dict[str, Any]:
    try:
        with get_adapter().get_requests_session() as session:
            response = session.get(url)
            response.raise_for_status()
            document = response.json()
    except (RequestException, ValueError) as error:
        raise OAuth2Error(f"The provider's answer from {url} can't be read: {error}") from error
    if not isinstance(document, dict):
        raise OAuth2Error(f"The provider's answer from {url} is no JSON object")
    return document
