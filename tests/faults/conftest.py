"""One `up` for all tests of this directory. Each test leaves it working, which is what they check."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.faults.site import Site


@pytest.fixture(scope="package")
def site() -> Generator[Site]:
    data_dir = Path(tempfile.mkdtemp(prefix="runglass-faults-"))
    try:
        running = Site.start(data_dir)
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(data_dir)
