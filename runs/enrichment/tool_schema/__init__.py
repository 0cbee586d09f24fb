"""Whether a run's calls keep to what its tools declare. Pure: takes what was posted, asks nobody."""

from runs.enrichment.tool_schema.check import Called, Finding, Kind, Report, check

__all__ = ["Called", "Finding", "Kind", "Report", "check"]
