"""Messages as a page shows them, whichever protocol they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.ui.truncated_text import TruncatedText


@dataclass(frozen=True, slots=True)
class ShownChatPart:
    """A part of a message, with a label unless it is a text. An attachment is a line without content."""

    label: str
    name: str
    text: TruncatedText | None


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message with the role of who wrote it."""

    role: str
    parts: Sequence[ShownChatPart]


@dataclass(frozen=True, slots=True)
class ShownMessages:
    """The last messages of a list, and how many come before."""

    messages: Sequence[ShownMessage]
    hidden_count: int = 0
