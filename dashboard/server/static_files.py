"""Static files with a hash in their names, so that browsers can cache them forever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage

# Django's own setting for this also reads the scripts of libraries, and fails on examples in their comments.
MODULE_IMPORT_PATTERNS = (
    "js/*.js",
    (
        (r"""(?P<matched>\bfrom "(?P<url>\./[^"]+)")""", 'from "%(url)s"'),
        (r"""(?P<matched>\bimport "(?P<url>\./[^"]+)")""", 'import "%(url)s"'),
    ),
)


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage, which also rewrites the imports between our JavaScript modules.

    Without a manifest (in tests, and with `runserver`), files have their original names. With one, a file that is
    missing in it is an error.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, MODULE_IMPORT_PATTERNS)

    def stored_name(self, name: str) -> str:
        """Return the name with the hash of a file."""
        return str(super().stored_name(name)) if self.hashed_files else name
