"""The filter of a timeline: name, kind, failure, and the part of the time axis that is zoomed to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dashboard.pages.run.timeline.tree import TimelineNode
from dashboard.ui.timeline_axis import TimelineAxis


@dataclass(frozen=True, slots=True)
class TimelineFilter:
    """The conditions that nodes must meet. `name` is a part of the label, in any case."""

    name: str = ""
    kind: str = ""
    is_failed: bool = False
    part: TimelineAxis | None = None

    def __bool__(self) -> bool:
        """Return whether there is any condition."""
        return bool(self.name or self.kind or self.is_failed or self.part)

    def matches(self, node: TimelineNode) -> bool:
        """Return whether a node meets all conditions."""
        return (
            (not self.name or self.name.casefold() in node.label.casefold())
            and (not self.kind or self.kind == node.kind)
            and (not self.is_failed or node.is_failed)
            and (self.part is None or _overlaps(node, self.part))
        )


def _overlaps(node: TimelineNode, part: TimelineAxis) -> bool:
    """Return whether a node lies partly in `part`. Nodes without a time, such as calls, count with those above them."""
    begin: datetime | None = node.begin
    return begin is not None and begin <= part.end and (node.end or begin) >= part.begin
