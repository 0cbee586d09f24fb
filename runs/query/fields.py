"""The fields of the query language. One entry holds everything about a field: add an entry to add a field.

The grammar, the SQL, the planner, autocomplete, the help page and the API schema read this registry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from runs.models import DayByAssistant, DayByModel, HourBySource, Run, RunSource, SearchText
from runs.models.rollup import RunRollup
from runs.protocol.fields import MAX_INDEXED_LENGTH
from runs.query import sql_targets as targets
from runs.query import value_counts as counts
from runs.query.did_you_mean import find_closest_match
from runs.query.sql_targets import SqlTarget
from runs.query.text_limits import find_text_problem
from runs.query.value_counts import CountedRuns, ValueCounts
from runs.query.value_types import (
    NOT_REVIEWED,
    CodeOrTextType,
    DollarsType,
    DurationType,
    ExactValueType,
    HexPrefixType,
    IdType,
    NumberType,
    ReviewType,
    TagType,
    TextType,
    TimeType,
    ValueType,
)

RUN_STATUSES = tuple(Run.Status.values)


@dataclass(frozen=True, slots=True)
class ChoiceParam:
    """A filter with a URL parameter of its own, which takes exact values. `preposition` goes before them in words."""

    name: str
    column: str
    label: str
    preposition: str
    known_values: tuple[str, ...] = ()

    def find_problem(self, value: str) -> str | None:
        """Return why `value` is invalid, or None. Unknown values are valid, because servers send their own."""
        if not value:
            return "expected a value, found none"
        if problem := find_text_problem(value, MAX_INDEXED_LENGTH):
            return problem
        if value not in self.known_values and (closest := find_closest_match(value, self.known_values)):
            return f"unknown value '{value}'; did you mean '{closest}'?"
        return None


CHOICE_PARAMS = (
    ChoiceParam("status", "status", "Status", "with status", RUN_STATUSES),
    ChoiceParam("model", "model", "Model", "on"),
    ChoiceParam("assistant", "assistant_id", "Assistant", "of"),
    ChoiceParam("error", "error_code", "Error code", "with error"),
    ChoiceParam("thread", "thread_id", "Thread", "in thread"),
)


class IndexKind(Enum):
    """The way in which an index serves a field."""

    NONE = "none"
    # finds the runs of a project in no useful order
    BITMAP = "bitmap"
    # the same, and Postgres combines it with other indexes, because it does not start with the project
    COMBINABLE = "combinable"
    # has the runs of one value newest first, the order of the list
    NEWEST_FIRST = "newest first"


@dataclass(frozen=True, slots=True)
class QueryField:
    """A field of the query language.

    Attributes:
        name: The name before the colon.
        label: The name in a sentence.
        value_type: The syntax of the values, and with it the operators.
        target: The SQL.
        help: Which runs the field finds; completes the sentence "runs …".
        examples: Whole queries for the help page; each of them is tested.
        has_keys: The field is written with a key, as in `metadata.customer`.
        index: The index that serves the field.
        lead_rank: The rank among the fields with a `NEWEST_FIRST` index. The field whose values have the fewest runs
            comes first; the planner scans its index.
        index_serves_wildcards: The index serves patterns with a fixed start, too.
        unindexed_values: The values whose runs the index does not have.
        index_serves_exists: The `NEWEST_FIRST` index serves `*`, too.
        is_rare: Few runs match, and finding all of them is cheaper than scanning the list for a page of them.
        is_slow: Checking one run takes a lookup in another table.
        rollup: The rollup that counts the runs of each value.
        fetch_values: Counts the runs of each value that occurs, for autocomplete.
        most_have_values: Most runs have a value, so that the newest runs have enough values to count.
    """

    name: str
    label: str
    value_type: ValueType
    target: SqlTarget
    help: str
    examples: tuple[str, ...]
    has_keys: bool = False
    index: IndexKind = IndexKind.NONE
    lead_rank: int = 0
    index_serves_wildcards: bool = False
    unindexed_values: frozenset[str] = frozenset()
    index_serves_exists: bool = False
    is_rare: bool = False
    is_slow: bool = False
    rollup: type[RunRollup] | None = None
    fetch_values: Callable[[CountedRuns, str], ValueCounts] | None = None
    most_have_values: bool = False


_EXACT, _TEXT, _NUMBER, _DURATION, _TIME = ExactValueType(), TextType(), NumberType(), DurationType(), TimeType()
_BITMAP, _COMBINABLE, _NEWEST_FIRST = IndexKind.BITMAP, IndexKind.COMBINABLE, IndexKind.NEWEST_FIRST

# fmt: off
QUERY_FIELDS = (
    QueryField(
        "status", "status", ExactValueType(RUN_STATUSES), targets.ColumnTarget("status"),
        "with that status", ("status:failed", "status:failed,expired", "-status:completed"),
        index=_NEWEST_FIRST, lead_rank=8, rollup=DayByModel, fetch_values=counts.fetch_status_values,
    ),
    QueryField(
        "model", "model", _EXACT, targets.ColumnTarget("model"),
        "that used that model", ("model:gpt-4o", "model:gpt-4*", "-model:gpt-4o"),
        index=_NEWEST_FIRST, lead_rank=10, rollup=DayByModel, fetch_values=counts.fetch_model_values,
    ),
    QueryField(
        "assistant", "assistant", _EXACT, targets.AssistantTarget(),
        "of the assistant with that id or name", ("assistant:asst_billing", 'assistant:"Refund desk"'),
        index=_NEWEST_FIRST, lead_rank=9, rollup=DayByAssistant, fetch_values=counts.fetch_assistant_values,
    ),
    QueryField(
        "source", "source", ExactValueType(tuple(RunSource.labels), is_closed=True), targets.SourceTarget(),
        "that were posted as runs (`assistants`), or derived from responses or from traces (`otel`)",
        ("source:responses", "source:responses,otel", "-source:assistants"),
        index=_NEWEST_FIRST, lead_rank=11, unindexed_values=frozenset({RunSource.ASSISTANTS.label}),
        rollup=HourBySource, fetch_values=counts.fetch_source_values,
    ),
    QueryField(
        "thread", "thread", _EXACT, targets.ColumnTarget("thread_id"),
        "in the thread with that id", ("thread:thread_invoices",),
        index=_NEWEST_FIRST, lead_rank=2,
    ),
    QueryField(
        "id", "id", _EXACT, targets.ColumnTarget("external_id"),
        "with that id; `run_ab*` matches its first characters", ("id:run_refund", "id:run_re*"),
        index=_NEWEST_FIRST, lead_rank=1, index_serves_wildcards=True,
    ),
    QueryField(
        "error", "error", CodeOrTextType(), targets.ErrorTarget(),
        "with that error code; quoted text is matched in the error message or as the code",
        ("error:rate_limit_exceeded", 'error:"too many requests"', "error:*", "error:*_exceeded"),
        index=_NEWEST_FIRST, lead_rank=6, rollup=DayByModel, fetch_values=counts.fetch_error_code_values,
    ),
    QueryField(
        "error_code", "error code", _EXACT, targets.ColumnTarget("error_code"),
        "with that error code, quoted or not", ('error_code:"Quota is gone (429)"',),
        index=_NEWEST_FIRST, lead_rank=7, rollup=DayByModel, fetch_values=counts.fetch_error_code_values,
    ),
    QueryField(
        "error_message", "error message", _TEXT, targets.ColumnTarget("error_message"),
        "whose error message contains that text",
        ("error_message:quota", 'error_message:"too many requests"'),
        index=_COMBINABLE,
    ),
    QueryField(
        "reason", "reason", _EXACT, targets.ColumnTarget("incomplete_reason"),
        "that ended incomplete for that reason", ("reason:max_completion_tokens",),
        index=_NEWEST_FIRST, lead_rank=5, fetch_values=counts.fetch_reason_values,
    ),
    QueryField(
        "revision", "revision", ExactValueType(tuple(Run.Revision.values), is_closed=True),
        targets.ColumnTarget("revision"),
        "posted in that revision of the protocol", ("revision:v1",),
    ),
    QueryField(
        "total_tokens", "total tokens", _NUMBER, targets.SortableColumnTarget("total_tokens"),
        "that used that many tokens in total", ("total_tokens:>1000", "total_tokens:100..200", "-total_tokens:*"),
        index=_BITMAP,
    ),
    QueryField(
        "prompt_tokens", "prompt tokens", _NUMBER, targets.OrderedColumnTarget("prompt_tokens"),
        "that used that many prompt tokens", ("prompt_tokens:>=1.5k",),
        index=_COMBINABLE,
    ),
    QueryField(
        "completion_tokens", "completion tokens", _NUMBER, targets.OrderedColumnTarget("completion_tokens"),
        "that used that many completion tokens", ("completion_tokens:<=30",),
        index=_COMBINABLE,
    ),
    QueryField(
        "cached_tokens", "cached tokens", _NUMBER, targets.OrderedColumnTarget("cached_tokens"),
        "that read that many prompt tokens from a cache", ("cached_tokens:>0",),
        index=_COMBINABLE,
    ),
    QueryField(
        "reasoning_tokens", "reasoning tokens", _NUMBER, targets.OrderedColumnTarget("reasoning_tokens"),
        "that used that many completion tokens for reasoning", ("reasoning_tokens:>0",),
        index=_COMBINABLE,
    ),
    QueryField(
        "cost", "estimated cost", DollarsType(), targets.SortableColumnTarget("cost"),
        "with that estimated cost in US dollars; `-cost:*` finds runs without a price",
        ("cost:>0.001", "cost:$0.0005..$0.001", "-cost:*"),
    ),
    QueryField(
        "duration", "duration", _DURATION, targets.SortableColumnTarget("duration_ms"),
        "that took that long from creation to end", ("duration:>30s", "duration:1m..2h"),
        index=_BITMAP,
    ),
    QueryField(
        "queue", "time in queue", _DURATION, targets.QueueTimeTarget(),
        "with that time from creation to the first start, if that is known: `started_at` moves when a run continues",
        ("queue:>=1m30s",),
        index=_COMBINABLE,
    ),
    QueryField(
        "created", "created", _TIME, targets.OrderedColumnTarget("created_at"),
        "created at that time (UTC); `-7d` means in the last 7 days",
        ("created:-7d", "created:>=2026-05-01", "created:2026-05-01..2026-05-08", "created:2026-05-01"),
    ),
    QueryField(
        "started", "started", _TIME, targets.OrderedColumnTarget("started_at"),
        "started at that time", ("started:>2026-05-01T14:30:00Z", "-started:*"),
        index=_COMBINABLE,
    ),
    QueryField(
        "ended", "ended", _TIME, targets.OrderedColumnTarget("ended_at"),
        "that ended at that time", ("ended:<2026-05-08",),
        index=_COMBINABLE,
    ),
    QueryField(
        "received", "received", _TIME, targets.OrderedColumnTarget("received_at"),
        "first received by this server at that time", ("received:-1h",),
        index=_COMBINABLE,
    ),
    QueryField(
        "metadata", "metadata", _EXACT, targets.MetadataTarget(),
        "with that value of the metadata key; `*` matches any value",
        ("metadata.customer:acme", "metadata.customer:*", "-metadata.customer:*", 'metadata."odd key":"a b"'),
        has_keys=True, index=_COMBINABLE,
    ),
    QueryField(
        "tag", "tag", TagType(), targets.TagTarget(),
        "with that tag; `*` matches any tag", ("tag:needs-review", "tag:needs-*", "-tag:*"),
        index=_BITMAP, is_slow=True, fetch_values=counts.fetch_tag_values,
    ),
    QueryField(
        "reviewed", "reviewed", ReviewType(), targets.ReviewTarget(),
        "that somebody has marked as reviewed (`yes`), nobody has (`no`), or the user with that name has",
        ("reviewed:no status:failed", "reviewed:yes", "reviewed:ann"),
        index=_BITMAP, unindexed_values=frozenset({NOT_REVIEWED}), is_slow=True,
        fetch_values=counts.fetch_reviewer_values,
    ),
    QueryField(
        "tool", "tool", _EXACT, targets.ToolTarget(),
        "with that tool type or function, called or not", ("tool:file_search", "tool:get_weather"),
        index=_BITMAP, is_slow=True, fetch_values=counts.fetch_tool_values, most_have_values=True,
    ),
    QueryField(
        "function", "called function", _EXACT, targets.CalledFunctionTarget(),
        "that called that function", ("function:get_weather", "function:get_*", "-function:*"),
        index=_BITMAP, is_slow=True, fetch_values=counts.fetch_called_function_values,
    ),
    QueryField(
        "failed_call", "failed call", _EXACT, targets.FailedCallTarget(),
        "that called that tool or function in a failed step", ("failed_call:issue_refund", "failed_call:*"),
        index=_BITMAP, is_rare=True, is_slow=True, fetch_values=counts.fetch_failed_call_values,
    ),
    QueryField(
        "invalid_call", "invalid call", _EXACT, targets.InvalidCallTarget(),
        "with a call of that function that does not match the schema in the run's tools, among validated calls",
        ("invalid_call:issue_refund", "invalid_call:*"),
        index=_BITMAP, is_rare=True, is_slow=True, fetch_values=counts.fetch_invalid_call_values,
    ),
    QueryField(
        "defines", "defined function", _EXACT, targets.ConfigurationTarget("function_names"),
        "whose configuration defines that function", ("defines:get_weather -function:get_weather",),
        index=_COMBINABLE, fetch_values=counts.fetch_defined_function_values, most_have_values=True,
    ),
    QueryField(
        "awaiting", "pending function", _EXACT, targets.ArrayTarget("pending_functions"),
        "waiting for the output of that function", ("awaiting:issue_refund", "awaiting:*"),
        index=_NEWEST_FIRST, lead_rank=3, index_serves_exists=True,
        fetch_values=counts.fetch_awaited_function_values,
    ),
    QueryField(
        "instructions", "instructions", _TEXT, targets.ConfigurationTarget("instructions"),
        "whose instructions contain that text", ('instructions:"refund policy"',),
        index=_COMBINABLE,
    ),
    QueryField(
        "said", "message", _TEXT, targets.ContentTarget("said"),
        "with a message, of a user or an assistant, that contains that text",
        ("said:refund", 'said:"where is my order"'),
        index=_BITMAP, is_slow=True,
    ),
    QueryField(
        "asked", "question", _TEXT, targets.ContentTarget("said", SearchText.Kind.ASKED),
        "that answer a message of a user that contains that text", ('asked:"cancel my order" -status:completed',),
        index=_BITMAP, is_slow=True,
    ),
    QueryField(
        "answered", "answer", _TEXT, targets.ContentTarget("said", SearchText.Kind.ANSWERED),
        "with a message of an assistant that contains that text", ("answered:sorry", "-answered:*"),
        index=_BITMAP, is_slow=True,
    ),
    QueryField(
        "arguments", "arguments", _TEXT, targets.ContentTarget("arguments"),
        "with a tool call whose arguments, code or query contain that text",
        ('arguments:"A-1001"', "function:get_weather arguments:Paris"),
        index=_BITMAP, is_slow=True,
    ),
    QueryField(
        "output", "output", _TEXT, targets.ContentTarget("output"),
        "with a tool call whose output, logs or results contain that text", ('output:"not found"', "-output:*"),
        index=_BITMAP, is_slow=True,
    ),
    QueryField(
        "step", "step", IdType(), targets.StepIdTarget(),
        "with a step of that id; `step_ab*` matches its first characters", ("step:step_refund", "step:step_re*"),
        index=_BITMAP, index_serves_wildcards=True, is_slow=True,
    ),
    QueryField(
        "call", "call", IdType(), targets.ContentTarget("call_ids"),
        "with a tool call of that id; `call_ab*` matches its first characters", ("call:call_refund", "call:call_re*"),
        index=_BITMAP, index_serves_wildcards=True, is_slow=True,
    ),
    QueryField(
        "configuration", "configuration", HexPrefixType("a configuration's"), targets.ConfigurationIdTarget(),
        "with that configuration; the first 4 digits of its id are enough", ("configuration:3f2a9c",),
        index=_COMBINABLE,
    ),
    QueryField(
        "error_group", "error group", HexPrefixType("an error group's", is_optional=True),
        targets.ErrorGroupIdTarget(),
        "in that error group; the first 4 digits of its id are enough, and `*` finds all failed, incomplete and "
        "expired runs",
        ("error_group:b4e12d", "error_group:* -status:failed"),
        index=_NEWEST_FIRST, lead_rank=4,
    ),
)
# fmt: on

FIELDS_BY_NAME = {field.name: field for field in QUERY_FIELDS}
