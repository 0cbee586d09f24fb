"""Check all rollups of a project."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from runs.integrity.check_results import REPAIR_REMEDY, CheckResult, Severity
from runs.integrity.rollup_recount import check_rollup_day, find_rollup_days, repair_rollup_day
from runs.models import Project


def check_rollups(
    project: Project, since: date | None, report_progress: Callable[[int, int], None], *, is_repairing: bool
) -> CheckResult:
    """Compare the rollups of a project with a recount, from the day `since` on, and correct them.

    Call `report_progress(done, total)` after each day.
    """
    days = [day for day in find_rollup_days(project) if since is None or day >= since]
    check_day = repair_rollup_day if is_repairing else check_rollup_day
    wrong_days, wrong_sums = set[date](), 0
    for done, day in enumerate(days, 1):
        for difference in check_day(project, day):
            wrong_days.add(day)
            wrong_sums += len(difference.corrections)
        report_progress(done, len(days))
    return _describe(project, len(days), wrong_days, wrong_sums, is_repairing=is_repairing)


def _describe(
    project: Project, day_count: int, wrong_days: set[date], wrong_sums: int, *, is_repairing: bool
) -> CheckResult:
    name = f"rollups of {project.slug}"
    if not wrong_sums:
        return CheckResult(name, Severity.OK, f"equal a recount of {day_count:,} days")
    found = f"{wrong_sums:,} sums of {len(wrong_days):,} days, the first one {min(wrong_days)}"
    if is_repairing:
        return CheckResult(name, Severity.OK, f"repaired: {found}")
    return CheckResult(name, Severity.PROBLEM, f"differ from a recount: {found}", REPAIR_REMEDY)
