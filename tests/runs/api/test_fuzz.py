"""Ten thousand randomly damaged objects among valid ones: none is lost, and none breaks anything.

Accepted objects must be read back unchanged; rejected ones must be reported with their index and a reason.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from runs.api.openapi import API_PREFIX
from runs.models import Message, Project, Run, RunStep
from runs.protocol import lossless_json
from tests import factories
from tests.runs.api.api_client import NDJSON, ApiClient

MUTANTS = 10_000
BATCH = 200
VALID_EVERY = 10

ODD_TEXTS = [
    "", "\0", "a\0b", "\ud800", "\udc00\ud800", "😀", "e\u0301", "\u202e", "\ufeff", "\u2028", "x" * 300, "y" * 5000,
    "null", "[DONE]", "'; --", "%s%n", "../..", "\x7f\x1b[0m", '"', "\\", "\r\n", "run_1", "thread.run", "list",
]  # fmt: skip
ODD_NUMBERS = [
    "0", "-0", "-1", "1.0", "1e3", "1E+400", "-1e-400", "0.1e1", "9223372036854775807", "9223372036854775808",
    "-9223372036854775809", "1" * 400, "1" * 5000, "3.141592653589793238462643383279", "1795000000000", "253402300800",
]  # fmt: skip
ODD_VALUES = [
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "[[]]",
    '{"":0}',
    '{"a":1,"a":2}',
    '{"\\u0000":1}',
    '["\\ud83d"]',
]
SPLICES = [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\0", b",", b"}", b"]", b"{", b"[", b'"', b"\\", b"\\u12", b"NaN",
           b"Infinity", b"//", b" ", b"\x0b", b"\xef\xbb\xbf", b"01", b"+1", b".5", b"'"]  # fmt: skip


class RawText(str):
    """A JSON text that is inserted as it is."""


def encode(tree: Any) -> bytes:
    """Return `tree` as JSON, with its `RawText` parts as they are."""
    match tree:
        case RawText():
            return tree.encode()
        case dict():
            pairs = (json.dumps(name).encode() + b":" + encode(value) for name, value in tree.items())
            return b"{" + b",".join(pairs) + b"}"
        case list():
            return b"[" + b",".join(map(encode, tree)) + b"]"
        case _:
            return json.dumps(tree).encode()


@dataclass
class Mutator:
    """A source of objects with one or a few defects. The same seed makes the same mutants."""

    random: random.Random

    def mutate(self, tree: dict[str, Any]) -> bytes:
        tree = json.loads(json.dumps(tree))
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            self._change(tree)
        raw = encode(tree)
        return self._splice(raw) if self.random.random() < 0.15 else raw

    def _change(self, tree: Any) -> None:
        container, key = self._pick(tree)
        change = self.random.choice([self._drop, self._replace, self._replace, self._replace, self._copy, self._add])
        change(container, key)

    def _pick(self, tree: Any) -> tuple[Any, Any]:
        """Return a container within `tree` and the key or index of one of its values."""
        container, key = tree, self.random.choice(list(tree))
        while isinstance(inner := container[key], dict | list) and inner and self.random.random() < 0.7:
            container = inner
            key = self.random.choice(list(inner)) if isinstance(inner, dict) else self.random.randrange(len(inner))
        return container, key

    def _drop(self, container: Any, key: Any) -> None:
        if len(container) > 1:
            del container[key]

    def _replace(self, container: Any, key: Any) -> None:
        container[key] = self._strange_value()

    def _copy(self, container: Any, key: Any) -> None:
        """Copy a value to another key."""
        other = self.random.choice(list(container)) if isinstance(container, dict) else 0
        container[other] = container[key]

    def _add(self, container: Any, key: Any) -> None:  # noqa: ARG002
        if isinstance(container, dict):
            container[self.random.choice([*ODD_TEXTS, "vendor_field", "usage", "tools"])] = self._strange_value()
        else:
            container.append(self._strange_value())

    def _strange_value(self) -> Any:
        match self.random.randrange(5):
            case 0:
                return self.random.choice(ODD_TEXTS)
            case 1:
                return RawText(self.random.choice(ODD_NUMBERS))
            case 2:
                return RawText(self.random.choice(ODD_VALUES))
            case 3:
                depth = self.random.choice([3, 20, 150, 197, 198, 199, 200, 300, 3000])
                return RawText(self.random.choice(["[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth]))
            case _:
                return RawText(json.dumps(self.random.choice(ODD_TEXTS), ensure_ascii=True))

    def _splice(self, raw: bytes) -> bytes:
        at = self.random.randrange(len(raw))
        piece = self.random.choice(SPLICES)
        return raw[:at] + piece + raw[at + self.random.choice([0, 0, 1, 5]) :]


@dataclass
class Batch:
    """Mutants and valid objects; `valid` are the valid ones by their index."""

    raw: list[bytes] = field(default_factory=list)
    valid: dict[int, dict[str, Any]] = field(default_factory=dict)


def runs(number: int) -> dict[str, Any]:
    kinds = [factories.run_object, factories.failed_run, factories.waiting_run]
    tools = [factories.function_tool("f"), {"type": "file_search", "file_search": {"max_num_results": 3}}]
    usage = {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
        "prompt_token_details": {"cached_tokens": 0},
    }
    return kinds[number % 3](tools=tools, usage=usage, incomplete_details={"reason": "x"})


def steps(number: int) -> dict[str, Any]:
    call = factories.function_call("f")
    interpreter = {"id": "c", "type": "code_interpreter", "code_interpreter": {"input": "1", "outputs": []}}
    return factories.step_object(factories.run_object(), *([call, interpreter] if number % 2 else []))


def messages(_: int) -> dict[str, Any]:
    return factories.message_object(factories.run_object(), metadata={"a": "b"}, completed_at=factories.NOW)


KINDS: list[tuple[str, Any, Callable[[int], dict[str, Any]], float]] = [
    ("runs", Run, runs, 0.5),
    ("steps", RunStep, steps, 0.3),
    ("messages", Message, messages, 0.2),
]


def batches(mutator: Mutator, make: Callable[[int], dict[str, Any]], mutants: int) -> Iterator[Batch]:
    for begin in range(0, mutants, BATCH):
        batch = Batch()
        for number in range(begin, min(begin + BATCH, mutants)):
            if number % VALID_EVERY == 0:
                valid = make(number)
                batch.valid[len(batch.raw)] = valid
                batch.raw.append(json.dumps(valid).encode())
            batch.raw.append(mutator.mutate(make(number)))
        yield batch


@pytest.mark.parametrize(("path", "model", "make", "share"), KINDS)
def test_mutants_do_not_affect_valid_objects(
    project: Project, client: ApiClient, path: str, model: Any, make: Callable[[int], dict[str, Any]], share: float
) -> None:
    mutator = Mutator(random.Random(f"Runglass {path}"))
    accepted: list[bytes] = []
    rejected_count = 0
    for batch in batches(mutator, make, round(MUTANTS * share)):
        # NDJSON, because a mutant may end an array early; so mutants must not contain line breaks
        raw = [re.sub(rb"[\r\n]", b" ", value) for value in batch.raw]
        response = client.send(b"\n".join(raw), NDJSON, API_PREFIX + path)
        assert response.status_code in (200, 207), response.content
        rejected = check_errors(response.json(), len(raw))
        assert not rejected & batch.valid.keys()
        accepted += [value for index, value in enumerate(raw) if index not in rejected]
        rejected_count += len(rejected)
    assert rejected_count > len(accepted) / 5
    assert len(accepted) > rejected_count / 5
    check_read_back(project, model, accepted)


def check_errors(answer: dict[str, Any], received: int) -> set[int]:
    """Check the errors and counts of a response, and return the indexes of the rejected objects."""
    assert answer["received"] == received
    for error in answer["errors"]:
        assert isinstance(error["index"], int)
        assert 0 <= error["index"] < received
        assert error["message"]
        assert error["path"] == "" or error["path"].startswith("/")
    rejected = {error["index"] for error in answer["errors"]}
    assert answer["rejected"] == len(rejected)
    assert sum(answer[item] for item in ("created", "updated", "unchanged", "stale", "rejected")) == received
    return rejected


def check_read_back(project: Project, model: Any, accepted: list[bytes]) -> None:
    """Check that what is stored under an id equals an accepted post of it."""
    posted: dict[str, list[bytes]] = {}
    for raw in accepted:
        posted.setdefault(lossless_json.decode_json(lossless_json.split_object(raw)["id"]), []).append(raw)
    records = model.objects.filter(project=project)
    stored = list(records.with_configuration() if model is Run else records)
    assert {record.external_id for record in stored} == posted.keys()
    for record in stored:
        written_back = record.as_json()
        assert any(lossless_json.is_same_json(written_back, raw) for raw in posted[record.external_id]), written_back
    assert Counter(map(len, posted.values()))[1] > 0.9 * len(posted)
