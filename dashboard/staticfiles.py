"""Static files under names that carry their hash, so that browsers may keep them for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage

# Django's own switch for this reads every library's scripts as well and stumbles over examples in comments.
OUR_MODULES = (
    "js/*.js",
    (
        (r"""(?P<matched>\bfrom "(?P<url>\./[^"]+)")""", 'from "%(url)s"'),
        (r"""(?P<matched>\bimport "(?P<url>\./[^"]+)")""", 'import "%(url)s"'),
    ),
)


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage that also rewrites the imports between our JavaScript modules.

    Before anything was collected (tests, `runserver`) files go by their plain names; once there is a
    manifest, a file that is missing from it is an error.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, OUR_MODULES)

    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hashed_files else name
