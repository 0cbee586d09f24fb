"""The database models: one module per table, with its QuerySet beside it."""

import runs.db.lookups  # noqa: F401 - registers the lookups `like` and `ilike` that QuerySets filter with
from runs.models.api_key import ApiKey
from runs.models.assistant import Assistant
from runs.models.audit_event import AuditEvent
from runs.models.backup_record import BackupRecord
from runs.models.bulk_action import BulkAction
from runs.models.comment import Comment, ErrorGroupComment
from runs.models.configuration import Configuration
from runs.models.conversation import Conversation, ListedItem
from runs.models.error_group import ErrorGroup
from runs.models.error_group_event import ErrorGroupEvent
from runs.models.forward_item import ForwardItem
from runs.models.membership import Membership
from runs.models.message import Message
from runs.models.metadata_key import MetadataKey
from runs.models.metadata_value import MetadataValue
from runs.models.observation import (
    MessageObservation,
    Observation,
    PostedObservation,
    StepObservation,
    find_observations,
)
from runs.models.project import Project
from runs.models.refused_request import RefusedRequest
from runs.models.request_count import RequestCount
from runs.models.response import Response, ResponseObservation
from runs.models.response_mention import ResponseMention
from runs.models.retention_policy import RetentionPolicy
from runs.models.rollup import (
    DayByAssistant,
    DayByModel,
    HourByAssistant,
    HourByModel,
    HourBySource,
    HourByStatus,
    HourByTool,
)
from runs.models.run import Run
from runs.models.run_alias import RunAlias
from runs.models.run_review import RunReview
from runs.models.run_source import RunSource
from runs.models.run_step import RunStep
from runs.models.run_tag import RunTag
from runs.models.saved_view import SavedView
from runs.models.schema_release import SchemaRelease
from runs.models.search_text import SearchText
from runs.models.share_link import ShareLink
from runs.models.sign_in_budget import SignInBudget
from runs.models.stopped_validation import StoppedValidation
from runs.models.tool_definition import ToolDefinition
from runs.models.trace import Span, SpanLog, SpanOrigin, Trace
from runs.models.user import User

__all__ = [
    "ApiKey",
    "Assistant",
    "AuditEvent",
    "BackupRecord",
    "BulkAction",
    "Comment",
    "Configuration",
    "Conversation",
    "DayByAssistant",
    "DayByModel",
    "ErrorGroup",
    "ErrorGroupComment",
    "ErrorGroupEvent",
    "ForwardItem",
    "HourByAssistant",
    "HourByModel",
    "HourBySource",
    "HourByStatus",
    "HourByTool",
    "ListedItem",
    "Membership",
    "Message",
    "MessageObservation",
    "MetadataKey",
    "MetadataValue",
    "Observation",
    "PostedObservation",
    "Project",
    "RefusedRequest",
    "RequestCount",
    "Response",
    "ResponseMention",
    "ResponseObservation",
    "RetentionPolicy",
    "Run",
    "RunAlias",
    "RunReview",
    "RunSource",
    "RunStep",
    "RunTag",
    "SavedView",
    "SchemaRelease",
    "SearchText",
    "ShareLink",
    "SignInBudget",
    "Span",
    "SpanLog",
    "SpanOrigin",
    "StepObservation",
    "StoppedValidation",
    "ToolDefinition",
    "Trace",
    "User",
    "find_observations",
]
