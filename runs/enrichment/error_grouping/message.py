"""The template of an error message: the message without the values that are specific to one failure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runs.enrichment.error_grouping.values import split_values

# Characters. A message says what went wrong in its first sentences; what follows is mostly data.
MAX_TEMPLATE_LENGTH = 400
# Characters of the beginning and of the end of a long message that are looked at.
_MAX_HEAD_LENGTH, _MAX_TAIL_LENGTH = 4000, 1000
# Lines of stack traces, as Python, Java, JavaScript, .NET, Go and Rust write them.
_FRAME = re.compile(
    r"""\s*(?:
      at\s+\S.*
    | File\ "[^"]*",\ line\ \d+.*
    | Traceback\ \(most\ recent\ call\ last\):
    | During\ handling\ of\ the\ above\ exception.*
    | The\ above\ exception\ was\ the\ direct\ cause.*
    | \.\.\.\ \d+\ (?:more|common\ frames).*
    | goroutine\ \d+.*
    | \d+:\ +0x.*
    | \#\d+\ .*
    | [\^~\s]*
    | -{3,}\ End\ of\ .*
    )""",
    re.VERBOSE,
)
_PYTHON_FRAME = re.compile(r'\s*File "')
_UNINDENTED_LINE = re.compile(r"\n(?=\S)")
_WHITESPACE = re.compile(r"\s+")
_PLACEHOLDER = re.compile(r"<(email|hex|host|id|ip|key|model|n|org|path|time|tool|url|value)>")
_REPEATED_PLACEHOLDERS = re.compile(r"(<[a-z]+>)(?:,? ?(?:and )?\1)+")


@dataclass(frozen=True, slots=True)
class MessagePart:
    """A part of a message or template.

    `kind` is the name of the placeholder (`n`, `id`, `url`, …) for a value, None for text that stays. Two kinds leave
    nothing in the template: `trace` for lines of a stack trace, and `rest` for the middle of a message that is too
    long.
    """

    text: str
    kind: str | None = None


def truncate_message(message: str | None) -> str:
    """Return the part of a message that its template depends on."""
    text = message or ""
    if len(text) <= _MAX_HEAD_LENGTH + _MAX_TAIL_LENGTH:
        return text
    head, tail = _cut_out_ends(text)
    return f"{head}\n{tail}"


def build_template(message: str) -> str:
    """Return the template of a message, on one line: each value is replaced by a word in angle brackets."""
    text = "".join(_to_template(part) for part in _split_text(truncate_message(message)))
    text = _REPEATED_PLACEHOLDERS.sub(r"\1", _WHITESPACE.sub(" ", text).strip())
    if len(text) <= MAX_TEMPLATE_LENGTH:
        return text
    return text[:MAX_TEMPLATE_LENGTH].rpartition(" ")[0] + " …"


def split_message(message: str) -> list[MessagePart]:
    """Split a message into the text that its template keeps and the values that it replaces."""
    if len(message) <= _MAX_HEAD_LENGTH + _MAX_TAIL_LENGTH:
        return list(_split_text(message))
    head, tail = _cut_out_ends(message)
    rest = message[len(head) : len(message) - len(tail)]
    return [*_split_text(head), MessagePart(rest, "rest"), *_split_text(tail)]


def split_template(template: str) -> list[MessagePart]:
    """Split a template into its text and its placeholders, which have no text."""
    pieces = _PLACEHOLDER.split(template)  # text and kinds alternate
    parts = [MessagePart("", piece) if index % 2 else MessagePart(piece) for index, piece in enumerate(pieces)]
    return [part for part in parts if part.text or part.kind]


def _to_template(part: MessagePart) -> str:
    if part.kind is None:
        return part.text
    return " " if part.kind == "trace" else f"<{part.kind}>"


def _cut_out_ends(message: str) -> tuple[str, str]:
    """Return beginning and end of a long message, if possible in whole lines, the end from an unindented line on."""
    head, tail = message[:_MAX_HEAD_LENGTH], message[-_MAX_TAIL_LENGTH:]
    line = _UNINDENTED_LINE.search(tail)
    return head[: head.rfind("\n") + 1] or head, tail[line.end() :] if line else tail


def _split_text(message: str) -> Iterator[MessagePart]:
    if "\n" not in message:
        return (MessagePart(*piece) for piece in split_values(message))
    return _split_lines(message)


def _split_lines(message: str) -> Iterator[MessagePart]:
    text_lines: list[str] = []  # split together, since a quotation may span several lines
    follows_frame = False
    for line in message.splitlines(keepends=True):
        is_source = follows_frame and line.startswith("    ")
        if not is_source and not _FRAME.fullmatch(line.rstrip()):
            text_lines.append(line)
            follows_frame = False
            continue
        yield from (MessagePart(*piece) for piece in split_values("".join(text_lines)))
        text_lines.clear()
        yield MessagePart(line, "trace")
        follows_frame = not is_source and bool(_PYTHON_FRAME.match(line))
    yield from (MessagePart(*piece) for piece in split_values("".join(text_lines)))
