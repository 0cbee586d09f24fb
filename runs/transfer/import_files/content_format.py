"""Find out by its content how a file is to be read, whatever its name is."""

from __future__ import annotations

import re
from enum import Enum, auto

from runs.transfer.import_files.unpacking import ChunkStream

_HEAD_BYTES = 4096
# Comments and ids may come before the first event (https://html.spec.whatwg.org/multipage/server-sent-events.html).
_EVENT_STREAM = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:(?::|id:)[^\r\n]*[\r\n]+)*(?:(?:event|data): ?[^\r\n]*(?:[\r\n]|\Z)|retry: ?\d+[\r\n])"
)
# The first field of an export request of OTLP, `resource_spans`, whose own first field is a resource or a scope.
_PROTOBUF = re.compile(rb"\n[\x80-\xff]{0,9}[\x00-\x7f][\n\x12]")
# Characters that JSON has nowhere, whereas keys and values of attributes begin with them in protobuf.
_CONTROL_CHARACTER = re.compile(rb"[\x00-\x08\x0e-\x1f]")


class ContentFormat(Enum):
    """A way in which files hold objects."""

    JSON = auto()
    EVENT_STREAM = auto()
    PROTOBUF = auto()


def detect_content_format(stream: ChunkStream) -> ContentFormat:
    """Return the format of a text by its beginning. What is none of the others may be JSON."""
    head = stream.peek(_HEAD_BYTES)
    if _PROTOBUF.match(head) and _CONTROL_CHARACTER.search(head):
        return ContentFormat.PROTOBUF
    return ContentFormat.EVENT_STREAM if _EVENT_STREAM.match(head) else ContentFormat.JSON
