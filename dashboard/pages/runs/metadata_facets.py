"""The facets that have no parameter of their own: each value leads to the list with one term more, or less.

Pure functions from counts to values; templates escape them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dashboard.ui.filter_controls import MAX_COLLAPSED_OPTIONS, VISIBLE_OPTIONS, RunListAddress
from runs.analytics.facets import FacetCounts, MetadataFacet, RelatedFacets
from runs.query import Query, RunFilters
from runs.query.ast import And, QueryNode, Term, join_and
from runs.query.operators import Equals


@dataclass(frozen=True, slots=True)
class FacetLink:
    """A value, the runs that have it, and where the list is with it, or without it where it is `chosen`."""

    text: str
    count: int
    width: str
    url: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class FacetLinkGroup:
    """The values of one field: those `shown` at once, the `rest` behind a click, and how many are not listed.

    `key` says that the label is a key of the metadata.
    """

    label: str
    shown: list[FacetLink]
    rest: list[FacetLink]
    unlisted: int
    key: bool = False


class DeferredFacets:
    """All of them for one state of the list; `text` is what is looked for in the metadata."""

    def __init__(self, facets: RelatedFacets, filters: RunFilters, address: RunListAddress, text: str = "") -> None:
        self.text = text
        self.newest = facets.sample_size if facets.is_capped else 0
        self._facets = facets
        self._filters = filters
        self._address = address

    @property
    def groups(self) -> list[FacetLinkGroup]:
        """Tags, tools and metadata; what nothing is known of is left out."""
        fields = (
            ("Tag", "tag", self._facets.tags),
            ("Function called", "function", self._facets.called_functions),
            ("Function defined", "defines", self._facets.defined_functions),
            ("Kind of tool", "tool", self._facets.tool_types),
        )
        found = [self._group(label, counts, Term(name, ())) for label, name, counts in fields if counts]
        return ([] if self.text else found) + list(self._keys())

    def _keys(self) -> Iterator[FacetLinkGroup]:
        for key in self._facets.metadata if self.text else self._unasked():
            group = self._group(key.key, key.counts, Term("metadata", (), key.key))
            listed = len(group.shown) + len(group.rest)
            yield replace(group, key=True, unlisted=max(0, key.value_count - listed))

    def _unasked(self) -> list[MetadataFacet]:
        """The keys that are filtered by, so that this can be taken back, and those that divide the runs best."""
        filtered = {part.key for part in _parts(self._filters) if isinstance(part, Term) and part.field == "metadata"}
        asked = [key for key in self._facets.metadata if key.key in filtered]
        return [*asked, *(key for key in self._facets.most_informative_keys() if key.key not in filtered)]

    def _group(self, label: str, counts: FacetCounts, field: Term) -> FacetLinkGroup:
        most = counts[0][1]
        values = [self._value(text, count, most, replace(field, operators=(Equals(text),))) for text, count in counts]
        shown = [value for place, value in enumerate(values) if value.chosen or place < VISIBLE_OPTIONS]
        rest = [value for place, value in enumerate(values) if not value.chosen and place >= VISIBLE_OPTIONS]
        return FacetLinkGroup(label, shown, rest[:MAX_COLLAPSED_OPTIONS], max(0, len(rest) - MAX_COLLAPSED_OPTIONS))

    def _value(self, text: str, count: int, most: int, term: Term) -> FacetLink:
        parts = _parts(self._filters)
        chosen = term in parts
        changed = tuple(part for part in parts if part != term) if chosen else (*parts, term)
        state = replace(self._filters, q=Query(join_and(changed)) if changed else None)
        return FacetLink(text, count, f"{100 * count / most:.0f}%", self._address.of(state), chosen)


def _parts(filters: RunFilters) -> tuple[QueryNode, ...]:
    """What the query asks for, each part of which must hold."""
    if filters.q is None:
        return ()
    tree = filters.q.tree
    return tree.operands if isinstance(tree, And) else (tree,)
