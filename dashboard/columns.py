"""Which columns of the run list a person has chosen to see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runs.errors import InvalidFilter, Problem
from runs.models import User

_PREFERENCE = "columns"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that can be left out. Status, time and id can't: they are what a row is told apart by."""

    name: str
    label: str
    at_first: bool = True


COLUMNS = (
    Column("duration", "Duration"),
    Column("assistant", "Assistant"),
    Column("thread", "Thread", at_first=False),
    Column("model", "Model"),
    Column("tools", "Tools called"),
    Column("tokens", "Tokens"),
    Column("cost", "Cost, estimated"),
    Column("metadata", "Metadata"),
    Column("tags", "Tags"),
)
_NAMES = {column.name for column in COLUMNS}


def chosen(user: User) -> frozenset[str]:
    """The names of the columns that `user` sees; what was chosen of columns that are gone is passed over."""
    stored = user.preferences.get(_PREFERENCE)
    if stored is None:
        return frozenset(column.name for column in COLUMNS if column.at_first)
    return frozenset(stored) & _NAMES


def flags(names: frozenset[str]) -> dict[str, bool]:
    """The same for templates, which ask it of every cell: `{% if shown.model %}`."""
    return dict.fromkeys(names, True)


def choose(user: User, names: Iterable[str]) -> None:
    """Remember that `user` wants to see those columns. Raises InvalidFilter for one that is unknown."""
    wanted = frozenset(names)
    if unknown := wanted - _NAMES:
        message = f"unknown column '{min(unknown)}'"
        raise InvalidFilter(f"column: {message}", [Problem("column", message)])
    user.preferences[_PREFERENCE] = sorted(wanted)
    user.save(update_fields=["preferences"])
