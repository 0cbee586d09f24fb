"""The identity provider that people sign in with: RUNGLASS_OIDC_ISSUER and the variables beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

MAX_ISSUER_LENGTH = 200  # of the column that links accounts to it
_LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}
_DISCOVERY_PATH = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0, section 4


@dataclass(frozen=True, slots=True)
class OidcClient:
    """This site as a client of an OpenID provider. `name` is what people call the provider."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    name: str

    @property
    def discovery_url(self) -> str:
        """The URL of the provider's configuration."""
        return self.issuer.rstrip("/") + _DISCOVERY_PATH


def parse_oidc_client(issuer: str, client_id: str, secret: str, name: str) -> OidcClient | None:
    """Return the client of the variables; None if no issuer is set. Raises ImproperlyConfigured."""
    if not issuer:
        if client_id or secret or name:
            raise ImproperlyConfigured(
                "RUNGLASS_OIDC_ISSUER is not set, but RUNGLASS_OIDC_CLIENT_ID, _CLIENT_SECRET or _NAME is: expected "
                "the issuer as well"
            )
        return None
    if problem := _find_issuer_problem(issuer):
        raise ImproperlyConfigured(f"RUNGLASS_OIDC_ISSUER is {issuer!r}: {problem}")
    for variable, value in (("RUNGLASS_OIDC_CLIENT_ID", client_id), ("RUNGLASS_OIDC_CLIENT_SECRET", secret)):
        if not value:
            raise ImproperlyConfigured(f"{variable} is not set: expected that of the provider's client")
    return OidcClient(issuer, client_id, secret, name or urlsplit(issuer).hostname or issuer)


def _find_issuer_problem(issuer: str) -> str:
    """Return what is wrong with an issuer; "" if it is as the specification requires."""
    try:
        parts = urlsplit(issuer)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        return str(error)
    if len(issuer) > MAX_ISSUER_LENGTH or not issuer.isprintable() or " " in issuer:
        return f"expected at most {MAX_ISSUER_LENGTH} characters without spaces"
    if not has_host or "@" in parts.netloc or parts.query or parts.fragment:
        return "expected https://host/path without credentials, query and fragment"
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS):
        return "expected https; http is possible on this machine only"
    return _DISCOVERY_PATH.join(("expected the issuer itself, without ", "")) if _DISCOVERY_PATH in issuer else ""


def get_oidc_client() -> OidcClient:
    """Return the client of the settings. Raises ImproperlyConfigured if there is none."""
    client: OidcClient | None = settings.OIDC_CLIENT
    if client is None:
        raise ImproperlyConfigured("RUNGLASS_OIDC_ISSUER is not set")
    return client


def check_password_login(password_login: bool, client: OidcClient | None) -> bool:
    """Return whether people sign in with passwords. Raises ImproperlyConfigured if nobody could sign in."""
    if not password_login and client is None:
        raise ImproperlyConfigured("RUNGLASS_PASSWORD_LOGIN is off: expected RUNGLASS_OIDC_ISSUER to be set as well")
    return password_login
