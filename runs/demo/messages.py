"""The messages of a run: the user's question and the assistant's answers."""

from __future__ import annotations

from random import Random
from typing import Any

from runs.demo.assistants import Dialect
from runs.demo.ids import make_token
from runs.demo.phrases import DOCUMENTS, OTHER_SCRIPTS, TALK
from runs.demo.steps import use_milliseconds
from runs.demo.story import Story, Turn
from runs.demo.threads import make_record_id

Object = dict[str, Any]
# Assistants that users also address in other scripts.
_ALL_LANGUAGES = ("order_concierge", "returns_desk", "help_centre")
_INTERRUPTION_REASONS = {"cancelled": "run_cancelled", "expired": "run_expired", "failed": "run_failed"}


def make_messages(rng: Random, story: Story) -> tuple[Object, ...]:
    """Return the user's message and one message for each writing turn, whose ids `make_steps` has set."""
    question, answer = _pick_question_and_answer(rng, story)
    messages = [_make_question(rng, story, question)]
    messages += [_make_answer(rng, story, turn, answer) for turn in story.turns if turn.kind == "message"]
    if story.assistant.dialect is Dialect.DASHSCOPE:
        for message in messages:
            use_milliseconds(message, story)
    return tuple(messages)


def _pick_question_and_answer(rng: Random, story: Story) -> tuple[str, str]:
    if story.assistant.key in _ALL_LANGUAGES and rng.random() < 0.1:
        return rng.choice(OTHER_SCRIPTS)
    questions, answers = TALK[story.assistant.key]
    facts = {**story.thread.case._asdict(), "n": rng.randrange(2, 30)}
    return rng.choice(questions).format_map(facts), rng.choice(answers).format_map(facts)


def _make_question(rng: Random, story: Story, question: str) -> Object:
    message = _make_message(story, "user", story.created)
    message["id"] = make_record_id(rng, story.assistant.dialect, "msg")
    message["content"] = [_text(question, [])]
    return message


def _make_answer(rng: Random, story: Story, turn: Turn, answer: str) -> Object:
    """Return the assistant's message; half of it if the turn was interrupted, empty while it is being written."""
    message = _make_message(story, "assistant", turn.began)
    message.update(id=turn.message_id, run_id=story.id, assistant_id=story.assistant.id)
    reason = "max_tokens" if story.status == "incomplete" else _INTERRUPTION_REASONS.get(turn.status)
    status = "incomplete" if reason else turn.status
    message["status"] = status
    message["completed_at"] = turn.ended if status == "completed" else None
    message["incomplete_at"] = turn.ended if reason else None
    message["incomplete_details"] = {"reason": reason} if reason else None
    if reason:
        answer = answer[: len(answer) // 2]
    message["content"] = _make_content(rng, story, answer) if status != "in_progress" else []
    return message


def _make_message(story: Story, role: str, moment: int) -> Object:
    message: Object = {
        "id": "",
        "object": "thread.message",
        "created_at": moment,
        "assistant_id": None,
        "thread_id": story.thread.id,
        "run_id": None,
        "role": role,
        "content": [],
        "metadata": {},
    }
    if story.assistant.dialect in (Dialect.FIRST, Dialect.DASHSCOPE):
        message["file_ids"] = []
    else:
        message["attachments"] = []
    return message


def _make_content(rng: Random, story: Story, answer: str) -> list[Object]:
    """Return the text with annotations of the tools that were used, and sometimes a chart."""
    used = {turn.kind for turn in story.turns if turn.status == "completed"}
    if "file_search" in used or "retrieval" in used:
        return [_add_citation(rng, answer)]
    if "bing_grounding" in used:
        return [_add_link(answer)]
    if "code_interpreter" in used and rng.random() < 0.4:
        return [
            {"type": "image_file", "image_file": {"file_id": f"file-{make_token(rng, 22)}"}},
            _add_file(rng, answer),
        ]
    return [_text(answer, [])]


def _text(value: str, annotations: list[Object]) -> Object:
    return {"type": "text", "text": {"value": value, "annotations": annotations}}


def _add_citation(rng: Random, answer: str) -> Object:
    file_id, name = rng.choice(DOCUMENTS)
    return _annotate(
        answer, f"【{rng.randrange(4, 12)}:{rng.randrange(3)}†{name}】", "file_citation", {"file_id": file_id}
    )


def _add_link(answer: str) -> Object:
    source = {"url": "https://vat.example/check", "title": "VAT number check"}
    return _annotate(answer, "【3:0†source】", "url_citation", source)


def _add_file(rng: Random, answer: str) -> Object:
    return _annotate(
        answer, " [table](sandbox:/mnt/data/table.csv)", "file_path", {"file_id": f"file-{make_token(rng, 22)}"}
    )


def _annotate(answer: str, mark: str, kind: str, target: Object) -> Object:
    """Return the answer with a mark at its end and the annotation of the mark. Positions count characters."""
    place = {"start_index": len(answer), "end_index": len(answer) + len(mark)}
    return _text(answer + mark, [{"type": kind, "text": mark, **place, kind: target}])
