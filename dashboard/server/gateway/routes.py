"""Choose the lane of a request and the limit of its body, before Django sees it."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from runs.api.json_rpc_errors import MCP_PATH
from runs.api.otlp_errors import OTLP_PATHS


class LaneName(Enum):
    """The lanes, each with threads of its own, so that one kind of request never waits for another."""

    PAGES = "pages"
    INGEST = "ingest"
    TRACES = "traces"
    DOWNLOADS = "downloads"
    SIGN_IN = "sign-in"

    @property
    def takes_posted_data(self) -> bool:
        """Return whether clients post data in this lane, with a key and in large bodies."""
        return self in (LaneName.INGEST, LaneName.TRACES)


class Credential(Enum):
    """The credential that a client must show before more than a small body is read."""

    NONE = "none"
    API_KEY = "API key"
    SESSION = "session"
    SESSION_WITH_FILES = "session, for files"
    NOTHING_HELPS = "nothing"


class Route(NamedTuple):
    """The lane of a request, and who may send it a large body."""

    lane: LaneName
    large_body: Credential


READ_METHODS = ("GET", "HEAD", "OPTIONS")
_INGEST_PATH = re.compile(
    r"/api/v1/(?:runs|steps|messages|assistants|events|responses(?:/[^/]+/input_items)?|conversations(?:/[^/]+/items)?)"
)
_PASSWORD_PATHS = frozenset({"/login/", "/account/password/"})  # hashing a password costs as much as many pages
# Both ask the identity provider, which may be slow.
_PROVIDER_PATHS = frozenset({"/login/sso/", "/login/sso/callback/"})
_UPLOAD = re.compile(r"/p/[^/]+/import/")
_FORM_PREFIXES = ("/p/", "/projects/")
# Answers as long as the data: lists as files, histories, and the steps of a run.
_DOWNLOAD = re.compile(
    r"/p/[^/]+/.+\.(?:csv|json|jsonl)|/shared/[^/]+/run\.json|/api/v1/(?:runs/.+/(?:history|steps)|schema)"
)

_READ_PAGE = Route(LaneName.PAGES, Credential.NOTHING_HELPS)
_READ_FROM_PROVIDER = Route(LaneName.SIGN_IN, Credential.NOTHING_HELPS)
_READ_DOWNLOAD = Route(LaneName.DOWNLOADS, Credential.NOTHING_HELPS)
_POST_OBJECTS = Route(LaneName.INGEST, Credential.API_KEY)
_POST_QUESTION = Route(LaneName.PAGES, Credential.API_KEY)
_POST_TRACES = Route(LaneName.TRACES, Credential.API_KEY)
_POST_PASSWORD = Route(LaneName.SIGN_IN, Credential.NOTHING_HELPS)
_POST_FORM = Route(LaneName.PAGES, Credential.SESSION)
# As long as downloads, and as rare.
_POST_FILES = Route(LaneName.DOWNLOADS, Credential.SESSION_WITH_FILES)
_POST_DOWNLOAD = Route(LaneName.DOWNLOADS, Credential.SESSION)


def find_route(method: str, path: str) -> Route:
    """Return the route of a request. Its path is not percent-encoded."""
    if method in READ_METHODS:
        if path in _PROVIDER_PATHS:
            return _READ_FROM_PROVIDER
        return _READ_DOWNLOAD if _DOWNLOAD.fullmatch(path) else _READ_PAGE
    if method != "POST":
        return _READ_PAGE  # such as DELETE, which has no body
    if _INGEST_PATH.fullmatch(path):
        return _POST_OBJECTS
    if path == MCP_PATH:
        return _POST_QUESTION
    if path in OTLP_PATHS:
        return _POST_TRACES
    if path in _PASSWORD_PATHS:
        return _POST_PASSWORD
    if _UPLOAD.fullmatch(path):
        return _POST_FILES
    if path.startswith(_FORM_PREFIXES):
        return _POST_DOWNLOAD if _DOWNLOAD.fullmatch(path) else _POST_FORM
    return _READ_PAGE
