"""The tree of a trace's spans. Parents may be missing, and may form circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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

    def ancestors(self, span_id: str) -> Iterator[str]:
        """Yield the ids of the known ancestors, the nearest first."""
        parent = self._parents.get(span_id)
        while parent is not None:
            yield parent
            parent = self._parents.get(parent)

    def top(self, span_id: str) -> SpanLink:
        """Return the outermost known ancestor of a span, or itself."""
        for ancestor in self.ancestors(span_id):
            span_id = ancestor
        return self.spans[span_id]

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
