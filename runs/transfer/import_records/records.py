"""The records that files are made of, before they are parsed."""

from __future__ import annotations

from enum import Enum, auto

from msgspec import Struct

from runs.errors import Problem
from runs.transfer.import_records.page_owners import PageOwner


class ImportKind(Enum):
    """The kind of a record, which decides which part of ingest takes it."""

    OBJECT = auto()  # a run, step, message, assistant or response; also what is unknown, whose error says so
    CONVERSATION = auto()
    ITEM_PAGE = auto()
    ITEM = auto()  # of a page, of which only the items were kept
    TRACES = auto()  # an export request of OTLP
    LOGS = auto()
    METRICS = auto()
    AGENTS_OBJECT = auto()  # a trace or a span of OpenAI's Agents SDK
    EVENT = auto()  # a stream event as JSON, which `reading` replaces by the object in it
    INVALID = auto()  # with the problems that were found already


class ImportRecord(Struct, frozen=True):
    """A record of a file: its text, possibly malformed, and the line where it starts.

    `path` and `expected` are those of a `RawItem`. `owner`, `order` and `after` tell whose items a page has, None if
    that is unknown, and how the page was downloaded.
    """

    kind: ImportKind
    raw: bytes
    line: int | None
    path: str = ""
    expected: str | None = None
    content_type: str = "application/json"
    problems: tuple[Problem, ...] = ()
    owner: PageOwner | None = None
    order: str = "desc"
    after: str | None = None
