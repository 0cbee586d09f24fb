"""Tags: the team's own labels of runs. They lie beside a run and are never part of what was posted."""

from __future__ import annotations

import re
import unicodedata
from typing import ClassVar

from django.conf import settings
from django.db import models

from runs.models.account import Project
from runs.models.run import Run
from runs.querysets.tag import RunTagQuerySet

MAX_TAG_LENGTH = 40  # characters
EXPECTED_TAG = (
    f"expected a tag of {MAX_TAG_LENGTH} characters at the most: letters, digits and . _ - / : + # @, beginning with a "
    "letter or a digit, such as needs-review"
)
_TAG_PATTERN = re.compile(rf"[^\W_][\w.\-/:+#@]{{0,{MAX_TAG_LENGTH - 1}}}")


def normalize_tag(text: str) -> str:
    """`text` as the tag that is meant, `Needs  review` as `needs-review`. Raises ValueError.

    In small letters and without spaces, so that two people who mean the same write the same, and the query language
    takes every tag without quotes.
    """
    name = "-".join(unicodedata.normalize("NFC", text).lower().split())
    if not _TAG_PATTERN.fullmatch(name):
        raise ValueError(f"{EXPECTED_TAG}; got '{text[: MAX_TAG_LENGTH + 1]}'" if text.strip() else EXPECTED_TAG)
    return name


class RunTag(models.Model):
    """One tag of one run."""

    pk = models.CompositePrimaryKey("run", "tag")
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, related_name="tags", db_index=False)
    tag = models.TextField()
    project = models.ForeignKey(Project, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    created_at = models.DateTimeField(help_text="When the run was created")
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
            # the tags of the newest runs, which are suggested
            models.Index("project", "created_at", name="run_tag_project"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.tag}"
