"""The rows of a timeline that a page draws: level by level, as many as it has room for; the rest is folded."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from dashboard.pages.run.timeline.tree import TimelineNode, TimelineTree

MAX_UNFOLDED_ROWS = 60  # levels that would make more are folded at first
MAX_SIBLINGS = 50  # more are fetched when a link is followed
MAX_SIBLINGS_FETCHED = 100  # at once
MAX_SIBLINGS_IN_FULL = 1_000
MAX_MATCHES = 100  # of a filtered timeline that are drawn


@dataclass(frozen=True, slots=True)
class VisibleRow:
    """A row for a node. `is_context` means that only nodes below it match the filter."""

    node: TimelineNode
    level: int
    position_in_set: int
    set_size: int
    is_unfolded: bool
    is_context: bool = False


@dataclass(frozen=True, slots=True)
class MoreRows:
    """Stands for the siblings from `after` on that are not drawn; `count` of them, of which `next_count` come next."""

    parent: str | None
    after: int
    level: int
    count: int
    next_count: int


@dataclass(frozen=True)
class RowSelection:
    """Chooses rows of a tree.

    `required` nodes and all above them are always drawn, so that links and failures are in view. `unfolded` ones show
    what is below them; `folded` ones don't unless they must. `matches`, if not None, are the only nodes that are drawn,
    with those above them.
    """

    tree: TimelineTree
    required: Collection[str] = ()
    unfolded: Collection[str] = ()
    folded: Collection[str] = ()
    matches: Collection[str] | None = None
    max_siblings: int = MAX_SIBLINGS

    def select(self) -> list[VisibleRow | MoreRows]:
        """Return the rows of the whole timeline."""
        if self.matches is not None:
            return list(self._select_matches(self.matches))
        required = self.tree.with_ancestors(self.required)
        parents = {self.tree.by_position[position].parent for position in required}
        unfolded = self._unfold_levels() | (parents - {None})
        unfolded |= self.tree.with_ancestors(self.unfolded)
        return list(self._walk(None, 0, unfolded, required))

    def select_branch(self, parent: str | None, after: int) -> list[VisibleRow | MoreRows]:
        """Return the rows below `parent`, from a sibling on, with nothing unfolded."""
        return list(self._walk(parent, after, set(), self.tree.with_ancestors(self.required) if after else set()))

    def _unfold_levels(self) -> set[str | None]:
        """Return the nodes to unfold, the outer levels first, while there is room for what is below."""
        room = MAX_UNFOLDED_ROWS - min(len(self.tree.children(None)), self.max_siblings)
        unfolded: set[str | None] = set()
        waiting = deque(self.tree.children(None)[: self.max_siblings])
        while waiting:
            node = waiting.popleft()
            below = self.tree.children(node.position)[: self.max_siblings]
            if below and len(below) <= room and node.position not in self.folded:
                room -= len(below)
                unfolded.add(node.position)
                waiting.extend(below)
        return unfolded

    def _walk(
        self, parent: str | None, after: int, unfolded: Collection[str | None], required: Collection[str]
    ) -> Iterator[VisibleRow | MoreRows]:
        """Yield rows depth first, without recursion, since a trace may be as deep as it has spans."""
        stack: list[Iterator[VisibleRow | MoreRows]] = [self._siblings(parent, after, unfolded, required)]
        while stack:
            row = next(stack[-1], None)
            if row is None:
                stack.pop()
                continue
            yield row
            if isinstance(row, VisibleRow) and row.is_unfolded:
                stack.append(self._siblings(row.node.position, 0, unfolded, required))

    def _siblings(
        self, parent: str | None, after: int, unfolded: Collection[str | None], required: Collection[str]
    ) -> Iterator[VisibleRow | MoreRows]:
        siblings = self.tree.children(parent)
        level = 1 if parent is None else self.tree.level(parent) + 1
        end = after + self.max_siblings
        for index, node in enumerate(siblings[after:end], after):
            if not after or node.position not in required:  # required ones are in the first rows already
                yield self._build_row(node, level, index, len(siblings), unfolded)
        later = [(index, node) for index, node in enumerate(siblings[end:], end) if node.position in required]
        count = len(siblings) - end - len(later)
        if count > 0:
            yield MoreRows(parent, end, level, count, min(count, MAX_SIBLINGS_FETCHED))
        for index, node in later if not after else ():
            yield self._build_row(node, level, index, len(siblings), unfolded)

    def _build_row(
        self, node: TimelineNode, level: int, index: int, count: int, unfolded: Collection[str | None]
    ) -> VisibleRow:
        is_unfolded = node.position in unfolded and bool(self.tree.children(node.position))
        return VisibleRow(node, level, index + 1, count, is_unfolded)

    def _select_matches(self, matches: Collection[str]) -> Iterator[VisibleRow]:
        first = [node.position for node in self.tree.nodes if node.position in matches][:MAX_MATCHES]
        shown = self.tree.with_ancestors(first)
        for node in self.tree.nodes:
            if node.position in shown:
                below = any(child.position in shown for child in self.tree.children(node.position))
                siblings = self.tree.children(node.parent)
                yield VisibleRow(
                    node, self.tree.level(node.position), 1, len(siblings), below, node.position not in matches
                )
