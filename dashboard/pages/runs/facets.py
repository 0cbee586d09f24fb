"""The facets that load after the run list: tags, tools and metadata.

These fields have no parameter of their own, so each value links to the list with a value of a term of the query
language added or removed. Values of one field are alternatives, as those of a status are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dashboard.pages.runs.filter_controls import MAX_COLLAPSED_OPTIONS, VISIBLE_OPTIONS
from dashboard.ui.run_list_address import RunListAddress
from runs.analytics.facets import FacetCounts, MetadataFacet, RelatedFacets
from runs.models import RunSource
from runs.query import Query, RunFilters
from runs.query.ast import And, QueryNode, Term, join_and
from runs.query.operators import Equals


@dataclass(frozen=True, slots=True)
class FacetLink:
    """A value of a field.

    Attributes:
        text: The value.
        count: The number of matching runs with this value.
        bar_width: The count in percent of the most frequent value.
        url: The list filtered by the value, or without this filter if it is active.
        is_active: Whether the list is filtered by the value.
    """

    text: str
    count: int
    bar_width: str
    url: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class FacetLinkGroup:
    """The values of a field, divided into those that are visible and those behind a disclosure.

    Attributes:
        label: The name of the field.
        visible: The active and the most frequent values.
        collapsed: Less frequent values.
        unlisted_count: The number of values that are left out.
        is_metadata_key: Whether the label is a metadata key.
    """

    label: str
    visible: list[FacetLink]
    collapsed: list[FacetLink]
    unlisted_count: int
    is_metadata_key: bool = False


class RelatedFacetControls:
    """The facets of tags, tools and metadata of a run list.

    Args:
        facets: Value counts.
        filters: The filters of the list.
        address: The address of the list.
        search_text: The text that metadata keys and values have to contain; "" for all.
    """

    def __init__(
        self, facets: RelatedFacets, filters: RunFilters, address: RunListAddress, search_text: str = ""
    ) -> None:
        self.search_text = search_text
        self.sample_size = facets.sample_size if facets.is_capped else 0
        self._facets = facets
        self._filters = filters
        self._address = address

    @property
    def groups(self) -> list[FacetLinkGroup]:
        """The groups that have values. A search shows only metadata."""
        fields = (
            ("Source", "source", self._shown_sources),
            ("Tag", "tag", self._facets.tags),
            ("Function called", "function", self._facets.called_functions),
            ("Function defined", "defines", self._facets.defined_functions),
            ("Tool type", "tool", self._facets.tool_types),
        )
        named = ((label, counts, Term(name, ())) for label, name, counts in fields)
        groups = [self._build_group(*field) for field in named if field[1] or self._active_values(field[2])]
        return ([] if self.search_text else groups) + list(self._metadata_groups())

    @property
    def _shown_sources(self) -> FacetCounts:
        """The sources; none where all runs were posted as runs, as in most projects."""
        sources = self._facets.sources
        return () if [name for name, _ in sources] == [RunSource.ASSISTANTS.label] else sources

    def _metadata_groups(self) -> Iterator[FacetLinkGroup]:
        for key in self._facets.metadata if self.search_text else self._suggested_keys():
            group = self._build_group(key.key, key.counts, Term("metadata", (), key.key))
            listed = len(group.visible) + len(group.collapsed)
            yield replace(group, is_metadata_key=True, unlisted_count=max(0, key.value_count - listed))

    def _suggested_keys(self) -> list[MetadataFacet]:
        """Return the keys that are filtered by, so that the filter can be removed, then the most useful others."""
        keys = (term.key for term in _split_terms(self._filters) if isinstance(term, Term) and term.field == "metadata")
        facets = {facet.key: facet for facet in self._facets.metadata}
        active = {key: facets.get(key, MetadataFacet(key, (), 0, 0)) for key in keys if key is not None}
        return [*active.values(), *(key for key in self._facets.most_informative_keys() if key.key not in active)]

    def _active_values(self, field: Term) -> list[str]:
        """Return the values of the field that the list is filtered by, in the order of the query."""
        terms = (term for term in _split_terms(self._filters) if isinstance(term, Term))
        operators = (term.operators for term in terms if (term.field, term.key) == (field.field, field.key))
        return [operator.value for values in operators for operator in values if isinstance(operator, Equals)]

    def _build_group(self, label: str, counts: FacetCounts, field: Term) -> FacetLinkGroup:
        # Values that the list is filtered by stay when no run has them, so that the filter can be removed here.
        counts_by_value = dict(counts)
        for value in self._active_values(field):
            counts_by_value.setdefault(value, 0)
        max_count = max(counts_by_value.values(), default=0) or 1
        links = [
            self._build_link(text, count, max_count, replace(field, operators=(Equals(text),)))
            for text, count in counts_by_value.items()
        ]
        visible = [link for rank, link in enumerate(links) if link.is_active or rank < VISIBLE_OPTIONS]
        collapsed = [link for rank, link in enumerate(links) if not link.is_active and rank >= VISIBLE_OPTIONS]
        return FacetLinkGroup(
            label, visible, collapsed[:MAX_COLLAPSED_OPTIONS], max(0, len(collapsed) - MAX_COLLAPSED_OPTIONS)
        )

    def _build_link(self, text: str, count: int, max_count: int, term: Term) -> FacetLink:
        terms = _split_terms(self._filters)
        is_active = text in self._active_values(term)
        new_terms = tuple(_remove_value(terms, term)) if is_active else tuple(_add_value(terms, term))
        filters = replace(self._filters, q=Query(join_and(new_terms)) if new_terms else None)
        return FacetLink(text, count, f"{100 * count / max_count:.0f}%", self._address.url(filters), is_active)


def _add_value(nodes: tuple[QueryNode, ...], added: Term) -> Iterator[QueryNode]:
    """Yield the nodes with the value of `added`, as an alternative to those of the first term on its field."""
    is_added = False
    for node in nodes:
        is_same_field = isinstance(node, Term) and (node.field, node.key) == (added.field, added.key)
        if isinstance(node, Term) and is_same_field and not is_added:
            yield replace(node, operators=(*node.operators, *added.operators))
            is_added = True
        else:
            yield node
    if not is_added:
        yield added


def _remove_value(nodes: tuple[QueryNode, ...], removed: Term) -> Iterator[QueryNode]:
    """Yield the nodes without the value of `removed`: whole terms, or one of the values that a term allows."""
    for node in nodes:
        if not isinstance(node, Term) or (node.field, node.key) != (removed.field, removed.key):
            yield node
        elif operators := tuple(operator for operator in node.operators if operator not in removed.operators):
            yield replace(node, operators=operators)


def _split_terms(filters: RunFilters) -> tuple[QueryNode, ...]:
    """Return the parts of the query that all have to match."""
    if filters.q is None:
        return ()
    tree = filters.q.tree
    return tree.operands if isinstance(tree, And) else (tree,)
