"""The steps of a run, their tool calls, and the calls that violate the tool schemas of the run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import Any

from dashboard.ui.message_parts import build_message_parts
from dashboard.ui.posted_object import PostedObject, as_mapping
from dashboard.ui.readable_values import truncate_readable
from dashboard.ui.response_item_parts import build_item_parts
from dashboard.ui.titled_part import MAX_LISTED_PARTS, TitledPart
from dashboard.ui.tool_call_parts import DisplayedToolCall, parse_required_action, parse_tool_call
from dashboard.ui.truncated_text import truncate_text
from runs.analytics.run_steps import (
    ReadSteps,
    StepTotals,
    fetch_step_totals,
    read_chosen_steps,
    read_opening_steps,
    read_step,
    read_steps,
    total_steps,
)
from runs.db.size_limits import take_within_bytes
from runs.enrichment.function_calls import CallFinding, FunctionCallReport
from runs.enrichment.step_validation import read_stored_findings
from runs.enrichment.tool_call_validation import validate_function_calls
from runs.models import Message, Run, RunStep, ShareLink
from runs.models.message import MESSAGE_ORDER, MessageQuerySet
from runs.protocol.lossless_json import clean_text, parse_json
from runs.protocol.step import TERMINAL_STEP_STATUSES
from runs.team.left_out_parts import LEFT_OUT_TEXT, leave_out_of_step_details

MAX_STEPS_LISTED = 5_000  # without their contents, of a run that is not read as a whole
MAX_STEPS_COUNTED = 2_000  # whose contents are read for the tools and output errors of such a run
MAX_MESSAGES_READ = 500
MAX_OPENING_MESSAGES = 20  # of such a run
MAX_MESSAGE_BYTES = 8 * 1024 * 1024  # of the contents of all messages that are read
_STEP_ID_ANCHOR = re.compile(r"step_[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True)
class RunPageStep:
    """A step with its tool calls, or with other `details`. `number` counts from 1; `messages` are those of the run."""

    record: RunStep
    number: int
    calls: list[DisplayedToolCall]
    details: Any = field(default=None, repr=False)
    messages: Mapping[str, Message] = field(default_factory=dict, repr=False)

    @cached_property
    def parts(self) -> list[TitledPart]:
        """The content of a step without tool calls: the message that it created, or its details as received."""
        if self.calls:
            return []
        message = self.messages.get(_get_message_id(self.details))
        if message is not None:
            return build_message_parts(message)
        if self.details is None:
            return [TitledPart("step_details", note="step_details: null or not sent")]
        try:
            return self._item_parts or [TitledPart("step_details", truncate_readable(self.details))]
        except RecursionError:
            return [TitledPart("step_details", truncate_text(self.record.details or ""))]

    @property
    def _item_parts(self) -> list[TitledPart]:
        """The content of an item of a response, or of the activities of a server."""
        details = as_mapping(self.details)
        activities = details.get("activities")
        if isinstance(activities, list) and activities:
            items = [as_mapping(activity) for activity in activities[:MAX_LISTED_PARTS]]
            return [part for item in items for part in build_item_parts(str(item.get("type")), item)]
        item = as_mapping(details.get(self.record.type))
        return build_item_parts(self.record.type, item) if item else []

    @property
    def anchor(self) -> str:
        """The id of the element of the step."""
        return make_step_anchor(self.record.external_id, self.number)

    @property
    def is_failed(self) -> bool:
        """Return whether the step failed or has an error."""
        return self.record.is_failed

    @property
    def title(self) -> str:
        """The name of a single tool call, or the type of the step."""
        return format_step_title(self.record)


@dataclass
class RunSteps:
    """The steps of a run in order, and the messages that the run wrote, as far as a page reads them.

    `totals` are those of all steps, `answer_count` is the number of all messages with a text. `has_all_messages` tells
    whether all messages are read.
    """

    run: Run
    posted: PostedObject
    steps: list[RunPageStep]
    totals: StepTotals
    messages: list[Message]
    answer_count: int
    has_all_messages: bool = True

    @property
    def is_complete(self) -> bool:
        """Return whether these are all steps of the run."""
        return len(self.steps) == self.totals.count

    @property
    def unread_count(self) -> int:
        """The number of steps that the page does not read."""
        return self.totals.count - len(self.steps)

    @cached_property
    def listed(self) -> Sequence[tuple[int, RunStep]]:
        """The first steps with their numbers. Takes a query if not all are read; these are without their contents."""
        if self.is_complete:
            return [(step.number, step.record) for step in self.steps]
        return list(enumerate(RunStep.objects.of_run(self.run).for_timeline().oldest_first()[:MAX_STEPS_LISTED], 1))

    @property
    def unlisted_count(self) -> int:
        """The number of steps after the listed ones."""
        return self.totals.count - len(self.listed)

    @cached_property
    def pending_calls(self) -> list[DisplayedToolCall]:
        """The calls whose outputs or approvals the run waits for."""
        return parse_required_action(self.posted.value("required_action"))

    @cached_property
    def calls(self) -> list[tuple[DisplayedToolCall, RunPageStep | None]]:
        """Every call with its step, then the pending calls that no step contains."""
        calls: list[tuple[DisplayedToolCall, RunPageStep | None]] = [
            (call, step) for step in self.steps for call in step.calls
        ]
        ids = {call.id for call, _ in calls}
        return calls + [(call, None) for call in self.pending_calls if call.id not in ids]

    @property
    def call_count(self) -> int:
        """The number of calls in all steps."""
        return sum(len(step.calls) for step in self.steps)

    @cached_property
    def failed(self) -> list[RunPageStep]:
        """The failed steps among those that were read."""
        return [step for step in self.steps if step.is_failed]

    # The validation of function calls against the tools of the run

    @cached_property
    def validation(self) -> FunctionCallReport:
        """The findings about all function calls. There are none if the tools of the run were not sent."""
        calls = [call.function_call for call, _ in self.calls if call.type == "function"]
        stored = [self._stored_findings.get(id(call)) for call in calls]
        return validate_function_calls(self.posted.members.get("tools", b"null").decode(), calls, stored)

    @property
    def invalid_call_count(self) -> int:
        """The number of function calls that violate their declaration."""
        return len({id(finding.call) for finding in self.validation.errors})

    def findings_of(self, call: DisplayedToolCall) -> list[CallFinding]:
        """Return the findings about one call."""
        return self._findings_by_call.get(id(call.function_call), []) if call.type == "function" else []

    def step_of(self, finding: CallFinding) -> RunPageStep | None:
        """Return the step of the call of a finding, or None for a pending call."""
        return self._steps_by_call.get(id(finding.call))

    @cached_property
    def _stored_findings(self) -> dict[int, list[CallFinding]]:
        """The findings about the calls of the steps that were validated before."""
        stored: dict[int, list[CallFinding]] = {}
        for step in self.steps:
            calls = {
                position: call.function_call for position, call in enumerate(step.calls) if call.type == "function"
            }
            findings = read_stored_findings(step.record, calls) if calls else None
            if findings is not None:
                stored |= {id(calls[position]): found for position, found in findings.items()}
        return stored

    @cached_property
    def _findings_by_call(self) -> dict[int, list[CallFinding]]:
        grouped = groupby(self.validation.findings, lambda finding: id(finding.call))
        return {call_id: list(findings) for call_id, findings in grouped}

    @cached_property
    def _steps_by_call(self) -> dict[int, RunPageStep | None]:
        return {id(call.function_call): step for call, step in self.calls if call.type == "function"}


def make_step_anchor(step_id: str, number: int) -> str:
    """Return the id of the element of a step. Only a posted id that cannot clash with another element is used."""
    return step_id if _STEP_ID_ANCHOR.fullmatch(step_id) else f"step-{number}"


def format_step_title(record: RunStep) -> str:
    """Return the name of a single tool call, or the type of the step."""
    names = record.tool_names
    if len(names) == 1:
        return names[0]
    return f"{record.type}, {len(names)} in parallel" if names else record.type


def fetch_run_steps(
    run: Run, posted: PostedObject, chosen_number: int = 0, *, max_steps: int | None = None
) -> RunSteps:
    """Fetch the first steps of a run, its notable ones, the one with the chosen number, if any, and its messages.

    Takes two queries, and a few more for a run that is too large to be read as a whole.
    """
    return _build_run_steps(run, posted, read_steps(run, chosen_number, max_steps=max_steps), MAX_MESSAGES_READ)


def fetch_opening_steps(run: Run, posted: PostedObject, chosen_number: int = 0) -> RunSteps:
    """Fetch all steps and messages of a run of usual size, in two queries; of a larger one, what its page opens with.

    These are its notable steps, the one with the chosen number, if any, and its first messages.
    """
    read = read_opening_steps(run, chosen_number)
    return _build_run_steps(run, posted, read, MAX_MESSAGES_READ if read.is_complete else MAX_OPENING_MESSAGES)


def fetch_run_step(run: Run, posted: PostedObject, number: int) -> RunSteps:
    """Fetch only the step with this number, if there is one, and the message it created. Takes two queries."""
    record = read_step(run, number) if number else None
    records = [] if record is None else [(number, record)]
    steps = _build_steps(run, posted, records, [], has_all_messages=False)
    totals = total_steps([record for _, record in records])
    return RunSteps(run, posted, steps, totals, [], 0, has_all_messages=False)


def fetch_unread_steps(run: Run, posted: PostedObject) -> RunSteps:
    """Return the steps of a run with none of them read, only their totals. Takes three queries."""
    return RunSteps(run, posted, [], fetch_step_totals(run), [], 0, has_all_messages=False)


def fetch_chosen_steps(run: Run, steps: RunSteps, step_ids: Mapping[int, str]) -> RunSteps:
    """Fetch further steps of a run by their numbers and ids, as many as a page reads at once. Takes two queries."""
    records = read_chosen_steps(run, step_ids)
    built = _build_steps(run, steps.posted, records, steps.messages, has_all_messages=steps.has_all_messages)
    return replace(steps, steps=built)


def _build_run_steps(run: Run, posted: PostedObject, read: ReadSteps, max_messages: int) -> RunSteps:
    messages, answer_count, has_all = _read_messages(run, posted, max_messages)
    steps = _build_steps(run, posted, read.steps, messages, has_all_messages=has_all)
    return RunSteps(run, posted, steps, read.totals, messages, answer_count, has_all)


def _build_steps(
    run: Run,
    posted: PostedObject,
    records: Sequence[tuple[int, RunStep]],
    messages: Sequence[Message],
    *,
    has_all_messages: bool,
) -> list[RunPageStep]:
    details = [parse_json(record.details) if record.details else None for _, record in records]
    if ShareLink.Part.OUTPUTS in posted.left_out:
        return [
            _build_step_without_outputs(run, number, record, value)
            for (number, record), value in zip(records, details, strict=True)
        ]
    messages_by_id = {message.external_id: message for message in messages}
    if not has_all_messages:
        created = {message_id for value in details if (message_id := _get_message_id(value))}
        messages_by_id |= _fetch_messages(run, created - messages_by_id.keys())
    return [
        _build_step(run, number, record, value, messages_by_id)
        for (number, record), value in zip(records, details, strict=True)
    ]


def _build_step(run: Run, number: int, record: RunStep, details: Any, messages: Mapping[str, Message]) -> RunPageStep:
    posted_calls = as_mapping(details).get("tool_calls")
    is_pending = run.status == "requires_action" and record.status not in TERMINAL_STEP_STATUSES
    calls = posted_calls if isinstance(posted_calls, list) else []
    return RunPageStep(
        record, number, [parse_tool_call(call, is_pending=is_pending) for call in calls], details, messages
    )


def _build_step_without_outputs(run: Run, number: int, record: RunStep, details: Any) -> RunPageStep:
    record.error_message = record.error_message and LEFT_OUT_TEXT
    step = _build_step(run, number, record, leave_out_of_step_details(details), {})
    return replace(step, calls=[replace(call, output_length=None) for call in step.calls])


def _get_message_id(details: Any) -> str:
    """Return the id of the message that a step with these details created, or ""."""
    message_id = as_mapping(as_mapping(details).get("message_creation")).get("message_id")
    return clean_text(message_id) if isinstance(message_id, str) else ""


def _fetch_messages(run: Run, message_ids: Collection[str]) -> dict[str, Message]:
    """Fetch messages of a run by id, as many as a page reads at once. Takes one query, none without ids."""
    if not message_ids:
        return {}
    chosen = Message.objects.of_run(run).with_ids(message_ids)
    return {message.external_id: message for message in _take_messages(chosen, MAX_MESSAGES_READ)}


def _read_messages(run: Run, posted: PostedObject, max_messages: int) -> tuple[list[Message], int, bool]:
    """Return the first messages of a run, how many of all have a text, and whether these are all."""
    if ShareLink.Part.OUTPUTS in posted.left_out:
        return [], 0, True
    messages = Message.objects.of_run(run)
    read: list[Any] = list(_take_messages(messages, max_messages))
    if not read or read[0].row_count == len(read):
        return read, sum(bool(message.text) for message in read), True
    return read, messages.exclude(text="").count(), False


def _take_messages(messages: MessageQuerySet, max_messages: int) -> MessageQuerySet:
    return take_within_bytes(
        messages.for_run_page(), MESSAGE_ORDER, "content", max_rows=max_messages, max_bytes=MAX_MESSAGE_BYTES
    )
