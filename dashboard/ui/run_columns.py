"""The optional columns of the run list, and which of them a user sees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runs.errors import InvalidFilter, Problem
from runs.models import User
from runs.query.did_you_mean import find_closest_match

PARAMETER = "columns"
_PREFERENCE = "columns"
NO_COLUMNS = "none"


@dataclass(frozen=True, slots=True)
class RunColumn:
    """A column that can be hidden. Status, time and id are always visible, since they identify a row."""

    name: str
    label: str
    is_default: bool = True


RUN_COLUMNS = (
    RunColumn("duration", "Duration"),
    RunColumn("source", "Source", is_default=False),
    RunColumn("assistant", "Assistant"),
    RunColumn("thread", "Thread", is_default=False),
    RunColumn("model", "Model"),
    RunColumn("tools", "Tools called"),
    RunColumn("tokens", "Tokens"),
    RunColumn("cost", "Estimated cost"),
    RunColumn("metadata", "Metadata"),
    RunColumn("tags", "Tags"),
)
_NAMES = {column.name for column in RUN_COLUMNS}


def preferred_columns(user: User) -> frozenset[str]:
    """Return the names of the columns that `user` has selected. Columns that no longer exist are ignored."""
    stored = user.preferences.get(_PREFERENCE)
    if stored is None:
        return frozenset(column.name for column in RUN_COLUMNS if column.is_default)
    return frozenset(stored) & _NAMES


def visible_columns(user: User, columns: str) -> frozenset[str]:
    """Return the columns of the query parameter `columns`, or the user's own selection if it is ""."""
    return parse_columns(columns) if columns else preferred_columns(user)


def format_columns(names: Iterable[str]) -> str:
    """Return the value of the query parameter `columns`, such as `duration,model`, or `none`."""
    selected = frozenset(names)
    return ",".join(column.name for column in RUN_COLUMNS if column.name in selected) or NO_COLUMNS


def parse_columns(text: str) -> frozenset[str]:
    """Parse the query parameter `columns`.

    Raises:
        InvalidFilter: A column is unknown.
    """
    names = [] if text == NO_COLUMNS else text.split(",")
    if unknown := [name for name in names if name not in _NAMES]:
        match = find_closest_match(unknown[0], _NAMES)
        expected = ", ".join(column.name for column in RUN_COLUMNS)
        hint = f"did you mean '{match}'?" if match else f"expected one of {expected}"
        message = f"unknown column '{unknown[0]}'; {hint}"
        raise InvalidFilter(f"{PARAMETER}: {message}", [Problem(PARAMETER, message)])
    return frozenset(names)


def build_column_flags(names: frozenset[str]) -> dict[str, bool]:
    """Return the visible columns for templates, which test them as `{% if columns.model %}`."""
    return dict.fromkeys(names, True)


def save_preferred_columns(user: User, names: Iterable[str]) -> None:
    """Store the columns that `user` has selected.

    Raises:
        InvalidFilter: A column is unknown.
    """
    selected = frozenset(names)
    if unknown := selected - _NAMES:
        message = f"unknown column '{min(unknown)}'"
        raise InvalidFilter(f"column: {message}", [Problem("column", message)])
    user.preferences[_PREFERENCE] = sorted(selected)
    user.save(update_fields=["preferences"])
