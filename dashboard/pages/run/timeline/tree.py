"""The tree of a timeline: steps with their calls, or nested spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple


class TimelineNode(NamedTuple):
    """A step, a call of a step, or a span. A tuple, since a page builds thousands.

    `position` identifies it in URLs: 7 is the seventh step, 7-2 its second call; a span has its id. `anchor` is the id
    of its element. `begin` is None if it has no time of its own.
    """

    position: str
    parent: str | None
    number: str
    label: str
    kind: str
    status: str
    anchor: str
    begin: datetime | None = None
    end: datetime | None = None
    tokens: int | None = None
    is_failed: bool = False

    @property
    def is_waiting(self) -> bool:
        """Return whether the run waits for it."""
        return self.status == "requires_action"


class TimelineTree:
    """Nodes by position, with their children. Parents come before their children."""

    def __init__(self, nodes: Sequence[TimelineNode]) -> None:
        """Build the tree."""
        self.nodes = nodes
        self.by_position = {node.position: node for node in nodes}
        self._children: dict[str | None, list[TimelineNode]] = defaultdict(list)
        self._levels: dict[str, int] = {}
        for node in nodes:
            self._children[node.parent].append(node)
            self._levels[node.position] = 1 if node.parent is None else self._levels[node.parent] + 1

    def children(self, position: str | None) -> Sequence[TimelineNode]:
        """Return the nodes below one, or the outermost ones."""
        return self._children.get(position, ())

    def level(self, position: str) -> int:
        """Return the level of a node: 1 for the outermost ones."""
        return self._levels[position]

    def ancestors(self, position: str) -> Iterator[str]:
        """Yield the positions of the nodes above one, the nearest first."""
        parent = self.by_position[position].parent
        while parent is not None:
            yield parent
            parent = self.by_position[parent].parent

    def with_ancestors(self, positions: Iterable[str]) -> set[str]:
        """Return those of the positions that exist, with those of all nodes above them."""
        found: set[str] = set()
        for position in positions:
            if position in self.by_position and position not in found:
                found |= {position, *self.ancestors(position)}
        return found
