"""What can be asked of a run: one entry a field. The parser, the queries, the words and the help follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from runs.models import Run
from runs.protocol.lossless_json import clean
from runs.query import metadata_filters, sql_targets, tool_call_filters
from runs.query.did_you_mean import suggestion
from runs.query.sql_targets import Target
from runs.query.value_types import Choice, CodeOrText, Dollars, Duration, HexPrefix, Kind, Label, Number, Text, Time


@dataclass(frozen=True, slots=True)
class ChoiceField:
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
        if clean(value) != value:
            return "must not contain NUL or lone surrogates"
        if value not in self.known and (near := suggestion(value, self.known)):
            return f"unknown value '{value}'; did you mean '{near}'?"
        return None


STATUSES = tuple(Run.Status.values)

# The parameters of their own in an address: what chips and facets set.
CHOICES = (
    ChoiceField("status", "status", "Status", "with status", STATUSES),
    ChoiceField("model", "model", "Model", "on"),
    ChoiceField("assistant", "assistant_id", "Assistant", "of"),
    ChoiceField("error", "error_code", "Error code", "with error"),
    ChoiceField("thread", "thread_id", "Thread", "in thread"),
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the query language.

    `label` names it in a sentence, `about` says in the help which runs it finds, `examples` are whole queries, each
    of them a test. A `keyed` field is written with a key, as in `metadata.customer`.
    """

    name: str
    label: str
    kind: Kind
    target: Target
    about: str
    examples: tuple[str, ...]
    keyed: bool = False


_CHOICE, _TEXT, _NUMBER, _DURATION, _TIME = Choice(), Text(), Number(), Duration(), Time()

# One entry below the other, as in a table.
# fmt: off
FIELDS = (
    Field(
        "status", "status", Choice(STATUSES), sql_targets.Column("status"),
        "in that state", ("status:failed", "status:failed,expired", "-status:completed"),
    ),
    Field(
        "model", "model", _CHOICE, sql_targets.Column("model"),
        "on that model", ("model:gpt-4o", "model:gpt-4*", "-model:gpt-4o"),
    ),
    Field(
        "assistant", "assistant", _CHOICE, sql_targets.AssistantIdOrName(),
        "of the assistant with that id or name", ("assistant:asst_billing", 'assistant:"Refund desk"'),
    ),
    Field(
        "thread", "thread", _CHOICE, sql_targets.Column("thread_id"),
        "in that thread id", ("thread:thread_invoices",),
    ),
    Field(
        "id", "id", _CHOICE, sql_targets.Column("external_id"),
        "with that id; `run_ab*` by its beginning", ("id:run_refund", "id:run_re*"),
    ),
    Field(
        "error", "error", CodeOrText(), sql_targets.Error(),
        "with that error code; quoted text is found in code or message",
        ("error:rate_limit_exceeded", 'error:"too many requests"', "error:*", "error:*_exceeded"),
    ),
    Field(
        "error_code", "error code", _CHOICE, sql_targets.Column("error_code"),
        "with that error code, quoted or not", ('error_code:"Quota is gone (429)"',),
    ),
    Field(
        "error_message", "error message", _TEXT, sql_targets.Column("error_message"),
        "whose error message contains that text",
        ("error_message:quota", 'error_message:"too many requests"'),
    ),
    Field(
        "reason", "reason", _CHOICE, sql_targets.Column("incomplete_reason"),
        "incomplete for that reason", ("reason:max_completion_tokens",),
    ),
    Field(
        "revision", "revision", Choice(tuple(Run.Revision.values), closed=True), sql_targets.Column("revision"),
        "posted in that revision of the protocol", ("revision:v1",),
    ),
    Field(
        "total_tokens", "total tokens", _NUMBER, sql_targets.Ranked("total_tokens"),
        "that used so many tokens", ("total_tokens:>1000", "total_tokens:100..200", "-total_tokens:*"),
    ),
    Field(
        "prompt_tokens", "prompt tokens", _NUMBER, sql_targets.Measure("prompt_tokens"),
        "that read so many", ("prompt_tokens:>=1.5k",),
    ),
    Field(
        "completion_tokens", "completion tokens", _NUMBER, sql_targets.Measure("completion_tokens"),
        "that wrote so many", ("completion_tokens:<=30",),
    ),
    Field(
        "cached_tokens", "cached tokens", _NUMBER, sql_targets.Measure("cached_tokens"),
        "that read so many from a cache", ("cached_tokens:>0",),
    ),
    Field(
        "reasoning_tokens", "reasoning tokens", _NUMBER, sql_targets.Measure("reasoning_tokens"),
        "that reasoned with so many", ("reasoning_tokens:>0",),
    ),
    Field(
        "cost", "estimated cost", Dollars(), sql_targets.Ranked("cost"),
        "whose cost is estimated at so many dollars; `-cost:*` has no price",
        ("cost:>0.001", "cost:$0.0005..$0.001", "-cost:*"),
    ),
    Field(
        "duration", "duration", _DURATION, sql_targets.Ranked("duration_ms"),
        "that took so long from creation to end", ("duration:>30s", "duration:1m..2h"),
    ),
    Field(
        "queue", "time in the queue", _DURATION, sql_targets.Wait("started_at"),
        "that waited so long before they started", ("queue:>=1m30s",),
    ),
    Field(
        "created", "created", _TIME, sql_targets.Measure("created_at"),
        "created then (UTC); `-7d` is since 7 days ago",
        ("created:-7d", "created:>=2026-05-01", "created:2026-05-01..2026-05-08", "created:2026-05-01"),
    ),
    Field(
        "started", "started", _TIME, sql_targets.Measure("started_at"),
        "started then", ("started:>2026-05-01T14:30:00Z", "-started:*"),
    ),
    Field(
        "ended", "ended", _TIME, sql_targets.Measure("ended_at"),
        "ended then", ("ended:<2026-05-08",),
    ),
    Field(
        "received", "received", _TIME, sql_targets.Measure("received_at"),
        "first received here then", ("received:-1h",),
    ),
    Field(
        "metadata", "metadata", _CHOICE, metadata_filters.Metadata(),
        "whose metadata has that value, `*` any, at that key",
        ("metadata.customer:acme", "metadata.customer:*", "-metadata.customer:*", 'metadata."odd key":"a b"'),
        keyed=True,
    ),
    Field(
        "tag", "tag", Label(), sql_targets.Tagged(),
        "that the team gave that tag, `*` any", ("tag:needs-review", "tag:needs-*", "-tag:*"),
    ),
    Field(
        "tool", "tool", _CHOICE, sql_targets.Tools(),
        "that have that kind of tool or function, called or not", ("tool:file_search", "tool:get_weather"),
    ),
    Field(
        "function", "called function", _CHOICE, sql_targets.Called(),
        "that called that function", ("function:get_weather", "function:get_*", "-function:*"),
    ),
    Field(
        "failing", "failing tool", _CHOICE, tool_call_filters.Failing(),
        "that called that tool or function in a step that failed", ("failing:issue_refund", "failing:*"),
    ),
    Field(
        "misargued", "mis-argued function", _CHOICE, tool_call_filters.Misargued(),
        "with a call of that function that does not keep to the run's own tools, as far as calls were checked",
        ("misargued:issue_refund", "misargued:*"),
    ),
    Field(
        "defines", "defined function", _CHOICE, sql_targets.Configured("function_names"),
        "whose configuration defines that function", ("defines:get_weather -function:get_weather",),
    ),
    Field(
        "awaits", "awaited function", _CHOICE, sql_targets.Elements("awaited"),
        "that wait for the output of that function", ("awaits:issue_refund", "awaits:*"),
    ),
    Field(
        "instructions", "instructions", _TEXT, sql_targets.Configured("instructions"),
        "whose instructions contain that text", ('instructions:"refund policy"',),
    ),
    Field(
        "configuration", "configuration", HexPrefix("a configuration's"), sql_targets.ConfigurationId(),
        "with that configuration; the first digits of its id will do", ("configuration:3f2a9c",),
    ),
    Field(
        "group", "error group", HexPrefix("an error group's", optional=True), sql_targets.GroupId(),
        "of that error group; the first digits of its id will do, and `*` is whatever ended badly",
        ("group:b4e12d", "group:* -status:failed"),
    ),
)
# fmt: on

BY_NAME = {field.name: field for field in FIELDS}
