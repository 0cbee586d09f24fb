"""Points in time as people write them in a filter: `2026-05-01`, `2026-05-01T14:30:00Z`, `-24h`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_UNITS = {
    "s": ("second", timedelta(seconds=1)),
    "m": ("minute", timedelta(minutes=1)),
    "h": ("hour", timedelta(hours=1)),
    "d": ("day", timedelta(days=1)),
    "w": ("week", timedelta(weeks=1)),
}
_RELATIVE = re.compile(r"-([0-9]{1,5})([smhdw])")
EXPECTED_TIME = "expected a time such as 2026-05-01, 2026-05-01T14:30:00Z or -24h"


@dataclass(frozen=True, slots=True)
class TimeExpression:
    """A point in time: absolute, or so long before now. `text` is its canonical spelling."""

    text: str

    @classmethod
    def parse(cls, text: str) -> TimeExpression:
        """Read a moment; times without a zone are UTC. Raises ValueError."""
        text = text.strip()
        if _RELATIVE.fullmatch(text):
            return cls(text)
        try:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValueError(EXPECTED_TIME) from error
        return cls(moment.isoformat().removesuffix("+00:00") + "Z")

    def at(self, now: datetime) -> datetime:
        """The moment meant, seen from `now`."""
        match = _RELATIVE.fullmatch(self.text)
        if match:
            return now - int(match[1]) * _UNITS[match[2]][1]
        return datetime.fromisoformat(self.text)

    def describe(self) -> str:
        """In words: `24 hours ago`, `2026-05-01 14:30:00 UTC`."""
        match = _RELATIVE.fullmatch(self.text)
        if match:
            unit = _UNITS[match[2]][0]
            return f"{match[1]} {unit}{'' if match[1] == '1' else 's'} ago"
        return self.text.replace("T", " ").removesuffix("Z") + " UTC"

    def __str__(self) -> str:
        return self.text
