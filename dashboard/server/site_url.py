"""The address under which people reach the site: RUNGLASS_URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
# Segments of unreserved characters, which are spelled in one way only, and not `.` or `..`.
_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*/?")


@dataclass(frozen=True)
class SiteUrl:
    """An address such as `https://runs.example:8443/runglass/`; `port` is None for the default one of the scheme."""

    scheme: str
    host: str
    port: int | None = None
    path: str = "/"

    def __str__(self) -> str:
        """Return the address."""
        return self.origin + self.path

    @property
    def origin(self) -> str:
        """The origin as browsers send it: `https://runs.example:8443`."""
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")

    @property
    def script_name(self) -> str:
        """The path without its last slash: `/runglass`, empty for a site at the root of its host."""
        return self.path.rstrip("/")


def parse_site_url(text: str) -> SiteUrl | None:
    """Return the address of RUNGLASS_URL; None if it is empty.

    Raises:
        ImproperlyConfigured: it is no http or https address, or has other parts than host, port and path.
    """
    if not text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _invalid(text, str(error)) from error
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    if parts.scheme not in DEFAULT_PORTS or not _HOST.fullmatch(host.lower()):
        raise _invalid(text, "expected a scheme, and a host name in ASCII")
    if parts.query or parts.fragment or not _PATH.fullmatch(parts.path):
        raise _invalid(text, "its path may contain letters, digits and `-._~`, and no query may follow")
    port = None if port == DEFAULT_PORTS[parts.scheme] else port
    return SiteUrl(parts.scheme, host.lower(), port, f"{parts.path.rstrip('/')}/")


def _invalid(text: str, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"Invalid RUNGLASS_URL '{text}': {reason}. Set the address that people use, such as https://runs.example.com "
        "or https://www.example.com/runglass/"
    )
