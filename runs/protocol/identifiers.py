"""The rule for ids of runs, steps, messages, threads and assistants.

An id is chosen by the server that made the object, and becomes one segment of addresses of pages and REST paths. So it
must not be empty, hold a slash, or be one of the two segments that clients resolve ("." and "..").
"""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

MAX_ID_LENGTH = 256  # characters

_CONTROL_CHARACTERS = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"  # with the line breaks of Unicode
_SURROGATES = r"\ud800-\udfff"  # in Python's strings, surrogates are always unpaired
_CONTROL_CHARACTER = re.compile(f"[{_CONTROL_CHARACTERS}]")
_SURROGATE = re.compile(f"[{_SURROGATES}]")
# The rule for JSON schemas, in the syntax that Python and JavaScript share: only in Python, `$` matches before a line
# break at the end.
_ALLOWED = rf"[^/{_CONTROL_CHARACTERS}{_SURROGATES}]"
_ALLOWED_AT_EDGES = rf"[^/\s{_CONTROL_CHARACTERS}{_SURROGATES}]"
_PATTERN = rf"(?!\.{{1,2}}$){_ALLOWED_AT_EDGES}({_ALLOWED}*{_ALLOWED_AT_EDGES})?"

Identifier = Annotated[
    str, Meta(min_length=1, max_length=MAX_ID_LENGTH, extra_json_schema={"pattern": rf"^{_PATTERN}$(?!\n)"})
]
# Some servers write an empty string for the assistant or the run of a message that has none.
OptionalIdentifier = (
    Annotated[str, Meta(max_length=MAX_ID_LENGTH, extra_json_schema={"pattern": rf"^({_PATTERN})?$(?!\n)"})] | None
)


def find_id_fault(posted_id: str) -> str | None:
    """Return what is wrong with an id, None if it is valid."""
    if posted_id.isascii() and posted_id.isprintable() and "/" not in posted_id and " " not in posted_id:
        return None if 2 < len(posted_id) <= MAX_ID_LENGTH else _find_uncommon_fault(posted_id)
    return _find_uncommon_fault(posted_id)


def _find_uncommon_fault(posted_id: str) -> str | None:
    if not 1 <= len(posted_id) <= MAX_ID_LENGTH:
        return f"expected 1 to {MAX_ID_LENGTH} characters, got {len(posted_id)}"
    if posted_id in (".", ".."):
        return f'must not be "{posted_id}", which is no segment of an address'
    if "/" in posted_id:
        return f'must not contain "/", found at character {posted_id.index("/") + 1}'
    if control := _CONTROL_CHARACTER.search(posted_id):
        return f"must not contain control characters, found U+{ord(control[0]):04X} at character {control.start() + 1}"
    if surrogate := _SURROGATE.search(posted_id):
        return f"must not contain lone surrogates, found one at character {surrogate.start() + 1}"
    if posted_id != posted_id.strip():
        return "must not begin or end with white space"
    return None
