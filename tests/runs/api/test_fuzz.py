"""Ten thousand objects that something went wrong with, among good ones: none is lost, none breaks anything.

What is accepted must come back equal; what is refused must be named by its place in the body, with a reason.
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
from tests.runs.api.caller import NDJSON, Caller

MUTANTS = 10_000
BATCH = 200
GOOD_EVERY = 10

ODD_TEXTS = [
    "", "\0", "a\0b", "\ud800", "\udc00\ud800", "😀", "e\u0301", "\u202e", "\ufeff", "\u2028", "x" * 300, "y" * 5000,
    "null", "[DONE]", "'; --", "%s%n", "../..", "\x7f\x1b[0m", '"', "\\", "\r\n", "run_1", "thread.run", "list",
]  # fmt: skip
ODD_NUMBERS = [
    "0", "-0", "-1", "1.0", "1e3", "1E+400", "-1e-400", "0.1e1", "9223372036854775807", "9223372036854775808",
    "-9223372036854775809", "1" * 400, "1" * 5000, "3.141592653589793238462643383279", "1795000000000", "253402300800",
]  # fmt: skip
ODD_VALUES = ["null", "true", "false", "[]", "{}", "[[]]", '{"":0}', '{"a":1,"a":2}', '{"\\u0000":1}', '["\\ud83d"]']
SPLICES = [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\0", b",", b"}", b"]", b"{", b"[", b'"', b"\\", b"\\u12", b"NaN",
           b"Infinity", b"//", b" ", b"\x0b", b"\xef\xbb\xbf", b"01", b"+1", b".5", b"'"]  # fmt: skip


class Spelled(str):
    """A piece of JSON that is written as it stands."""


def written(tree: Any) -> bytes:
    """`tree` as JSON, its `Spelled` parts as they are. A list of pairs is an object, for names may repeat."""
    match tree:
        case Spelled():
            return tree.encode()
        case dict():
            pairs = (json.dumps(name).encode() + b":" + written(value) for name, value in tree.items())
            return b"{" + b",".join(pairs) + b"}"
        case list():
            return b"[" + b",".join(map(written, tree)) + b"]"
        case _:
            return json.dumps(tree).encode()


@dataclass
class Mutator:
    """Makes one thing, or a few, wrong with an object. The same seed makes the same mutants."""

    random: random.Random

    def mutate(self, tree: dict[str, Any]) -> bytes:
        tree = json.loads(json.dumps(tree))
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            self._change(tree)
        raw = written(tree)
        return self._splice(raw) if self.random.random() < 0.15 else raw

    def _change(self, tree: Any) -> None:
        container, place = self._place(tree)
        change = self.random.choice([self._drop, self._replace, self._replace, self._replace, self._copy, self._add])
        change(container, place)

    def _place(self, tree: Any) -> tuple[Any, Any]:
        """A container somewhere within `tree`, and the place of one of its values."""
        container, place = tree, self.random.choice(list(tree))
        while isinstance(inner := container[place], dict | list) and inner and self.random.random() < 0.7:
            container = inner
            place = self.random.choice(list(inner)) if isinstance(inner, dict) else self.random.randrange(len(inner))
        return container, place

    def _drop(self, container: Any, place: Any) -> None:
        if len(container) > 1:
            del container[place]

    def _replace(self, container: Any, place: Any) -> None:
        container[place] = self._odd()

    def _copy(self, container: Any, place: Any) -> None:
        """The same value again, where another one was or was not."""
        other = self.random.choice(list(container)) if isinstance(container, dict) else 0
        container[other] = container[place]

    def _add(self, container: Any, place: Any) -> None:  # noqa: ARG002
        if isinstance(container, dict):
            container[self.random.choice([*ODD_TEXTS, "vendor_field", "usage", "tools"])] = self._odd()
        else:
            container.append(self._odd())

    def _odd(self) -> Any:
        match self.random.randrange(5):
            case 0:
                return self.random.choice(ODD_TEXTS)
            case 1:
                return Spelled(self.random.choice(ODD_NUMBERS))
            case 2:
                return Spelled(self.random.choice(ODD_VALUES))
            case 3:
                depth = self.random.choice([3, 20, 150, 197, 198, 199, 200, 300, 3000])
                return Spelled(self.random.choice(["[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth]))
            case _:
                return Spelled(json.dumps(self.random.choice(ODD_TEXTS), ensure_ascii=True))

    def _splice(self, raw: bytes) -> bytes:
        at = self.random.randrange(len(raw))
        piece = self.random.choice(SPLICES)
        return raw[:at] + piece + raw[at + self.random.choice([0, 0, 1, 5]) :]


@dataclass
class Batch:
    """Mutants with good neighbours among them; `good` are the places of those."""

    raw: list[bytes] = field(default_factory=list)
    good: dict[int, dict[str, Any]] = field(default_factory=dict)


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
            if number % GOOD_EVERY == 0:
                good = make(number)
                batch.good[len(batch.raw)] = good
                batch.raw.append(json.dumps(good).encode())
            batch.raw.append(mutator.mutate(make(number)))
        yield batch


@pytest.mark.parametrize(("path", "model", "make", "share"), KINDS)
def test_mutants_break_nothing_and_lose_no_neighbour(
    project: Project, caller: Caller, path: str, model: Any, make: Callable[[int], dict[str, Any]], share: float
) -> None:
    mutator = Mutator(random.Random(f"Runglass {path}"))
    accepted: list[bytes] = []
    refused = 0
    for batch in batches(mutator, make, round(MUTANTS * share)):
        # a line break would end a line, so lines hold none; as elements of an array, mutants may end it early
        raw = [re.sub(rb"[\r\n]", b" ", each) for each in batch.raw]
        response = caller.send(b"\n".join(raw), NDJSON, API_PREFIX + path)
        assert response.status_code in (200, 207), response.content
        wrong = check_errors(response.json(), len(raw))
        assert not wrong & batch.good.keys()
        accepted += [each for index, each in enumerate(raw) if index not in wrong]
        refused += len(wrong)
    assert refused > len(accepted) / 5
    assert len(accepted) > refused / 5
    check_read_back(project, model, accepted)


def check_errors(answer: dict[str, Any], received: int) -> set[int]:
    """The places of what was refused; each must be told once or more, with a reason, and the counts must add up."""
    assert answer["received"] == received
    for error in answer["errors"]:
        assert isinstance(error["index"], int)
        assert 0 <= error["index"] < received
        assert error["message"]
        assert error["path"] == "" or error["path"].startswith("/")
    wrong = {error["index"] for error in answer["errors"]}
    assert answer["rejected"] == len(wrong)
    assert sum(answer[each] for each in ("created", "updated", "unchanged", "stale", "rejected")) == received
    return wrong


def check_read_back(project: Project, model: Any, accepted: list[bytes]) -> None:
    """What is stored under an id must equal, as JSON text, an accepted post of it: the one, for nearly all ids."""
    posted: dict[str, list[bytes]] = {}
    for raw in accepted:
        posted.setdefault(lossless_json.decode_json(lossless_json.split_object(raw)["id"]), []).append(raw)
    found = model.objects.filter(project=project)
    stored = list(found.with_configuration() if model is Run else found)
    assert {each.external_id for each in stored} == posted.keys()
    for each in stored:
        written_back = each.as_json()
        assert any(lossless_json.is_same_json(written_back, raw) for raw in posted[each.external_id]), written_back
    assert Counter(map(len, posted.values()))[1] > 0.9 * len(posted)
