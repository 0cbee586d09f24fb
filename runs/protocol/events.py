"""Stream events: the meaning of their names, which are those of OpenAI's specification."""

from __future__ import annotations

STREAM_END = b"[DONE]"
_RUN_EVENTS = (
    *("created", "queued", "in_progress", "requires_action", "completed", "incomplete", "failed"),
    *("cancelling", "cancelled", "expired"),
)
_STEP_EVENTS = ("created", "in_progress", "completed", "failed", "cancelled", "expired")
_MESSAGE_EVENTS = ("created", "in_progress", "completed", "incomplete")
# The type of the object that an event's data is, for events that carry a whole object.
EVENT_OBJECTS = {
    **{f"thread.run.{name}": "thread.run" for name in _RUN_EVENTS},
    **{f"thread.run.step.{name}": "thread.run.step" for name in _STEP_EVENTS},
    **{f"thread.message.{name}": "thread.message" for name in _MESSAGE_EVENTS},
}
# Events that add nothing to the objects that follow them.
IGNORED_EVENTS = frozenset(
    {"thread.created", "thread.run.step.delta", "thread.message.delta", "error", "done", "ping", "keepalive"}
)
# The objects of such events that are no records.
IGNORED_OBJECTS = frozenset({"thread", "thread.run.step.delta", "thread.message.delta"})
