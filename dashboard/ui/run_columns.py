"""Which columns of the run list a person has chosen to see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runs.errors import InvalidFilter, Problem
from runs.models import User
from runs.query.did_you_mean import suggestion

_PREFERENCE = PARAMETER = "columns"
NO_COLUMNS = "none"


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
    Column("cost", "Estimated cost"),
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


def shown(user: User, asked: str) -> frozenset[str]:
    """The columns that an address asks for, as `read` reads them; those that `user` chose where it names none."""
    return read(asked) if asked else chosen(user)


def written(names: Iterable[str]) -> str:
    """The columns as an address has them: `duration,model`, or `none`."""
    wanted = frozenset(names)
    return ",".join(column.name for column in COLUMNS if column.name in wanted) or NO_COLUMNS


def read(text: str) -> frozenset[str]:
    """What `written` wrote. Raises InvalidFilter for a column that is unknown."""
    names = [] if text == NO_COLUMNS else text.split(",")
    if unknown := [name for name in names if name not in _NAMES]:
        near = suggestion(unknown[0], _NAMES)
        hint = f"did you mean '{near}'?" if near else f"known are {', '.join(column.name for column in COLUMNS)}"
        message = f"unknown column '{unknown[0]}'; {hint}"
        raise InvalidFilter(f"{PARAMETER}: {message}", [Problem(PARAMETER, message)])
    return frozenset(names)


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
