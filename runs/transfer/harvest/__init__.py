"""Copy the history that an Assistants-compatible server holds into a project.

`Harvest` connects the parts: `client` sends requests at the speed that `rate_limit` allows, `pagination` reads
lists to their end, `crawler` determines which lists to read, `workers` crawl several threads at once,
`progress_file` records the finished ones, and `runs.ingest` stores what was fetched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from runs.ingest import IngestReport, RawItem, ingest_mixed
from runs.models import Project
from runs.protocol.assistant import ASSISTANT_OBJECT
from runs.protocol.message import MESSAGE_OBJECT
from runs.protocol.run import RUN_OBJECT
from runs.protocol.step import STEP_OBJECT
from runs.transfer.harvest.client import HarvestClient
from runs.transfer.harvest.crawler import FetchedObjects, ListProblems, ThreadCrawl, fetch_assistants, fetch_thread_ids
from runs.transfer.harvest.progress_file import HarvestProgressFile
from runs.transfer.harvest.rate_limit import RateLimiter
from runs.transfer.harvest.responses import fetch_conversations, fetch_responses, response_path
from runs.transfer.harvest.workers import crawl_threads
from runs.transfer.imports import ImportSummary

__all__ = ["Harvest", "HarvestSummary"]

_COUNTED_AS = {
    RUN_OBJECT: "runs",
    STEP_OBJECT: "steps",
    MESSAGE_OBJECT: "messages",
    ASSISTANT_OBJECT: "assistants",
}


@dataclass(slots=True)
class HarvestSummary:
    """Counts of a harvest so far.

    `total_threads` is None until the number of threads is known. `missing_threads` do not exist on the server, as
    `missing_named` of the `requested_named` responses and conversations do not.
    `missing_lists` and `failed_lists` could not be fetched: the server does not have them, or did not answer.
    `truncated_lists` announced more objects than the server sent.
    """

    total_threads: int | None = None
    crawled_threads: int = 0
    skipped_threads: int = 0
    missing_threads: int = 0
    requested_named: int = 0
    missing_named: int = 0
    missing_lists: int = 0
    failed_lists: int = 0
    truncated_lists: int = 0
    fetched_objects: Counter[str] = field(default_factory=Counter)
    stored: ImportSummary = field(default_factory=ImportSummary)

    @property
    def has_only_missing_threads(self) -> bool:
        """Return whether the server knows none of the threads: then the base URL or the API key is probably wrong."""
        return self.missing_threads > 0 and self.missing_threads == self.crawled_threads

    @property
    def has_only_missing_named(self) -> bool:
        """Return whether the server knows none of the named responses and conversations, as above."""
        return self.missing_named > 0 and self.missing_named == self.requested_named

    @property
    def is_complete(self) -> bool:
        """Return whether everything that exists was fetched and stored."""
        has_failures = self.failed_lists or self.truncated_lists or self.stored.outcomes["rejected"]
        return not (has_failures or self.has_only_missing_threads or self.has_only_missing_named)

    def add_problems(self, problems: ListProblems) -> None:
        """Count the lists that are incomplete."""
        self.missing_lists += len(problems.missing_lists)
        self.truncated_lists += len(problems.truncated_lists)
        self.failed_lists += len(problems.failures)


@dataclass(frozen=True, slots=True)
class Harvest:
    """A harvest of one server into one project.

    Threads in `progress_file` are skipped, unless `refetch_finished` is set.
    """

    project: Project
    client: HarvestClient
    rate_limiter: RateLimiter
    progress_file: HarvestProgressFile
    concurrency: int = 4
    refetch_finished: bool = False
    summary: HarvestSummary = field(default_factory=HarvestSummary)

    def run_named(
        self, response_ids: Iterable[str], conversation_ids: Iterable[str]
    ) -> Generator[IngestReport | ListProblems]:
        """Fetch and store responses and conversations by their ids. Otherwise like `run`.

        Responses that have ended are recorded in the progress file by their path, and not fetched again.
        """
        unfinished = [
            response_id
            for response_id in dict.fromkeys(response_ids)
            if self.refetch_finished or response_path(response_id) not in self.progress_file
        ]
        results = chain(
            fetch_responses(self.client, self.project, unfinished),
            fetch_conversations(self.client, self.project, dict.fromkeys(conversation_ids)),
        )
        for result in results:
            self.summary.requested_named += 1
            self.summary.missing_named += result.is_missing
            self.summary.fetched_objects[result.kind] += result.was_stored
            self.summary.fetched_objects["items"] += result.items
            if result.report:
                self.summary.stored.add(result.report)
                yield result.report
            if result.is_complete:
                self.progress_file.add(result.path)
            self.summary.add_problems(result)
            yield result

    def run(self, named_threads: list[str] | None = None) -> Generator[IngestReport | ListProblems]:
        """Fetch and store the names of assistants, then the `named_threads`, or else all threads of the server.

        Yield the report of each page after it was stored, the `ThreadCrawl` of each finished thread, and at the end
        the problems of the lists of assistants and threads. The harvest may be stopped at any time and repeated; what
        was stored before stays.

        Raises:
            HarvestError: nothing more can be fetched.
            RunglassError: see `runs.ingest.ingest`.
        """
        problems = ListProblems()
        for fetched in fetch_assistants(self.client, problems):
            yield self._store(fetched)
        thread_ids = self._list_threads(problems) if named_threads is None else self._deduplicate(named_threads)
        crawls = crawl_threads(self.client, self.rate_limiter, self.concurrency, self._skip_finished(thread_ids))
        rejected_threads: set[str] = set()
        for result in crawls:
            if isinstance(result, ThreadCrawl):
                self._finish(result, has_rejects=result.thread_id in rejected_threads)
                yield result
            else:
                report = self._store(result)
                if report.errors:
                    rejected_threads.add(result.thread_id)
                yield report
        self.summary.add_problems(problems)
        yield problems

    def _deduplicate(self, named_threads: list[str]) -> Iterable[str]:
        unique = dict.fromkeys(named_threads)
        self.summary.total_threads = len(unique)
        return unique

    def _list_threads(self, problems: ListProblems) -> Iterator[str]:
        count = 0
        for count, thread_id in enumerate(fetch_thread_ids(self.client, problems), 1):  # noqa: B007
            yield thread_id
        self.summary.total_threads = count

    def _skip_finished(self, thread_ids: Iterable[str]) -> Iterator[str]:
        for thread_id in thread_ids:
            if thread_id in self.progress_file and not self.refetch_finished:
                self.summary.skipped_threads += 1
            else:
                yield thread_id

    def _store(self, fetched: FetchedObjects) -> IngestReport:
        items = [RawItem(index, raw, expected=fetched.object_type) for index, raw in enumerate(fetched.raw_objects)]
        report = ingest_mixed(self.project, items)
        self.summary.fetched_objects[_COUNTED_AS[fetched.object_type]] += len(items)
        self.summary.stored.add(report)
        return report

    def _finish(self, crawl: ThreadCrawl, *, has_rejects: bool) -> None:
        self.summary.crawled_threads += 1
        self.summary.missing_threads += crawl.is_missing
        self.summary.add_problems(crawl)
        if crawl.is_complete and not has_rejects:
            self.progress_file.add(crawl.thread_id)
