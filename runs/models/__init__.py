"""The records. Each module says what one group of tables is for."""

from runs.models.account import ApiKey, Membership, Project, User
from runs.models.assistant import Assistant
from runs.models.comment import Comment
from runs.models.configuration import Configuration
from runs.models.rollup import DayByAssistant, DayByModel, HourByStatus
from runs.models.run import Message, Observation, Run, RunStep

__all__ = [
    "ApiKey",
    "Assistant",
    "Comment",
    "Configuration",
    "DayByAssistant",
    "DayByModel",
    "HourByStatus",
    "Membership",
    "Message",
    "Observation",
    "Project",
    "Run",
    "RunStep",
    "User",
]
