"""A message for reading: its texts, what it cites, and its images and files as placeholders."""

from __future__ import annotations

from typing import Any

from dashboard.ui.json_view import parse_json_for_display
from dashboard.ui.posted_object import as_mapping, as_text
from dashboard.ui.response_item_parts import build_citations
from dashboard.ui.titled_part import MAX_LISTED_PARTS, TitledPart
from dashboard.ui.truncated_text import truncate_text
from runs.models import Message
from runs.protocol.inline_data import describe_attachment

_TEXT_TYPES = ("text", "output_text", "input_text")


def build_message_parts(message: Message) -> list[TitledPart]:
    """Return the content of a message."""
    content = parse_json_for_display(message.content) if message.content else None
    parts = [TitledPart("Message", truncate_text(message.text))] if message.text else []
    posted = [as_mapping(part) for part in content] if isinstance(content, list) else []
    for part in posted[:MAX_LISTED_PARTS]:
        if part.get("type") == "refusal":
            parts.append(TitledPart("Refusal", truncate_text(as_text(part.get("refusal")) or "")))
        elif part.get("type") not in _TEXT_TYPES:
            parts.append(TitledPart("Attachment", note=describe_attachment(part)))
    if citations := build_citations([annotation for part in posted for annotation in _annotations(part)]):
        parts.append(TitledPart("Sources", links=tuple(citations)))
    return parts or [TitledPart("Message", note="The message has no content.")]


def _annotations(part: dict[str, Any]) -> list[Any]:
    """Return the annotations of a text: beside it, or in its object."""
    annotations = part.get("annotations") or as_mapping(part.get("text")).get("annotations")
    return annotations if isinstance(annotations, list) else []
