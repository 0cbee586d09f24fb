"""Function calls are validated against the schemas of their run's own tools."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from runs.enrichment.tool_call_validation import (
    FindingKind,
    FunctionCallReport,
    PostedFunctionCall,
    validate_function_calls,
)

ORDER = {
    "type": "object",
    "properties": {
        "order": {"type": "string", "pattern": r"^[A-Z]-\d+$"},
        "limit": {"type": ["integer", "null"], "minimum": 1},
        "state": {"enum": ["open", "closed"]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "a/b~c": {"const": 1},
        "who": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["name"]}]},
    },
    "required": ["order"],
    "additionalProperties": False,
    "$defs": {"line": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}},
}


def tool(parameters: Any, name: str = "find") -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def validate(tools: Any, *calls: PostedFunctionCall) -> FunctionCallReport:
    return validate_function_calls(json.dumps(tools), calls)


def find(parameters: Any, arguments: Any) -> list[tuple[FindingKind, str, str]]:
    """Return the findings about one call of a function with that schema."""
    text = arguments if isinstance(arguments, str | None) else json.dumps(arguments)
    report = validate([tool(parameters)], PostedFunctionCall("call_1", "find", text))
    return [(finding.kind, finding.pointer, finding.message) for finding in report.findings]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"order": "A-1"}, []),
        ({"order": "A-1", "limit": None, "state": "open", "lines": [{"sku": "x"}], "a/b~c": 1}, []),
        ({"order": "A-1", "limit": 2.0}, []),
        ({"order": 3}, [("/order", "expected string, got integer")]),
        ({"order": "A-1", "limit": True}, [("/limit", "expected integer or null, got boolean")]),
        ({"order": "A-1", "limit": 0}, [("/limit", "0 is less than the minimum of 1")]),
        ({"order": "a"}, [("/order", "'a' does not match '^[A-Z]-\\\\d+$'")]),
        ({"order": "A-1", "state": "lost"}, [("/state", '"lost" is none of "open", "closed"')]),
        ({"order": "A-1", "lines": [{"sku": "x"}, {"sku": 1}]}, [("/lines/1/sku", "expected string, got integer")]),
        ({"order": "A-1", "a/b~c": 2}, [("/a~1b~0c", "expected 1, got 2")]),
        ({"order": "A-1", "who": 7}, [("/who", "7 is not valid under any of the given schemas")]),
        ({}, [("", "'order' is a required property")]),
        ({"order": "A-1", "oder": 1},
         [("", "Additional properties are not allowed ('oder' was unexpected)")]),
        ({"order": 1, "limit": "x"},
         [("/order", "expected string, got integer"), ("/limit", "expected integer or null, got string")]),
    ],
)  # fmt: skip
def test_arguments_are_validated_at_any_depth(arguments, expected):
    assert find(ORDER, arguments) == [(FindingKind.INVALID_ARGUMENTS, *each) for each in expected]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ("", FindingKind.UNPARSEABLE, "Expecting value at character 1"),
        ('{"order": ', FindingKind.UNPARSEABLE, "Expecting value at character 11"),
        ('{"order": NaN}', FindingKind.UNPARSEABLE, "NaN is not a JSON value"),
        ("[" * 9000, FindingKind.UNPARSEABLE, "nested too deeply"),
        ("[]", FindingKind.NOT_AN_OBJECT, "expected an object"),
        ("null", FindingKind.NOT_AN_OBJECT, "expected an object"),
        ('"{}"', FindingKind.NOT_AN_OBJECT, "expected an object"),
        (
            '{"order": "' + "x" * 64_000 + '"}',
            FindingKind.NOT_VALIDATED,
            "the arguments are longer than 64,000 characters",
        ),
    ],
)
def test_arguments_must_be_a_json_object(arguments, kind, message):
    assert find(ORDER, arguments) == [(kind, "", message)]


@pytest.mark.parametrize("schema", [None, True, {}, {"type": "object"}])
def test_function_without_parameters_accepts_any_object(schema):
    assert find(schema, {"anything": 1}) == []


def test_missing_arguments_are_not_validated():
    assert find(ORDER, None) == []


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "strin"}, "/type: "),
        ({"properties": []}, "/properties: expected object, got array"),
        ({"properties": {"a": {"minimum": "1"}}}, "/properties/a/minimum: expected number, got string"),
        ({"required": "a"}, "/required: expected array, got string"),
        ([], "expected object or boolean, got array"),
        ("string", "expected object or boolean, got string"),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "type": 3}, "/type: "),
    ],
)
def test_invalid_schema_is_reported_once(schema, message):
    calls = [PostedFunctionCall(f"call_{number}", "find", "{}") for number in range(3)]
    (finding,) = validate([tool(schema)], *calls).findings
    assert finding.kind is FindingKind.INVALID_SCHEMA
    assert finding.message.startswith(message)


def bomb() -> dict[str, Any]:
    """Return a schema whose thirty definitions each double the previous: a billion evaluations."""
    doubled = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)}
    return {"$ref": "#/$defs/d0", "$defs": doubled | {"d30": {"type": "object"}}}


@pytest.mark.parametrize(
    ("schema", "arguments", "message"),
    [
        ({"$ref": "http://127.0.0.1:9/schema.json"}, {}, "the schema refers to something outside it: "),
        ({"$ref": "#/$defs/gone"}, {}, "the schema refers to something outside it: "),
        ({"$ref": "file:///etc/passwd"}, {}, "the schema refers to something outside it: "),
        ({"$ref": "#"}, {}, "the schema refers to itself endlessly"),
        (bomb(), {}, "validating the run's calls takes too long"),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema"} | bomb(), {}, "validating the run's"),
        ({"properties": {"a": {"pattern": "^(?=a)"}}}, {"a": "a"}, "the pattern ^(?=a) is not supported"),
        ({"patternProperties": {r"(a)\1": {}}}, {"aa": 1}, r"the pattern (a)\1 is not supported"),
        ({"properties": {"a": {"pattern": ".{9000}"}}}, {"a": "a"}, "the pattern .{9000} is not supported"),
        ({"allOf": [{"properties": {"a": {"pattern": "^a+$"}}}] * 2}, {"a": "a" * 60_000}, "validating the run's"),
        ({"patternProperties": {"^a": {}}, "unevaluatedProperties": False}, {"a": 1}, "the schema combines"),
        ({"properties": {"a": {"$ref": "#/x"}}, "x": {"minimum": "1"}}, {"a": 1}, "the schema refers to a part"),
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": [[n] for n in range(5000)]}, "validating the run's"),
        ({"description": "x" * 33_000}, {}, "the schema is longer than 32,000 characters"),
    ],
)  # fmt: skip
def test_unbounded_or_remote_validation_is_skipped(schema, arguments, message):
    begin = time.process_time()
    ((kind, pointer, text),) = find(schema, arguments)
    assert time.process_time() - begin < 5
    assert kind is FindingKind.NOT_VALIDATED
    assert text.startswith(message)
    assert not pointer


def test_undeclared_and_never_called_functions_are_reported():
    tools = [tool(ORDER), tool({}, "idle"), {"type": "code_interpreter"}, {"type": "function"}, "odd", tool({}, "late")]
    report = validate(
        tools, PostedFunctionCall("call_1", "find", '{"order": "A-1"}'), PostedFunctionCall("call_2", "gone", "{")
    )
    assert [(finding.kind, finding.call.id) for finding in report.findings] == [(FindingKind.UNDECLARED, "call_2")]
    assert report.never_called == ("idle", "late")
    assert report.errors == report.invalid_calls == report.findings


def test_first_of_two_equal_function_names_counts():
    report = validate([tool({"required": ["a"]}), tool({})], PostedFunctionCall("call_1", "find", "{}"))
    assert [finding.kind for finding in report.findings] == [FindingKind.INVALID_ARGUMENTS]


def test_only_first_violations_are_reported():
    schema = {"additionalProperties": {"type": "string"}}
    assert len(find(schema, {str(number): number for number in range(50)})) == 5


@pytest.mark.parametrize(
    ("pattern", "string", "is_valid"),
    [
        ("^(a+)+$", "a" * 40 + "b", False),
        (r"^\d$", "\u0663", False),  # ECMA-262: ASCII digits only
        (r"^\p{L}+$", "\u00e9", True),
        (r"^[\u4e00-\u9fa5]+$", "\u6f22", True),
        ("^a$", "a\n", False),  # unlike in Python
        ("a", "\ud800a", True),
    ],
)
def test_patterns_are_ecma_in_linear_time(pattern, string, is_valid):
    begin = time.process_time()
    findings = find({"properties": {"a": {"pattern": pattern}}}, {"a": string})
    assert time.process_time() - begin < 5
    assert (findings == []) is is_valid


def test_additional_properties_exclude_pattern_properties():
    schema = {
        "properties": {"id": {}},
        "patternProperties": {"^x-": {"type": "string"}},
        "additionalProperties": {"type": "integer"},
    }
    assert find(schema, {"id": None, "x-note": "text", "count": 1}) == []
    assert [(pointer, message) for _, pointer, message in find(schema, {"x-note": 1, "count": "1"})] == [
        ("/x-note", "expected string, got integer"),
        ("/count", "expected integer, got string"),
    ]
    ((_, _, message),) = find({**schema, "additionalProperties": False}, {"x-a": "", "other": 1})
    assert message == "Additional properties are not allowed ('other' was unexpected)"


@pytest.mark.parametrize("tools", [None, "null"])
def test_calls_without_sent_tools_have_no_findings(tools):
    call = PostedFunctionCall("call_1", "find", "{")
    assert validate_function_calls(tools, [call]) == FunctionCallReport()
