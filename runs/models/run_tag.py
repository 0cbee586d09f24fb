"""Tags: labels that the team puts on runs. They are stored apart from what was posted."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models

from runs.models.project import Project
from runs.models.run import Run
from runs.models.run_annotation import RunAnnotationQuerySet

MAX_TAG_LENGTH = 40  # characters
EXPECTED_TAG = (
    f"expected a tag of at most {MAX_TAG_LENGTH} characters: letters, digits and . _ - / : + # @, starting with a "
    "letter or a digit, such as needs-review"
)
_TAG_PATTERN = re.compile(rf"[^\W_][\w.\-/:+#@]{{0,{MAX_TAG_LENGTH - 1}}}")


def normalize_tag(text: str) -> str:
    """Return `text` in the one form in which tags are stored: `Needs  review` becomes `needs-review`.

    Tags are lower case and have no spaces, so that spellings of one tag agree, and the query language takes every tag
    without quotes. Raises ValueError.
    """
    name = "-".join(unicodedata.normalize("NFC", text).lower().split())
    if not _TAG_PATTERN.fullmatch(name):
        raise ValueError(f"{EXPECTED_TAG}; got '{text[: MAX_TAG_LENGTH + 1]}'" if text.strip() else EXPECTED_TAG)
    return name


class RunTagQuerySet(RunAnnotationQuerySet):
    """Queries on tags."""

    def named(self, names: Collection[str]) -> Self:
        """Return the tags that have one of `names`."""
        return self.filter(tag__in=names)

    def like(self, pattern: str) -> Self:
        """Return the tags whose name matches a LIKE pattern."""
        return self.filter(tag__like=pattern)

    def names_by_run(self, run_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
        """Return the sorted names of the tags of each run, in one query."""
        names: dict[uuid.UUID, list[str]] = defaultdict(list)
        for run_id, name in self.on_runs(run_ids).order_by("tag").values_list("run_id", "tag"):
            names[run_id].append(name)
        return names

    def names_of(self, run: Run) -> list[str]:
        """Return the sorted names of the tags of one run."""
        return list(self.filter(run_id=run.pk).order_by("tag").values_list("tag", flat=True))

    def iterate_by_run(self, runs: models.QuerySet[Any]) -> Iterable[tuple[str, str]]:
        """Iterate over the tags of `runs` as pairs of posted run id and tag, run by run, the oldest first."""
        tags = self.filter(run__in=runs.order_by().values("pk")).order_by("created_at", "run_id", "tag")
        return tags.values_list("run__external_id", "tag").iterator(chunk_size=2000)


class RunTag(models.Model):
    """A tag of a run."""

    pk = models.CompositePrimaryKey("run", "tag")
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, related_name="tags", db_index=False)
    tag = models.TextField()
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    created_at = models.DateTimeField(help_text="Creation time of the run")
    tagged_at = models.DateTimeField()
    tagged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        db_constraint=False,
        null=True,
        db_index=False,
        related_name="+",
    )

    objects = RunTagQuerySet.as_manager()

    class Meta:
        db_table = "run_tag"
        indexes: ClassVar = [
            # tag:needs-review, the newest runs of a tag
            models.Index("project", "tag", "created_at", name="run_tag_newest"),
            # tags of the newest runs, for suggestions
            models.Index("project", "created_at", name="run_tag_project"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.tag}"
