"""What the runs of a time used: how many, tokens and cost over time and by group, against the time before; latency."""

from runs.stats.usage.answer import Group, Usage, usage
from runs.stats.usage.document import Line, document, lines, usd
from runs.stats.usage.durations import Latency, Paces, Percentiles, latency
from runs.stats.usage.keys import metadata_keys
from runs.stats.usage.question import MEASURES, RANGES, Question, Split, also, has_tokens
from runs.stats.usage.sums import EVERYTHING, MOST_COUNTED, Sums, Wanted

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
