"""The session engine: sessions end after a time without requests, and in any case some days after signing in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends import db
from django.utils import timezone

_STARTED_AT = "started_at"
# A request extends the session only if this part of the idle time has passed, so that most requests write nothing.
_EXTENSION_SHARE = 1 / 24


class SessionStore(db.SessionStore):
    """A session in the database. Its row expires when the first of the two limits is reached."""

    def get_session_cookie_age(self) -> int:
        """Return the seconds until the session ends if no further request comes."""
        return _compute_age(self._get_session())  # type: ignore[attr-defined]

    def cycle_key(self) -> None:
        """Change the key after signing in and after a change of the password. Both start the lifetime again."""
        self[_STARTED_AT] = time.time()
        super().cycle_key()

    def save(self, must_create: bool = False) -> None:
        """Store the session with the time of its start."""
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        data.setdefault(_STARTED_AT, time.time())
        super().save(must_create)

    def load(self) -> dict[str, Any]:
        """Read the session, and mark it to be stored again if it has to be extended."""
        row = self._get_session_from_db()  # type: ignore[attr-defined]
        if row is None:
            return {}
        data: dict[str, Any] = self.decode(row.session_data)
        extension = _compute_age(data) - (row.expire_date - timezone.now()).total_seconds()
        if extension > settings.SESSION_COOKIE_AGE * _EXTENSION_SHARE:
            self.modified = True
        return data


def _compute_age(data: Mapping[str, Any]) -> int:
    """Return the seconds until the session ends if no further request comes."""
    now = time.time()
    remaining = data.get(_STARTED_AT, now) + settings.SESSION_LIFETIME_SECONDS - now
    return max(0, int(min(settings.SESSION_COOKIE_AGE, remaining)))
