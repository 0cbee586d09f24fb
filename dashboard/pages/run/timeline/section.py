"""The timeline of a run: a tree of rows with bars on one time axis, which can be folded, filtered and zoomed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import islice
from urllib.parse import urlencode

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from dashboard.pages.run.params import RunPageParams
from dashboard.pages.run.steps import RunPageStep, RunSteps
from dashboard.pages.run.timeline.filter import TimelineFilter
from dashboard.pages.run.timeline.span_content import SpanContent
from dashboard.pages.run.timeline.span_source import SpanSource
from dashboard.pages.run.timeline.step_source import StepContent, StepSource
from dashboard.pages.run.timeline.tree import TimelineNode, TimelineTree
from dashboard.pages.run.timeline.visible_rows import (
    MAX_MATCHES,
    MAX_SIBLINGS,
    MAX_SIBLINGS_FETCHED,
    MAX_SIBLINGS_IN_FULL,
    MoreRows,
    RowSelection,
    VisibleRow,
)
from dashboard.pages.run.timeline_params import TimelineView, TimelineZoom
from dashboard.ui import formats
from dashboard.ui.run_clock import is_run_ongoing
from dashboard.ui.timeline_axis import TimelineAxis, TimelineTick
from runs.models import Run, RunSource, Trace
from runs.protocol.lossless_json import decode_json
from runs.protocol.timestamps import milliseconds_between

# Nodes that failed or wait are always drawn, because links point to them.
_MAX_REQUIRED = 10
# A short timeline is sent with the content of its rows, so that a search in the page finds it. The content of the rows
# of a longer one is fetched when they are opened, except of those that failed or wait. With `full=timeline`, it is sent
# for these many rows.
_MAX_SHORT_TIMELINE_ROWS = 12
_MAX_LOADED_ROWS = 200
_MAX_LABEL_LENGTH = 40
_MAX_LEVEL = 12  # deeper rows are not indented further
_BAR_CLASSES = {
    "message": "m",
    "model call": "m",
    "tool calls": "t",
    "tool": "t",
    "agent": "a",
    "workflow": "a",
}


@dataclass(frozen=True, slots=True)
class TimelineBar:
    """A bar as SVG lengths.

    `kind` is "m" (model call, message), "t" (tool), "a" (agent), "o" (other), "f" (failed) or "w" (waiting).
    """

    kind: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A row for a node, with its content if it is sent along."""

    visible: VisibleRow
    child_count: int
    duration: str
    bar: TimelineBar | None
    zoom: TimelineZoom | None = None
    content: StepContent | SpanContent | None = None
    is_open: bool = False

    @property
    def node(self) -> TimelineNode:
        """The step, call or span."""
        return self.visible.node

    @property
    def level(self) -> int:
        """The level of indentation."""
        return min(self.visible.level, _MAX_LEVEL)

    @property
    def short_label(self) -> str:
        """The label, shortened in the middle: similar names mostly differ at their ends."""
        label = self.node.label
        return f"{label[:20]}…{label[-17:]}" if len(label) > _MAX_LABEL_LENGTH else label

    @property
    def description(self) -> str:
        """The name of the row for screen readers."""
        status = formats.format_status(self.node.status)
        return ", ".join(filter(None, (f"{self.node.number} {self.node.label}", self.node.kind, status, self.duration)))


@dataclass
class Timeline:
    """The timeline of `run`: of its spans if it is derived from a trace, unless its steps are asked for."""

    run: Run
    steps: RunSteps
    now: datetime
    params: RunPageParams

    # What is shown

    @cached_property
    def trace(self) -> Trace | None:
        """The trace that the run is derived from; None for other runs, or if it was deleted.

        Spans repeat everything in terms of their own, so that there is none if anything is left out.
        """
        if self.run.source != RunSource.OTEL or self.steps.posted.left_out:
            return None
        return Trace.objects.of_run(self.run.project, self.run.external_id)

    @cached_property
    def source(self) -> StepSource | SpanSource:
        """The nodes that are drawn."""
        spans = None if self.params.timeline_view == TimelineView.STEPS else self.build_span_source()
        return StepSource(self.run, self.steps, self.now) if spans is None else spans

    def build_span_source(self) -> SpanSource | None:
        """Return the spans of the run; None without a trace."""
        if self.trace is None:
            return None
        return SpanSource(self.run, self.trace, [record for _, record in self.steps.listed])

    @property
    def shows_spans(self) -> bool:
        """Return whether the rows are spans."""
        return isinstance(self.source, SpanSource)

    @property
    def not_captured(self) -> str:
        """The sentence that says that no content was captured, and which setting captures it."""
        if self.run.source != RunSource.OTEL:
            return ""
        trace = decode_json((self.run.extra or "{}").encode()).get("trace")
        return str(trace.get("content_not_captured", "")) if isinstance(trace, dict) else ""

    @property
    def is_full(self) -> bool:
        """Return whether all nodes of each level are drawn."""
        return "timeline" in self.params.full

    @property
    def is_loaded(self) -> bool:
        """Return whether everything is drawn with its content."""
        rows = [row for row in self.rows if isinstance(row, TimelineRow)]
        return len(rows) == len(self.tree.nodes) and all(row.content is not None for row in rows)

    @property
    def unread_count(self) -> int:
        """The number of steps or spans that no row stands for: those after the first ones that are read."""
        outermost = len(self.tree.nodes) if self.shows_spans else len(self.tree.children(None))
        return max(0, self.source.count - outermost)

    @cached_property
    def tree(self) -> TimelineTree:
        """All nodes."""
        return self.source.tree if isinstance(self.source, SpanSource) else TimelineTree(self.source.nodes)

    @property
    def is_filterable(self) -> bool:
        """Return whether there are so many rows that a filter helps."""
        return len(self.tree.nodes) > _MAX_SHORT_TIMELINE_ROWS or bool(self.filter)

    @property
    def kinds(self) -> list[str]:
        """The kinds of nodes, to filter by."""
        return sorted({node.kind for node in self.tree.nodes})

    @property
    def failed_count(self) -> int:
        """The number of nodes that failed."""
        return sum(node.is_failed for node in self.tree.nodes)

    # Rows

    @cached_property
    def filter(self) -> TimelineFilter:
        """The conditions that the rows meet."""
        part = self.axis if self.params.zoom is not None else None
        return TimelineFilter(self.params.row_name, self.params.row_kind, self.params.is_failed_only, part)

    @cached_property
    def match_count(self) -> int:
        """The number of nodes that the filter matches."""
        return len(self._matches or ())

    @property
    def hidden_match_count(self) -> int:
        """The number of nodes that the filter matches and that are not drawn."""
        return max(0, self.match_count - MAX_MATCHES)

    @cached_property
    def rows(self) -> list[TimelineRow | MoreRows]:
        """The rows of the whole timeline."""
        return self._complete(self._selection.select())

    @cached_property
    def branch_rows(self) -> list[TimelineRow | MoreRows]:
        """The rows below one node, or the next ones of its level, that the page fetches when a row is unfolded."""
        selection = replace(self._selection, max_siblings=MAX_SIBLINGS_FETCHED)
        return self._complete(selection.select_branch(self.params.branch or None, self.params.after))

    def find_row(self, position: str) -> TimelineRow | None:
        """Return the row at `position` with its content, or None if there is none."""
        node = self.tree.by_position.get(position)
        content = self.source.read_contents([position]).get(position) if node else None
        if node is None or content is None:
            return None
        row = self._build_row(VisibleRow(node, self.tree.level(position), 1, 1, is_unfolded=False))
        return replace(row, content=content, is_open=True)

    def step_url(self, step: RunPageStep) -> str:
        """Return the relative URL of a step, whether it is drawn or not."""
        if self.shows_spans:
            return f"?{self.params.link_prefix}timeline=steps&full=row-{step.number}#{step.anchor}"
        if str(step.number) in self._drawn_positions:
            return f"#{step.anchor}"
        return f"?{self.params.link_prefix}full=row-{step.number}#{step.anchor}"

    def link_steps(self, steps: Iterable[RunPageStep]) -> list[tuple[RunPageStep, str]]:
        """Return steps with their relative URLs."""
        return [(step, self.step_url(step)) for step in steps]

    # Links

    @property
    def failed_query(self) -> str:
        """The query string of the link that shows what failed."""
        return self.params.link_prefix + urlencode({"failed": "1"})

    @property
    def query(self) -> str:
        """The beginning of the query string of links from the timeline to itself."""
        return self._build_query(zoom=str(self.params.zoom or ""), unfold=self.params.unfold)

    @property
    def query_without_zoom(self) -> str:
        """The beginning of the query string of the link that shows the whole axis."""
        return self._build_query(unfold=self.params.unfold)

    def _build_query(self, **changes: object) -> str:
        params: dict[str, object] = {
            "timeline": self.params.timeline_view or "",
            "name": self.params.row_name,
            "kind": self.params.row_kind,
            "failed": "1" if self.params.is_failed_only else "",
            **changes,
        }
        pairs = [(name, value) for name, value in params.items() if value]
        return self.params.link_prefix + (urlencode(pairs, doseq=True) + "&" if pairs else "")

    # Time

    @cached_property
    def is_ongoing(self) -> bool:
        """Return whether the run is still in progress."""
        return is_run_ongoing(self.run, self.now)

    @cached_property
    def axis(self) -> TimelineAxis:
        """The time that is drawn."""
        whole = self.source.axis
        if self.params.zoom is None:
            return whole
        return replace(self.params.zoom.apply(whole), origin=whole.begin)

    @property
    def total(self) -> str:
        """The time that the whole axis covers."""
        axis = self.source.axis
        ms = milliseconds_between(axis.begin, axis.end)
        return formats.format_duration(ms, precise=self.source.is_precise)

    @property
    def axis_microseconds(self) -> tuple[int, int]:
        """The first and the last microsecond that is drawn, from the beginning of the whole axis."""
        begin = self.source.axis.begin
        return _to_microseconds(begin, self.axis.begin), _to_microseconds(begin, self.axis.end)

    @property
    def zoom_label(self) -> str:
        """The part of the axis that is drawn, in words."""
        begin, end = (formats.format_duration(at // 1000, precise=True) for at in self.axis_microseconds)
        return f"{begin} to {end}"

    @cached_property
    def ticks(self) -> list[TimelineTick]:
        """The ticks of the time axis."""
        return self.axis.ticks

    @cached_property
    def grid(self) -> SafeString:
        """The grid lines, to which every row refers."""
        lines = ((tick.x, tick.x) for tick in self.ticks)
        return format_html_join("", '<line class="g" x1="{}" x2="{}" y2="100%"/>', lines)

    # How rows are built

    @cached_property
    def _selection(self) -> RowSelection:
        folded = self.source.folded if isinstance(self.source, SpanSource) else ()
        opened = [self._open_position] if self._open_position else []
        drawn = min(max(MAX_SIBLINGS, self.params.drawn), MAX_SIBLINGS_IN_FULL)
        return RowSelection(
            self.tree,
            required=[*islice(self.source.required, _MAX_REQUIRED), *opened],
            unfolded=self.params.unfold,
            folded=folded,
            matches=self._matches,
            max_siblings=MAX_SIBLINGS_IN_FULL if self.is_full else drawn,
        )

    @cached_property
    def _open_position(self) -> str:
        """The position of the row to show open, which is chosen by position or by the id of its element, or ""."""
        if self.params.open_row or not self.params.anchor:
            return self.params.open_row
        return next((node.position for node in self.tree.nodes if node.anchor == self.params.anchor), "")

    @cached_property
    def _matches(self) -> set[str] | None:
        if not self.filter:
            return None
        return {node.position for node in self.tree.nodes if self.filter.matches(node)}

    @cached_property
    def _drawn_positions(self) -> set[str]:
        return {row.node.position for row in self.rows if isinstance(row, TimelineRow)}

    def _complete(self, selected: list[VisibleRow | MoreRows]) -> list[TimelineRow | MoreRows]:
        rows = [row if isinstance(row, MoreRows) else self._build_row(row) for row in selected]
        contents = self._read_contents([row for row in rows if isinstance(row, TimelineRow)])
        return [
            replace(row, content=contents.get(row.node.position), is_open=self._is_open(row.node))
            if isinstance(row, TimelineRow) and row.node.position in contents
            else row
            for row in rows
        ]

    def _read_contents(self, rows: list[TimelineRow]) -> Mapping[str, StepContent | SpanContent]:
        """Read what is sent along: the content of short timelines, and of rows that are open."""
        first = _MAX_LOADED_ROWS if self.is_full else len(rows) if len(rows) <= _MAX_SHORT_TIMELINE_ROWS else 0
        wanted = [row.node for index, row in enumerate(rows) if index < first or self._is_open(row.node)]
        return self.source.read_contents([node.position for node in wanted])

    def _is_open(self, node: TimelineNode) -> bool:
        """Return whether a row is open: the chosen one, and steps that failed or wait. Spans are large."""
        is_notable = (node.is_failed or node.is_waiting) and not self.shows_spans
        return is_notable or node.position == self._open_position

    def _build_row(self, visible: VisibleRow) -> TimelineRow:
        node = visible.node
        place = self.axis.place(node.begin, node.end or node.begin) if node.begin is not None else None
        return TimelineRow(
            visible,
            len(self.tree.children(node.position)),
            self._format_duration(node),
            TimelineBar(self._bar_kind(node), *place) if place else None,
            self._zoom_to(node),
        )

    def _zoom_to(self, node: TimelineNode) -> TimelineZoom | None:
        """Return the part of the axis that a node takes, None if it has no duration or begins before the axis."""
        begin = self.source.axis.begin
        if node.begin is None or node.end is None or not begin <= node.begin < node.end:
            return None
        return TimelineZoom(_to_microseconds(begin, node.begin), _to_microseconds(begin, node.end))

    def _format_duration(self, node: TimelineNode) -> str:
        if node.begin is None:
            return ""
        ms = milliseconds_between(node.begin, node.end)
        if ms == 0 and node.end is not None and self.shows_spans:
            return f"{_to_microseconds(node.begin, node.end)} µs"
        return formats.format_duration(ms, precise=self.source.is_precise)

    def _bar_kind(self, node: TimelineNode) -> str:
        if node.is_failed:
            return "f"
        if node.is_waiting or (node.status == "in_progress" and self.run.status == "requires_action"):
            return "w"
        return _BAR_CLASSES.get(node.kind, "o")


def _to_microseconds(begin: datetime, moment: datetime) -> int:
    passed = moment - begin
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
