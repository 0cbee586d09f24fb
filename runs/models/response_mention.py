"""Mentions of responses by the traces of runs: the run of a trace is linked with the run of the response, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

from django.db import models

from runs.models.project import Project
from runs.models.run import Run

_ROWS_PER_STATEMENT = 1000


class ResponseMentionQuerySet(models.QuerySet["ResponseMention"]):
    """Queries on mentions."""

    def of_responses(self, project: Project, response_ids: Iterable[str]) -> Self:
        """Return the mentions of the responses with those posted ids, whether these are stored or not."""
        return self.filter(response__in=[project.record_id(response_id) for response_id in response_ids])

    def of_runs(self, project: Project, run_ids: Iterable[str]) -> Self:
        """Return the mentions by the runs with those posted ids."""
        return self.filter(run__in=[project.record_id(run_id) for run_id in run_ids])

    def record(self, project: Project, response_ids: Mapping[str, Iterable[str]]) -> None:
        """Store which responses runs name, by the posted ids of the runs."""
        mentions = {
            (project.record_id(run_id), project.record_id(response_id))
            for run_id, named in response_ids.items()
            for response_id in named
        }
        self.bulk_create(
            [ResponseMention(run_id=run, response=response) for run, response in sorted(mentions)],
            ignore_conflicts=True,
            batch_size=_ROWS_PER_STATEMENT,
        )


class ResponseMention(models.Model):
    """A response that the trace of a run names. `response` is the key that the response has once it is stored."""

    pk = models.CompositePrimaryKey("run", "response")
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    response = models.UUIDField()

    objects = ResponseMentionQuerySet.as_manager()

    class Meta:
        db_table = "response_mention"
        # the traces that name a response
        indexes: ClassVar = [models.Index("response", name="response_mention_response")]

    def __str__(self) -> str:
        return f"{self.run_id} → {self.response}"
