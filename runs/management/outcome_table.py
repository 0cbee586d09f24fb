"""What became of many records, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from runs.ingest import Outcome
from runs.transfer.imports import ImportSummary

_MAX_REASONS = 20


def format_outcome_table(verdicts: ImportSummary) -> Iterator[str]:
    """How many records met each fate, why some were rejected, and which revisions were found."""
    for name in (*Outcome, "rejected"):
        yield f"  {name:<10} {verdicts.outcomes[name]:>10,}"
    for reason, count in verdicts.reasons.most_common(_MAX_REASONS):
        yield escape_unprintable(f"    {count:>8,} × {reason}")  # noqa: RUF001
    if len(verdicts.reasons) > _MAX_REASONS:
        yield f"    and {len(verdicts.reasons) - _MAX_REASONS:,} other reasons"
    for revision, count in sorted(verdicts.revisions.items()):
        yield f"  runs of revision {revision:<6} {count:>10,}"


def escape_unprintable(line: str) -> str:
    """`line` without what would confuse a terminal, or can't be written at all."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line)
