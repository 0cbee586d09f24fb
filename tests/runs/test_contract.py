"""Calls against the schemas of their run's own tools: a table of what is said about each."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from runs.enrichment.tool_schema import FindingKind, PostedFunctionCall, validate_function_calls
from runs.enrichment.tool_schema.patterns import MOST, cost

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


def found(parameters: Any, arguments: Any) -> list[tuple[FindingKind, str, str]]:
    """What is found about one call of a function with that schema."""
    written = arguments if isinstance(arguments, str | None) else json.dumps(arguments)
    report = validate_function_calls([tool(parameters)], [PostedFunctionCall("call_1", "find", written)])
    return [(each.kind, each.pointer, each.message) for each in report.findings]


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
def test_arguments_are_held_against_the_schema_at_any_depth(arguments, expected):
    assert found(ORDER, arguments) == [(FindingKind.MISARGUED, *each) for each in expected]


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
        ('{"order": "' + "x" * 64_000 + '"}', FindingKind.UNCHECKED, "its arguments are longer than 64,000 characters"),
    ],
)
def test_arguments_that_are_no_object_are_told_apart(arguments, kind, message):
    assert found(ORDER, arguments) == [(kind, "", message)]


@pytest.mark.parametrize("schema", [None, True, {}, {"type": "object"}])
def test_a_function_without_parameters_takes_any_object(schema):
    assert found(schema, {"anything": 1}) == []


def test_arguments_that_were_not_sent_are_not_judged():
    assert found(ORDER, None) == []


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
def test_a_schema_that_is_none_is_said_once(schema, message):
    calls = [PostedFunctionCall(f"call_{number}", "find", "{}") for number in range(3)]
    (finding,) = validate_function_calls([tool(schema)], calls).findings
    assert finding.kind is FindingKind.BROKEN_SCHEMA
    assert finding.message.startswith(message)


def bomb() -> dict[str, Any]:
    """Thirty definitions, each twice the one before: a billion looks."""
    doubled = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)}
    return {"$ref": "#/$defs/d0", "$defs": doubled | {"d30": {"type": "object"}}}


@pytest.mark.parametrize(
    ("schema", "arguments", "message"),
    [
        ({"$ref": "http://127.0.0.1:9/schema.json"}, {}, "its schema refers to what is not in it: "),
        ({"$ref": "#/$defs/gone"}, {}, "its schema refers to what is not in it: "),
        ({"$ref": "file:///etc/passwd"}, {}, "its schema refers to what is not in it: "),
        ({"$ref": "#"}, {}, "its schema refers to itself without end"),
        (bomb(), {}, "holding the run's calls against their schemas takes too long"),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema"} | bomb(), {}, "holding the run's calls"),
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 40 + "b"}, "its pattern ^(a+)+$ could take"),
        ({"patternProperties": {"^(a|aa)+$": {}}}, {"a" * 60 + "b": 1}, "its pattern ^(a|aa)+$ could take"),
        ({"properties": {"a": {"pattern": r"\p{L}"}}}, {"a": "a"}, r"its pattern \p{L} can't be read"),
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": [[n] for n in range(5000)]}, "holding the run's calls"),
        ({"description": "x" * 33_000}, {}, "its schema is longer than 32,000 characters"),
    ],
)  # fmt: skip
def test_what_could_take_long_or_leave_the_machine_is_left_unchecked_and_said_so(schema, arguments, message):
    begin = time.process_time()
    ((kind, pointer, said),) = found(schema, arguments)
    assert time.process_time() - begin < 5
    assert kind is FindingKind.UNCHECKED
    assert said.startswith(message)
    assert not pointer


def test_undeclared_and_never_called_functions_are_named():
    tools = [tool(ORDER), tool({}, "idle"), {"type": "code_interpreter"}, {"type": "function"}, "odd", tool({}, "late")]
    report = validate_function_calls(
        tools, [PostedFunctionCall("call_1", "find", '{"order": "A-1"}'), PostedFunctionCall("call_2", "gone", "{")]
    )
    assert [(each.kind, each.call.id) for each in report.findings] == [(FindingKind.UNDECLARED, "call_2")]
    assert report.never_called == ("idle", "late")
    assert report.faults == report.findings


def test_of_two_functions_of_one_name_the_first_counts():
    report = validate_function_calls(
        [tool({"required": ["a"]}), tool({})], [PostedFunctionCall("call_1", "find", "{}")]
    )
    assert [each.kind for each in report.findings] == [FindingKind.MISARGUED]


def test_only_the_first_faults_of_a_call_are_told():
    schema = {"additionalProperties": {"type": "string"}}
    assert len(found(schema, {str(number): number for number in range(50)})) == 5


@pytest.mark.parametrize(
    ("pattern", "length", "ways"),
    [
        ("abc", 100, 101),
        ("^abc$", 100, 1),
        (r"^\d{4}-\d{2}$", 100, 1),
        (r"^[^@]+@[^@]+$", 100, 100 * 100),
        (r"^(?:red|green)$", 100, 2),
        (r"^\d{2,4}$", 100, 3),
        ("^(a+)+$", 40, MOST),
        ("^(a|a)*$", 100, MOST),
        (r"^(a)\1$", 10, MOST),
        ("^(a?){40}$", 100, MOST),
        ("(?=a*)b", 10, 11 * 11),
    ],
)
def test_the_cost_of_a_pattern_is_told_from_its_structure(pattern, length, ways):
    assert cost(pattern, length) == ways
