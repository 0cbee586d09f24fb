"""The exceptions of the domain. Two places turn them into HTTP: `runs.api.errors` and `dashboard.web.error_views`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one posted object.

    `path` is a JSON pointer into the object ("" is the object itself), or the name of a parameter or form field.
    `index` is the object's position in the body, counted from 0; `line` its line in a line-based body, from 1.
    """

    path: str
    message: str
    index: int | None = None
    id: str | None = None
    line: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the problem as the API renders it, without unknown fields."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class RunglassError(Exception):
    """An error occurred."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str = "", problems: Sequence[Problem] = ()) -> None:
        """Set the message, by default the docstring of the class, and the problems that explain it."""
        self.message = message or (type(self).__doc__ or "").strip()
        self.problems = tuple(problems)
        super().__init__(self.message)


class InvalidObject(RunglassError):
    """The object does not follow the protocol."""

    code = "invalid_object"


class UnreadableBody(RunglassError):
    """The body is not valid JSON."""

    code = "unreadable_body"


class BodyTooLarge(RunglassError):
    """The body is larger than this server accepts."""

    code = "body_too_large"


class TooManyObjects(BodyTooLarge):
    """The body contains more objects than one request may."""

    code = "too_many_objects"


class UnsupportedBody(RunglassError):
    """This content type or encoding is not supported."""

    code = "unsupported_body"


class InvalidPrice(RunglassError):
    """The price is invalid."""

    code = "invalid_price"


class NotFound(RunglassError):
    """There is no such record."""

    code = "not_found"


class InvalidFilter(RunglassError):
    """The filter is invalid."""

    code = "invalid_filter"


class InvalidComment(RunglassError):
    """The comment is invalid."""

    code = "invalid_comment"


class InvalidAgentKey(RunglassError):
    """The metadata key is invalid."""

    code = "invalid_agent_key"


class InvalidView(RunglassError):
    """The view is invalid."""

    code = "invalid_view"


class InvalidTag(RunglassError):
    """The tag is invalid."""

    code = "invalid_tag"


class InvalidDecision(RunglassError):
    """The state or the assignee of an error group is invalid."""

    code = "invalid_object"


class UnknownParameter(RunglassError):
    """This path has no such parameter."""

    code = "unknown_parameter"


class SourceConflict(RunglassError):
    """The id belongs to a run of another source."""

    code = "source_conflict"


class TooManyRetries(RunglassError):
    """Other writers kept changing the same records. Try again."""

    code = "busy"


class BulkActionInProgress(RunglassError):
    """Another change of all matching runs is in progress. Wait until it has ended."""

    code = "busy"


class DiskFull(RunglassError):
    """No space left on device: the disk of the database is full, nothing was stored. Try again when there is room."""

    code = "disk_full"


class QueryTimeout(RunglassError):
    """Collecting the data took too long. Choose a more selective filter or a shorter time range."""

    code = "query_timeout"


class RequestTimeout(Exception):
    """The request takes too long and ends: nothing more is stored. Send fewer or smaller objects at once.

    It is no RunglassError, since whoever goes on after one rejected object must not go on after this.
    """

    code = "request_timeout"
    message = "Processing the request took too long. Send fewer or smaller objects at once"


class InvalidMember(RunglassError):
    """The member is invalid."""

    code = "invalid_member"


class InvalidKeyScopes(RunglassError):
    """A key that is limited to a query can only have the scope read."""

    code = "invalid_key_scopes"


class LastAdministrator(RunglassError):
    """A project needs an administrator, and this is the last one."""

    code = "last_administrator"


class SharingDisabled(RunglassError):
    """The project allows no links to its runs."""

    code = "sharing_disabled"


class TooManySignInAttempts(RunglassError):
    """Too many attempts to sign in have failed."""

    code = "too_many_sign_in_attempts"

    def __init__(self, scope: str, wait: timedelta) -> None:
        """Set what the limit is for, such as "from your address", and the time until the next attempt is allowed."""
        super().__init__()
        self.scope = scope
        self.wait = wait
