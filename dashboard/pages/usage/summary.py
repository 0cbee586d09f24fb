"""The figures above the chart of the usage page: totals, and their change from the previous period."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.pages.usage.links import UNPRICED_TERM, UsageLinks
from dashboard.pages.usage.tables import format_usage_cost
from dashboard.ui import formats
from runs.analytics.usage import LatencyReport, UsageReport, build_token_condition


@dataclass(frozen=True, slots=True)
class UsageFigureNote:
    """A small text beside a figure. `title` explains a number."""

    text: str
    url: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class UsageFigure:
    """A number with its label. `title` is the exact number, `url` the list of its runs."""

    label: str
    value: str
    title: str
    url: str
    notes: tuple[UsageFigureNote, ...] = ()


def build_usage_summary(
    report: UsageReport, latency: LatencyReport | None, links: UsageLinks, unpriced_models: int, prices_url: str
) -> list[UsageFigure]:
    """Return the figures.

    Args:
        report: The totals of the period and of the previous one.
        latency: The medians per run, if runs ended.
        links: The URLs of the runs behind the figures.
        unpriced_models: The number of models without a price.
        prices_url: The URL of the prices, "" if the user may not set them.
    """
    sums = report.totals
    figures = [
        UsageFigure("Runs", formats.format_integer(sums.runs), "", links.runs, _change_notes(report, "runs", links)),
        _token_figure("Tokens", sums.total_tokens, links.runs, _change_notes(report, "total_tokens", links)),
        _token_figure("Prompt", sums.prompt_tokens, links.runs, _part_notes(sums.cached_tokens, "cached", links)),
        _token_figure(
            "Completion", sums.completion_tokens, links.runs, _part_notes(sums.reasoning_tokens, "reasoning", links)
        ),
        UsageFigure("Cost, est.", format_usage_cost(sums), "", links.runs, _change_notes(report, "cost", links)),
    ]
    if latency and latency.median_tokens is not None:
        url = links.latency_runs(None).matching()
        notes = (UsageFigureNote(formats.format_cost(latency.median_cost)),) if latency.median_cost else ()
        figures.append(_token_figure("Per run, median", latency.median_tokens, url, notes))
    if sums.unpriced_tokens:
        models = f"{unpriced_models:,} model{'' if unpriced_models == 1 else 's'}" if unpriced_models else ""
        model_notes = [UsageFigureNote(models)]
        if prices_url and unpriced_models:
            model_notes.append(UsageFigureNote("Set prices", prices_url))
        url = links.runs_matching(UNPRICED_TERM)
        figures.append(_token_figure("Not priced", sums.unpriced_tokens, url, tuple(model_notes)))
    return figures


def _token_figure(label: str, number: int, url: str, notes: tuple[UsageFigureNote, ...]) -> UsageFigure:
    return UsageFigure(label, formats.format_tokens(number), f"{number:,} tokens", url, notes)


def _change_notes(report: UsageReport, name: str, links: UsageLinks) -> tuple[UsageFigureNote, ...]:
    """Return the change from the previous period, if it is comparable and one of the two is not 0."""
    before = getattr(report.previous, name) if report.is_comparable else None
    text = formats.format_change(getattr(report.totals, name), before)
    if text == formats.NO_VALUE:
        return ()
    return (UsageFigureNote(text, links.previous_runs, "Change from the previous period of the same length"),)


def _part_notes(number: int, kind: str, links: UsageLinks) -> tuple[UsageFigureNote, ...]:
    """Return the number of the tokens that are of another kind."""
    if not number:
        return ()
    url = links.runs_matching(build_token_condition(kind))
    return (UsageFigureNote(f"{formats.format_tokens(number)} {kind}", url, f"{number:,} tokens"),)
