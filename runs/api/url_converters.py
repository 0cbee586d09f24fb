"""URL converters for ids that clients choose."""

from __future__ import annotations

from django.urls import register_converter


class PostedIdConverter:
    """A converter for any id that can be posted, including ids with slashes and line breaks."""

    regex = "(?s:.+)"

    def to_python(self, value: str) -> str:
        """Return the id."""
        return value

    def to_url(self, value: str) -> str:
        """Return the id."""
        return value


register_converter(PostedIdConverter, "posted_id")
