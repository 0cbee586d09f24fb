"""Static files with a hash in their names, so that browsers can cache them forever."""

from __future__ import annotations

from typing import Any

import brotli
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Django's own setting for this also reads the scripts of libraries, and fails on examples in their comments.
MODULE_IMPORT_PATTERNS = (
    "js/*.js",
    (
        (r"""(?P<matched>\bfrom "(?P<url>\./[^"]+)")""", 'from "%(url)s"'),
        (r"""(?P<matched>\bimport "(?P<url>\./[^"]+)")""", 'import "%(url)s"'),
    ),
)

LARGE_FILE_BYTES = 128 * 1024  # Brotli's best quality takes three seconds per megabyte, which delays the first start


class SizeAwareCompressor(Compressor):  # type: ignore[misc]
    """Compresses small files with Brotli's best quality, and the large files of libraries with a fast one."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        """Return `data` compressed."""
        return bytes(brotli.compress(data, quality=11 if len(data) < LARGE_FILE_BYTES else 5))


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage, which also rewrites the imports between our JavaScript modules.

    Without a manifest (in tests, and with `runserver`), files have their original names. With one, a file that is
    missing in it is an error.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, MODULE_IMPORT_PATTERNS)

    def create_compressor(self, **options: Any) -> Compressor:
        """Return the compressor of this storage."""
        return SizeAwareCompressor(**options)

    def stored_name(self, name: str) -> str:
        """Return the name with the hash of a file."""
        return str(super().stored_name(name)) if self.hashed_files else name
