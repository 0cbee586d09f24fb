"""The folder of recorded responses, streams and traces is imported by its path, where RUNGLASS_TODAY_DATA names it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from runs.models import Conversation, ListedItem, Project, Response, Run, Span
from tests.runs.management.commands.test_import_runs import parse_counts, run_import

FOLDER = Path(os.environ.get("RUNGLASS_TODAY_DATA", "nowhere"))
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="RUNGLASS_TODAY_DATA names no folder of recorded objects")


def test_folder_is_imported_with_exact_counts(project: Project, tmp_path: Path) -> None:
    # The recorded pages do not say whose they are, so they get wrappers that do.
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    lists = tmp_path / "lists.jsonl"
    wrapped = []
    for number, line in enumerate(lists.read_text().splitlines(), 1):
        value = json.loads(line)
        is_page = value["object"] == "list"
        wrapped.append({"response_id": f"resp_{number}", "input_items": value} if is_page else value)
    lists.write_text("".join(json.dumps(value) + "\n" for value in wrapped))

    printed, error = run_import(tmp_path)
    assert error is None, error
    counts = parse_counts(printed)
    assert f"skipped: nothing to import: {tmp_path}/SOURCES.md" in printed
    # 104 responses of 111 objects, and 26 of the 28 streams: two streams have ids of objects.
    assert Response.objects.count() == 130
    # 225 spans in the requests as JSON, 49 on the wire, of which OpenAI's own exporter sent 9.
    assert Span.objects.count() == 225 + 49
    assert (Conversation.objects.count(), ListedItem.objects.count()) == (2, 16)
    assert counts["created"] == 130 + 225 + 49 + 2
    # Pages: 5. Later snapshots of responses in one of the files: 32.
    assert counts["updated"] == 5 + 32
    assert counts["rejected"] == 0
    # 8 responses go on with the turn before, and one of a stream with that of an object; see the tests of recorded
    # responses. Traces: 33 runs of the requests as JSON, 13 of those on the wire; see the tests of recorded traces.
    assert Run.objects.count() == 130 - 8 - 1 + 33 + 13

    repeated, error = run_import(tmp_path)
    assert error is None
    assert {name: parse_counts(repeated)[name] for name in ("created", "rejected")} == {"created": 0, "rejected": 0}
    assert Run.objects.count() == 130 - 8 - 1 + 33 + 13


def test_pages_of_unknown_owner_are_rejected_alone(project: Project) -> None:
    printed, error = run_import(FOLDER / "lists.jsonl")
    assert str(error) == "5 of 7 records were rejected"
    assert printed.count("a page of items does not say whose it is") == 5 + 1
    assert Conversation.objects.count() == 2
