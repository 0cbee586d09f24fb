"""The line of facts above the picture: what all runs come to, and what they came to before."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.pages.usage.links import UNPRICED, Links
from dashboard.pages.usage.tables import cost
from dashboard.ui import formats
from runs.analytics.usage import Latency, Sums, Usage, has_tokens


@dataclass(frozen=True, slots=True)
class Aside:
    """What stands small beside a fact, and where it leads, if anywhere; a number has a `title` that explains it."""

    text: str
    url: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A number under its label; `title` is all of it, `url` the runs behind it."""

    label: str
    value: str
    title: str
    url: str
    asides: tuple[Aside, ...] = ()


def facts(found: Usage, latency: Latency | None, links: Links, unpriced_models: int, prices: str) -> list[Fact]:
    """What a reader wants to know first; `prices` is where prices are set, "" for who may not."""
    sums = found.totals
    shown = [
        Fact("Runs", formats.exact(sums.runs), "", links.all, _change(found, "runs", links)),
        _tokens(found, "Tokens", "total_tokens", links, _change(found, "total_tokens", links)),
        _tokens(found, "Prompt", "prompt_tokens", links, _part(sums.cached_tokens, "cached", links)),
        _tokens(found, "Completion", "completion_tokens", links, _part(sums.reasoning_tokens, "reasoning", links)),
        Fact("Cost, est.", cost(sums), "", links.all, _change(found, "cost", links)),
    ]
    if latency and latency.tokens is not None:
        median = Aside(formats.cost(latency.cost)) if latency.cost else None
        exact = f"{latency.tokens:,} tokens"
        url = links.assistant(None).where()
        shown.append(Fact("Per run, median", formats.tokens(latency.tokens), exact, url, (median,) if median else ()))
    if sums.unpriced_tokens:
        shown.append(_not_priced(sums, links, unpriced_models, prices))
    return shown


def _tokens(found: Usage, label: str, name: str, links: Links, asides: tuple[Aside, ...]) -> Fact:
    number: int = getattr(found.totals, name)
    return Fact(label, formats.tokens(number), f"{number:,} tokens", links.all, asides)


def _change(found: Usage, name: str, links: Links) -> tuple[Aside, ...]:
    """Against the time before; nothing where that can't be compared, or was nothing either."""
    before = getattr(found.previous, name) if found.is_comparable else None
    text = formats.change(getattr(found.totals, name), before)
    return () if text == formats.NONE else (Aside(text, links.before, "Against the time before, as long as this one"),)


def _part(number: int, kind: str, links: Links) -> tuple[Aside, ...]:
    """Those among them that are of another kind."""
    if not number:
        return ()
    return (Aside(f"{formats.tokens(number)} {kind}", links.where(has_tokens(kind)), f"{number:,} tokens"),)


def _not_priced(sums: Sums, links: Links, models: int, prices: str) -> Fact:
    asides = (
        Aside(f"{models:,} model{'' if models == 1 else 's'}" if models else ""),
        Aside("Set prices", prices),
    )
    exact = f"{sums.unpriced_tokens:,} tokens"
    shown = asides if prices and models else asides[:1]
    return Fact("Not priced", formats.tokens(sums.unpriced_tokens), exact, links.where(UNPRICED), shown)
