"""Find out whose request it is before its body is read: by API key, session or else address."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from ipaddress import IPv6Address, IPv6Network
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import DatabaseError, InterfaceError, close_old_connections

from dashboard.server.gateway.rejections import database_rejection
from dashboard.server.trusted_proxies import parse_ip_address
from runs.team.api_keys import is_usable_api_key

# A revoked key can't do anything any more: Django checks it again. It only keeps its lane for so long.
KNOWN_SECONDS = 30.0
UNKNOWN_SECONDS = 10.0
MAX_REMEMBERED = 1000  # credentials of each kind
IPV6_SITE_BITS = 64  # a household or a server has all addresses of such a network


class Caller(NamedTuple):
    """Somebody who shares limits with nobody else."""

    kind: str  # "key", "user" or "address"
    name: str

    @property
    def is_user(self) -> bool:
        """Return whether the caller is a person who is signed in."""
        return self.kind == "user"

    @property
    def is_known(self) -> bool:
        """Return whether the caller has shown a valid key or session."""
        return self.kind != "address"


class _Memory:
    """Remembers for a while whose a credential is. What strangers try never displaces what is valid."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[float, Caller | None]] = OrderedDict()
        self._unknown: OrderedDict[bytes, tuple[float, Caller | None]] = OrderedDict()

    def recall(self, digest: bytes) -> tuple[bool, Caller | None]:
        """Return whether the credential is remembered, and whose it is; None if it is invalid."""
        for memory in (self._known, self._unknown):
            expires, caller = memory.get(digest, (0.0, None))
            if time.monotonic() < expires:
                return True, caller
        return False, None

    def remember(self, digest: bytes, caller: Caller | None) -> None:
        memory, seconds = (self._unknown, UNKNOWN_SECONDS) if caller is None else (self._known, KNOWN_SECONDS)
        memory[digest] = (time.monotonic() + seconds, caller)
        memory.move_to_end(digest)
        if len(memory) > MAX_REMEMBERED:
            memory.popitem(last=False)


class CallerDirectory:
    """Looks up callers in the database, one at a time in a thread of its own, and remembers them."""

    def __init__(self) -> None:
        """Create a directory for one process."""
        self._memory = _Memory()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="callers")

    async def find(self, scope: Mapping[str, Any], wait: Callable[[Caller], Any]) -> Caller:
        """Return the caller of a request; its address if it shows no valid key or session.

        `wait(address)` is an asynchronous context manager that is entered before a lookup: it takes turns.

        Raises:
            RequestRejected: the database is not available, or there are too many lookups.
        """
        stranger = address_caller(scope)
        credential = _find_credential(scope["headers"])
        if credential is None:
            return stranger
        look_up, secret = credential
        digest = hashlib.sha256(secret.encode("latin-1")).digest()
        is_remembered, caller = self._memory.recall(digest)
        if not is_remembered:
            async with wait(stranger):
                is_remembered, caller = self._memory.recall(digest)  # another request may have been faster
                if not is_remembered:
                    caller = await asyncio.get_running_loop().run_in_executor(self._executor, look_up, secret)
                    self._memory.remember(digest, caller)
        return caller or stranger


def address_caller(scope: Mapping[str, Any]) -> Caller:
    """Return the caller by address: an IPv4 address, or the network of an IPv6 address."""
    text = scope["client"][0]
    address = parse_ip_address(text)
    if isinstance(address, IPv6Address):
        text = str(IPv6Network((address, IPV6_SITE_BITS), strict=False))
    return Caller("address", text)


def _find_credential(headers: list[tuple[bytes, bytes]]) -> tuple[Callable[[str], Caller | None], str] | None:
    """Return the function that looks up the credential of a request, and its secret."""
    by_name = dict(headers)
    scheme, _, secret = by_name.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        return _find_key_caller, secret.strip()
    if key := by_name.get(b"api-key"):  # clients of Azure OpenAI
        return _find_key_caller, key.decode("latin-1").strip()
    try:
        cookie = SimpleCookie(by_name.get(b"cookie", b"").decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    return None if cookie is None else (_find_session_caller, cookie.value)


def _find_key_caller(secret: str) -> Caller | None:
    is_usable = _query(lambda: is_usable_api_key(secret))
    return Caller("key", hashlib.sha256(secret.encode("latin-1")).hexdigest()) if is_usable else None


def _find_session_caller(session_key: str) -> Caller | None:
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user_id = _query(lambda: store.get(SESSION_KEY))
    return None if user_id is None else Caller("user", str(user_id))


def _query(read: Callable[[], Any]) -> Any:
    """Return the result of a query. Raises RequestRejected if the database is not available."""
    close_old_connections()
    try:
        return read()
    except (DatabaseError, InterfaceError) as error:
        raise database_rejection() from error
    finally:
        close_old_connections()
