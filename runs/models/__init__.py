"""The records. Each module says what one group of tables is for."""

from runs.models.account import ApiKey, Membership, Project, User
from runs.models.assistant import Assistant
from runs.models.audit import AuditEvent
from runs.models.comment import Comment
from runs.models.configuration import Configuration, ToolDefinition
from runs.models.error_group import ErrorGroup
from runs.models.metadata_value import MetadataKey, MetadataValue
from runs.models.rollup import DayByAssistant, DayByModel, HourByAssistant, HourByModel, HourByStatus, HourByTool
from runs.models.run import Message, Observation, Run, RunStep
from runs.models.saved_view import SavedView
from runs.models.tag import RunTag

__all__ = [
    "ApiKey",
    "Assistant",
    "AuditEvent",
    "Comment",
    "Configuration",
    "DayByAssistant",
    "DayByModel",
    "ErrorGroup",
    "HourByAssistant",
    "HourByModel",
    "HourByStatus",
    "HourByTool",
    "Membership",
    "Message",
    "MetadataKey",
    "MetadataValue",
    "Observation",
    "Project",
    "Run",
    "RunStep",
    "RunTag",
    "SavedView",
    "ToolDefinition",
    "User",
]
