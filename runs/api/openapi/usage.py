"""The schema of what `/api/v1/usage` answers."""

from __future__ import annotations

from typing import Any

from runs.analytics.usage import USAGE_MEASURES, UsageSums

Schema = dict[str, Any]

_COUNT: Schema = {"type": "integer", "minimum": 0}
_SUM: Schema = {"type": "integer"}  # of whatever was posted
_COUNT_OR_NULL: Schema = {"type": ["integer", "null"]}
_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_TIME: Schema = {"type": "string", "format": "date-time"}
_TIME_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
_DOLLARS: Schema = {"type": "number", "minimum": 0, "description": "Estimated, of the runs that have a price."}
_DOLLARS_OR_NULL: Schema = {"type": ["number", "null"], "minimum": 0}

_DESCRIBED = {
    "cached_tokens": "Among those of the prompt.",
    "reasoning_tokens": "Among those of the completion.",
    "unpriced_tokens": "Total tokens of the runs without a price.",
}


def schemas() -> dict[str, Schema]:
    """By their names."""
    amounts = {name: _described(_SUM, _DESCRIBED.get(name)) for name in UsageSums._fields if name != "cost"}
    return {
        "UsageAnswer": _usage(),
        "UsageAmounts": {
            "description": "What some runs add up to. Split by kind, a group has its tokens alone.",
            "type": "object",
            "properties": amounts | {"cost_usd": _DOLLARS},
            "required": ["total_tokens"],
            "additionalProperties": False,
        },
        "UsageGroup": _closed("The runs of one value.", {"key": _key(), **_amounts_of_group()}),
        "Percentiles": _closed(
            "Milliseconds that this share of runs did not exceed.",
            dict.fromkeys(("p50", "p75", "p90", "p95", "p99", "max"), _COUNT_OR_NULL),
        ),
        "Latency": _latency(),
    }


def _usage() -> Schema:
    amounts, group = _ref("UsageAmounts"), _ref("UsageGroup")
    comparable = {"type": "boolean", "description": "Whether the project had runs before that time began."}
    previous = {"from": _TIME, "to": _TIME, "totals": _or_null(amounts), "comparable": comparable}
    others = _closed("All other groups.", {"groups": _COUNT, **_amounts_of_group()})
    part = _closed("", {"from": _TIME, "to": _TIME})
    return _closed(
        "What the runs of a time used.",
        {
            "object": {"const": "usage"},
            "from": _TIME,
            "to": _described(_TIME, "Exclusive."),
            "time_zone": _described(_TEXT, "In which days begin."),
            "split": _TEXT,
            "measure": {"enum": [*USAGE_MEASURES], "description": "By which groups are in order."},
            "totals": amounts,
            "previous": _closed("The time of equal length before; null where it is not known.", previous),
            "parts": {"type": "array", "items": part, "description": "Parts of the time, which `course` follows."},
            "groups": {"type": "array", "items": group},
            "others": _or_null(others),
            "counted_since": _described(
                _TIME_OR_NULL, "Where the groups begin, if more runs match than can be counted one by one."
            ),
            "totals_counted": {"type": "boolean", "description": "Whether that holds for the totals too."},
            "latency": _or_null(_ref("Latency")),
        },
    )


def _amounts_of_group() -> dict[str, Schema]:
    amounts = _ref("UsageAmounts")
    return {
        "totals": amounts,
        "previous": _or_null(amounts),
        "course": {"type": "array", "items": amounts, "description": "One for each of `parts`."},
    }


def _latency() -> Schema:
    paces = {"runs": _COUNT, "duration_ms": _ref("Percentiles"), "queue_ms": _ref("Percentiles")}
    assistant = _closed("", {"assistant_id": _TEXT, **paces})
    return _closed(
        "How long runs took from creation to end, and to their start; over the newest ones that ended.",
        {
            **paces,
            "median_total_tokens": _COUNT_OR_NULL,
            "median_cost_usd": _DOLLARS_OR_NULL,
            "counted_since": _described(_TIME_OR_NULL, "The oldest that was counted, if there are more."),
            "assistants": {"type": "array", "items": assistant},
        },
    )


def _key() -> Schema:
    return _described(_TEXT_OR_NULL, "Null for runs that have none.")


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _described(schema: Schema, text: str | None) -> Schema:
    return schema | {"description": text} if text else schema


def _closed(description: str, properties: dict[str, Schema]) -> Schema:
    """An object that has all of `properties` and nothing else."""
    return {
        **({"description": description} if description else {}),
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }
