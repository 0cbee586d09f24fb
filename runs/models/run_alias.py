"""Aliases of runs: ids that once named a derived run, or name a part of one, and lead to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

from django.db import models

from runs.models.project import Project
from runs.models.run import Run


class RunAliasQuerySet(models.QuerySet["RunAlias"]):
    """Queries on aliases."""

    def in_project(self, project: Project) -> Self:
        """Return the aliases of `project`."""
        return self.filter(project=project)

    def of_runs(self, project: Project, run_ids: Iterable[str]) -> Self:
        """Return the aliases that lead to those posted ids."""
        return self.filter(project=project, run_external_id__in=list(run_ids))

    def resolve_run(self, project: Project, run_id: str) -> Run | None:
        """Return the run with the posted id `run_id`, else the one that this id leads to."""
        if run := Run.objects.find(project, run_id):
            return run
        alias = self.filter(pk=project.record_id(run_id)).first()
        return None if alias is None else Run.objects.find(project, alias.run_external_id)

    def resolve_ids(self, project: Project, run_ids: Iterable[str]) -> list[str]:
        """Return `run_ids`, each that leads to a run replaced by the id of this run."""
        aliases = self.filter(pk__in=[project.record_id(run_id) for run_id in run_ids])
        targets = dict(aliases.values_list("external_id", "run_external_id"))
        return [targets.get(run_id, run_id) for run_id in run_ids]

    def redirect_ids(self, project: Project, targets: Mapping[str, str]) -> None:
        """Let the names of `targets` lead to their values, with the aliases that lead to the names so far."""
        for former_id, run_id in sorted(targets.items()):
            self.of_runs(project, [former_id]).update(run_external_id=run_id)
        aliases = (
            RunAlias(id=project.record_id(former_id), project=project, external_id=former_id, run_external_id=run_id)
            for former_id, run_id in targets.items()
        )
        self.bulk_create(
            sorted(aliases, key=lambda alias: alias.id),
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["run_external_id"],
        )


class RunAlias(models.Model):
    """An id that leads to a run. Its key is made as that of a run with this id."""

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    external_id = models.TextField(help_text="The id that no longer names a run")
    run_external_id = models.TextField(help_text="The id of the run that it leads to")

    objects = RunAliasQuerySet.as_manager()

    class Meta:
        db_table = "run_alias"
        # aliases of a run, when it is deleted or becomes part of another one
        indexes: ClassVar = [models.Index("project", "run_external_id", name="run_alias_run")]

    def __str__(self) -> str:
        return f"{self.external_id} → {self.run_external_id}"
