"""Saves the history that an Assistants-compatible server holds: thread by thread, politely, and resumable.

`harvest()` joins the parts: `client` asks (at the speed of `pace`), `listing` pages, `walk` knows what there
is, a `crew` does it several at once, `state` remembers, and `runs.ingest` stores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

from runs.ingest import IngestReport, RawItem, ingest_mixed
from runs.models import Project
from runs.protocol import assistant, message, run, step
from runs.transfer.harvest.client import HarvestClient
from runs.transfer.harvest.crawler import FetchedObjects, ThreadCrawl, fetch_assistants, fetch_thread_ids
from runs.transfer.harvest.progress_file import HarvestProgressFile
from runs.transfer.harvest.rate_limit import RateLimiter
from runs.transfer.harvest.workers import HarvestWorkers
from runs.transfer.imports import ImportSummary

__all__ = ["FetchedObjects", "Harvest", "HarvestProgressFile", "HarvestSummary", "ThreadCrawl"]

_NAMES = {
    run.RUN_OBJECT: "runs",
    step.STEP_OBJECT: "steps",
    message.MESSAGE_OBJECT: "messages",
    assistant.ASSISTANT_OBJECT: "assistants",
}


@dataclass(slots=True)
class HarvestSummary:
    """How far a harvest is and what it met; `total` threads, None as long as nobody knows."""

    total: int | None = None
    done: int = 0
    skipped: int = 0
    gone: int = 0
    fetched: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    faults: int = 0
    repeats: list[str] = field(default_factory=list)
    verdicts: ImportSummary = field(default_factory=ImportSummary)

    @property
    def is_complete(self) -> bool:
        """Whether all there is was fetched and stored. Where no thread is there, it was asked wrongly."""
        found_none = self.gone > 0 and self.gone == self.done
        return not self.faults and not found_none and not self.verdicts.outcomes["rejected"]


@dataclass(frozen=True, slots=True)
class Harvest:
    """One harvest of a server into a project. `again`: threads that are finished are fetched once more."""

    project: Project
    client: HarvestClient
    pace: RateLimiter
    finished: HarvestProgressFile
    concurrency: int = 4
    again: bool = False
    tally: HarvestSummary = field(default_factory=HarvestSummary)

    def run(self, named: list[str] | None = None) -> Generator[IngestReport | ThreadCrawl]:
        """Fetch and store the names of assistants and the `named` threads, or all; safe to stop and to repeat.

        Gives the report of each page when it is stored, and how the visit went when a thread is done. Raises
        HarvestFault where nothing more can be fetched, and what `ingest` does; what was stored before stays.
        """
        yield from map(self._store, fetch_assistants(self.client))
        threads = self._named(named) if named is not None else self._listed()
        crew = HarvestWorkers(self.client, self.pace, self.concurrency, self._wanted(threads))
        spoilt: set[str] = set()
        for each in crew.fetch():
            if isinstance(each, ThreadCrawl):
                self._finish(each, each.thread_id in spoilt)
                yield each
            else:
                report = self._store(each)
                if report.errors:
                    spoilt.add(each.thread_id)
                yield report

    def _named(self, named: list[str]) -> Iterable[str]:
        unique = dict.fromkeys(named)
        self.tally.total = len(unique)
        return unique

    def _listed(self) -> Iterator[str]:
        count = 0
        for count, each in enumerate(fetch_thread_ids(self.client, self.tally.repeats), 1):  # noqa: B007
            yield each
        self.tally.total = count

    def _wanted(self, threads: Iterable[str]) -> Iterator[str]:
        for each in threads:
            if each in self.finished and not self.again:
                self.tally.skipped += 1
            else:
                yield each

    def _store(self, fetched: FetchedObjects) -> IngestReport:
        items = [RawItem(index, raw, expected=fetched.expected) for index, raw in enumerate(fetched.raws)]
        report = ingest_mixed(self.project, items)
        self.tally.fetched[_NAMES[fetched.expected]] += len(items)
        self.tally.verdicts.add(report)
        return report

    def _finish(self, visit: ThreadCrawl, is_spoilt: bool) -> None:
        self.tally.done += 1
        self.tally.gone += visit.is_gone
        self.tally.missing += len(visit.missing)
        self.tally.faults += len(visit.faults)
        self.tally.repeats += visit.repeats
        if visit.is_complete and not is_spoilt:
            self.finished.add(visit.thread_id)
