"""The names of cookies. Each instance has its own, since browsers send cookies to every port of a host."""

from __future__ import annotations

import hashlib


def build_cookie_name(purpose: str, secret_key: str, path: str = "/", *, is_secure: bool) -> str:
    """Return the name of the cookie for `purpose`, for example `runglass_session_1f0c9a3e`.

    The last part identifies the instance by its secret key. The prefix of a secure cookie makes browsers refuse it from
    connections without TLS and, if the path of the cookie is `/`, from other hosts (RFC 6265bis, section 4.1.3).
    """
    instance = hashlib.sha256(f"runglass cookie names {secret_key}".encode()).hexdigest()[:8]
    prefix = ("__Host-" if path == "/" else "__Secure-") if is_secure else ""
    return f"{prefix}runglass_{purpose}_{instance}"
