"""The query field: the control in which every page with the query language shows and takes its filters.

Each filter is a token that removes it. The field itself is empty, or has the query that could not be read. Everything
here is computed from the filters and the declarations of the language, without queries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from runs.query import RunFilters
from runs.query.ast import Not, QueryNode, Term
from runs.query.fields import CHOICE_PARAMS
from runs.query.grammar import QUERY_PARAM, QueryMistake, find_query_mistake

_NO_FILTERS = RunFilters()
_TIME_FIELDS = {"from": "since", "to": "until"}


@dataclass(frozen=True, slots=True)
class QueryToken:
    """A filter in the query field.

    Attributes:
        param: The query parameter of the filter.
        value: The value of the parameter.
        text: The query that filters the same, for editing.
        name: The first part of the label, such as `status:`; "" for text without a field.
        label: The rest of the label.
        url: The URL of the page without the filter.
        is_negated: Whether the filter excludes runs.
    """

    param: str
    value: str
    text: str
    name: str
    label: str
    url: str
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class QueryControl:
    """The query field of a page.

    Attributes:
        label: The accessible name of the form.
        path: The path of the page.
        filters: The filters of the page.
        build_url: Returns the URL of the page with other filters.
        other_params: Parameters of the page other than filters, which the form keeps.
        scope: Filters that the page has by itself; completions count the runs that match these, too.
        controlled_params: Parameters that checkboxes of the page send with the form.
        has_time_menu: The page has a control for the time range, so that the field shows no tokens for it.
        typed_text: The query that could not be read.
        assistant_names: Names of assistants by id.
        placeholder: An example.
        has_fragments: Changed filters are swapped into the page.
        build_clear_url: Returns the URL of the page without filters, if that closes more than the filters.
    """

    label: str
    path: str
    filters: RunFilters
    build_url: Callable[[RunFilters], str]
    other_params: tuple[tuple[str, str], ...] = ()
    scope: RunFilters = _NO_FILTERS
    controlled_params: tuple[str, ...] = ()
    has_time_menu: bool = True
    typed_text: str = ""
    assistant_names: Mapping[str, str] = field(default_factory=dict)
    placeholder: str = "status:failed duration:>30s metadata.customer:acme"
    has_fragments: bool = False
    build_clear_url: Callable[[RunFilters], str] | None = None

    @property
    def tokens(self) -> list[QueryToken]:
        """A token for each filter: the values of the parameters, then the terms of the query."""
        return [*self._build_param_tokens(), *map(self._build_term_token, self.filters.query_terms)]

    @property
    def form_params(self) -> list[tuple[str, str]]:
        """The parameters that the form keeps, other than those of tokens."""
        times = self._own_times.to_params() if self.has_time_menu else []
        return [*times, *self.other_params]

    @property
    def clear_url(self) -> str:
        """The URL of the page without filters; "" if there are none."""
        kept = self._own_times if self.has_time_menu else _NO_FILTERS
        if self.filters == kept and not self.typed_text:
            return ""
        return (self.build_clear_url or self.build_url)(kept)

    @property
    def scope_text(self) -> str:
        """The query whose matches completions count, without the terms of the tokens."""
        return replace(self.scope, **self._time_changes).to_query_text()

    @property
    def query_text(self) -> str:
        """The query of all tokens, for the recent searches; "" while the query can't be read."""
        return "" if self.typed_text else replace(self.filters, since=None, until=None).to_query_text()

    @property
    def mistake(self) -> QueryMistake | None:
        """The mistake in the typed query."""
        return find_query_mistake(self.typed_text)

    @property
    def marked_text(self) -> tuple[str, str, str]:
        """The typed query: the text before the mistake, the mistake, and the text after it."""
        if self.mistake is None:
            return self.typed_text, "", ""
        start, end = self.mistake.start, self.mistake.end
        return self.typed_text[:start], self.typed_text[start:end], self.typed_text[end:]

    @property
    def correction(self) -> str:
        """The typed query as it was probably meant; "" if that is not known."""
        return self.mistake.correct(self.typed_text) if self.mistake else ""

    @property
    def correction_url(self) -> str:
        """The URL of the page with the corrected query."""
        url = self.build_url(self.filters)
        return f"{url}{'&' if '?' in url else '?'}{urlencode({QUERY_PARAM: self.correction})}"

    @property
    def _own_times(self) -> RunFilters:
        return RunFilters(since=self.filters.since, until=self.filters.until)

    @property
    def _time_changes(self) -> dict[str, Any]:
        times = {"since": self.filters.since, "until": self.filters.until}
        return {name: time for name, time in times.items() if time}

    def _build_param_tokens(self) -> list[QueryToken]:
        tokens = [
            self._build_param_token(param.name, value, self.filters.toggle(param.name, value), **{param.name: (value,)})
            for param in CHOICE_PARAMS
            for value in getattr(self.filters, param.name)
        ]
        if not self.has_time_menu:
            tokens += [
                self._build_param_token(param, value, self.filters.without(name), **{name: getattr(self.filters, name)})
                for param, value in self._own_times.to_params()
                for name in (_TIME_FIELDS[param],)
            ]
        return tokens

    def _build_param_token(self, param: str, value: str, others: RunFilters, **filters: Any) -> QueryToken:
        label = self.assistant_names.get(value, value) if param == "assistant" else value
        text = RunFilters(**filters).to_query_text()
        return QueryToken(param, value, text, f"{param}:", label, self.build_url(others))

    def _build_term_token(self, term: QueryNode) -> QueryToken:
        text = str(term)
        is_negated = isinstance(term, Not)
        operand = term.operand if isinstance(term, Not) else term
        label = text.removeprefix("-") if is_negated else text
        name, colon, value = label.partition(":") if isinstance(operand, Term) else ("", "", label)
        url = self.build_url(self.filters.without_term(term))
        return QueryToken(QUERY_PARAM, text, text, name + colon, value, url, is_negated)
