"""URLs of tools, and of the runs behind the numbers of the tool pages."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.urls import reverse

from dashboard.pages.tools.params import ToolDetailParams, ToolTimeRange
from runs.analytics.tools import ToolSummary
from runs.models import Project
from runs.query import Query, RunFilters, TimeExpression
from runs.query.ast import Term
from runs.query.operators import Equals
from runs.rollups.reader import ToolKey
from runs.rollups.time_buckets import TimeBuckets


def build_tool_path(project: Project, key: ToolKey) -> str:
    """Return the path of the page of a tool."""
    return reverse("tool", args=[project.slug, *key])


def build_tool_url(project: Project, key: ToolKey, time_range: ToolTimeRange) -> str:
    """Return the URL of the page of a tool, with the same time range."""
    return build_tool_path(project, key) + ToolDetailParams(range=time_range).query_string()


@dataclass(frozen=True, slots=True)
class ToolRunLinks:
    """URLs of the run list for runs of a project that were created since the first of `buckets`.

    They are approximate: the calls of a run can be in a later hour than the run.
    """

    project: Project
    buckets: TimeBuckets

    def calls(self, tool: ToolSummary, assistant_id: str | None = None) -> str:
        """Return the runs that called the tool; for tools that are not functions, also those that could have."""
        return self._build_term_url("function" if tool.is_function else "tool", tool.name, assistant_id)

    def failed_calls(self, tool: ToolSummary, assistant_id: str | None = None) -> str:
        """Return the runs that called the tool in a step that failed."""
        return self._build_term_url("failed_call", tool.name, assistant_id)

    def invalid_calls(self, tool: ToolSummary, assistant_id: str | None = None) -> str:
        """Return the runs with a call that is invalid by the definitions of its run."""
        return self._build_term_url("invalid_call", tool.name, assistant_id)

    def definitions(self, tool: ToolSummary) -> str:
        """Return the runs whose configuration defines the tool."""
        if tool.is_function:
            return self._build_term_url("defines", tool.name)
        return self._build_term_url("tool", tool.type)

    def assistant(self, assistant_id: str) -> str:
        """Return the runs of an assistant."""
        return self._build_url(RunFilters(assistant=(assistant_id,), since=self._since))

    def configuration(self, configuration_id: uuid.UUID) -> str:
        """Return the runs with a configuration, of any time."""
        term = Term("configuration", (Equals(configuration_id.hex),))
        return self._build_url(RunFilters(q=Query(term)))

    def _build_term_url(self, field: str, value: str, assistant_id: str | None = None) -> str:
        assistants = () if assistant_id is None else (assistant_id,)
        term = Term(field, (Equals(value),))
        return self._build_url(RunFilters(assistant=assistants, since=self._since, q=Query(term)))

    def _build_url(self, filters: RunFilters) -> str:
        return f"{reverse('runs', kwargs={'project': self.project.slug})}?{filters.to_query_string()}"

    @property
    def _since(self) -> TimeExpression:
        return TimeExpression.parse(f"{self.buckets.start:%Y-%m-%dT%H:%M:%SZ}")
