"""What the runs of a time used: how many, tokens and cost over time and by group, against the time before; latency."""

from runs.analytics.usage.durations import Latency, Paces, Percentiles, latency
from runs.analytics.usage.metadata_keys import metadata_keys
from runs.analytics.usage.query import MEASURES, RANGES, Question, Split, also, has_tokens
from runs.analytics.usage.report import Group, Usage, usage
from runs.analytics.usage.rollup_reader import EVERYTHING, MOST_COUNTED, Sums, Wanted
from runs.analytics.usage.serialization import Line, document, lines, usd

__all__ = [
    "EVERYTHING",
    "MEASURES",
    "MOST_COUNTED",
    "RANGES",
    "Group",
    "Latency",
    "Line",
    "Paces",
    "Percentiles",
    "Question",
    "Split",
    "Sums",
    "Usage",
    "Wanted",
    "also",
    "document",
    "has_tokens",
    "latency",
    "lines",
    "metadata_keys",
    "usage",
    "usd",
]
