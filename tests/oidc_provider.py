"""An OpenID provider on loopback, which signs ID tokens with real keys and checks PKCE.

A test sets the claims of the person who signs in, and may change the token before it is signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from dashboard.web.oidc_client import OidcClient

CLIENT_ID, SECRET = "runglass", "secret of the client"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class OidcTestProvider:
    """The state of the provider: what it will say, and what it was asked."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.named_issuer = issuer
        self.person: dict[str, Any] = {"sub": "subject-1", "preferred_username": "mira"}
        self.change: Callable[[dict[str, Any]], Any] = lambda _: None
        self.sign: Callable[[dict[str, Any]], str] = sign
        self.is_cancelled = False
        self.requests: dict[str, dict[str, str]] = {}
        self.callbacks: list[str] = []

    @property
    def client(self) -> OidcClient:
        return OidcClient(self.issuer, CLIENT_ID, SECRET, "Test ID")

    def discover(self) -> dict[str, Any]:
        return {
            "issuer": self.named_issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def list_keys(self) -> dict[str, Any]:
        return {"keys": [build_public_key(KEY, "key-1"), build_public_key(OTHER_KEY, "for-encryption", use="enc")]}

    def authorize(self, query: dict[str, str]) -> str:
        """Return the URL to redirect to: the person signs in at once, or cancels."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.requests[code] = query
        answer = {"error": "access_denied"} if self.is_cancelled else {"code": code}
        self.callbacks.append(f"{query['redirect_uri']}?{urlencode({**answer, 'state': query['state']})}")
        return self.callbacks[-1]

    def exchange(self, form: dict[str, str]) -> dict[str, Any]:
        """Return the tokens for a code, once."""
        request = self.requests.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if request is None or request["code_challenge"] != challenge or form.get("client_secret") != SECRET:
            return {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": request["nonce"]}
        claims |= self.person
        self.change(claims)
        return {"access_token": "unused", "token_type": "Bearer", "id_token": self.sign(claims)}


def sign(claims: dict[str, Any], key: Any = KEY, algorithm: str = "RS256", key_id: str = "key-1") -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": key_id})


def build_public_key(key: rsa.RSAPrivateKey, key_id: str, use: str = "sig") -> dict[str, Any]:
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": key_id, "use": use, "alg": "RS256"}


@contextmanager
def serve_oidc_provider() -> Iterator[OidcTestProvider]:
    """Run a provider on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    provider = OidcTestProvider(f"http://127.0.0.1:{server.server_port}/realm")
    server.provider = provider  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        parts, provider = urlsplit(self.path), self.server.provider
        name = parts.path.rpartition("/")[2]
        if name == "authorize":
            self.send_response(302)
            self.send_header("Location", provider.authorize(_flatten(parts.query)))
            self.end_headers()
        else:
            self._answer(provider.discover() if name == "openid-configuration" else provider.list_keys())

    def do_POST(self) -> None:
        form = _flatten(self.rfile.read(int(self.headers["Content-Length"])).decode())
        tokens = self.server.provider.exchange(form)
        self._answer(tokens, 400 if "error" in tokens else 200)

    def _answer(self, document: dict[str, Any], status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


def _flatten(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
