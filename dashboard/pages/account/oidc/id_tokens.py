"""Check ID tokens, as OpenID Connect Core 1.0, section 3.1.3.7 requires."""

from __future__ import annotations

import hmac
from typing import Any

import jwt
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.utils.crypto import salted_hmac

# Public keys only: with a shared secret, everybody who knows it could sign. `none` is no algorithm.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_CLOCK_SKEW_SECONDS = 30
_MAX_SUBJECT_LENGTH = 191  # of the column that holds it


def build_nonce(code_verifier: str) -> str:
    """Return the nonce of a sign-in. It follows from the PKCE verifier, which never leaves the session until then."""
    return salted_hmac("runglass.oidc.nonce", code_verifier, algorithm="sha256").hexdigest()


def verify_id_token(token: str, keys: Any, *, issuer: str, client_id: str, nonce: str) -> dict[str, Any]:
    """Return the claims of an ID token, whose signature, issuer, audience, times, nonce and subject are checked.

    Args:
        token: the token as the provider sent it.
        keys: the provider's JSON Web Key Set.
        issuer: the issuer of the configuration.
        client_id: the audience.
        nonce: what the authorization request carried.

    Raises:
        OAuth2Error: it is not valid. The message says why, and contains nothing secret.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key=_select_key(token, keys),
            algorithms=_ALGORITHMS,
            issuer=issuer,
            audience=client_id,
            leeway=_CLOCK_SKEW_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, TypeError, ValueError, AttributeError) as error:
        raise OAuth2Error(f"ID token: {error}") from error
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise OAuth2Error("ID token: wrong nonce")
    if claims.get("azp", client_id) != client_id:
        raise OAuth2Error("ID token: issued to another client")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT_LENGTH or not subject.isprintable():
        raise OAuth2Error(f"ID token: expected a subject of 1 to {_MAX_SUBJECT_LENGTH} characters")
    return claims


def _select_key(token: str, keys: Any) -> jwt.PyJWK:
    """Return the key that the header of the token names, or the only one for signatures."""
    key_id = jwt.get_unverified_header(token).get("kid")
    candidates = [
        key
        for key in jwt.PyJWKSet.from_dict(keys).keys
        if key.public_key_use in (None, "sig") and (key_id is None or key.key_id == key_id)
    ]
    if len(candidates) != 1:
        raise OAuth2Error(f"ID token: {len(candidates)} keys of the provider match the one that it names")
    return candidates[0]
