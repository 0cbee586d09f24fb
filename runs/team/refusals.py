"""Record the requests that were refused, in few rows and with few writes, for the people who wait for their runs.

What is stored comes from our own messages: which field, and what was expected. Posted values are left out of them.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError
from django.db.models import Q, Sum
from django.utils import timezone

from runs.db import sql
from runs.errors import Problem
from runs.models import ApiKey, Membership, Project, RefusedRequest, User
from runs.models.refused_request import REFUSAL_RETENTION
from runs.protocol.lossless_json import clean_text
from runs.team.api_keys import API_KEY_PREFIX, KEY_PREFIX_LENGTH, find_ended_api_key
from runs.team.report_limiter import ReportLimiter

logger = logging.getLogger(__name__)

MAX_REFUSALS = 50  # rows of a project
_MAX_FIELDS, _MAX_FIELD_LENGTH, _MAX_REASON_LENGTH, _MAX_PATH_LENGTH = 5, 100, 300, 200
# Messages end with what was posted instead of what was expected.
_POSTED_VALUE = re.compile(r",? (?:but )?(?:got|found) .*|(?<=event stream): .*", re.DOTALL)
# Words in quotes are ours only where they are expected.
_QUOTE = re.compile(r"'[^']*'|\"[^\"]*\"")
# A part of a JSON pointer that the protocol names, or an index. Below metadata, names are posted.
_KNOWN_NAME = re.compile(r"[A-Za-z_]{1,30}|[0-9]{1,9}", re.ASCII)
_limiter = ReportLimiter(burst=30, interval=2.0, repeat_interval=5.0)

_UPSERT = """
    INSERT INTO refused_request AS refused (project_id, digest, status, path, reason, fields, key_name, address, index,
           requests, first_at, last_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, statement_timestamp(), statement_timestamp())
        ON CONFLICT (digest) DO UPDATE
       SET requests = refused.requests + EXCLUDED.requests, last_at = EXCLUDED.last_at, index = EXCLUDED.index"""


@dataclass(frozen=True, slots=True)
class RefusedPost:
    """A refused request: its status and path, our message, and the problems that explain it."""

    status: int
    path: str
    message: str
    problems: Sequence[Problem] = ()

    @property
    def reason(self) -> str:
        """The message of the first problem, without posted values."""
        text = clean_text(self.problems[0].message if self.problems else self.message)
        text = _POSTED_VALUE.sub("", text)
        return (text if text.startswith("expected") else _QUOTE.sub("…", text))[:_MAX_REASON_LENGTH]

    @property
    def fields(self) -> list[str]:
        """The paths of the first invalid fields."""
        paths = (_remove_posted_names(problem.path) for problem in self.problems)
        return list(dict.fromkeys(path[:_MAX_FIELD_LENGTH] for path in paths if path))[:_MAX_FIELDS]


def record_refusal(refusal: RefusedPost, key: ApiKey | None, secret: str, address: str) -> None:
    """Record a refused request of `key`, or with `secret` if that is no usable key.

    A repeated request is written every five seconds at most, and counted in between. A database that can't be written
    loses the record, not the response.
    """
    subject = "\n".join(
        [str(key.pk) if key else secret, str(refusal.status), refusal.path, refusal.reason, *refusal.fields, address]
    )
    digest = hashlib.blake2b(subject.encode(errors="replace"), digest_size=16).digest()
    repeats = _limiter.admit(digest.hex())
    if repeats is None:
        return
    try:
        _store(refusal, digest, key or find_ended_api_key(secret), secret, address, repeats + 1)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("A refused request could not be recorded: %s", error, extra={"action": "refusal_not_recorded"})


def delete_old_refusals(project: Project) -> bool:
    """Delete what is no longer shown of `project` and of unknown keys. Return False: nothing is left to do."""
    is_owned = Q(project=project) | Q(project=None)
    RefusedRequest.objects.filter(is_owned, last_at__lte=timezone.now() - REFUSAL_RETENTION).delete()
    return False


def fetch_refusals(project: Project, user: User) -> list[RefusedRequest]:
    """Return the recent refusals of `project`, the last one first.

    Those with unknown keys belong to no project: administrators of the instance see them, and those of its only one.
    """
    is_only_project = Project.objects.exclude(pk=project.pk).count() == 0
    is_administrator = project.role == Membership.Role.ADMIN
    sees_unknown_keys = user.is_superuser or (is_only_project and is_administrator)
    return list(RefusedRequest.objects.newest(project, *([None] if sees_unknown_keys else []))[:MAX_REFUSALS])


def count_refusals(project: Project) -> int:
    """Return the number of requests of `project` that were refused lately."""
    return RefusedRequest.objects.newest(project).aggregate(total=Sum("requests"))["total"] or 0


def _store(refusal: RefusedPost, digest: bytes, key: ApiKey | None, secret: str, address: str, count: int) -> None:
    project: Project | None = key.project if key else None
    values = [
        *(project.pk if project else None, digest, refusal.status, refusal.path[:_MAX_PATH_LENGTH], refusal.reason),
        *(sql.format_array(refusal.fields), _describe_key(key, secret), address[:64]),
        next((problem.index for problem in refusal.problems), None),
        count,
    ]
    with sql.open_cursor(sql.NumberedCursor) as cursor:
        cursor.execute(_UPSERT, values)
    kept = RefusedRequest.objects.newest(project)[:MAX_REFUSALS].values("pk")
    RefusedRequest.objects.filter(project=project).exclude(pk__in=kept).delete()


def _remove_posted_names(path: str) -> str:
    """Return the beginning of a JSON pointer that the protocol names; "" for names of parameters, which are posted."""
    known = []
    for part in path.split("/")[1:] if path.startswith("/") else ():
        if "metadata" in known or not _KNOWN_NAME.fullmatch(part):
            break
        known.append(part)
    return "".join(f"/{part}" for part in known)


def _describe_key(key: ApiKey | None, secret: str) -> str:
    """Return the name and the prefix of the key; of an unknown one, the prefix alone if it has the form of ours."""
    if key:
        return f"{key.name} ({key.prefix}…)"
    return f"{secret[:KEY_PREFIX_LENGTH]}…" if secret.startswith(API_KEY_PREFIX) else ""
