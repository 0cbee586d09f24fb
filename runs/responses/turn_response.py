"""A response as a part of a turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runs.protocol.responses.items import Item
from runs.protocol.responses.response import normalize_status

_ACTIVE_STATUSES = ("queued", "in_progress", None)


@dataclass(frozen=True, slots=True)
class TurnResponse:
    """A response of a turn, its JSON decoded, with its new input, oldest first, and the error of its stream."""

    members: dict[str, Any]
    new_input: Sequence[Item] = ()
    stream_error: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        """The posted id."""
        return str(self.members["id"])

    @property
    def output(self) -> list[Item]:
        """The items that the model and its server made."""
        return self.members.get("output") or []

    @property
    def created_at(self) -> int:
        """The time of creation in the unit of the server, floored."""
        return int(self.members["created_at"])

    @property
    def completed_at(self) -> int | None:
        """The time of the end, floored; None if it is unknown."""
        completed_at = self.members.get("completed_at")
        return None if completed_at is None else int(completed_at)

    @property
    def status(self) -> str | None:
        """The status by its usual name. An active response whose stream reported an error has failed."""
        status = normalize_status(self.members.get("status"), has_output=bool(self.output))
        return "failed" if self.stream_error and status in _ACTIVE_STATUSES else status
