"""What the runs of a time used: how many, tokens and cost over time and by group, against the time before; latency."""

from runs.stats.usage.answer import Group, Usage, usage
from runs.stats.usage.durations import Latency, Percentiles, latency
from runs.stats.usage.question import MEASURES, RANGES, Question, Split
from runs.stats.usage.sums import Sums

__all__ = [
    "MEASURES",
    "RANGES",
    "Group",
    "Latency",
    "Percentiles",
    "Question",
    "Split",
    "Sums",
    "Usage",
    "latency",
    "usage",
]
