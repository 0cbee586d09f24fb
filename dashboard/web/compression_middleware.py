"""Middleware that compresses pages.

A compressed response tells by its length whether a text that the sender of the request chose occurs in the page as well
(BREACH, CVE-2013-3587). The only secret of pages is the CSRF token, which Django masks anew for each response; a header
of random length hides small differences of all other content.
"""

from __future__ import annotations

import gzip
import secrets
from collections.abc import Callable, Mapping

import brotli
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

MIN_COMPRESSED_BYTES = 1024
MAX_PADDING_BYTES = 100
# Of the run list, quality 5 takes about as long as 4, and saves a tenth of its bytes. Higher ones hardly save more.
_BROTLI_QUALITY = 5
_GZIP_LEVEL = 4


def _compress_brotli(content: bytes) -> bytes:
    return bytes(brotli.compress(content, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY))


def _compress_gzip(content: bytes) -> bytes:
    return gzip.compress(content, _GZIP_LEVEL, mtime=0)


# In order of preference. Browsers offer brotli over https and on loopback only.
_COMPRESSORS: Mapping[str, Callable[[bytes], bytes]] = {"br": _compress_brotli, "gzip": _compress_gzip}


class CompressionMiddleware:
    """Compresses HTML with brotli or gzip, whichever the client accepts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Set the next middleware or view."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Respond to a request."""
        response = self.get_response(request)
        if isinstance(response, HttpResponse) and _is_compressible(response):
            patch_vary_headers(response, ("Accept-Encoding",))
            if encoding := choose_encoding(request.headers.get("Accept-Encoding", "")):
                _compress(response, encoding)
        return response


def choose_encoding(accepted: str) -> str | None:
    """Return the preferred encoding among those that the header `Accept-Encoding` accepts; None if there is none."""
    names = set()
    for part in accepted.lower().replace(" ", "").split(","):
        name, _, weight = part.partition(";q=")
        if not weight or weight.strip("0."):
            names.add(name)
    return next((name for name in _COMPRESSORS if name in names), None)


def _is_compressible(response: HttpResponse) -> bool:
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return is_html and "Content-Encoding" not in response.headers and len(response.content) >= MIN_COMPRESSED_BYTES


def _compress(response: HttpResponse, encoding: str) -> None:
    response.content = _COMPRESSORS[encoding](response.content)
    response.headers["Content-Encoding"] = encoding
    response.headers["Content-Length"] = str(len(response.content))
    response.headers["X-Padding"] = "-" * secrets.randbelow(MAX_PADDING_BYTES)
