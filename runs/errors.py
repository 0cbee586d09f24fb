"""What can go wrong, by name. Turned into HTTP at two edges only: `runs.api.errors` and `dashboard.web.error_views`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one posted object.

    `path` is a JSON pointer into the object ("" is the object itself), `index` its place in the body counted
    from 0, `line` its line in a line-based body counted from 1.
    """

    path: str
    message: str
    index: int | None = None
    id: str | None = None
    line: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The problem as the API shows it, without what isn't known."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class RunglassError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str = "", problems: Sequence[Problem] = ()) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.problems = tuple(problems)
        super().__init__(self.message)


class InvalidObject(RunglassError):
    """The object does not follow the protocol."""

    code = "invalid_object"


class UnreadableBody(RunglassError):
    """The body can't be read as JSON."""

    code = "unreadable_body"


class BodyTooLarge(RunglassError):
    """The body is larger than this server accepts."""

    code = "body_too_large"


class TooManyObjects(BodyTooLarge):
    """The body holds more objects than one request may."""

    code = "too_many_objects"


class UnsupportedBody(RunglassError):
    """This content type or encoding is not accepted."""

    code = "unsupported_body"


class InvalidPrice(RunglassError):
    """The price can't be meant."""

    code = "invalid_price"


class NotFound(RunglassError):
    """There is no such record."""

    code = "not_found"


class InvalidFilter(RunglassError):
    """The filter can't be understood."""

    code = "invalid_filter"


class InvalidComment(RunglassError):
    """This can't be kept as a comment."""

    code = "invalid_comment"


class InvalidView(RunglassError):
    """The view can't be saved."""

    code = "invalid_view"


class InvalidTag(RunglassError):
    """The tag can't be used."""

    code = "invalid_tag"


class UnknownParameter(RunglassError):
    """This path takes no such parameter."""

    code = "unknown_parameter"


class TooManyRetries(RunglassError):
    """Other writers kept changing the same records. Try again."""

    code = "busy"


class InvalidMember(RunglassError):
    """The person can't be made a member."""

    code = "invalid_member"


class LastAdministrator(RunglassError):
    """A project needs an administrator, and this is the last one."""

    code = "last_administrator"
