"""The table of tools: which are listed in which order, and what each row says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from dashboard.pages.tools.links import RunLinks
from dashboard.pages.tools.params import Asked, Show, Sort
from dashboard.ui import formats
from dashboard.ui.charts import Sparkline, sparkline
from runs.analytics.tools import Period, Tool

# Of calls; from here on a share of failures is marked.
ALARMING = 0.05
ASSISTANTS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Part:
    """A number of calls among others: in words, its share, and the runs behind it."""

    count: int
    share: str
    is_alarming: bool
    url: str


@dataclass(frozen=True, slots=True)
class Name:
    """An assistant, by its name where it has one."""

    id: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    """A tool as the table shows it; what is exact is in `tool`, what had to be worded is here."""

    tool: Tool
    url: str
    calls_url: str
    defined_url: str
    spark: Sparkline | None
    failed: Part | None
    misargued: Part | None
    p50: str
    p95: str
    output: str
    defined_in: Sequence[Name]
    called_by: Sequence[Name]

    @property
    def schema(self) -> str:
        """How many versions of its schema there are; other kinds bring theirs."""
        if not self.tool.defined:
            return "not defined"
        count = self.tool.version_count
        if count > 1 or self.tool.is_function:
            return f"{count} version{'' if count == 1 else 's'}"
        return "built in"


@dataclass(frozen=True, slots=True)
class Tab:
    """A selection of tools, and how many there are."""

    label: str
    count: int
    url: str
    current: bool


_PASSES: dict[Show, Callable[[Tool], bool]] = {
    Show.ALL: lambda _: True,
    Show.FAILING: lambda tool: tool.is_failing,
    Show.UNCALLED: lambda tool: tool.is_never_called,
    Show.DIFFERING: lambda tool: tool.version_count > 1,
}
_LABELS = {
    Show.ALL: "All",
    Show.FAILING: "Failing",
    Show.UNCALLED: "Never called",
    Show.DIFFERING: "Schema differs",
}


def matching(tools: Sequence[Tool], q: str) -> list[Tool]:
    """The tools whose name, kind or description has every word of `q`, in any case."""
    words = q.lower().split()
    texts = ((tool, f"{tool.name} {tool.type} {(tool.defined and tool.defined.description) or ''}") for tool in tools)
    return [tool for tool, text in texts if all(word in text.lower() for word in words)]


def tabs(tools: Sequence[Tool], asked: Asked, path: str) -> list[Tab]:
    """The selections of `tools`, each with how many pass."""
    return [
        Tab(_LABELS[show], sum(map(passes, tools)), path + asked.query(show=show), asked.show == show)
        for show, passes in _PASSES.items()
    ]


def selected(tools: Sequence[Tool], asked: Asked) -> list[Tool]:
    """Those of `tools` that are asked for, in the order that is asked for; by name where they tie."""
    passing = sorted(filter(_PASSES[asked.show], tools), key=lambda tool: (tool.name.lower(), tool.name, tool.type))
    return passing if asked.sort is Sort.NAME else sorted(passing, key=lambda tool: _place(tool, asked.sort))


def rows(tools: Sequence[Tool], slug: str, period: Period, asked: Asked, names: Mapping[str, str]) -> list[Row]:
    """The rows of `tools`; `names` are those of assistants, by id."""
    links = RunLinks(slug, period)
    return [_row(tool, slug, asked, links, names) for tool in tools]


def part(count: int, whole: int, url: str) -> Part:
    """`count` of `whole` calls."""
    is_alarming = whole > 0 and count / whole >= ALARMING
    return Part(count, formats.percent(count, whole), is_alarming, url if count else "")


def _place(tool: Tool, sort: Sort) -> Any:
    """Less is further up; tools without a value come last."""
    counts, measured = tool.counts, tool.measured
    values: dict[Sort, float | None] = {
        Sort.CALLS: counts.calls,
        Sort.FAILED: counts.failed / counts.calls if counts.calls else None,
        Sort.MISARGUED: counts.misargued / counts.checked if counts.checked else None,
        Sort.P50: measured.p50 if measured else None,
        Sort.P95: measured.p95 if measured else None,
        Sort.OUTPUT: measured.output_median if measured else None,
        Sort.VERSIONS: tool.version_count,
        Sort.LAST: tool.last_at.timestamp() if tool.last_at else None,
    }
    value = values[sort]
    return (value is None, -(value or 0))


def _row(tool: Tool, slug: str, asked: Asked, links: RunLinks, names: Mapping[str, str]) -> Row:
    counts, measured = tool.counts, tool.measured
    has_calls = counts.calls > 0
    is_checked = has_calls and tool.is_function
    precise = measured.precise if measured else False
    return Row(
        tool=tool,
        url=tool_url(slug, tool.type, tool.name, asked),
        calls_url=links.calling(tool) if has_calls else "",
        defined_url=links.defining(tool),
        spark=spark(tool),
        failed=part(counts.failed, counts.calls, links.failing(tool)) if has_calls else None,
        misargued=part(counts.misargued, counts.checked, links.misarguing(tool)) if is_checked else None,
        p50=formats.duration(measured.p50, precise=precise) if measured else "",
        p95=formats.duration(measured.p95, precise=precise) if measured else "",
        output=formats.size(measured.output_median) if measured else "",
        defined_in=_names(tool.defined.assistants if tool.defined else (), links, names),
        called_by=_names([each for each in (tool.called.assistants if tool.called else ()) if each], links, names),
    )


def tool_url(slug: str, kind: str, name: str, asked: Asked | None = None) -> str:
    """The address of a tool's page, over the same time."""
    query = "" if asked is None else Asked(asked.range).query()
    return reverse("tool", kwargs={"project": slug, "tool": f"{kind}/{name}"}) + query


def spark(tool: Tool) -> Sparkline | None:
    """The calls of each part of the period; those in which any failed are marked."""
    if tool.called is None:
        return None
    parts = tool.called.parts
    hot = {place for place, counts in enumerate(parts) if counts.failed >= max(1, ALARMING * counts.calls)}
    most = max(counts.calls for counts in parts)
    return sparkline([counts.calls for counts in parts], hot=hot, label=f"{most:,} at most in one part")


def _names(ids: Sequence[str], links: RunLinks, names: Mapping[str, str]) -> list[Name]:
    return [Name(each, names.get(each) or formats.short_id(each), links.of_assistant(each)) for each in ids]
