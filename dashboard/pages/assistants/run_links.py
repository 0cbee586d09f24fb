"""URLs of the run list for the numbers on an assistant's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.urls import reverse

from dashboard.pages.assistants.params import shorten_version_id
from dashboard.ui.run_list_address import RunListAddress
from runs.analytics.version_comparison import VersionSide
from runs.analytics.versions import AssistantVersion
from runs.db.keyset_pagination import NEWEST_FIRST, Order
from runs.models import Project
from runs.query import Query, RunFilters, TimeExpression

LONGEST_FIRST, MOST_TOKENS_FIRST = Order("duration"), Order("tokens")
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class AssistantRunLinks:
    """Builds URLs of the run list of one project."""

    project: Project

    def assistant_url(self, assistant_id: str, since: TimeExpression | None = None) -> str:
        """Return the URL of the runs of an assistant."""
        return self._run_list_url(RunFilters(assistant=(assistant_id,), since=since))

    def version_url(self, version: AssistantVersion) -> str:
        """Return the URL of the runs of a version."""
        return self._run_list_url(RunFilters(q=_version_query(version)))

    def overlap_url(self, version: AssistantVersion, other: AssistantVersion) -> str:
        """Return the URL of the runs of `version` between the first and the last run of `other`."""
        since, until = _round_down(other.first_at + _SECOND), _round_down(other.last_at)
        return self._run_list_url(RunFilters(since=since, until=until, q=_version_query(version)))

    def side_url(self, side: VersionSide, terms: str = "", order: Order = NEWEST_FIRST) -> str:
        """Return the URL of the runs on one side of a change that match `terms` of the query language."""
        filters = RunFilters(
            since=_round_down(side.since), until=_round_up(side.until), q=_version_query(side.version, terms)
        )
        return self._run_list_url(filters, order)

    def _run_list_url(self, filters: RunFilters, order: Order = NEWEST_FIRST) -> str:
        return RunListAddress(reverse("runs", kwargs={"project": self.project.slug}), order).url(filters)


def _version_query(version: AssistantVersion, terms: str = "") -> Query:
    return Query.parse(f"configuration:{shorten_version_id(version)} {terms}")


# URLs have whole seconds, since people read them.


def _round_down(time: datetime) -> TimeExpression:
    return TimeExpression.parse(time.astimezone(UTC).replace(microsecond=0).isoformat())


def _round_up(time: datetime) -> TimeExpression:
    return _round_down(time + _SECOND - timedelta(microseconds=1))
