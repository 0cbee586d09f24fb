"""What is finished stays finished, through crashes too, and for one server and project only."""

from __future__ import annotations

from pathlib import Path

import pytest

from runs.transfer.harvest.progress_file import HarvestProgressFile, UnusableProgressFile

ABOUT = {"server": "http://agents.example/v1", "project": "default"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "harvest" / "state.jsonl"


def test_what_was_added_is_there_the_next_time(path: Path) -> None:
    with HarvestProgressFile(path, ABOUT) as finished:
        finished.add("thread_1")
        finished.add("thread_1")
        finished.add('odd "\n id')
    with HarvestProgressFile(path, ABOUT) as finished:
        assert "thread_1" in finished
        assert 'odd "\n id' in finished
        assert "thread_2" not in finished
        assert len(finished) == 2
    assert len(path.read_bytes().splitlines()) == 3


def test_it_is_on_disk_as_soon_as_it_is_added(path: Path) -> None:
    with HarvestProgressFile(path, ABOUT) as finished:
        finished.add("thread_1")
        assert b"thread_1" in path.read_bytes()


@pytest.mark.parametrize("tail", [b'{"thread": "thread_2', b'{"thread": "thread_2"}', b"\x00\x00"])
def test_a_line_that_was_cut_off_does_not_count(path: Path, tail: bytes) -> None:
    with HarvestProgressFile(path, ABOUT) as finished:
        finished.add("thread_1")
    with path.open("ab") as file:
        file.write(tail)
    with HarvestProgressFile(path, ABOUT) as finished:
        assert len(finished) == 1
        finished.add("thread_3")
    with HarvestProgressFile(path, ABOUT) as finished:
        assert {"thread_1", "thread_3"} <= {each for each in ("thread_1", "thread_2", "thread_3") if each in finished}
        assert len(finished) == 2


def test_a_file_cut_off_in_its_first_line_begins_anew(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"server": "http')
    with HarvestProgressFile(path, ABOUT) as finished:
        finished.add("thread_1")
    with HarvestProgressFile(path, ABOUT) as finished:
        assert len(finished) == 1


def test_two_harvests_can_not_use_it_at_once(path: Path) -> None:
    with HarvestProgressFile(path, ABOUT), pytest.raises(UnusableProgressFile, match="Another harvest is using"):
        HarvestProgressFile(path, ABOUT)


def test_that_of_another_project_is_refused_and_kept(path: Path) -> None:
    with HarvestProgressFile(path, ABOUT) as finished:
        finished.add("thread_1")
    with pytest.raises(UnusableProgressFile, match=r"about something else .*project default"):
        HarvestProgressFile(path, ABOUT | {"project": "other"})
    with HarvestProgressFile(path, ABOUT) as finished:
        assert len(finished) == 1


def test_another_file_is_refused_and_kept(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("thread_1\nthread_2\n")
    with pytest.raises(UnusableProgressFile, match="not a state file"):
        HarvestProgressFile(path, ABOUT)
    assert path.read_text() == "thread_1\nthread_2\n"
