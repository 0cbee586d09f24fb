"""The top of the run page: the status and its reason, facts, the lifecycle, and the overview below it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice

from django.utils.safestring import SafeString

from dashboard.pages.run.errors import ErrorsSection, RunLastError, parse_incomplete_reason, parse_last_error
from dashboard.pages.run.list_navigation import ListNavigation, fetch_list_navigation
from dashboard.pages.run.params import RunPageParams
from dashboard.pages.run.steps import RunPageStep, RunSteps
from dashboard.pages.run.timeline.section import Timeline
from dashboard.pages.run.usage import TOKEN_LIMITS, RunCost
from dashboard.ui import formats, markdown
from dashboard.ui.lifecycle import NEVER_STARTED_STATUSES, build_lifecycle
from dashboard.ui.lifecycle_segments import LifecycleSegment
from dashboard.ui.posted_object import FieldPresence, PostedObject, as_integer, as_name
from dashboard.ui.run_clock import RunClock, is_run_ongoing, is_run_overdue
from dashboard.ui.tool_call_parts import DisplayedToolCall
from dashboard.ui.truncated_text import TruncatedText, truncate_text
from runs.analytics.run_steps import StepTotals
from runs.analytics.run_turns import RunTurns
from runs.models import Assistant, Message, Run, ShareLink
from runs.protocol.timestamps import milliseconds_between

# The page stops asking for updates of a run that has sent nothing for this long.
LIVE_UPDATE_PERIOD = timedelta(hours=6)
MAX_COUNTED_THREAD_RUNS = 1000
MAX_LISTED = 20  # pending calls, failed steps and answers of the overview


@dataclass
class RunHeader:
    """The header of `run`, which the page polls while the run is in progress.

    `steps` are the totals of its steps, `turns` its turns. `errors` is given for a whole page only.
    """

    run: Run
    posted: PostedObject
    steps: StepTotals
    turns: RunTurns
    now: datetime
    params: RunPageParams
    errors: ErrorsSection | None = None

    # Neighbours

    @cached_property
    def previous_id(self) -> str | None:
        """The id of the previous run in the thread. Takes one query."""
        return Run.objects.previous_id_in_thread(self.run)

    @cached_property
    def next_id(self) -> str | None:
        """The id of the next run in the thread. Takes one query."""
        return Run.objects.next_id_in_thread(self.run)

    @cached_property
    def thread_position(self) -> tuple[int, int] | None:
        """The position of the run in its thread and the number of runs there.

        None if the run is alone in its thread, or if the thread has too many runs to count.
        """
        if self.previous_id is None and self.next_id is None:
            return None
        return Run.objects.position_in_thread(self.run, MAX_COUNTED_THREAD_RUNS)

    @cached_property
    def list_navigation(self) -> ListNavigation | None:
        """The neighbours in the list that the run was opened from, if any. Takes two queries."""
        return fetch_list_navigation(self.run, self.params.run_list) if self.params.run_list else None

    # Status

    @property
    def is_ongoing(self) -> bool:
        """Return whether the run is still in progress."""
        return is_run_ongoing(self.run, self.now)

    @property
    def is_polled(self) -> bool:
        """Return whether the page asks for updates: the run is in progress, and was updated recently."""
        return self.is_ongoing and self.now - self.run.seen_at < LIVE_UPDATE_PERIOD

    @property
    def is_known_status(self) -> bool:
        """Return whether the protocol knows the status."""
        return self.run.status in formats.STATUS_LABELS

    @property
    def is_overdue(self) -> bool:
        """Return whether the run is past its expiry, although no later status was received."""
        return is_run_overdue(self.run, self.now)

    @property
    def state_token(self) -> str:
        """A text that changes with the run and with its steps, so that an open page can tell what it shows."""
        steps = self.steps
        last_at = f"{steps.last_at.timestamp():.0f}" if steps.last_at else ""
        return f"{self.run.version}-{steps.count}-{steps.failed_count}-{steps.call_count}-{last_at}"

    @property
    def has_newer_state(self) -> bool:
        """Return whether an open page was rendered from an earlier state."""
        return bool(self.params.seen_state) and self.params.seen_state != self.state_token

    @cached_property
    def last_error(self) -> RunLastError | None:
        """The error that the server reported."""
        return parse_last_error(self.posted)

    @cached_property
    def incomplete_reason(self) -> str | None:
        """The reason of an incomplete run."""
        return parse_incomplete_reason(self.posted)

    @cached_property
    def token_limit(self) -> int | None:
        """The limit that stopped an incomplete run."""
        reason = self.incomplete_reason
        return as_integer(self.posted.value(reason)) if reason in TOKEN_LIMITS else None

    @property
    def is_token_limit_reached(self) -> bool:
        """Return whether a token limit stopped an incomplete run."""
        return self.incomplete_reason in TOKEN_LIMITS

    @property
    def pending_tools(self) -> list[str]:
        """The names of the tools whose outputs the run waits for."""
        return self.run.pending_functions or []

    # Times

    @property
    def lifecycle(self) -> list[LifecycleSegment]:
        """The segments of the lifecycle bar."""
        return build_lifecycle(self.run, self.steps, self.turns, self.now)

    @property
    def missing_start(self) -> str:
        """The reason why no start of the run is known."""
        if self.run.status == "queued":
            return "not yet"
        return "never" if self.run.status in NEVER_STARTED_STATUSES else "not sent"

    @property
    def elapsed(self) -> str:
        """The time from creation to the end, or until now. A dash if the end is unknown."""
        if self.is_ongoing:
            return self._format_span(self.run.created_at, self.now)
        return RunClock.for_run(self.run, self.now).format_duration(self.run.duration_ms)

    @property
    def waiting_time(self) -> str:
        """Time for which the run has waited for outputs, or "" if it is overdue."""
        begin = self.steps.waiting_since or self.run.started_at or self.run.created_at
        return "" if self.is_overdue else self._format_span(begin, self.now)

    @property
    def is_waiting_time_exact(self) -> bool:
        """Return whether the steps tell when the wait began. Otherwise it began after the last start of the run."""
        return self.steps.waiting_since is not None

    @property
    def expires_in(self) -> str:
        """The time until the expiry of a run in progress, or ""."""
        if not self.is_ongoing or self.run.expires_at is None:
            return ""
        return self._format_span(self.now, self.run.expires_at)

    def _format_span(self, begin: datetime, end: datetime | None) -> str:
        return RunClock.for_run(self.run, self.now).format_duration(milliseconds_between(begin, end))

    # Facts

    @cached_property
    def assistant_name(self) -> str | None:
        """The name of the assistant, if it has one."""
        names = Assistant.objects.names_by_id(self.run.project, {self.run.assistant_id})
        return names.get(self.run.assistant_id)

    @cached_property
    def cost(self) -> RunCost:
        """The estimated cost."""
        return RunCost(self.run)

    @property
    def model(self) -> str | None:
        """The model as it was sent."""
        return as_name(self.posted.value("model"))

    @property
    def model_presence(self) -> FieldPresence:
        """Return whether the model was sent."""
        return self.posted.presence("model")


@dataclass(frozen=True, slots=True)
class AssistantAnswer:
    """A message that the run wrote. It is rendered as Markdown unless it is long."""

    text: TruncatedText

    @property
    def html(self) -> SafeString | None:
        """The rendered message, or None if it is too long."""
        return None if self.text.is_truncated else markdown.render_markdown(self.text.full)


@dataclass
class OverviewSection:
    """The question that a run answers, its answers, and what it waits for."""

    run: Run
    steps: RunSteps
    timeline: Timeline

    def __bool__(self) -> bool:
        """Return whether there is anything to show."""
        return bool(self.steps.pending_calls or self.steps.failed or self.question or self.answers)

    @property
    def listed_pending_calls(self) -> list[DisplayedToolCall]:
        """The first calls that the run waits for."""
        return self.steps.pending_calls[:MAX_LISTED]

    @property
    def hidden_pending_count(self) -> int:
        """The number of pending calls that are not listed."""
        return len(self.steps.pending_calls) - len(self.listed_pending_calls)

    @property
    def listed_failed_steps(self) -> list[tuple[RunPageStep, str]]:
        """The first steps that failed, with their URLs."""
        return self.timeline.link_steps(self.steps.failed[:MAX_LISTED])

    @property
    def hidden_failed_count(self) -> int:
        """The number of failed steps that are not listed."""
        return self.steps.totals.failed_count - len(self.listed_failed_steps)

    @property
    def hidden_answer_count(self) -> int:
        """The number of answers that are not shown."""
        return self.steps.answer_count - len(self.answers)

    @cached_property
    def question(self) -> TruncatedText | None:
        """The last message before the run, unless outputs are left out. Takes one query."""
        if ShareLink.Part.OUTPUTS in self.steps.posted.left_out:
            return None
        message = Message.objects.last_question_before(self.run)
        return truncate_text(message.text) if message and message.text else None

    @cached_property
    def answers(self) -> list[AssistantAnswer]:
        """The first messages that the run wrote, as far as they have a text."""
        texts = (message.text for message in self.steps.messages if message.text)
        return [AssistantAnswer(truncate_text(text)) for text in islice(texts, MAX_LISTED)]
