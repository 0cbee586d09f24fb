"""The runs behind a number: addresses of the run list, over the same time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.urls import reverse

from runs.analytics.tools import ToolSummary
from runs.query import Query, RunFilters, TimeExpression
from runs.query.ast import Term
from runs.query.operators import Equals
from runs.rollups.time_buckets import TimeBuckets


@dataclass(frozen=True, slots=True)
class ToolRunLinks:
    """Runs of one project, created since a period began. A run's calls may fall into a later hour than the run."""

    slug: str
    period: TimeBuckets

    def calling(self, tool: ToolSummary, assistant: str | None = None) -> str:
        """The runs with a call of it; of other kinds than functions, also those that could have called it."""
        return self._where("function" if tool.is_function else "tool", tool.name, assistant)

    def failing(self, tool: ToolSummary, assistant: str | None = None) -> str:
        """The runs with a call of it in a step that failed."""
        return self._where("failed_call", tool.name, assistant)

    def misarguing(self, tool: ToolSummary, assistant: str | None = None) -> str:
        """The runs with a call of it that does not keep to their tools."""
        return self._where("invalid_call", tool.name, assistant)

    def defining(self, tool: ToolSummary) -> str:
        """The runs that could call it."""
        return self._where("defines" if tool.is_function else "tool", tool.name if tool.is_function else tool.type)

    def of_configuration(self, configuration_id: uuid.UUID) -> str:
        """The runs of a configuration, whenever."""
        asked = Query(Term("configuration", (Equals(configuration_id.hex),)))
        return f"{reverse('runs', kwargs={'project': self.slug})}?{RunFilters(q=asked).to_query_string()}"

    def of_assistant(self, assistant_id: str) -> str:
        """The runs of an assistant."""
        return self._to(RunFilters(assistant=(assistant_id,), since=self._since))

    def _where(self, field: str, value: str, assistant: str | None = None) -> str:
        chosen = () if assistant is None else (assistant,)
        return self._to(RunFilters(assistant=chosen, since=self._since, q=Query(Term(field, (Equals(value),)))))

    def _to(self, filters: RunFilters) -> str:
        return f"{reverse('runs', kwargs={'project': self.slug})}?{filters.to_query_string()}"

    @property
    def _since(self) -> TimeExpression:
        return TimeExpression.parse(f"{self.period.start:%Y-%m-%dT%H:%M:%SZ}")
