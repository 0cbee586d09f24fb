"""How a run was configured, each field as it was sent: a value, null, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.ui import field_changes, markdown, truncated_text
from dashboard.ui.field_changes import FieldChange
from dashboard.ui.posted_object import FieldPresence, PostedObject, as_mapping, as_text
from dashboard.ui.truncated_text import TruncatedText
from runs.errors import InvalidFilter
from runs.models import Configuration
from runs.protocol import lossless_json
from runs.protocol.lossless_json import JsonNumber
from runs.query import RunFilters
from runs.query.ast import QueryNode, Term, negate
from runs.query.grammar import Query
from runs.query.operators import Equals

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
# Sent by some revisions only: their absence says nothing.
_OCCASIONAL = ("tool_resources", "file_ids")


@dataclass(frozen=True, slots=True)
class ConfigurationSetting:
    """One field. `words` is a value's short form, `code` the part of it that is a name of the protocol."""

    name: str
    presence: FieldPresence
    code: str = ""
    words: str = ""
    detail: TruncatedText | None = None
    detail_title: str = "As sent"


@dataclass(frozen=True, slots=True)
class MetadataEntry:
    """One entry of the metadata; `only` and `without` are the filters that ask for it, and for all but it."""

    key: str
    value: TruncatedText
    only: str = ""
    without: str = ""


@dataclass(frozen=True, slots=True)
class InstructionsText:
    presence: FieldPresence
    text: TruncatedText | None = None

    @property
    def is_rendered(self) -> bool:
        """Whether Markdown is offered beside the plain text."""
        return self.text is not None and 0 < self.text.length <= markdown.MAX_MARKDOWN_LENGTH

    @property
    def html(self) -> str:
        return markdown.render_markdown(self.text.full) if self.text else ""


@dataclass(frozen=True, slots=True)
class RunConfigurationChange:
    """What changed from the assistant's previous configuration, when this one came `at` a time."""

    at: datetime
    fields: list[FieldChange]
    is_shown: bool


def build_configuration_change(
    previous: Configuration, now: Configuration, at: datetime, *, is_shown: bool
) -> RunConfigurationChange | None:
    """The change from `previous` to `now`; None where they are but spelled otherwise."""
    fields = field_changes.diff_fields(
        lossless_json.split_object(previous.body.encode()), lossless_json.split_object(now.body.encode())
    )
    return RunConfigurationChange(at, fields, is_shown) if fields else None


def build_settings(posted: PostedObject) -> list[ConfigurationSetting]:
    """The configuration, field by field, but for instructions and tools."""
    occasional = [name for name in _OCCASIONAL if posted.presence(name) is not FieldPresence.ABSENT]
    return [_setting(posted, name) for name in (*_FIELDS, *occasional)]


def build_instructions(posted: PostedObject) -> InstructionsText:
    """The instructions, whole."""
    value = as_text(posted.value("instructions"))
    return InstructionsText(
        posted.presence("instructions"), None if value is None else truncated_text.truncate_text(value)
    )


def build_metadata_entries(posted: PostedObject) -> list[MetadataEntry]:
    """The metadata's entries."""
    return [_pair(key, value) for key, value in posted.object_value("metadata").items()]


def _pair(key: str, value: Any) -> MetadataEntry:
    shown = truncated_text.truncate_text_or_json(value)
    if not isinstance(value, str) or isinstance(value, JsonNumber):
        return MetadataEntry(key, shown)
    wanted = Term("metadata", (Equals(value),), key)
    return MetadataEntry(key, shown, _asked(wanted), _asked(negate(wanted)))


def _asked(node: QueryNode) -> str:
    """The query string that asks for it; "" for what the language has no words for."""
    try:
        return RunFilters(q=Query.parse(str(node))).query()
    except InvalidFilter:
        return ""


def _setting(posted: PostedObject, name: str) -> ConfigurationSetting:
    presence, value = posted.presence(name), posted.value(name)
    if presence is not FieldPresence.VALUE:
        return ConfigurationSetting(name, presence)
    match value:
        case dict() if value:
            return _object(name, value)
        case [] | {}:
            return ConfigurationSetting(name, presence, words=as_text(value) or "")
        case list():
            return ConfigurationSetting(name, presence, detail=truncated_text.truncate_json(value))
        case str() if name in ("tool_choice", "response_format", "reasoning_effort"):
            return ConfigurationSetting(name, presence, code=value)
        case _:
            return ConfigurationSetting(name, presence, words=as_text(value) or "")


def _object(name: str, value: dict[str, Any]) -> ConfigurationSetting:
    schema = as_mapping(value.get("json_schema"))
    code = as_text(value.get("type")) or ""
    words = ", ".join(_words(value, schema))
    if schema.get("schema") is not None:
        count = len(as_mapping(as_mapping(schema["schema"]).get("properties")))
        title = f"Schema, {count} propert{'y' if count == 1 else 'ies'}"
        return ConfigurationSetting(
            name, FieldPresence.VALUE, code, words, truncated_text.truncate_json(schema["schema"]), title
        )
    is_told = set(value) <= {"type", "last_messages"} and bool(code)
    return ConfigurationSetting(
        name, FieldPresence.VALUE, code, words, None if is_told else truncated_text.truncate_json(value)
    )


def _words(value: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """What is worth saying beside the type of an object."""
    if value.get("last_messages") is not None:
        yield as_text(value["last_messages"]) or ""
    if (named := as_mapping(value.get("function")).get("name")) is not None:
        yield as_text(named) or ""
    if schema.get("name") is not None:
        yield as_text(schema["name"]) or ""
    if schema.get("strict") is True:
        yield "strict"
