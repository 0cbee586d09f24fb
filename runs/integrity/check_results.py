"""The result of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """The severities of results."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A sentence about what was checked.

    Attributes:
        name: the check, such as `rollups of default`.
        severity: how bad it is. What has been repaired is ok.
        message: what was found.
        remedy: how to mend it; empty if there is nothing to do.
    """

    name: str
    severity: Severity
    message: str
    remedy: str = ""


REPAIR_REMEDY = "Run `doctor --repair`"


def judge_count(
    name: str, count: int, noun: str, *, severity: Severity = Severity.PROBLEM, remedy: str, is_repaired: bool = False
) -> CheckResult:
    """Return the result of a check that counts what is wrong. `noun` completes the sentence after the number."""
    if count and is_repaired:
        return CheckResult(name, Severity.OK, f"repaired: {count:,} {noun}")
    if count:
        return CheckResult(name, severity, f"{count:,} {noun}", remedy)
    return CheckResult(name, Severity.OK, f"no {noun}")
