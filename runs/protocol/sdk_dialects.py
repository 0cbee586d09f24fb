"""Objects as SDKs print them, which is not what servers send: other names, and times as text.

Azure's SDKs for JavaScript and Java have `createdAt` where the protocol has `created_at`, and those for .NET have
`CreatedAt`. All of them have date objects, which become ISO 8601 texts when they are written as JSON.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, datetime

from runs.protocol.timestamps import to_unix_seconds

_ADVICE = "post the body of the server's response instead (see Posting from SDKs in /api/v1/docs)"


def find_sdk_name(name: str, posted_names: Container[str]) -> str | None:
    """Return the name under which an SDK printed the field `name`, None if there is none among `posted_names`."""
    pascal_case = "".join(word.capitalize() for word in name.split("_"))
    camel_case = pascal_case[:1].lower() + pascal_case[1:]
    return next((other for other in (camel_case, pascal_case) if other != name and other in posted_names), None)


def describe_sdk_name(name: str, sdk_name: str) -> str:
    """Return the message for a field that was posted under the name that an SDK gives it."""
    languages = ".NET" if sdk_name[:1].isupper() else "JavaScript and Java"
    return f'expected the name "{name}", got "{sdk_name}", as SDKs for {languages} print objects; {_ADVICE}'


def describe_iso_time(text: str) -> str:
    """Return a hint for a text in place of an integer, or "" if it is not a time."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return ""
    aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return f", a time as SDKs print it: expected Unix seconds, {to_unix_seconds(aware)}; {_ADVICE}"
