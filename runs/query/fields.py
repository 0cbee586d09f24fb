"""What can be asked of a run: one entry a field. The parser, the queries, the words and the help follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from runs.models import Run
from runs.protocol.lossless_json import clean_text
from runs.query import metadata_filters, sql_targets, tool_call_filters
from runs.query.did_you_mean import find_closest_match
from runs.query.sql_targets import SqlTarget
from runs.query.value_types import (
    CodeOrTextType,
    DollarsType,
    DurationType,
    ExactValueType,
    HexPrefixType,
    NumberType,
    TagType,
    TextType,
    TimeType,
    ValueType,
)


@dataclass(frozen=True, slots=True)
class ChoiceParam:
    """A field that is asked for by its exact values, any of several; `words` go before them in a sentence."""

    name: str
    column: str
    label: str
    words: str
    known: tuple[str, ...] = ()

    def problem(self, value: str) -> str | None:
        """Why `value` can't be meant. Servers have values of their own, so only near misses are refused."""
        if not value:
            return "expected a value, got none"
        if clean_text(value) != value:
            return "must not contain NUL or lone surrogates"
        if value not in self.known and (near := find_closest_match(value, self.known)):
            return f"unknown value '{value}'; did you mean '{near}'?"
        return None


RUN_STATUSES = tuple(Run.Status.values)

# The parameters of their own in an address: what chips and facets set.
CHOICE_PARAMS = (
    ChoiceParam("status", "status", "Status", "with status", RUN_STATUSES),
    ChoiceParam("model", "model", "Model", "on"),
    ChoiceParam("assistant", "assistant_id", "Assistant", "of"),
    ChoiceParam("error", "error_code", "Error code", "with error"),
    ChoiceParam("thread", "thread_id", "Thread", "in thread"),
)


@dataclass(frozen=True, slots=True)
class QueryField:
    """A field of the query language.

    `label` names it in a sentence, `about` says in the help which runs it finds, `examples` are whole queries, each
    of them a test. A `keyed` field is written with a key, as in `metadata.customer`.
    """

    name: str
    label: str
    kind: ValueType
    target: SqlTarget
    about: str
    examples: tuple[str, ...]
    keyed: bool = False


_CHOICE, _TEXT, _NUMBER, _DURATION, _TIME = ExactValueType(), TextType(), NumberType(), DurationType(), TimeType()

# One entry below the other, as in a table.
# fmt: off
QUERY_FIELDS = (
    QueryField(
        "status", "status", ExactValueType(RUN_STATUSES), sql_targets.ColumnTarget("status"),
        "in that state", ("status:failed", "status:failed,expired", "-status:completed"),
    ),
    QueryField(
        "model", "model", _CHOICE, sql_targets.ColumnTarget("model"),
        "on that model", ("model:gpt-4o", "model:gpt-4*", "-model:gpt-4o"),
    ),
    QueryField(
        "assistant", "assistant", _CHOICE, sql_targets.AssistantTarget(),
        "of the assistant with that id or name", ("assistant:asst_billing", 'assistant:"Refund desk"'),
    ),
    QueryField(
        "thread", "thread", _CHOICE, sql_targets.ColumnTarget("thread_id"),
        "in that thread id", ("thread:thread_invoices",),
    ),
    QueryField(
        "id", "id", _CHOICE, sql_targets.ColumnTarget("external_id"),
        "with that id; `run_ab*` by its beginning", ("id:run_refund", "id:run_re*"),
    ),
    QueryField(
        "error", "error", CodeOrTextType(), sql_targets.ErrorTarget(),
        "with that error code; quoted text is found in code or message",
        ("error:rate_limit_exceeded", 'error:"too many requests"', "error:*", "error:*_exceeded"),
    ),
    QueryField(
        "error_code", "error code", _CHOICE, sql_targets.ColumnTarget("error_code"),
        "with that error code, quoted or not", ('error_code:"Quota is gone (429)"',),
    ),
    QueryField(
        "error_message", "error message", _TEXT, sql_targets.ColumnTarget("error_message"),
        "whose error message contains that text",
        ("error_message:quota", 'error_message:"too many requests"'),
    ),
    QueryField(
        "reason", "reason", _CHOICE, sql_targets.ColumnTarget("incomplete_reason"),
        "incomplete for that reason", ("reason:max_completion_tokens",),
    ),
    QueryField(
        "revision", "revision",
        ExactValueType(tuple(Run.Revision.values), closed=True), sql_targets.ColumnTarget("revision"),
        "posted in that revision of the protocol", ("revision:v1",),
    ),
    QueryField(
        "total_tokens", "total tokens", _NUMBER, sql_targets.SortableColumnTarget("total_tokens"),
        "that used so many tokens", ("total_tokens:>1000", "total_tokens:100..200", "-total_tokens:*"),
    ),
    QueryField(
        "prompt_tokens", "prompt tokens", _NUMBER, sql_targets.OrderedColumnTarget("prompt_tokens"),
        "that read so many", ("prompt_tokens:>=1.5k",),
    ),
    QueryField(
        "completion_tokens", "completion tokens", _NUMBER, sql_targets.OrderedColumnTarget("completion_tokens"),
        "that wrote so many", ("completion_tokens:<=30",),
    ),
    QueryField(
        "cached_tokens", "cached tokens", _NUMBER, sql_targets.OrderedColumnTarget("cached_tokens"),
        "that read so many from a cache", ("cached_tokens:>0",),
    ),
    QueryField(
        "reasoning_tokens", "reasoning tokens", _NUMBER, sql_targets.OrderedColumnTarget("reasoning_tokens"),
        "that reasoned with so many", ("reasoning_tokens:>0",),
    ),
    QueryField(
        "cost", "estimated cost", DollarsType(), sql_targets.SortableColumnTarget("cost"),
        "whose cost is estimated at so many dollars; `-cost:*` has no price",
        ("cost:>0.001", "cost:$0.0005..$0.001", "-cost:*"),
    ),
    QueryField(
        "duration", "duration", _DURATION, sql_targets.SortableColumnTarget("duration_ms"),
        "that took so long from creation to end", ("duration:>30s", "duration:1m..2h"),
    ),
    QueryField(
        "queue", "time in the queue", _DURATION, sql_targets.ElapsedTimeTarget("started_at"),
        "that waited so long before they started", ("queue:>=1m30s",),
    ),
    QueryField(
        "created", "created", _TIME, sql_targets.OrderedColumnTarget("created_at"),
        "created then (UTC); `-7d` is since 7 days ago",
        ("created:-7d", "created:>=2026-05-01", "created:2026-05-01..2026-05-08", "created:2026-05-01"),
    ),
    QueryField(
        "started", "started", _TIME, sql_targets.OrderedColumnTarget("started_at"),
        "started then", ("started:>2026-05-01T14:30:00Z", "-started:*"),
    ),
    QueryField(
        "ended", "ended", _TIME, sql_targets.OrderedColumnTarget("ended_at"),
        "ended then", ("ended:<2026-05-08",),
    ),
    QueryField(
        "received", "received", _TIME, sql_targets.OrderedColumnTarget("received_at"),
        "first received here then", ("received:-1h",),
    ),
    QueryField(
        "metadata", "metadata", _CHOICE, metadata_filters.MetadataTarget(),
        "whose metadata has that value, `*` any, at that key",
        ("metadata.customer:acme", "metadata.customer:*", "-metadata.customer:*", 'metadata."odd key":"a b"'),
        keyed=True,
    ),
    QueryField(
        "tag", "tag", TagType(), sql_targets.TagTarget(),
        "that the team gave that tag, `*` any", ("tag:needs-review", "tag:needs-*", "-tag:*"),
    ),
    QueryField(
        "tool", "tool", _CHOICE, sql_targets.ToolTarget(),
        "that have that kind of tool or function, called or not", ("tool:file_search", "tool:get_weather"),
    ),
    QueryField(
        "function", "called function", _CHOICE, sql_targets.CalledFunctionTarget(),
        "that called that function", ("function:get_weather", "function:get_*", "-function:*"),
    ),
    QueryField(
        "failing", "failing tool", _CHOICE, tool_call_filters.FailedCallTarget(),
        "that called that tool or function in a step that failed", ("failing:issue_refund", "failing:*"),
    ),
    QueryField(
        "misargued", "mis-argued function", _CHOICE, tool_call_filters.InvalidCallTarget(),
        "with a call of that function that does not keep to the run's own tools, as far as calls were checked",
        ("misargued:issue_refund", "misargued:*"),
    ),
    QueryField(
        "defines", "defined function", _CHOICE, sql_targets.ConfigurationTarget("function_names"),
        "whose configuration defines that function", ("defines:get_weather -function:get_weather",),
    ),
    QueryField(
        "awaits", "awaited function", _CHOICE, sql_targets.ArrayTarget("awaited"),
        "that wait for the output of that function", ("awaits:issue_refund", "awaits:*"),
    ),
    QueryField(
        "instructions", "instructions", _TEXT, sql_targets.ConfigurationTarget("instructions"),
        "whose instructions contain that text", ('instructions:"refund policy"',),
    ),
    QueryField(
        "configuration", "configuration", HexPrefixType("a configuration's"), sql_targets.ConfigurationIdTarget(),
        "with that configuration; the first digits of its id will do", ("configuration:3f2a9c",),
    ),
    QueryField(
        "group", "error group", HexPrefixType("an error group's", optional=True), sql_targets.ErrorGroupIdTarget(),
        "of that error group; the first digits of its id will do, and `*` is whatever ended badly",
        ("group:b4e12d", "group:* -status:failed"),
    ),
)
# fmt: on

FIELDS_BY_NAME = {field.name: field for field in QUERY_FIELDS}
