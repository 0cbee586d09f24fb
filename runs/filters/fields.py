"""What can be asked of a run: one entry a field. The parser, the queries and the words all follow from it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from runs.models import Run


@dataclass(frozen=True, slots=True)
class ChoiceField:
    """A field that is asked for by its exact values, any of several; `words` is put before them in a sentence."""

    name: str
    column: str
    label: str
    words: str
    known: tuple[str, ...] = ()

    def problem(self, value: str) -> str | None:
        """Why `value` can't be meant. Servers have values of their own, so only near misses are refused."""
        if not value:
            return "expected a value, got none"
        if value not in self.known and (near := suggestion(value, self.known)):
            return f"unknown value '{value}'; did you mean '{near}'?"
        return None


CHOICES = (
    ChoiceField("status", "status", "Status", "with status", tuple(Run.Status.values)),
    ChoiceField("model", "model", "Model", "on"),
    ChoiceField("assistant", "assistant_id", "Assistant", "of"),
    ChoiceField("error", "error_code", "Error code", "with error"),
    ChoiceField("thread", "thread_id", "Thread", "in thread"),
)


def suggestion(wrong: str, known: Iterable[str]) -> str | None:
    """The known word that `wrong` was probably meant to be."""
    return next(iter(difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.7)), None)
