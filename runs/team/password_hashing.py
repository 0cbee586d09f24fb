"""Hash passwords such that many attempts to sign in don't slow down what else the processor has to do."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import PBKDF2PasswordHasher

NICENESS = 10  # leaves a tenth of a busy processor, so that people can still sign in
MAX_SECONDS = 100.0  # a wait without a limit would look like a deadlock


class LowPriorityPasswordHasher(PBKDF2PasswordHasher):
    """Django's default hasher, which gets what posts, pages and the database leave of the processor.

    A hash takes half a second, by design, and holds no lock of Python. A thread can lower its priority but not raise it
    again, so each hash has a thread of its own.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return the encoded hash of a password."""
        with ThreadPoolExecutor(1, thread_name_prefix="password", initializer=_lower_priority) as executor:
            return executor.submit(super().encode, password, salt, iterations).result(MAX_SECONDS)


def _lower_priority() -> None:
    """Lower the priority of this thread, unless it is lower already. Only Linux has priorities of threads."""
    if sys.platform == "linux":
        thread_id = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread_id, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread_id)))
