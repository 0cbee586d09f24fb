"""Tests of `dashboard.server.os_user.privileges`, in processes that become another user."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]

DROP = """
import os, sys
from pathlib import Path
from dashboard.server.os_user.privileges import drop_privileges
drop_privileges(Path(sys.argv[1]), int(sys.argv[2]))
status = dict(line.split(":\\t") for line in Path("/proc/self/status").read_text().splitlines() if ":\\t" in line)
print(status["Uid"].split(), int(status["CapPrm"], 16), os.getgroups())
import smtplib  # some module that has not been imported yet
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.mark.parametrize(("port", "capabilities"), [(8000, 0), (0, 0), (80, 1 << 10)])
def test_root_keeps_no_right_but_its_port(tmp_path: Path, port: int, capabilities: int) -> None:
    data_dir = tmp_path / "closed" / "var"
    data_dir.parent.mkdir(mode=0o700)
    command = [sys.executable, "-c", DROP, str(data_dir), str(port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    uid = data_dir.stat().st_uid
    assert uid != 0
    assert done.stdout.strip() == f"{[str(uid)] * 4} {capabilities} []"
    assert f"pass through {data_dir.parent}" in done.stderr
