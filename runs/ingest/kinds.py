"""What differs between runs, steps and messages on their way in; all else is shared."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from django.db import connection, models

from runs.ingest.merge import Record
from runs.models import Message, Project, Run, RunStep
from runs.protocol import message, run, step
from runs.protocol.configuration import ParsedConfiguration
from runs.protocol.message import MessageRecord
from runs.protocol.run import RunRecord
from runs.protocol.step import StepRecord

Key = tuple[Any, ...]
# Sent as text and cast in the statement, since an array of arrays must be rectangular.
_AS_TEXT = {"jsonb", "text[]"}


@dataclass(slots=True)
class Post:
    """One posted object that follows the protocol, with the key under which it is stored."""

    index: int
    key: Key
    record: Record
    configuration_id: uuid.UUID | None = None
    configuration: ParsedConfiguration | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of record: how it is parsed, keyed, written back and stored."""

    name: str
    model: type[models.Model]
    record: type[Any]
    key: tuple[str, ...]
    bookkeeping: tuple[str, ...]
    _parse: Callable[[Project, int, Mapping[str, bytes]], Post] = field(repr=False)
    members: Callable[[Record, str], dict[str, bytes]] = field(repr=False)

    def parse(self, project: Project, index: int, posted: Mapping[str, bytes]) -> Post:
        """Check the posted members and key them. Raises InvalidObject."""
        return self._parse(project, index, posted)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column that is written, the key first."""
        content = [name for name in self.record.__struct_fields__ if name not in self.key]
        return (*self.key, "project_id", *content, *self.bookkeeping)

    @cached_property
    def upsert(self) -> str:
        """The one statement that writes: an array a column, guarded by the version that was read.

        Rows come sorted by key, so that two writers meet in the same order. What the guard refuses does not
        come back, and is read and merged again.
        """
        types = {name: self._type(name) for name in self.columns}
        arrays = ", ".join(f"%s::{'text' if kind in _AS_TEXT else kind}[]" for kind in types.values())
        values = ", ".join(f"{name}::{kind}" if kind in _AS_TEXT else name for name, kind in types.items())
        names, key, table = ", ".join(self.columns), ", ".join(self.key), self.model._meta.db_table
        changes = ", ".join(f"{name} = excluded.{name}" for name in self.columns if name not in self.key)
        return (
            f"INSERT INTO {table} ({names}) SELECT {values} FROM unnest({arrays}) AS posted ({names}) "  # noqa: S608
            f"ORDER BY {key} ON CONFLICT ({key}) DO UPDATE SET {changes} "
            f"WHERE {table}.version = excluded.version - 1 RETURNING {key}"
        )

    @cached_property
    def adapters(self) -> tuple[Callable[[Any], Any] | None, ...]:
        """How each column's values are made ready for the statement; None leaves them as they are."""
        by_type = {"jsonb": _as_json, "text[]": _as_array}
        return tuple(by_type.get(self._type(name)) for name in self.columns)

    def _type(self, column: str) -> str:
        found = next(each for each in self.model._meta.concrete_fields if each.column == column)
        return found.db_type(connection) or ""


def _as_json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _as_array(values: list[str] | None) -> str | None:
    if values is None:
        return None
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return "{" + ",".join(quoted) + "}"


def columns_of(record: Record) -> dict[str, Any]:
    """A record's columns by name."""
    return {name: getattr(record, name) for name in record.__struct_fields__}


def configuration_key(project: Project, assistant_id: str, digest: bytes) -> uuid.UUID:
    """The id of what a run was configured with: a hash of project, assistant and content."""
    seed = b"\0".join([project.namespace.bytes, assistant_id.encode(), digest])
    return uuid.UUID(bytes=hashlib.blake2b(seed, digest_size=16).digest())


def _parse_run(project: Project, index: int, posted: Mapping[str, bytes]) -> Post:
    parsed = run.parse(posted)
    configuration_id = configuration_key(project, parsed.record.assistant_id, parsed.configuration.digest)
    key = (project.key(parsed.record.external_id),)
    return Post(index, key, parsed.record, configuration_id, parsed.configuration)


def _parse_step(project: Project, index: int, posted: Mapping[str, bytes]) -> Post:
    record = step.parse(posted)
    return Post(index, (project.key(record.run_external_id), record.external_id), record)


def _parse_message(project: Project, index: int, posted: Mapping[str, bytes]) -> Post:
    record = message.parse(posted)
    return Post(index, (project.key(record.external_id),), record)


_RECEIPT = ("version", "received_at", "seen_at")

RUNS = Kind(
    "runs",
    Run,
    RunRecord,
    ("id",),
    ("configuration_id", *_RECEIPT, "received_key_id", "history_length"),
    _parse_run,
    lambda record, body: run.members(columns_of(record), body),
)
STEPS = Kind(
    "steps",
    RunStep,
    StepRecord,
    ("run_id", "external_id"),
    _RECEIPT,
    _parse_step,
    lambda record, _: step.members(columns_of(record)),
)
MESSAGES = Kind(
    "messages",
    Message,
    MessageRecord,
    ("id",),
    _RECEIPT,
    _parse_message,
    lambda record, _: message.members(columns_of(record)),
)
# By the object's own word for itself.
KINDS = {run.OBJECT: RUNS, step.OBJECT: STEPS, message.OBJECT: MESSAGES}
