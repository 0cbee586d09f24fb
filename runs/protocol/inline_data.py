"""Data of images and files that is written into JSON: found, described by type and size, and left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

MIN_DATA_LENGTH = 512  # characters; shorter base64 may be an id or a key
MAX_DEPTH = 50
_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,(?P<data>[A-Za-z0-9+/=_%-]{64,})")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
# The first characters of the base64 of well-known formats.
_SIGNATURES = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "JVBERi0": "application/pdf",
    "SUQz": "audio/mpeg",
}
_TYPE_MEMBERS = ("mime_type", "mimeType", "media_type", "mediaType", "format", "output_format")
_DATA_MEMBERS = (
    "content",
    "data",
    "image",
    "file_data",
    "bytes",
    "result",
    "file",
    "source",
    "inline_data",
    "inlineData",
)
_URL_MEMBERS = ("uri", "url", "image_url", "file_uri", "file_url", "fileUri")
_ADDRESS_STARTS = ("http://", "https://", "gs://", "s3://", "file://")
_NAME_MEMBERS = ("filename", "file_name", "name", "file_id", "id")


class InlineData(NamedTuple):
    """Data in a string: its media type, None if it is unknown, and its size in bytes."""

    media_type: str | None
    size: int

    def __str__(self) -> str:
        return f"[{self.media_type or 'base64 data'}, {format_size(self.size)}]"


def format_size(size: int) -> str:
    """Format a number of bytes in decimal units."""
    for unit, factor in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def find_inline_data(text: str) -> InlineData | None:
    """Return what a text is if all of it is the data of a file: a data URL, or long base64."""
    if match := _DATA_URL.fullmatch(text):
        return InlineData(match["type"], _decoded_size(match["data"]))
    if len(text) < MIN_DATA_LENGTH or not _BASE64.fullmatch(text):
        return None
    media_type = next((name for start, name in _SIGNATURES.items() if text.startswith(start)), None)
    return InlineData(media_type, _decoded_size(text))


def replace_inline_data(value: Any, depth: int = 0) -> Any:
    """Return a JSON value in which placeholders with type and size stand for the data of images and files."""
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, str):
        return _replace_in_text(value)
    if isinstance(value, dict):
        return {name: replace_inline_data(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list):
        return [replace_inline_data(element, depth + 1) for element in value]
    return value


def describe_attachment(part: Mapping[str, Any]) -> str:
    """Return one line about an image, a file or another part: what it is, its type, and its size or address."""
    kind = str(part.get("modality") or part.get("type") or "attachment").removeprefix("input_").removesuffix("_url")
    holders = [part, *(value for value in part.values() if isinstance(value, Mapping))]
    name, media_type = _find_text(holders, _NAME_MEMBERS), _find_text(holders, _TYPE_MEMBERS)
    facts = (kind.replace("_", " "), name, *_describe_content(holders, media_type))
    return ", ".join(dict.fromkeys(fact for fact in facts if fact))


def _describe_content(holders: list[Mapping[str, Any]], media_type: str | None) -> tuple[str | None, str | None]:
    """Return the media type, and the size of the data or the address that it is at."""
    texts = [text for name in (*_DATA_MEMBERS, *_URL_MEMBERS) if (text := _find_text(holders, (name,)))]
    for text in texts:
        if data := find_inline_data(text):
            return media_type or data.media_type, format_size(data.size)
        if text.startswith(_ADDRESS_STARTS):
            return media_type, text
    sizes = (holder.get("encoded_bytes") for holder in holders)
    size = next((size for size in sizes if isinstance(size, int)), None)
    size = size if size is not None else max(map(len, texts), default=None)
    return media_type, None if size is None else format_size(size * 3 // 4)


def _find_text(holders: list[Mapping[str, Any]], names: tuple[str, ...]) -> str | None:
    values = (holder.get(name) for name in names for holder in holders)
    return next((value for value in values if isinstance(value, str) and value), None)


def _replace_in_text(text: str) -> str:
    if len(text) < MIN_DATA_LENGTH:
        return text
    data = find_inline_data(text)
    if data is not None:
        return str(data)
    return _DATA_URL.sub(lambda match: str(InlineData(match["type"], _decoded_size(match["data"]))), text)


def _decoded_size(data: str) -> int:
    return len(data.rstrip("=")) * 3 // 4
