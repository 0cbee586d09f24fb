"""The records that have searched texts, type by type, in the order of their keys."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from runs.db.keyset_pagination import is_after
from runs.enrichment.search_texts import (
    SearchTextRow,
    derive_message_text,
    derive_pending_calls_text,
    derive_step_text,
    make_calls_text_id,
)
from runs.models import Message, Project, Run, RunStep


@dataclass(frozen=True)
class SearchedRecordType:
    """A type of records that have searched texts.

    Attributes:
        name: The type in stored positions.
        select: Return the records of a project.
        key: The columns of the key, the first of which is a UUID.
        fields: The columns that a text is derived from.
        derive: Return the row of a record, None if it has none.
        make_text_id: Return the id of this row.
    """

    name: str
    select: Callable[[Project], QuerySet[Any]]
    key: tuple[str, ...]
    fields: tuple[str, ...]
    derive: Callable[[Project, Any], SearchTextRow | None]
    make_text_id: Callable[[Any], str]

    def read(self, project: Project, after: Sequence[Any] = ()) -> QuerySet[Any]:
        """Return the records in the order of their keys, those after the key `after` if it is not empty."""
        records = self.select(project).only(*self.fields).order_by(*self.key)
        return records.filter(is_after(self.key, after, descending=False)) if after else records

    def get_key(self, record: Any) -> tuple[Any, ...]:
        """Return the key of a record."""
        return tuple(getattr(record, name) for name in self.key)


# In the order in which they are read.
SEARCHED_RECORD_TYPES = (
    SearchedRecordType(
        "steps",
        lambda project: RunStep.objects.filter(project=project),
        ("run_id", "external_id"),
        ("run_id", "external_id", "run_external_id", "created_at", "details"),
        derive_step_text,
        lambda step: make_calls_text_id(step.run_id.hex, step.external_id),
    ),
    SearchedRecordType(
        "messages",
        Message.objects.in_project,
        ("id",),
        ("id", "external_id", "created_at", "thread_id", "run_external_id", "role", "text"),
        lambda project, message: derive_message_text(project, message.pk.hex, message),
        lambda message: str(message.pk.hex),
    ),
    SearchedRecordType(
        "runs",
        Run.objects.in_project,
        ("id",),
        ("id", "external_id", "created_at", "required_action"),
        derive_pending_calls_text,
        lambda run: make_calls_text_id(run.pk.hex),
    ),
)


@dataclass(frozen=True)
class SearchedRecordPosition:
    """The place of a pass over all records: their type, and the key of the last record that was read, () at first."""

    type_index: int = 0
    after: tuple[Any, ...] = ()

    @classmethod
    def parse(cls, text: str) -> SearchedRecordPosition:
        """Return the position that `format` wrote; the beginning for an empty text."""
        name, _, key = text.partition(" ")
        names = [record_type.name for record_type in SEARCHED_RECORD_TYPES]
        digits, *others = key.split(" ", 1)
        return cls(names.index(name) if name else 0, (uuid.UUID(digits), *others) if digits else ())

    def format(self) -> str:
        """Return the position as a text."""
        parts = (part.hex if isinstance(part, uuid.UUID) else part for part in self.after)
        return " ".join([self.record_type.name, *parts])

    @property
    def record_type(self) -> SearchedRecordType:
        """The type of the records."""
        return SEARCHED_RECORD_TYPES[self.type_index]

    def follow(self, last: tuple[Any, ...] | None) -> SearchedRecordPosition | None:
        """Return the position after the record with the key `last`, None at the end.

        Without `last`, the records of the type have been read, and those of the next type follow.
        """
        if last is not None:
            return SearchedRecordPosition(self.type_index, last)
        following = self.type_index + 1
        return SearchedRecordPosition(following) if following < len(SEARCHED_RECORD_TYPES) else None

    @property
    def share(self) -> float:
        """The share of all records that have been read, from 0 to 1. Ids are spread evenly."""
        share_of_type = self.after[0].int / 2**128 if self.after else 0.0
        return float((self.type_index + share_of_type) / len(SEARCHED_RECORD_TYPES))
