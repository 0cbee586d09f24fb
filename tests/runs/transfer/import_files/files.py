"""Files of runs in all forms that an import reads."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

from runs.transfer.import_files import open_import_sources, read_json_values

RUNS: list[dict[str, Any]] = [
    {"id": "run_1", "tools": [], "text": 'brackets ]}[{ and "quotes" \\ and \\" both'},
    {"id": "run_2", "nested": {"a": [[1, 2], {"b": "ü\u2028 😀"}]}},
    {"id": "run_3", "long": "x" * 300},
]


def dumped(**options: Any) -> list[bytes]:
    return [json.dumps(run, ensure_ascii=False, **options).encode() for run in RUNS]


PLAIN: dict[str, bytes] = {
    "array": b"[" + b",".join(dumped()) + b"]",
    "array, spread out": json.dumps(RUNS, indent=2).encode(),
    "array a line": b"[\n" + b",\n".join(dumped()) + b"\n]\n",
    "two arrays": b"[" + dumped()[0] + b"]\n[" + b",".join(dumped()[1:]) + b"]",
    "lines": b"\n".join(dumped()),
    "lines, blank ones too": b"\n\n  \n" + b"\n\n".join(dumped()) + b"\n\n",
    "lines of Windows": b"\r\n".join(dumped()) + b"\r\n",
    "one after the other": b"".join(dumped()),
    "spread out, one after the other": b"\n".join(dumped(indent=2)),
}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": lambda content: zstandard.ZstdCompressor().compress(content),
}


def read(*paths: Path | str) -> list[Any]:
    return [
        json.loads(value.raw) for source in open_import_sources(map(str, paths)) for value in read_json_values(source)
    ]


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
