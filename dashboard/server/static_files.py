"""Static files with a hash in their names, so that browsers can cache them forever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

from dashboard.web.assets import JOINED_STYLESHEET, STYLESHEETS

# Django's own setting for this also reads the scripts of libraries, and fails on examples in their comments.
MODULE_IMPORT_PATTERNS = (
    "js/*.js",
    (
        (r"""(?P<matched>\bfrom "(?P<url>\./[^"]+)")""", 'from "%(url)s"'),
        (r"""(?P<matched>\bimport "(?P<url>\./[^"]+)")""", 'import "%(url)s"'),
        (r"""(?P<matched>\bimport\("(?P<url>\./[^"]+)"\))""", 'import("%(url)s")'),
    ),
)


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage, which also joins our stylesheets, and rewrites the imports between our JavaScript modules.

    Without a manifest (in tests, and with `runserver`), files have their original names. With one, a file that is
    missing in it is an error.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, MODULE_IMPORT_PATTERNS)

    def post_process(self, paths: dict[str, Any], *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Join the stylesheets, then hash and compress all files. `paths` are the collected files and their sources."""
        sources = [paths.pop(name) for name in STYLESHEETS]
        self.delete(JOINED_STYLESHEET)
        self.save(JOINED_STYLESHEET, ContentFile(b"\n".join(_read(*source) for source in sources)))
        for name in STYLESHEETS:
            self.delete(name)
        yield from super().post_process({**paths, JOINED_STYLESHEET: (self, JOINED_STYLESHEET)}, *args, **kwargs)

    def stored_name(self, name: str) -> str:
        """Return the name with the hash of a file."""
        return str(super().stored_name(name)) if self.hashed_files else name


def _read(storage: Storage, name: str) -> bytes:
    with storage.open(name) as file:
        return bytes(file.read())
