"""Usage of a period: runs, tokens and cost over time and by group, compared with the previous period, and latency."""

from runs.analytics.usage.latency import LatencyPercentiles, LatencyReport, LatencyStats, fetch_latency
from runs.analytics.usage.metadata_keys import fetch_metadata_keys
from runs.analytics.usage.query import (
    USAGE_MEASURES,
    USAGE_RANGES,
    UsageQuery,
    UsageSplit,
    add_condition,
    build_token_condition,
)
from runs.analytics.usage.report import UsageGroup, UsageReport, fetch_usage_report
from runs.analytics.usage.serialization import UsageLine, build_usage_lines, nano_to_usd, serialize_usage
from runs.analytics.usage.table import MAX_COUNTED_USAGE_RUNS, SELECT_ALL_SUMS, UsageSelection, UsageSums

__all__ = [
    "MAX_COUNTED_USAGE_RUNS",
    "SELECT_ALL_SUMS",
    "USAGE_MEASURES",
    "USAGE_RANGES",
    "LatencyPercentiles",
    "LatencyReport",
    "LatencyStats",
    "UsageGroup",
    "UsageLine",
    "UsageQuery",
    "UsageReport",
    "UsageSelection",
    "UsageSplit",
    "UsageSums",
    "add_condition",
    "build_token_condition",
    "build_usage_lines",
    "fetch_latency",
    "fetch_metadata_keys",
    "fetch_usage_report",
    "nano_to_usd",
    "serialize_usage",
]
