"""What became of many records, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from runs.ingest import Outcome
from runs.transfer.imports import Verdicts

_MOST_REASONS = 20


def table(verdicts: Verdicts) -> Iterator[str]:
    """How many records met each fate, why some were rejected, and which revisions were found."""
    for name in (*Outcome, "rejected"):
        yield f"  {name:<10} {verdicts.outcomes[name]:>10,}"
    for reason, count in verdicts.reasons.most_common(_MOST_REASONS):
        yield printable(f"    {count:>8,} × {reason}")  # noqa: RUF001
    if len(verdicts.reasons) > _MOST_REASONS:
        yield f"    and {len(verdicts.reasons) - _MOST_REASONS:,} other reasons"
    for revision, count in sorted(verdicts.revisions.items()):
        yield f"  runs of revision {revision:<6} {count:>10,}"


def printable(line: str) -> str:
    """`line` without what would confuse a terminal, or can't be written at all."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line)
