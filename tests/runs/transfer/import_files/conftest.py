"""The content of a file of runs, in every form."""

from __future__ import annotations

import pytest

from tests.runs.transfer.import_files.files import PLAIN


@pytest.fixture(params=PLAIN)
def content(request: pytest.FixtureRequest) -> bytes:
    return PLAIN[request.param]
