"""Import uploaded files, and say what became of their records."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from runs.errors import UnreadableBody
from runs.ingest import Outcome
from runs.models import Project
from runs.transfer.import_files import ImportSource, open_import_file
from runs.transfer.imports import ImportSummary, RejectedRecord, import_source

MAX_SHOWN_REJECTS = 100
# The share of the processor time of a post after which an import stops by itself, so that its verdict is shown.
_TIME_SHARE = 0.6
_MAX_SHOWN_PROBLEMS = 5  # of one record
_MAX_TEXT_LENGTH = 300  # characters of a message, which may repeat what was posted
_NO_FILES = "there is no file in it that can be imported"


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A problem of a rejected record: where the record is, its id, the invalid field and the reason."""

    source: str
    index: int
    line: int | None
    id: str
    path: str
    message: str


@dataclass(slots=True)
class ImportVerdict:
    """The verdict on uploaded files.

    `rejected` has the problems of the first rejected records, and `problems` those of whole files. `skipped` are files
    in archives in which there is nothing to import. `is_stopped` says that not everything was read.
    """

    summary: ImportSummary = field(default_factory=ImportSummary)
    rejected: list[RejectedRow] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    is_stopped: bool = False

    @property
    def counts(self) -> list[tuple[str, int]]:
        """The number of records by outcome."""
        outcomes = [(str(name), self.summary.outcomes[name]) for name in (*Outcome, "rejected")]
        return [*outcomes, ("ignored", self.summary.ignored)]

    @property
    def accepted_count(self) -> int:
        """The number of records that are stored now."""
        return self.summary.total - self.summary.outcomes["rejected"]

    @property
    def is_clean(self) -> bool:
        """Return whether everything was read and stored."""
        return not (self.problems or self.is_stopped or self.summary.outcomes["rejected"])


def import_uploads(project: Project, uploads: Sequence[UploadedFile[bytes]]) -> ImportVerdict:
    """Import uploaded files one after the other, batch by batch, until the time is up.

    What was stored stays, so the same files may be uploaded again. Raises TooManyRetries, DiskFull, and Django's
    DatabaseError.
    """
    verdict = ImportVerdict()
    ends_at = time.thread_time() + settings.WRITE_TIMEOUT_SECONDS * _TIME_SHARE
    for source in _open_uploads(uploads, verdict.skipped):
        try:
            for batch in import_source(project, source, verdict.summary):
                _add_rejects(verdict, batch.rejected)
                if time.thread_time() > ends_at:
                    verdict.is_stopped = True
                    return verdict
        except UnreadableBody as error:
            verdict.problems.append(error.message[:_MAX_TEXT_LENGTH])
    if not verdict.summary.total and not verdict.problems and not verdict.summary.ignored:
        verdict.problems.append(_NO_FILES)
    return verdict


def _open_uploads(uploads: Iterable[UploadedFile[bytes]], skipped: list[str]) -> Iterator[ImportSource]:
    for upload in uploads:
        with upload.open("rb") as file:
            yield from open_import_file(upload.name or "file", file, skipped)


def _add_rejects(verdict: ImportVerdict, records: Iterable[RejectedRecord]) -> None:
    room = MAX_SHOWN_REJECTS - len({(row.source, row.index) for row in verdict.rejected})
    verdict.rejected += [
        RejectedRow(record.source, record.index, record.line, record.id or "", problem.path,
                    problem.message[:_MAX_TEXT_LENGTH])
        for record in list(records)[:max(room, 0)]
        for problem in record.problems[:_MAX_SHOWN_PROBLEMS]
    ]  # fmt: skip
