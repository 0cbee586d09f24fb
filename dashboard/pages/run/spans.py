"""The spans of a run that is derived from an OpenTelemetry trace, nested and as they came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models.functions import Left, Length

from dashboard.ui import formats
from runs.models import Run, RunSource, Span, Trace
from runs.protocol.lossless_json import decode_json

MAX_SPANS_SHOWN = 1_000
MAX_OPEN_LEVELS = 2  # deeper ones are folded
MAX_LEVELS = 20  # deeper ones are shown at this level
MAX_BODY_CHARACTERS = 2_000
MAX_BODIES_CHARACTERS = 100_000  # of all spans on the page


@dataclass
class SpanNode:
    """A span with those below it. `body` is its OTLP JSON, None if it is not shown."""

    name: str
    role: str
    duration: str
    is_error: bool
    body: str | None
    is_body_cut: bool
    level: int
    children: list[SpanNode] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Return whether the spans below are unfolded."""
        return self.level < MAX_OPEN_LEVELS


class SpansSection:
    """The spans of the trace of a run. It queries nothing for runs of other sources."""

    def __init__(self, run: Run) -> None:
        """Describe the trace of `run`, if it has one."""
        self._run = run
        self.is_shown = run.source == RunSource.OTEL

    @cached_property
    def trace(self) -> Trace | None:
        """The trace, None if it was deleted."""
        return Trace.objects.of_run(self._run.project, self._run.external_id)

    @property
    def not_captured(self) -> str:
        """The sentence that says that no content was captured, and which setting captures it."""
        trace = decode_json((self._run.extra or "{}").encode()).get("trace")
        return str(trace.get("content_not_captured", "")) if isinstance(trace, dict) else ""

    @property
    def hidden_count(self) -> int:
        """The number of spans that are not shown."""
        return max(0, self.trace.span_count - MAX_SPANS_SHOWN) if self.trace else 0

    @cached_property
    def roots(self) -> list[SpanNode]:
        """The outermost spans. Those whose parents are missing, or form a circle, count as such."""
        if self.trace is None:
            return []
        spans = Span.objects.of_trace(self.trace).defer("body")
        spans = spans.annotate(excerpt=Left("body", MAX_BODY_CHARACTERS), size=Length("body"))
        return _build_tree(list(spans[:MAX_SPANS_SHOWN]))


def _build_tree(spans: list[Span]) -> list[SpanNode]:
    by_id = {span.span_id: span for span in spans}
    children: dict[str | None, list[Span]] = defaultdict(list)
    for span in spans:
        children[span.parent_id if span.parent_id in by_id else None].append(span)
    nodes: dict[str, SpanNode] = {}
    siblings: dict[str, list[SpanNode]] = {}  # the list that each span is in
    remaining = MAX_BODIES_CHARACTERS
    roots: list[SpanNode] = []
    for span, parent in _walk(spans, children):
        excerpt: str = span.excerpt  # type: ignore[attr-defined]  # annotated
        is_cut = span.size > MAX_BODY_CHARACTERS  # type: ignore[attr-defined]
        remaining -= len(excerpt)
        node = SpanNode(
            span.name,
            span.role,
            _format_duration(span),
            span.is_error,
            excerpt if remaining >= 0 else None,
            is_cut,
            min(nodes[parent].level + 1, MAX_LEVELS) if parent is not None else 0,
        )
        nodes[span.span_id] = node
        if parent is None:
            siblings[span.span_id] = roots
        else:
            is_deepest = nodes[parent].level == MAX_LEVELS
            siblings[span.span_id] = siblings[parent] if is_deepest else nodes[parent].children
        siblings[span.span_id].append(node)
    return roots


def _walk(spans: list[Span], children: dict[str | None, list[Span]]) -> Iterator[tuple[Span, str | None]]:
    """Yield each span once, after its parent, with the id of this parent."""
    seen: set[str] = set()
    for start in [*children[None], *spans]:  # the latter for circles of parents
        waiting: list[tuple[Span, str | None]] = [(start, None)]
        while waiting:
            span, parent = waiting.pop()
            if span.span_id not in seen:
                seen.add(span.span_id)
                yield span, parent
                waiting += [(child, span.span_id) for child in reversed(children.get(span.span_id, []))]


def _format_duration(span: Span) -> str:
    if not span.started_ns or span.ended_ns < span.started_ns:
        return "—"
    return formats.format_duration((span.ended_ns - span.started_ns) // 1_000_000)
