"""Whether a run's calls keep to what its tools declare. Pure: takes what was posted, asks nobody."""

from runs.contract.check import Called, Finding, Kind, Report, check

__all__ = ["Called", "Finding", "Kind", "Report", "check"]
