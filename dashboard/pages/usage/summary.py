"""The line of facts above the picture: what all runs come to, and what they came to before."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.pages.usage.links import UNPRICED_TERM, UsageLinks
from dashboard.pages.usage.tables import format_usage_cost
from dashboard.ui import formats
from runs.analytics.usage import LatencyReport, UsageReport, UsageSums, build_token_condition


@dataclass(frozen=True, slots=True)
class UsageFigureNote:
    """What stands small beside a fact, and where it leads, if anywhere; a number has a `title` that explains it."""

    text: str
    url: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class UsageFigure:
    """A number under its label; `title` is all of it, `url` the runs behind it."""

    label: str
    value: str
    title: str
    url: str
    asides: tuple[UsageFigureNote, ...] = ()


def build_usage_summary(
    found: UsageReport, latency: LatencyReport | None, links: UsageLinks, unpriced_models: int, prices: str
) -> list[UsageFigure]:
    """What a reader wants to know first; `prices` is where prices are set, "" for who may not."""
    sums = found.totals
    shown = [
        UsageFigure("Runs", formats.format_integer(sums.runs), "", links.all, _change(found, "runs", links)),
        _tokens(found, "Tokens", "total_tokens", links, _change(found, "total_tokens", links)),
        _tokens(found, "Prompt", "prompt_tokens", links, _part(sums.cached_tokens, "cached", links)),
        _tokens(found, "Completion", "completion_tokens", links, _part(sums.reasoning_tokens, "reasoning", links)),
        UsageFigure("Cost, est.", format_usage_cost(sums), "", links.all, _change(found, "cost", links)),
    ]
    if latency and latency.median_tokens is not None:
        median = UsageFigureNote(formats.format_cost(latency.median_cost)) if latency.median_cost else None
        exact = f"{latency.median_tokens:,} tokens"
        url = links.assistant(None).where()
        shown.append(
            UsageFigure(
                "Per run, median", formats.format_tokens(latency.median_tokens), exact, url, (median,) if median else ()
            )
        )
    if sums.unpriced_tokens:
        shown.append(_not_priced(sums, links, unpriced_models, prices))
    return shown


def _tokens(
    found: UsageReport, label: str, name: str, links: UsageLinks, asides: tuple[UsageFigureNote, ...]
) -> UsageFigure:
    number: int = getattr(found.totals, name)
    return UsageFigure(label, formats.format_tokens(number), f"{number:,} tokens", links.all, asides)


def _change(found: UsageReport, name: str, links: UsageLinks) -> tuple[UsageFigureNote, ...]:
    """Against the time before; nothing where that can't be compared, or was nothing either."""
    before = getattr(found.previous, name) if found.is_comparable else None
    text = formats.format_change(getattr(found.totals, name), before)
    return (
        ()
        if text == formats.NO_VALUE
        else (UsageFigureNote(text, links.before, "Against the time before, as long as this one"),)
    )


def _part(number: int, kind: str, links: UsageLinks) -> tuple[UsageFigureNote, ...]:
    """Those among them that are of another kind."""
    if not number:
        return ()
    return (
        UsageFigureNote(
            f"{formats.format_tokens(number)} {kind}", links.where(build_token_condition(kind)), f"{number:,} tokens"
        ),
    )


def _not_priced(sums: UsageSums, links: UsageLinks, models: int, prices: str) -> UsageFigure:
    asides = (
        UsageFigureNote(f"{models:,} model{'' if models == 1 else 's'}" if models else ""),
        UsageFigureNote("Set prices", prices),
    )
    exact = f"{sums.unpriced_tokens:,} tokens"
    shown = asides if prices and models else asides[:1]
    return UsageFigure(
        "Not priced", formats.format_tokens(sums.unpriced_tokens), exact, links.where(UNPRICED_TERM), shown
    )
