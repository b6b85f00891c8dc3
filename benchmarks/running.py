"""A real service to measure: started, asked, its memory read, ended."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


@contextmanager
def service(env: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Start a service on a free port with a database of its own; give its address and process id; end it."""
    with tempfile.TemporaryDirectory(prefix="stance-") as folder, (Path(folder) / "log").open("w") as log:
        own = {"STANCE_PORT": "0", "STANCE_DATABASE_URL": f"sqlite:///{folder}/stance.db"}
        process = subprocess.Popen(
            [sys.executable, "-m", "service"],
            env={**os.environ, **own, **env},
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        try:
            assert process.stdout is not None
            address = re.search(r"http://\S+", process.stdout.readline())
            assert address, (Path(folder) / "log").read_text("utf-8")
            yield address[0], process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def resident(pid: int, field: str = "VmRSS") -> float:
    """Return the resident memory of a process in MiB, of Linux; by VmHWM the most that it ever had."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"))
    assert found
    return int(found[1]) / 1024
