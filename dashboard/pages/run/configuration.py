"""The configuration of a run: settings, instructions, metadata, and what changed since the previous configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

from dashboard.ui import markdown
from dashboard.ui.field_changes import FieldChange, diff_fields
from dashboard.ui.posted_object import FieldPresence, PostedObject, as_mapping, as_name, as_text
from dashboard.ui.truncated_text import TruncatedText, truncate_json, truncate_text, truncate_text_or_json
from runs.analytics.versions import fetch_replaced_configuration
from runs.errors import InvalidFilter
from runs.models import Configuration, Run
from runs.protocol.lossless_json import JsonNumber, split_object
from runs.query import RunFilters
from runs.query.ast import QueryNode, Term, negate
from runs.query.grammar import Query
from runs.query.operators import Equals

MAX_METADATA_ENTRIES = 100
MAX_FILTER_LENGTH = 1_000  # characters of a key and a value that link to the runs that have them
_FIELDS = (
    "temperature",
    "top_p",
    "reasoning_effort",
    "max_prompt_tokens",
    "max_completion_tokens",
    "truncation_strategy",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
)
# Only some revisions of the protocol have these, so that their absence means nothing.
_OPTIONAL_FIELDS = ("tool_resources", "file_ids", "agent_version")
# Strings that are names of the protocol.
_CODE_FIELDS = ("tool_choice", "response_format", "reasoning_effort", "agent_version")


@dataclass(frozen=True, slots=True)
class ConfigurationSetting:
    """A field. `code` is a name of the protocol, `text` other short values, `detail` the value in full."""

    name: str
    presence: FieldPresence
    code: str = ""
    text: str = ""
    detail: TruncatedText | None = None
    detail_title: str = "As sent"


@dataclass(frozen=True, slots=True)
class MetadataEntry:
    """An entry of the metadata, with the query strings of the runs that have it and of those that do not."""

    key: str
    value: TruncatedText
    only_query: str = ""
    without_query: str = ""


@dataclass(frozen=True, slots=True)
class InstructionsText:
    """The instructions, if they were sent."""

    presence: FieldPresence
    text: TruncatedText | None = None

    @property
    def is_markdown_offered(self) -> bool:
        """Return whether the instructions are short enough to be rendered as Markdown."""
        return self.text is not None and 0 < self.text.length <= markdown.MAX_MARKDOWN_LENGTH

    @property
    def html(self) -> str:
        """The instructions, rendered as Markdown."""
        return markdown.render_markdown(self.text.full) if self.text else ""


@dataclass(frozen=True, slots=True)
class RunConfigurationChange:
    """The fields that changed, at the time `at`, from the assistant's previous configuration to this one."""

    at: datetime
    fields: list[FieldChange]


@dataclass
class ConfigurationSection:
    """The configuration of `run`. `is_change_shown` shows the changed fields with their diffs.

    `is_shared` leaves out what other runs tell.
    """

    run: Run
    posted: PostedObject
    is_change_shown: bool = False
    is_shared: bool = False

    @property
    def sent_settings(self) -> list[ConfigurationSetting]:
        """The settings that have a value."""
        return [setting for setting in self.settings if setting.presence is FieldPresence.VALUE]

    @property
    def missing_settings(self) -> list[ConfigurationSetting]:
        """The settings that are null or were not sent."""
        return [setting for setting in self.settings if setting.presence is not FieldPresence.VALUE]

    @cached_property
    def settings(self) -> list[ConfigurationSetting]:
        """All fields but the instructions and the tools."""
        optional = [name for name in _OPTIONAL_FIELDS if self.posted.presence(name) is not FieldPresence.ABSENT]
        return [_build_setting(self.posted, name) for name in (*_FIELDS, *optional)]

    @property
    def expires_at_presence(self) -> FieldPresence:
        """Return whether `expires_at` was sent."""
        return self.posted.presence("expires_at")

    @cached_property
    def instructions(self) -> InstructionsText:
        """The instructions."""
        value = as_text(self.posted.value("instructions"))
        return InstructionsText(self.posted.presence("instructions"), None if value is None else truncate_text(value))

    @cached_property
    def metadata(self) -> list[MetadataEntry]:
        """The first entries of the metadata."""
        entries = islice(self.posted.object_value("metadata").items(), MAX_METADATA_ENTRIES)
        return [_build_metadata_entry(key, value) for key, value in entries]

    @property
    def hidden_metadata_count(self) -> int:
        """The number of entries that are not listed."""
        return len(self.posted.object_value("metadata")) - len(self.metadata)

    @property
    def metadata_presence(self) -> FieldPresence:
        """Return whether `metadata` was sent."""
        return self.posted.presence("metadata")

    @cached_property
    def change(self) -> RunConfigurationChange | None:
        """The change from the previous configuration, or None if there is none or it differs in spelling only."""
        if self.is_shared:
            return None
        configuration = self.run.configuration
        replaced = fetch_replaced_configuration(configuration)
        if replaced is None:
            return None
        previous_id, at = replaced
        previous = Configuration.objects.in_bulk([previous_id])[previous_id]
        fields = diff_fields(split_object(previous.body.encode()), split_object(configuration.body.encode()))
        return RunConfigurationChange(at, fields) if fields else None


def _build_metadata_entry(key: str, value: Any) -> MetadataEntry:
    text, shown_key = truncate_text_or_json(value), as_name(key) or ""
    is_string = isinstance(value, str) and not isinstance(value, JsonNumber)
    if not is_string or len(key) + len(value) > MAX_FILTER_LENGTH:
        return MetadataEntry(shown_key, text)
    term = Term("metadata", (Equals(value),), key)
    return MetadataEntry(shown_key, text, _build_query_string(term), _build_query_string(negate(term)))


def _build_query_string(node: QueryNode) -> str:
    """Return the query string of a run list, or "" if the query language cannot express the value."""
    try:
        return RunFilters(q=Query.parse(str(node))).to_query_string()
    except InvalidFilter:
        return ""


def _build_setting(posted: PostedObject, name: str) -> ConfigurationSetting:
    presence, value = posted.presence(name), posted.value(name)
    if presence is not FieldPresence.VALUE:
        return ConfigurationSetting(name, presence)
    match value:
        case dict() if value:
            return _build_object_setting(name, value)
        case list() if value:
            return ConfigurationSetting(name, presence, detail=truncate_json(value))
        case str() if name in _CODE_FIELDS:
            return ConfigurationSetting(name, presence, code=as_name(value) or "")
        case _:
            return ConfigurationSetting(name, presence, text=as_name(value) or "")


def _build_object_setting(name: str, value: dict[str, Any]) -> ConfigurationSetting:
    """Return the type of an object and its most important members, with the whole object as detail."""
    json_schema = as_mapping(value.get("json_schema"))
    code = as_name(value.get("type")) or ""
    text = ", ".join(_list_important_members(value, json_schema))
    schema = json_schema.get("schema")
    if schema is not None:
        count = len(as_mapping(as_mapping(schema).get("properties")))
        title = f"Schema, {count} propert{'y' if count == 1 else 'ies'}"
        return ConfigurationSetting(name, FieldPresence.VALUE, code, text, truncate_json(schema), title)
    is_complete = set(value) <= {"type", "last_messages"} and bool(code)
    detail = None if is_complete else truncate_json(value)
    return ConfigurationSetting(name, FieldPresence.VALUE, code, text, detail)


def _list_important_members(value: dict[str, Any], json_schema: dict[str, Any]) -> Iterator[str]:
    function_name = as_mapping(value.get("function")).get("name")
    for member in (value.get("last_messages"), function_name, json_schema.get("name")):
        if member is not None:
            yield as_name(member) or ""
    if json_schema.get("strict") is True:
        yield "strict"
