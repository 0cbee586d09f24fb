"""The tree of a trace's spans. Parents may be missing, and may form circles."""

from __future__ import annotations

from collections.abc import Container, Mapping
from functools import cached_property

from runs.traces.span_view import SpanLink


class SpanTree:
    """The known spans of a trace by id, and their parents."""

    def __init__(self, spans: Mapping[str, SpanLink]) -> None:
        """Build the tree. In a circle of parents, the span with the smallest id counts as having none."""
        self.spans = spans
        self._parents = {span.span_id: span.parent_id for span in spans.values() if span.parent_id in spans}
        self._cut_circles()

    def parent(self, span_id: str) -> str | None:
        """Return the id of the parent, None if there is none or it is unknown."""
        return self._parents.get(span_id)

    def top(self, span_id: str) -> SpanLink:
        """Return the outermost known ancestor of a span, or itself."""
        return self.spans[self._tops[span_id]]

    def find_nearest_ancestors(self, searched: Container[str]) -> dict[str, str]:
        """Return the nearest ancestor of each span that is one of `searched`. Visits each span once."""
        nearest: dict[str, str] = {}
        for span_id in self.parents_first():
            parent = self._parents.get(span_id)
            found = parent if parent in searched else nearest.get(parent) if parent is not None else None
            if found is not None:
                nearest[span_id] = found
        return nearest

    @cached_property
    def _tops(self) -> dict[str, str]:
        tops: dict[str, str] = {}
        for span_id in self.parents_first():
            parent = self._parents.get(span_id)
            tops[span_id] = span_id if parent is None else tops[parent]
        return tops

    def parents_first(self) -> list[str]:
        """Return all ids so that each parent comes before its children."""
        ordered: list[str] = []
        seen: set[str] = set()
        for span_id in self.spans:
            path = []
            current: str | None = span_id
            while current is not None and current not in seen:
                seen.add(current)
                path.append(current)
                current = self._parents.get(current)
            ordered += reversed(path)
        return ordered

    def _cut_circles(self) -> None:
        safe: set[str] = set()
        for span_id in list(self._parents):
            path: dict[str, None] = {}
            current: str | None = span_id
            while current is not None and current not in safe and current not in path:
                path[current] = None
                current = self._parents.get(current)
            if current in path:
                circle = list(path)[list(path).index(current) :]
                del self._parents[min(circle)]
            safe.update(path)
