"""Points in time as filters write them: `2026-05-01`, `2026-05-01T14:30:00Z` or `-24h`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

_UNITS = {
    "s": ("second", timedelta(seconds=1)),
    "m": ("minute", timedelta(minutes=1)),
    "h": ("hour", timedelta(hours=1)),
    "d": ("day", timedelta(days=1)),
    "w": ("week", timedelta(weeks=1)),
}
_RELATIVE = re.compile(r"-([0-9]{1,5})([smhdw])")
# Times beyond are resolved to these, so that arithmetic with them can't overflow. No run is older than the first one.
EARLIEST_TIME, LATEST_TIME = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
EXPECTED_TIME = "expected a time such as 2026-05-01, 2026-05-01T14:30:00Z or -24h"


@dataclass(frozen=True, slots=True)
class TimeExpression:
    """A point in time, absolute or relative to now. `text` is its canonical form."""

    text: str

    @classmethod
    def parse(cls, text: str) -> TimeExpression:
        """Parse a time. A time without a zone is UTC.

        Raises:
            ValueError: The text is not a time; the message gives examples.
        """
        text = text.strip()
        if _RELATIVE.fullmatch(text):
            return cls(text)
        try:
            time = datetime.fromisoformat(text)
            time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValueError(EXPECTED_TIME) from error
        return cls(time.isoformat().removesuffix("+00:00") + "Z")

    @property
    def is_relative(self) -> bool:
        """Return whether the time is relative to now."""
        return self.text.startswith("-")

    def resolve(self, now: datetime) -> datetime:
        """Return the absolute time, from `EARLIEST_TIME` to `LATEST_TIME`. Relative times refer to `now`."""
        relative = _RELATIVE.fullmatch(self.text)
        distance = int(relative[1]) * _UNITS[relative[2]][1] if relative else None
        time = datetime.fromisoformat(self.text) if distance is None else now - distance
        return min(max(time, EARLIEST_TIME), LATEST_TIME)

    def describe(self) -> str:
        """Return the time in words: `24 hours ago`, or `1 May 2026, 14:30:00 UTC` in the current time zone."""
        if self.is_relative:
            return f"{self.describe_distance()} ago"
        local = timezone.localtime(self.resolve(EARLIEST_TIME))
        return f"{local.day} {local:%b %Y, %H:%M:%S %Z}"

    def describe_distance(self) -> str:
        """Return how long before now a relative time is: `24 hours`."""
        relative = _RELATIVE.fullmatch(self.text)
        assert relative is not None  # noqa: S101 - callers check `is_relative`
        unit = _UNITS[relative[2]][0]
        return f"{relative[1]} {unit}{'' if relative[1] == '1' else 's'}"

    def __str__(self) -> str:
        return self.text


def describe_time_range(since: TimeExpression | None, until: TimeExpression | None) -> str:
    """Return a time range in words: `since 24 hours ago`, `from … to …`, or "" if it has no bounds."""
    if since and until:
        return f"from {since.describe()} to {until.describe()}"
    if since:
        return f"since {since.describe()}"
    return f"before {until.describe()}" if until else ""
