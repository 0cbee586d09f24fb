"""Posted ids as parts of an address."""

from __future__ import annotations

from django.urls import register_converter


class PostedIdConverter:
    """Any id that can be posted; it may hold slashes and line breaks."""

    regex = "(?s:.+)"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PostedIdConverter, "posted_id")
