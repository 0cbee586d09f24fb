"""A message taken apart: what its sentence says, and what only this one failure put into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runs.enrichment.error_grouping.values import split_values

# A template says what went wrong within its first sentences; what follows is mostly somebody's data.
MAX_TEMPLATE_LENGTH = 400
_HEAD, _TAIL = 4000, 1000  # characters looked at, of a message's beginning and of its end
# lines of stack traces, as Python, Java, JavaScript, .NET, Go and Rust write them
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
_LINE = re.compile(r"\n(?=\S)")
_SPACE = re.compile(r"\s+")
_PLACE = re.compile(r"<(email|hex|host|id|ip|key|model|n|org|path|time|tool|url|value)>")
_REPEATED = re.compile(r"(<[a-z]+>)(?:,? ?(?:and )?\1)+")


@dataclass(frozen=True, slots=True)
class MessagePart:
    """A piece of a message. `kind`: what it is in the template (`n`, `id`, `url` …), None where it stands itself.

    Of kind `trace` and `rest`, nothing stands in the template: lines of a stack trace, and the middle of a message
    that is too long.
    """

    text: str
    kind: str | None = None


def truncate_message(message: str | None) -> str:
    """The part of a message that its template depends on: all of it, but for very long ones."""
    text = message or ""
    if len(text) <= _HEAD + _TAIL:
        return text
    head, tail = _ends(text)
    return f"{head}\n{tail}"


def build_template(message: str) -> str:
    """The message with a word in angle brackets for everything that varies; bounded, on one line."""
    text = "".join(_placeholder(part) for part in _split_text(truncate_message(message)))
    text = _REPEATED.sub(r"\1", _SPACE.sub(" ", text).strip())
    if len(text) <= MAX_TEMPLATE_LENGTH:
        return text
    return text[:MAX_TEMPLATE_LENGTH].rpartition(" ")[0] + " …"


def split_message(message: str) -> list[MessagePart]:
    """A message in pieces, which joined are the message: what its template kept, and what it took out as what."""
    if len(message) <= _HEAD + _TAIL:
        return list(_split_text(message))
    head, tail = _ends(message)
    rest = message[len(head) : len(message) - len(tail)]
    return [*_split_text(head), MessagePart(rest, "rest"), *_split_text(tail)]


def split_template(template: str) -> list[MessagePart]:
    """A template in pieces: its words, and each place of something that varies, with an empty text."""
    pieces = _PLACE.split(template)  # words and kinds take turns
    parts = [MessagePart("", piece) if at % 2 else MessagePart(piece) for at, piece in enumerate(pieces)]
    return [part for part in parts if part.text or part.kind]


def _placeholder(part: MessagePart) -> str:
    if part.kind is None:
        return part.text
    return " " if part.kind == "trace" else f"<{part.kind}>"


def _ends(message: str) -> tuple[str, str]:
    """Beginning and end of a long message, in whole lines where there are any, the end from one not indented on."""
    head, tail = message[:_HEAD], message[-_TAIL:]
    whole = _LINE.search(tail)
    return head[: head.rfind("\n") + 1] or head, tail[whole.end() :] if whole else tail


def _split_text(message: str) -> Iterator[MessagePart]:
    if "\n" not in message:
        return (MessagePart(*piece) for piece in split_values(message))
    return _split_lines(message)


def _split_lines(message: str) -> Iterator[MessagePart]:
    said: list[str] = []  # lines in sequence, read as one text, since what is quoted may span some
    follows_frame = False
    for line in message.splitlines(keepends=True):
        is_source = follows_frame and line.startswith("    ")
        if not is_source and not _FRAME.fullmatch(line.rstrip()):
            said.append(line)
            follows_frame = False
            continue
        yield from (MessagePart(*piece) for piece in split_values("".join(said)))
        said.clear()
        yield MessagePart(line, "trace")
        follows_frame = not is_source and bool(_PYTHON_FRAME.match(line))
    yield from (MessagePart(*piece) for piece in split_values("".join(said)))
