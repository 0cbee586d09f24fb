"""The table of tools: which are listed in which order, and what each row says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from dashboard.pages.tools.links import ToolRunLinks
from dashboard.pages.tools.params import ToolListParams, ToolSort, ToolTab
from dashboard.ui import formats
from dashboard.ui.charts import Sparkline, build_sparkline
from runs.analytics.tools import ToolSummary
from runs.rollups.time_buckets import TimeBuckets

# Of calls; from here on a share of failures is marked.
HIGH_FAILURE_SHARE = 0.05
MAX_ASSISTANTS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class ToolCallShare:
    """A number of calls among others: in words, its share, and the runs behind it."""

    count: int
    share: str
    is_alarming: bool
    url: str


@dataclass(frozen=True, slots=True)
class ToolAssistantLink:
    """An assistant, by its name where it has one."""

    id: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class ToolRow:
    """A tool as the table shows it; what is exact is in `tool`, what had to be worded is here."""

    tool: ToolSummary
    url: str
    calls_url: str
    defined_url: str
    spark: Sparkline | None
    failed: ToolCallShare | None
    misargued: ToolCallShare | None
    p50: str
    p95: str
    output: str
    defined_in: Sequence[ToolAssistantLink]
    called_by: Sequence[ToolAssistantLink]

    @property
    def schema(self) -> str:
        """How many versions of its schema there are; other kinds bring theirs."""
        if not self.tool.definition:
            return "not defined"
        count = self.tool.version_count
        if count > 1 or self.tool.is_function:
            return f"{count} version{'' if count == 1 else 's'}"
        return "built in"


@dataclass(frozen=True, slots=True)
class ToolTabLink:
    """A selection of tools, and how many there are."""

    label: str
    count: int
    url: str
    current: bool


TAB_PREDICATES: dict[ToolTab, Callable[[ToolSummary], bool]] = {
    ToolTab.ALL: lambda _: True,
    ToolTab.FAILING: lambda tool: tool.has_failures,
    ToolTab.UNCALLED: lambda tool: tool.is_never_called,
    ToolTab.DIFFERING: lambda tool: tool.version_count > 1,
}
TAB_LABELS = {
    ToolTab.ALL: "All",
    ToolTab.FAILING: "Failing",
    ToolTab.UNCALLED: "Never called",
    ToolTab.DIFFERING: "Schema differs",
}


def search_tools(tools: Sequence[ToolSummary], q: str) -> list[ToolSummary]:
    """The tools whose name, kind or description has every word of `q`, in any case."""
    words = q.lower().split()
    texts = (
        (tool, f"{tool.name} {tool.type} {(tool.definition and tool.definition.description) or ''}") for tool in tools
    )
    return [tool for tool, text in texts if all(word in text.lower() for word in words)]


def build_tool_tabs(tools: Sequence[ToolSummary], asked: ToolListParams, path: str) -> list[ToolTabLink]:
    """The selections of `tools`, each with how many pass."""
    return [
        ToolTabLink(TAB_LABELS[show], sum(map(passes, tools)), path + asked.query(show=show), asked.show == show)
        for show, passes in TAB_PREDICATES.items()
    ]


def select_tools(tools: Sequence[ToolSummary], asked: ToolListParams) -> list[ToolSummary]:
    """Those of `tools` that are asked for, in the order that is asked for; by name where they tie."""
    passing = sorted(
        filter(TAB_PREDICATES[asked.show], tools), key=lambda tool: (tool.name.lower(), tool.name, tool.type)
    )
    return passing if asked.sort is ToolSort.NAME else sorted(passing, key=lambda tool: _get_sort_key(tool, asked.sort))


def build_tool_rows(
    tools: Sequence[ToolSummary], slug: str, period: TimeBuckets, asked: ToolListParams, names: Mapping[str, str]
) -> list[ToolRow]:
    """The rows of `tools`; `names` are those of assistants, by id."""
    links = ToolRunLinks(slug, period)
    return [_build_row(tool, slug, asked, links, names) for tool in tools]


def build_call_share(count: int, whole: int, url: str) -> ToolCallShare:
    """`count` of `whole` calls."""
    is_alarming = whole > 0 and count / whole >= HIGH_FAILURE_SHARE
    return ToolCallShare(count, formats.format_percent(count, whole), is_alarming, url if count else "")


def _get_sort_key(tool: ToolSummary, sort: ToolSort) -> Any:
    """Less is further up; tools without a value come last."""
    counts, measured = tool.counts, tool.metrics
    values: dict[ToolSort, float | None] = {
        ToolSort.CALLS: counts.calls,
        ToolSort.FAILED: counts.failed / counts.calls if counts.calls else None,
        ToolSort.MISARGUED: counts.invalid / counts.checked if counts.checked else None,
        ToolSort.P50: measured.p50_ms if measured else None,
        ToolSort.P95: measured.p95_ms if measured else None,
        ToolSort.OUTPUT: measured.median_output_bytes if measured else None,
        ToolSort.VERSIONS: tool.version_count,
        ToolSort.LAST: tool.last_at.timestamp() if tool.last_at else None,
    }
    value = values[sort]
    return (value is None, -(value or 0))


def _build_row(
    tool: ToolSummary, slug: str, asked: ToolListParams, links: ToolRunLinks, names: Mapping[str, str]
) -> ToolRow:
    counts, measured = tool.counts, tool.metrics
    has_calls = counts.calls > 0
    is_checked = has_calls and tool.is_function
    precise = measured.has_sub_second_times if measured else False
    return ToolRow(
        tool=tool,
        url=build_tool_url(slug, tool.type, tool.name, asked),
        calls_url=links.calling(tool) if has_calls else "",
        defined_url=links.defining(tool),
        spark=build_tool_sparkline(tool),
        failed=build_call_share(counts.failed, counts.calls, links.failing(tool)) if has_calls else None,
        misargued=build_call_share(counts.invalid, counts.checked, links.misarguing(tool)) if is_checked else None,
        p50=formats.format_duration(measured.p50_ms, precise=precise) if measured else "",
        p95=formats.format_duration(measured.p95_ms, precise=precise) if measured else "",
        output=formats.format_bytes(measured.median_output_bytes) if measured else "",
        defined_in=_build_assistant_links(tool.definition.assistants if tool.definition else (), links, names),
        called_by=_build_assistant_links(
            [each for each in (tool.calls.by_assistant if tool.calls else ()) if each], links, names
        ),
    )


def build_tool_url(slug: str, kind: str, name: str, asked: ToolListParams | None = None) -> str:
    """The address of a tool's page, over the same time."""
    query = "" if asked is None else ToolListParams(asked.range).query()
    return reverse("tool", kwargs={"project": slug, "tool": f"{kind}/{name}"}) + query


def build_tool_sparkline(tool: ToolSummary) -> Sparkline | None:
    """The calls of each part of the period; those in which any failed are marked."""
    if tool.calls is None:
        return None
    parts = tool.calls.buckets
    hot = {place for place, counts in enumerate(parts) if counts.failed >= max(1, HIGH_FAILURE_SHARE * counts.calls)}
    most = max(counts.calls for counts in parts)
    return build_sparkline([counts.calls for counts in parts], highlighted=hot, label=f"{most:,} at most in one part")


def _build_assistant_links(
    ids: Sequence[str], links: ToolRunLinks, names: Mapping[str, str]
) -> list[ToolAssistantLink]:
    return [
        ToolAssistantLink(each, names.get(each) or formats.shorten_id(each), links.of_assistant(each)) for each in ids
    ]
