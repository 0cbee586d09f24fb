"""Static files under names that carry their hash, so that browsers may keep them for ever."""

from __future__ import annotations

from typing import Any

import brotli
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Django's own switch for this reads every library's scripts as well and stumbles over examples in comments.
MODULE_IMPORT_PATTERNS = (
    "js/*.js",
    (
        (r"""(?P<matched>\bfrom "(?P<url>\./[^"]+)")""", 'from "%(url)s"'),
        (r"""(?P<matched>\bimport "(?P<url>\./[^"]+)")""", 'import "%(url)s"'),
    ),
)


# Brotli's best takes three seconds a megabyte, for which the first start would wait.
LARGE_FILE_BYTES = 128 * 1024


class SizeAwareCompressor(Compressor):  # type: ignore[misc]
    """Presses our own files as small as they get, and a library's large ones quickly."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        return bytes(brotli.compress(data, quality=11 if len(data) < LARGE_FILE_BYTES else 5))


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage that also rewrites the imports between our JavaScript modules.

    Before anything was collected (tests, `runserver`) files go by their plain names; once there is a
    manifest, a file that is missing from it is an error.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, MODULE_IMPORT_PATTERNS)

    def create_compressor(self, **options: Any) -> Compressor:
        return SizeAwareCompressor(**options)

    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hashed_files else name
