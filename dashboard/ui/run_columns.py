"""The columns of the run list: which of them a user sees, in which order and how wide.

`RunColumn` is what exists; `ShownColumn` is a reader's choice of one. A list of choices is written as text in the query
parameter `columns`, in saved views and in preferences: `duration,model:180,metadata.customer`. The number is a width in
pixels, and keys of metadata are percent-encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

from runs.errors import InvalidFilter, Problem
from runs.models import MetadataKey, Project, User
from runs.models.metadata_key import MAX_METADATA_TEXT_LENGTH
from runs.query.did_you_mean import find_closest_match

PARAMETER = "columns"
NO_COLUMNS = "none"
METADATA_PREFIX = "metadata."
MIN_WIDTH, MAX_WIDTH = 40, 900  # pixels
MAX_COLUMNS = 20  # each value of each row is rendered
_PREFERENCE = "run_columns"  # by project
_FORMER_PREFERENCE = "columns"  # names without an order, for all projects


@dataclass(frozen=True, slots=True)
class RunColumn:
    """A column that can be hidden. Status, time and id are always visible, since they identify a row.

    `sort_key` is the order of the list that the column shows, "" if no index allows one.
    """

    name: str
    label: str
    css_class: str
    is_default: bool = True
    heading: str = ""
    sort_key: str = ""
    is_number: bool = False


RUN_COLUMNS = (
    RunColumn("duration", "Duration", "c-dur", sort_key="duration", is_number=True),
    RunColumn("source", "Source", "c-source", is_default=False),
    RunColumn("assistant", "Assistant", "c-asst"),
    RunColumn("thread", "Thread", "c-thread", is_default=False),
    RunColumn("question", "Question", "c-said", is_default=False),
    RunColumn("answer", "Answer", "c-said", is_default=False),
    RunColumn("model", "Model", "c-model"),
    RunColumn("tools", "Tools called", "c-tools"),
    RunColumn("tokens", "Tokens", "c-tok", sort_key="tokens", is_number=True),
    RunColumn("cost", "Estimated cost", "c-cost", heading="Cost", sort_key="cost", is_number=True),
    RunColumn("metadata", "Metadata", "c-meta"),
    RunColumn("tags", "Tags", "c-tags"),
    RunColumn("reviewed", "Reviewed", "c-reviewed", is_default=False),
)
_COLUMNS = {column.name: column for column in RUN_COLUMNS}


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A chosen column: one of `RUN_COLUMNS`, or `metadata.<key>`. `width` is 0 if the content sets it."""

    name: str
    width: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `model`, `model:180` or `metadata.customer`. Raises InvalidFilter."""
        name, _, width = text.partition(":")
        if width and not (width.isdecimal() and len(width) < 5 and MIN_WIDTH <= int(width) <= MAX_WIDTH):
            raise _invalid_columns(f"width '{width}' of '{name}': expected {MIN_WIDTH} to {MAX_WIDTH} pixels")
        if name.startswith(METADATA_PREFIX):
            name = METADATA_PREFIX + _parse_metadata_key(name.removeprefix(METADATA_PREFIX))
        elif name not in _COLUMNS:
            raise _unknown_column(name)
        return cls(name, int(width or 0))

    @property
    def metadata_key(self) -> str:
        """The key of the metadata that the column shows, or ""."""
        return self.name.removeprefix(METADATA_PREFIX) if self.name.startswith(METADATA_PREFIX) else ""

    @property
    def column(self) -> RunColumn:
        """The label and the format of the column."""
        key = self.metadata_key
        return RunColumn(self.name, key, "c-key", is_default=False) if key else _COLUMNS[self.name]

    def __str__(self) -> str:
        key = self.metadata_key
        name = METADATA_PREFIX + quote(key, safe="") if key else self.name
        return f"{name}:{self.width}" if self.width else name


def _parse_metadata_key(text: str) -> str:
    key = unquote(text)
    if not key or "\0" in key or len(key) > MAX_METADATA_TEXT_LENGTH:
        raise _invalid_columns(f"{METADATA_PREFIX}: expected a key of 1 to {MAX_METADATA_TEXT_LENGTH} characters")
    return key


def _unknown_column(name: str) -> InvalidFilter:
    match = find_closest_match(name, _COLUMNS)
    hint = f"did you mean '{match}'?" if match else f"expected {METADATA_PREFIX}<key> or one of {', '.join(_COLUMNS)}"
    return _invalid_columns(f"unknown column '{name}'; {hint}")


def _invalid_columns(message: str) -> InvalidFilter:
    return InvalidFilter(f"{PARAMETER}: {message}", [Problem(PARAMETER, message)])


DEFAULT_COLUMNS = tuple(ShownColumn(column.name) for column in RUN_COLUMNS if column.is_default)


def parse_columns(texts: Sequence[str]) -> tuple[ShownColumn, ...]:
    """Parse chosen columns. Raises InvalidFilter: one of them is unknown or repeated, or there are too many."""
    columns = tuple(ShownColumn.parse(text) for text in texts)
    if len(columns) > MAX_COLUMNS:
        raise _invalid_columns(f"{len(columns)} columns; expected at most {MAX_COLUMNS}")
    names = [column.name for column in columns]
    if repeated := next((name for name in names if names.count(name) > 1), ""):
        raise _invalid_columns(f"'{repeated}' occurs more than once")
    return columns


def parse_columns_param(text: str) -> tuple[ShownColumn, ...]:
    """Parse the query parameter `columns`. Raises InvalidFilter."""
    return parse_columns([] if text == NO_COLUMNS else text.split(","))


def parse_stored_columns(texts: Iterable[str]) -> tuple[ShownColumn, ...]:
    """Parse stored columns. Those that no longer exist are left out."""
    columns: dict[str, ShownColumn] = {}
    for text in texts:
        try:
            column = ShownColumn.parse(text)
        except InvalidFilter:
            continue
        columns.setdefault(column.name, column)
    return tuple(columns.values())[:MAX_COLUMNS]


def format_columns(columns: Iterable[ShownColumn]) -> str:
    """Return the value of the query parameter `columns`, such as `duration,model`, or `none`."""
    return ",".join(map(str, columns)) or NO_COLUMNS


def preferred_columns(user: User, project: Project) -> tuple[ShownColumn, ...]:
    """Return the columns that `user` has chosen for the runs of `project`."""
    stored = user.preferences.get(_PREFERENCE, {}).get(project.slug)
    if stored is not None:
        return parse_stored_columns(stored)
    former = user.preferences.get(_FORMER_PREFERENCE)
    if former is not None:
        return parse_stored_columns(name for name in _COLUMNS if name in former)
    return DEFAULT_COLUMNS


def visible_columns(user: User, project: Project, columns: str) -> tuple[ShownColumn, ...]:
    """Return the columns of the query parameter `columns`, or the user's own selection if it is ""."""
    return parse_columns_param(columns) if columns else preferred_columns(user, project)


def save_preferred_columns(user: User, project: Project, texts: Sequence[str]) -> None:
    """Store the columns that `user` has chosen for the runs of `project`.

    Raises:
        InvalidFilter: A column is unknown, or a key of metadata that no run of the project has.
    """
    columns = parse_columns(texts)
    chosen_keys = {column.metadata_key for column in columns if column.metadata_key}
    unknown = chosen_keys.difference(MetadataKey.objects.keys_of(project))
    if unknown:
        raise _invalid_columns(f"no run of the project has the metadata key '{min(unknown)}'")
    by_project = user.preferences.get(_PREFERENCE, {})
    user.preferences[_PREFERENCE] = by_project | {project.slug: [str(column) for column in columns]}
    user.save(update_fields=["preferences"])
