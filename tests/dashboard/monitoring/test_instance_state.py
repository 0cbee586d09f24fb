"""The state of the instance: what is collected, and what remains of it while the database is away."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from dashboard.monitoring import exposition
from dashboard.monitoring.instance_state import InstanceStateCollector, read_database_state, read_instance_state
from runs import __version__
from runs.enrichment.maintenance import COMPACT_AFTER_SECONDS, Maintenance
from runs.models import DayByModel, Project
from runs.rollups import compaction
from tests import factories


@pytest.fixture
def shared_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(exposition, "get_shared_directory", lambda: tmp_path)
    return tmp_path


def read_metrics() -> dict[str, float]:
    lines = exposition.render_metrics().decode().splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


def test_state_is_exposed_and_survives_an_outage(project: Project, shared_directory: Path) -> None:
    factories.post_run(project)
    collector = InstanceStateCollector(shared_directory)
    assert collector.is_due()
    collector.collect(Maintenance())
    assert not collector.is_due()
    collected = read_metrics()
    assert collected['runglass_table_size_bytes{table="run"}'] > 0
    assert collected["runglass_database_size_bytes"] > 1_000_000
    assert collected["runglass_database_max_connections"] >= 10
    assert collected["runglass_database_up"] == 1
    assert collected["runglass_disk_free_bytes"] < collected["runglass_disk_size_bytes"]
    assert collected[f'runglass_info{{version="{__version__}"}}'] == 1
    collector.note_outage()
    assert read_metrics()["runglass_database_up"] == 0
    assert read_metrics()["runglass_database_size_bytes"] == collected["runglass_database_size_bytes"]


def test_metrics_need_no_collected_state(shared_directory: Path) -> None:
    assert "runglass_database_up" not in read_metrics()
    assert read_metrics()["runglass_start_time_seconds"] > 0


def test_tables_of_the_database_are_listed(db: None) -> None:
    names = {table.name for table in read_database_state().tables}
    assert names >= set(connection.introspection.table_names())


@pytest.mark.parametrize(
    ("has_run", "tool_type", "is_pending"),
    [(True, "function", True), (False, "function", False), (False, "code_interpreter", True)],
)
def test_lag_counts_only_what_can_be_validated(
    project: Project, tmp_path: Path, has_run: bool, tool_type: str, is_pending: bool
) -> None:
    run = factories.run_object()
    if has_run:
        factories.post(project, run)
    call = {"id": "call_1", "type": tool_type, tool_type: {"name": "f", "arguments": "{}", "output": "1", "input": "1"}}
    factories.post_steps(project, factories.step_object(run, call))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE run_step SET received_at = now() - interval '5 minutes'")
    InstanceStateCollector(tmp_path).collect(Maintenance())
    state = read_instance_state(tmp_path)
    assert state is not None
    assert state.maintenance is not None
    assert (state.maintenance.pending_seconds >= 300) is is_pending


def test_few_rollup_rows_are_compacted_late(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([0, 0, 3, 3, 3])
    monkeypatch.setattr(compaction, "count_rollup_inserts", lambda: next(counts))
    work, clock = Maintenance(), 1000.0
    monkeypatch.setattr("runs.enrichment.maintenance.time.monotonic", lambda: clock)
    work.step()
    for _ in range(3):
        factories.post(project, factories.run_object(created_at=factories.NOW))
    work.step()
    clock += COMPACT_AFTER_SECONDS - 1
    assert (work.uncompacted_rows, work.uncompacted_seconds) == (3, COMPACT_AFTER_SECONDS - 1)
    clock += 1
    work.step()
    assert (work.uncompacted_rows, work.uncompacted_seconds) == (0, 0.0)
    assert DayByModel.objects.count() == 1
