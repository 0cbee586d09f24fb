"""URL converters for ids and names that clients choose."""

from __future__ import annotations

import re

from django.urls import register_converter

from runs.protocol.lossless_json import clean_text

_EMPTY = "~"
# Slashes and control characters, which servers and proxies read in their own ways; the dot of `.` and `..`, which
# browsers resolve even if it is percent-encoded; and tildes that would read as an escape sequence.
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f]|\A\.(?=\.?\Z)|~(?=[0-9A-F]{2}|\Z)")
_ESCAPE_SEQUENCE = re.compile("~([0-9A-F]{2})")


def escape_segment(text: str) -> str:
    """Return `text` as one path segment that is never empty, `.` or `..`, and has no slash.

    Unsafe characters become `~` and two hexadecimal digits. Percent-encode the result; it needs no other care.
    """
    return _UNSAFE.sub(lambda match: f"~{ord(match[0]):02X}", text) if text else _EMPTY


def unescape_segment(segment: str) -> str:
    """Return the text of a segment written by `escape_segment`."""
    return "" if segment == _EMPTY else _ESCAPE_SEQUENCE.sub(lambda match: chr(int(match[1], 16)), segment)


class PostedIdConverter:
    """A posted id in a path of the REST API, where clients percent-encode it and nothing else."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Return the id."""
        return value

    def to_url(self, value: str) -> str:
        """Return the id."""
        return value


class EscapedTextConverter:
    """Any text in the path of a page, escaped by `escape_segment`, so that every name has an address of its own."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Return the text. Raises ValueError, which means 404, if no stored text can be equal to it."""
        text = unescape_segment(value)
        if clean_text(text) != text:
            raise ValueError("stored texts contain neither NUL nor lone surrogates")
        return text

    def to_url(self, value: str) -> str:
        """Return the escaped text."""
        return escape_segment(value)


register_converter(PostedIdConverter, "posted_id")
register_converter(EscapedTextConverter, "escaped")
