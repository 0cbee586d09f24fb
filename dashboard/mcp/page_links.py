"""Links to the pages of the site, for people who read what an assistant found."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from dashboard.pages.compare.params import CompareParams
from runs.models import Project
from runs.query import RunFilters


@dataclass(frozen=True, slots=True)
class PageLinks:
    """Absolute URLs of the pages of a project, on the host of the request."""

    root: str
    project: Project

    def page(self, name: str, query_string: str = "", **arguments: str | UUID) -> str:
        """Return the URL of a page of the project, by the name of its route."""
        path = reverse(name, kwargs={"project": self.project.slug, **arguments})
        return f"{self.root}{path}{'?' if query_string else ''}{query_string}"

    def run(self, run_id: str) -> str:
        """Return the URL of a run."""
        return self.page("run", run_id=run_id)

    def runs(self, filters: RunFilters) -> str:
        """Return the URL of the list of the runs that match."""
        return self.page("runs", filters.to_query_string())

    def comparison(self, left_id: str, right_id: str) -> str:
        """Return the URL of the comparison of two runs."""
        return self.page("compare", CompareParams(left=left_id, right=right_id).query_string().removeprefix("?"))
