"""A message taken apart: what its sentence says, and what only this one failure put into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runs.enrichment.error_grouping.values import values

# A template says what went wrong within its first sentences; what follows is mostly somebody's data.
LONGEST_TEMPLATE = 400
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
class Part:
    """A piece of a message. `kind`: what it is in the template (`n`, `id`, `url` …), None where it stands itself.

    Of kind `trace` and `rest`, nothing stands in the template: lines of a stack trace, and the middle of a message
    that is too long.
    """

    text: str
    kind: str | None = None


def within_reach(message: str | None) -> str:
    """The part of a message that its template depends on: all of it, but for very long ones."""
    text = message or ""
    if len(text) <= _HEAD + _TAIL:
        return text
    head, tail = _ends(text)
    return f"{head}\n{tail}"


def template(message: str) -> str:
    """The message with a word in angle brackets for everything that varies; bounded, on one line."""
    text = "".join(_stands_for(part) for part in _read(within_reach(message)))
    text = _REPEATED.sub(r"\1", _SPACE.sub(" ", text).strip())
    if len(text) <= LONGEST_TEMPLATE:
        return text
    return text[:LONGEST_TEMPLATE].rpartition(" ")[0] + " …"


def parts(message: str) -> list[Part]:
    """A message in pieces, which joined are the message: what its template kept, and what it took out as what."""
    if len(message) <= _HEAD + _TAIL:
        return list(_read(message))
    head, tail = _ends(message)
    rest = message[len(head) : len(message) - len(tail)]
    return [*_read(head), Part(rest, "rest"), *_read(tail)]


def places(template: str) -> list[Part]:
    """A template in pieces: its words, and each place of something that varies, with an empty text."""
    pieces = _PLACE.split(template)  # words and kinds take turns
    parts = [Part("", piece) if at % 2 else Part(piece) for at, piece in enumerate(pieces)]
    return [part for part in parts if part.text or part.kind]


def _stands_for(part: Part) -> str:
    if part.kind is None:
        return part.text
    return " " if part.kind == "trace" else f"<{part.kind}>"


def _ends(message: str) -> tuple[str, str]:
    """Beginning and end of a long message, in whole lines where there are any, the end from one not indented on."""
    head, tail = message[:_HEAD], message[-_TAIL:]
    whole = _LINE.search(tail)
    return head[: head.rfind("\n") + 1] or head, tail[whole.end() :] if whole else tail


def _read(message: str) -> Iterator[Part]:
    if "\n" not in message:
        return (Part(*piece) for piece in values(message))
    return _read_lines(message)


def _read_lines(message: str) -> Iterator[Part]:
    said: list[str] = []  # lines in sequence, read as one text, since what is quoted may span some
    follows_frame = False
    for line in message.splitlines(keepends=True):
        is_source = follows_frame and line.startswith("    ")
        if not is_source and not _FRAME.fullmatch(line.rstrip()):
            said.append(line)
            follows_frame = False
            continue
        yield from (Part(*piece) for piece in values("".join(said)))
        said.clear()
        yield Part(line, "trace")
        follows_frame = not is_source and bool(_PYTHON_FRAME.match(line))
    yield from (Part(*piece) for piece in values("".join(said)))
