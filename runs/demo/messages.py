"""The messages of a run: the question it began with, and what the assistant wrote."""

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
_ALL_LANGUAGES = ("order_concierge", "returns_desk", "help_centre")
_BROKEN_OFF = {"cancelled": "run_cancelled", "expired": "run_expired", "failed": "run_failed"}


def make_messages(rng: Random, story: Story) -> tuple[Object, ...]:
    """The user's message and one for each turn that writes; `steps_of` has to have given those their ids."""
    question, answer = _talk(rng, story)
    told = [_question(rng, story, question)]
    told += [_answer(rng, story, turn, answer) for turn in story.turns if turn.kind == "message"]
    if story.assistant.dialect is Dialect.DASHSCOPE:
        for message in told:
            use_milliseconds(message, story)
    return tuple(told)


def _talk(rng: Random, story: Story) -> tuple[str, str]:
    if story.assistant.key in _ALL_LANGUAGES and rng.random() < 0.1:
        return rng.choice(OTHER_SCRIPTS)
    questions, answers = TALK[story.assistant.key]
    facts = {**story.thread.case._asdict(), "n": rng.randrange(2, 30)}
    return rng.choice(questions).format_map(facts), rng.choice(answers).format_map(facts)


def _question(rng: Random, story: Story, question: str) -> Object:
    message = _message(story, "user", story.created)
    message["id"] = make_record_id(rng, story.assistant.dialect, "msg")
    message["content"] = [_text(question, [])]
    return message


def _answer(rng: Random, story: Story, turn: Turn, answer: str) -> Object:
    """The assistant's message as far as it came: empty while it is being written."""
    message = _message(story, "assistant", turn.began)
    message.update(id=turn.message_id, run_id=story.id, assistant_id=story.assistant.id)
    reason = "max_tokens" if story.status == "incomplete" else _BROKEN_OFF.get(turn.status)
    status = "incomplete" if reason else turn.status
    message["status"] = status
    message["completed_at"] = turn.ended if status == "completed" else None
    message["incomplete_at"] = turn.ended if reason else None
    message["incomplete_details"] = {"reason": reason} if reason else None
    if reason:
        answer = answer[: len(answer) // 2]
    message["content"] = _content(rng, story, answer) if status != "in_progress" else []
    return message


def _message(story: Story, role: str, moment: int) -> Object:
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


def _content(rng: Random, story: Story, answer: str) -> list[Object]:
    """Text with annotations for the tools that were used, and sometimes a chart."""
    used = {turn.kind for turn in story.turns if turn.status == "completed"}
    if "file_search" in used or "retrieval" in used:
        return [_cited(rng, answer)]
    if "bing_grounding" in used:
        return [_linked(answer)]
    if "code_interpreter" in used and rng.random() < 0.4:
        return [
            {"type": "image_file", "image_file": {"file_id": f"file-{make_token(rng, 22)}"}},
            _filed(rng, answer),
        ]
    return [_text(answer, [])]


def _text(value: str, annotations: list[Object]) -> Object:
    return {"type": "text", "text": {"value": value, "annotations": annotations}}


def _cited(rng: Random, answer: str) -> Object:
    file_id, name = rng.choice(DOCUMENTS)
    return _marked(
        answer, f"【{rng.randrange(4, 12)}:{rng.randrange(3)}†{name}】", "file_citation", {"file_id": file_id}
    )


def _linked(answer: str) -> Object:
    source = {"url": "https://vat.example/check", "title": "VAT number check"}
    return _marked(answer, "【3:0†source】", "url_citation", source)


def _filed(rng: Random, answer: str) -> Object:
    return _marked(
        answer, " [table](sandbox:/mnt/data/table.csv)", "file_path", {"file_id": f"file-{make_token(rng, 22)}"}
    )


def _marked(answer: str, mark: str, kind: str, target: Object) -> Object:
    """The answer with a mark at its end and the annotation that belongs to it; positions count characters."""
    place = {"start_index": len(answer), "end_index": len(answer) + len(mark)}
    return _text(answer + mark, [{"type": kind, "text": mark, **place, kind: target}])
