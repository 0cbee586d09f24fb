"""Exports hold what was posted, and tables are harmless to spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from runs.models import Project
from runs.query import RunFilters
from runs.transfer import exports
from runs.transfer.exports import Export, ExportColumn
from tests import factories
from tests.factories import NOW

NO_FILTERS = RunFilters()


def ids(export: Export) -> list[str]:
    return [record.external_id for record in export.records()]


def table(export: Export) -> list[dict[str, str]]:
    written = b"".join(exports.render_csv(export.columns, export.records())).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(written, newline="")))


def test_runs_are_ordered_by_time_and_id(project: Project) -> None:
    moments = {"run_b": NOW + 20, "run_c": NOW + 10, "run_Z": NOW + 20, "run_a": NOW + 20}
    factories.post(project, *(factories.run_object(id=name, created_at=at) for name, at in moments.items()))
    assert ids(exports.export_runs(project, NO_FILTERS)) == ["run_c", "run_Z", "run_a", "run_b"]


def test_steps_are_ordered_by_run(project: Project) -> None:
    early, late = factories.run_object(created_at=NOW + 10), factories.run_object(created_at=NOW + 20)
    lost = factories.run_object(created_at=NOW + 1)
    factories.post(project, late, early)
    factories.post_steps(
        project,
        factories.step_object(lost, id="step_of_nobody"),
        factories.step_object(late, id="step_late"),
        factories.step_object(early, id="step_second", created_at=NOW + 99),
        factories.step_object(early, id="step_first", created_at=NOW + 11),
    )
    assert ids(exports.export_steps(project, NO_FILTERS)) == [
        "step_first",
        "step_second",
        "step_late",
        "step_of_nobody",
    ]


def test_filters_select_runs_steps_and_messages(project: Project) -> None:
    failed = factories.failed_run(thread_id="thread_failed")
    fine = factories.run_object(thread_id="thread_fine")
    factories.post(project, failed, fine)
    factories.post_steps(project, *(factories.step_object(run, id=f"step_{run['status']}") for run in (failed, fine)))
    factories.post_messages(
        project, *(factories.message_object(run, id=f"msg_{run['status']}") for run in (failed, fine))
    )
    filters = RunFilters(status=("failed",))
    assert ids(exports.export_runs(project, filters)) == [failed["id"]]
    assert ids(exports.export_steps(project, filters)) == ["step_failed"]
    assert ids(exports.export_messages(project, filters)) == ["msg_failed"]


@pytest.mark.parametrize("export", exports.EXPORT_KINDS.values(), ids=exports.EXPORT_KINDS)
def test_other_projects_are_not_exported(project: Project, export: Any) -> None:
    other = factories.make_project("other")
    run = factories.run_object()
    factories.post(other, run)
    factories.post_steps(other, factories.step_object(run))
    factories.post_messages(other, factories.message_object(run))
    assert ids(export(project, NO_FILTERS)) == []
    assert export(other, NO_FILTERS).count() == 1


def test_query_count_does_not_grow_with_runs(project: Project, django_assert_num_queries: Any) -> None:
    factories.post(project, *(factories.run_object(instructions=f"Do {n}.") for n in range(20)))
    with django_assert_num_queries(2):  # runs, configurations
        assert len(list(exports.render_ndjson(exports.export_runs(project, NO_FILTERS).records()))) == 20


def test_ndjson_line_holds_the_posted_object(project: Project) -> None:
    posted = factories.run_object(metadata={"a": 1.0, "note": "two\nlines"}, unheard_of={"x": None})
    factories.post(project, posted)
    (line,) = exports.render_ndjson(exports.export_runs(project, NO_FILTERS).records())
    assert line.count(b"\n") == 1
    assert json.loads(line) == posted


@pytest.mark.parametrize(
    "risky",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\tx",
        "\uff1d1+1",
        "\uff0b1",
        "\uff0d1",
        "\uff20SUM(A1)",
        " =1",
        "\ufeff=1",
        "\u00a0=1",
        "-",
        "=cmd|' /C calc'!A0",
    ],
)
def test_cells_are_never_formulas(project: Project, risky: str) -> None:
    factories.post(project, factories.failed_run(message=risky))
    (row,) = table(exports.export_runs(project, NO_FILTERS))
    assert row["error_message"] == "'" + risky


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (-5, "-5"), (-0.25, "-0.25"), (Decimal("-0.000000750"), "-7.50E-7"), (None, ""), (0, "0"), (True, "True"),
        ("a=1", "a=1"), ("ends with -", "ends with -"), ("Größe, 日本語", "Größe, 日本語"), ('say "no"', 'say "no"'),
        ("two\nlines", "two\nlines"), ("two\r\nlines", "two\r\nlines"), ("a;b\tc", "a;b\tc"), ("'quoted", "'quoted"),
    ],
)  # fmt: skip
def test_cells_are_read_as_written(value: Any, cell: str) -> None:
    written = b"".join(exports.render_csv([ExportColumn("=title", lambda record: record)], [value, value]))
    assert written.startswith(b"\xef\xbb\xbf'=title\r\n")
    rows = list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline="")))
    # a reader leaves out the line of a table with one column and no value
    assert rows == [["'=title"], [cell], [cell]] if cell else [["'=title"], [], []]


def test_cells_keep_exact_values(project: Project) -> None:
    posted = factories.run_object(
        created_at=1_795_000_000,
        metadata={"quote": '"', "comma": ",", "exact": 1.0},
        usage={"prompt_tokens": -1, "completion_tokens": 0, "total_tokens": -1},
    )
    factories.post(project, posted)
    (row,) = table(exports.export_runs(project, NO_FILTERS))
    assert row["id"] == posted["id"]
    assert row["created_at"] == "2026-11-18T11:06:40Z"
    assert (row["prompt_tokens"], row["completion_tokens"], row["cached_tokens"]) == ("-1", "0", "")
    assert row["function_names"] == '["search_orders"]'
    assert json.loads(row["metadata"]) == posted["metadata"]
    assert "1.0" in row["metadata"]


def test_csv_follows_rfc_4180(project: Project) -> None:
    factories.post(project, factories.failed_run(message='He said "no",\nand left.'))
    export = exports.export_runs(project, NO_FILTERS)
    written = b"".join(exports.render_csv(export.columns, export.records()))
    assert b'"He said ""no"",\nand left."' in written
    assert written.count(b"\r\n") == 2
    assert written.endswith(b"\r\n")


@pytest.mark.parametrize("export", exports.EXPORT_KINDS.values(), ids=exports.EXPORT_KINDS)
def test_every_kind_exports_as_csv(project: Project, export: Any) -> None:
    run = factories.run_object()
    factories.post(project, run)
    factories.post_steps(project, factories.step_object(run, factories.function_call("search_orders")))
    factories.post_messages(project, factories.message_object(run, metadata={"a": "b"}))
    (row,) = table(export(project, NO_FILTERS))
    assert row["id"]
    assert row["metadata"] in ('{"a":"b"}', '{"customer":"acme"}', "")


def test_relative_times_filter_runs(project: Project) -> None:
    now = int(timezone.now().timestamp())
    day = int(timedelta(days=1).total_seconds())
    fresh, old = (factories.run_object(created_at=now - age) for age in (day // 2, day * 2))
    factories.post(project, fresh, old)
    assert ids(exports.export_runs(project, RunFilters.parse_params({"from": ["-1d"]}))) == [fresh["id"]]


def test_cost_is_exact_or_empty(project: Project) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    factories.post(project, factories.run_object(usage=usage), factories.run_object(model="of-their-own"))
    assert [row["cost_usd"] for row in table(exports.export_runs(project, NO_FILTERS))] == ["0.000000750", ""]
