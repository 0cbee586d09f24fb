"""The progress file of a harvest: it survives crashes and belongs to one server and project."""

from __future__ import annotations

from pathlib import Path

import pytest

from runs.transfer.harvest.progress_file import HarvestProgressFile, UnusableProgressFile

IDENTITY = {"server": "http://agents.example/v1", "project": "default"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "harvest" / "state.jsonl"


def test_added_threads_are_read_back(path: Path) -> None:
    with HarvestProgressFile(path, IDENTITY) as finished:
        finished.add("thread_1")
        finished.add("thread_1")
        finished.add('quoted "\n id')
    with HarvestProgressFile(path, IDENTITY) as finished:
        assert "thread_1" in finished
        assert 'quoted "\n id' in finished
        assert "thread_2" not in finished
        assert len(finished) == 2
    assert len(path.read_bytes().splitlines()) == 3


def test_file_is_private(path: Path) -> None:
    path.parent.mkdir()
    path.touch(mode=0o644)
    with HarvestProgressFile(path, IDENTITY):
        assert path.stat().st_mode & 0o777 == 0o600


def test_added_thread_is_on_disk_at_once(path: Path) -> None:
    with HarvestProgressFile(path, IDENTITY) as finished:
        finished.add("thread_1")
        assert b"thread_1" in path.read_bytes()


@pytest.mark.parametrize("tail", [b'{"thread": "thread_2', b'{"thread": "thread_2"}', b"\x00\x00"])
def test_truncated_last_line_is_dropped(path: Path, tail: bytes) -> None:
    with HarvestProgressFile(path, IDENTITY) as finished:
        finished.add("thread_1")
    with path.open("ab") as file:
        file.write(tail)
    with HarvestProgressFile(path, IDENTITY) as finished:
        assert len(finished) == 1
        finished.add("thread_3")
    with HarvestProgressFile(path, IDENTITY) as finished:
        assert {"thread_1", "thread_3"} <= {name for name in ("thread_1", "thread_2", "thread_3") if name in finished}
        assert len(finished) == 2


def test_truncated_first_line_is_rewritten(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"server": "http')
    with HarvestProgressFile(path, IDENTITY) as finished:
        finished.add("thread_1")
    with HarvestProgressFile(path, IDENTITY) as finished:
        assert len(finished) == 1


def test_file_is_locked_for_one_harvest(path: Path) -> None:
    with HarvestProgressFile(path, IDENTITY), pytest.raises(UnusableProgressFile, match="Another harvest is using"):
        HarvestProgressFile(path, IDENTITY)


def test_file_of_another_project_is_rejected(path: Path) -> None:
    with HarvestProgressFile(path, IDENTITY) as finished:
        finished.add("thread_1")
    with pytest.raises(UnusableProgressFile, match=r"belongs to another harvest .*project default"):
        HarvestProgressFile(path, IDENTITY | {"project": "other"})
    with HarvestProgressFile(path, IDENTITY) as finished:
        assert len(finished) == 1


def test_other_file_is_rejected_and_unchanged(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("thread_1\nthread_2\n")
    with pytest.raises(UnusableProgressFile, match="not a progress file"):
        HarvestProgressFile(path, IDENTITY)
    assert path.read_text() == "thread_1\nthread_2\n"
