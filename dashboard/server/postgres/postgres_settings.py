"""Settings of the embedded server. They are passed at each start, so that they follow the machine and our version."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

MB = 1024 * 1024
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

FIXED_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",  # only the Unix socket
    "random_page_cost": "1.1",  # for SSDs
    "jit": "off",  # costs more than it saves on queries of milliseconds
    "work_mem": "32MB",
    "plan_cache_mode": "force_generic_plan",  # prepared statements look up by key: the plan is always the same
    "wal_compression": "off",  # these binaries only have pglz, which is slower than the disk
    "log_line_prefix": "%m [%p] ",
    "log_min_error_statement": "panic",  # statements contain values, which must not be logged
}

# For a cluster whose data need not survive a crash.
THROWAWAY_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
}


def get_available_memory() -> int:
    """Return the bytes of memory that this process may use: the machine's, or the limit of its container."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit in map(Path, CGROUP_LIMITS):
        if limit.exists() and (text := limit.read_text().strip()).isdigit():
            total = min(total, int(text))
    return total


def build_memory_settings(total: int) -> Mapping[str, str]:
    """Return the settings that depend on the available memory, given in bytes."""
    buffers = min(max(total // 4 // MB, 32), 2048)
    return {
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{max(total // 2 // MB, 64)}MB",
    }


def build_wal_settings(total: int, free: int) -> Mapping[str, str]:
    """Return the settings that depend on the volume: on its size and on what is free on it, in bytes.

    Up to `max_wal_size`, the write-ahead log grows between checkpoints: 4 GB make heavy ingestion fast, but the log may
    take only a tenth of the volume, and a quarter of what is free on it. Two files of the log are the least.
    """
    size = max(min(total // 10 // MB, free // 4 // MB, 4096), 64)
    return {"max_wal_size": f"{size}MB", "min_wal_size": f"{min(size, 80)}MB"}
