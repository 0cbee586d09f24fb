"""Importing files batch by batch."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from runs.errors import UnreadableBody
from runs.ingest import compression
from runs.models import Message, Project, Run, RunStep
from runs.protocol import lossless_json
from runs.transfer import imports
from runs.transfer.import_files import ImportSource
from runs.transfer.import_records import classification
from runs.transfer.imports import ImportedBatch, ImportSummary, import_source
from tests.factories import message_object, run_object, step_object


def source(content: bytes, name: str = "runs.ndjson") -> ImportSource:
    return ImportSource(name, iter([content]), io.BytesIO(content))


def lines(*objects: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in objects)


def imported(project: Project, content: bytes, **options: Any) -> tuple[ImportSummary, list[ImportedBatch]]:
    summary = ImportSummary()
    return summary, list(import_source(project, source(content), summary, **options))


def test_object_field_decides_the_record_type(project: Project) -> None:
    run = run_object()
    summary, _ = imported(project, lines(message_object(run), step_object(run), run))
    assert dict(summary.outcomes) == {"created": 3, "rejected": 0}
    assert summary.total == 3
    assert (Run.objects.count(), RunStep.objects.count(), Message.objects.count()) == (1, 1, 1)


def test_second_import_changes_nothing(project: Project) -> None:
    content = lines(*(run_object() for _ in range(5)))
    imported(project, content)
    versions = list(Run.objects.values_list("id", "version"))
    summary, _ = imported(project, content)
    assert dict(summary.outcomes) == {"unchanged": 5, "rejected": 0}
    assert list(Run.objects.values_list("id", "version")) == versions


def test_dry_run_reports_but_stores_nothing(project: Project) -> None:
    content = lines(*(run_object() for _ in range(3)), {"id": "run_wrong"})
    dry, _ = imported(project, content, dry_run=True)
    assert not Run.objects.exists()
    real, _ = imported(project, content)
    assert dry == real
    assert Run.objects.count() == 3


def test_rejected_record_lists_all_problems(project: Project) -> None:
    invalid = run_object(id="run_wrong", status=None, thread_id=7)
    summary, [batch] = imported(project, lines(run_object(), invalid) + b"\n{broken\n")
    first, second = batch.rejected
    assert (first.source, first.line, first.id) == ("runs.ndjson", 2, "run_wrong")
    assert sorted(problem.path for problem in first.problems) == ["/status", "/thread_id"]
    assert json.loads(first.raw) == invalid
    assert (second.line, second.id, second.raw) == (4, None, b"{broken")
    assert summary.outcomes["rejected"] == 2
    assert summary.total == 3
    assert summary.reasons.total() == 3


def test_list_envelopes_are_unwrapped(project: Project) -> None:
    pages = [
        {"object": "list", "data": [run_object(), run_object()], "has_more": False},
        {"data": [run_object()]},
    ]
    for content in (lines(*pages), json.dumps(pages, indent=1).encode()):
        summary, _ = imported(project, content)
        assert summary.total == 3
    assert Run.objects.count() == 3


def test_run_with_data_field_is_no_envelope(project: Project) -> None:
    summary, _ = imported(project, lines(run_object(data=[1]), run_object(metadata={"data": "[]"})))
    assert dict(summary.outcomes) == {"created": 2, "rejected": 0}


def test_batches_are_limited_by_records(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "_MAX_BATCH_RECORDS", 2)
    _, batches = imported(project, lines(*(run_object() for _ in range(5))))
    assert [batch.stored.outcomes.total() for batch in batches] == [2, 2, 1]


def test_batches_are_limited_by_bytes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "_MAX_BATCH_BYTES", 2_500)
    _, batches = imported(project, lines(*(run_object(instructions="x" * 1000) for _ in range(4))))
    assert [batch.stored.outcomes.total() for batch in batches] == [2, 2]


def test_records_before_damage_are_stored(project: Project) -> None:
    runs = [run_object(instructions=f"No. {number}") for number in range(100)]
    content = gzip.compress(lines(*runs))
    cut = ImportSource("cut.gz", compression.decompress_gzip(io.BytesIO(content[:-50])), io.BytesIO())
    summary = ImportSummary()
    with pytest.raises(UnreadableBody, match=r"cut\.gz: the gzip data is damaged"):
        list(import_source(project, cut, summary))
    assert Run.objects.count() == summary.outcomes["created"] > 50
    # the next attempt imports the rest
    again, _ = imported(project, lines(*runs))
    assert again.outcomes["unchanged"] == summary.outcomes["created"]
    assert Run.objects.count() == 100


def test_stopped_import_keeps_stored_batches(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "_MAX_BATCH_RECORDS", 2)
    batches: Iterator[ImportedBatch] = import_source(
        project, source(lines(*(run_object() for _ in range(6)))), ImportSummary()
    )
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert Run.objects.count() == 2


def test_file_without_acceptable_records_is_given_up(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "_MAX_LEADING_REJECTS", 4)
    monkeypatch.setattr(imports, "_MAX_BATCH_RECORDS", 2)
    records = [{"id": f"other_{number}"} for number in range(6)]
    summary = ImportSummary()
    with pytest.raises(UnreadableBody, match="the first 4 records were rejected, so the others were not read"):
        list(import_source(project, source(lines(*records, run_object())), summary))
    assert summary.outcomes["rejected"] == 4
    accepted, _ = imported(project, lines(run_object(), *records))
    assert accepted.outcomes["rejected"] == 6


def test_list_of_too_many_objects_is_given_up(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classification, "_MAX_LIST_OBJECTS", 2)
    monkeypatch.setattr(lossless_json, "_MAX_UNCOUNTED_BYTES", 10)
    envelope = {"object": "list", "data": [1] * 2000}
    with pytest.raises(UnreadableBody, match="line 1: The body has more than 2 objects"):
        imported(project, lines(envelope))


def test_many_different_reasons_are_summed_up(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "_MAX_REASONS", 2)
    summary, _ = imported(project, lines(*({"object": f"other.{number}"} for number in range(5))))
    assert summary.reasons.total() == 5
    assert summary.reasons["other reasons"] == 3


def test_protocol_revisions_are_counted(project: Project) -> None:
    names = ("temperature", "top_p", "max_prompt_tokens", "max_completion_tokens", "truncation_strategy")
    older = run_object(**dict.fromkeys((*names, "tool_choice", "parallel_tool_calls", "response_format"), ...))
    older.pop("incomplete_details")
    summary, _ = imported(project, lines(run_object(), run_object(), older))
    assert summary.revisions == {"v2": 2, "v1": 1}
