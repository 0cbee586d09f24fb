"""The targets of the forwarder: RUNGLASS_OTLP_FORWARD and RUNGLASS_OTLP_FORWARD_HEADERS.

Both follow OpenTelemetry's variables: an endpoint is a base URL to which `/v1/traces` is added, as with
OTEL_EXPORTER_OTLP_ENDPOINT, and headers are `name=value,name=value` with values that are percent-encoded, as in
OTEL_EXPORTER_OTLP_HEADERS. Several endpoints are separated by commas, and their headers, in the same order, by
semicolons.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

MAX_FORWARD_TARGETS = 5
TRACES_PATH = "/v1/traces"

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_OWN_HEADERS = frozenset({"content-type", "content-encoding", "content-length", "host", "transfer-encoding"})
_URLS, _HEADERS = "RUNGLASS_OTLP_FORWARD", "RUNGLASS_OTLP_FORWARD_HEADERS"


@dataclass(frozen=True, slots=True)
class ForwardTarget:
    """Where spans are sent to: the URL of its traces, and the headers of requests, which may be secret."""

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def label(self) -> str:
        """The host and the port, which name the target in logs and metrics."""
        return urlsplit(self.url).netloc


def parse_forward_targets(urls: str, headers: str) -> tuple[ForwardTarget, ...]:
    """Return the targets of both variables.

    Raises ImproperlyConfigured, with a message that has no values of headers.
    """
    endpoints = [_parse_endpoint(text.strip()) for text in urls.split(",")] if urls.strip() else []
    if len(endpoints) > MAX_FORWARD_TARGETS or len(set(endpoints)) < len(endpoints):
        raise ImproperlyConfigured(
            f"{_URLS} has {len(endpoints)} URLs: expected at most {MAX_FORWARD_TARGETS}, and each once"
        )
    lists = [_parse_headers(text) for text in headers.split(";")] if headers.strip() else [{} for _ in endpoints]
    if len(lists) != len(endpoints):
        raise ImproperlyConfigured(
            f"{_HEADERS} has headers for {len(lists)} endpoints, and {_URLS} has {len(endpoints)} endpoints: expected "
            "one list of headers for each, separated by semicolons"
        )
    return tuple(ForwardTarget(url, values) for url, values in zip(endpoints, lists, strict=True))


def _parse_endpoint(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_valid = False
    if not is_valid or parts.query or parts.fragment or "@" in parts.netloc or re.search(r"\s", text):
        shown = text.rpartition("@")[2]
        raise ImproperlyConfigured(
            f"{_URLS} has the URL {shown!r}: expected https://host/path without credentials and query, such as "
            f"https://cloud.langfuse.com/api/public/otel; credentials belong into {_HEADERS}"
        )
    base = text.rstrip("/")
    return base if base.endswith(TRACES_PATH) else base + TRACES_PATH


def _parse_headers(text: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for number, pair in enumerate((pair for pair in text.split(",") if pair.strip()), start=1):
        name, separator, value = (part.strip() for part in pair.partition("="))
        decoded = unquote(value)
        if not separator or not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise ImproperlyConfigured(
                f"{_HEADERS}: header {number} is invalid: expected name=value, such as Authorization=Bearer%20KEY, and "
                f"none of {', '.join(sorted(_OWN_HEADERS))}"
            )
        if not decoded.isascii() or not decoded.isprintable():
            raise ImproperlyConfigured(f"{_HEADERS}: the value of {name} has characters that are not printable ASCII")
        headers[name] = decoded
    return headers
