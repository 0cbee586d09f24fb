"""Which columns of the run list a person has chosen to see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runs.errors import InvalidFilter, Problem
from runs.models import User
from runs.query.did_you_mean import find_closest_match

_PREFERENCE = PARAMETER = "columns"
NO_COLUMNS = "none"


@dataclass(frozen=True, slots=True)
class RunColumn:
    """A column that can be left out. Status, time and id can't: they are what a row is told apart by."""

    name: str
    label: str
    at_first: bool = True


RUN_COLUMNS = (
    RunColumn("duration", "Duration"),
    RunColumn("assistant", "Assistant"),
    RunColumn("thread", "Thread", at_first=False),
    RunColumn("model", "Model"),
    RunColumn("tools", "Tools called"),
    RunColumn("tokens", "Tokens"),
    RunColumn("cost", "Estimated cost"),
    RunColumn("metadata", "Metadata"),
    RunColumn("tags", "Tags"),
)
_NAMES = {column.name for column in RUN_COLUMNS}


def preferred_columns(user: User) -> frozenset[str]:
    """The names of the columns that `user` sees; what was chosen of columns that are gone is passed over."""
    stored = user.preferences.get(_PREFERENCE)
    if stored is None:
        return frozenset(column.name for column in RUN_COLUMNS if column.at_first)
    return frozenset(stored) & _NAMES


def visible_columns(user: User, asked: str) -> frozenset[str]:
    """The columns that an address asks for, as `read` reads them; those that `user` chose where it names none."""
    return parse_columns(asked) if asked else preferred_columns(user)


def format_columns(names: Iterable[str]) -> str:
    """The columns as an address has them: `duration,model`, or `none`."""
    wanted = frozenset(names)
    return ",".join(column.name for column in RUN_COLUMNS if column.name in wanted) or NO_COLUMNS


def parse_columns(text: str) -> frozenset[str]:
    """What `written` wrote. Raises InvalidFilter for a column that is unknown."""
    names = [] if text == NO_COLUMNS else text.split(",")
    if unknown := [name for name in names if name not in _NAMES]:
        near = find_closest_match(unknown[0], _NAMES)
        hint = f"did you mean '{near}'?" if near else f"known are {', '.join(column.name for column in RUN_COLUMNS)}"
        message = f"unknown column '{unknown[0]}'; {hint}"
        raise InvalidFilter(f"{PARAMETER}: {message}", [Problem(PARAMETER, message)])
    return frozenset(names)


def build_column_flags(names: frozenset[str]) -> dict[str, bool]:
    """The same for templates, which ask it of every cell: `{% if shown.model %}`."""
    return dict.fromkeys(names, True)


def save_preferred_columns(user: User, names: Iterable[str]) -> None:
    """Remember that `user` wants to see those columns. Raises InvalidFilter for one that is unknown."""
    wanted = frozenset(names)
    if unknown := wanted - _NAMES:
        message = f"unknown column '{min(unknown)}'"
        raise InvalidFilter(f"column: {message}", [Problem("column", message)])
    user.preferences[_PREFERENCE] = sorted(wanted)
    user.save(update_fields=["preferences"])
