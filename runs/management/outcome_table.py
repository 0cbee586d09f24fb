"""Print the counts of an import on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from runs.ingest import Outcome
from runs.transfer.imports import ImportSummary

_MAX_REASONS = 20


def format_outcome_table(summary: ImportSummary) -> Iterator[str]:
    """Yield one line per outcome, per common reason of rejection, per common warning and per protocol revision."""
    for outcome in (*Outcome, "rejected"):
        yield f"  {outcome:<10} {summary.outcomes[outcome]:>10,}"
    yield from _format_reasons(summary.reasons)
    if summary.ignored:
        yield f"  {'ignored':<10} {summary.ignored:>10,}"
    if summary.warnings:
        yield f"  {'warnings':<10} {summary.warnings.total():>10,}"
        yield from _format_reasons(summary.warnings)
    for revision, count in sorted(summary.revisions.items()):
        yield f"  runs of revision {revision:<6} {count:>10,}"


def _format_reasons(reasons: Counter[str]) -> Iterator[str]:
    for reason, count in reasons.most_common(_MAX_REASONS):
        yield escape_unprintable(f"    {count:>8,} × {reason}")  # noqa: RUF001
    if len(reasons) > _MAX_REASONS:
        yield f"    and {len(reasons) - _MAX_REASONS:,} other reasons"


def escape_unprintable(line: str) -> str:
    """Escape the characters of `line` that a terminal would act on or that cannot be encoded."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
