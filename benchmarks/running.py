"""A real server to measure: started, its memory read, ended with all that it started."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent
PATIENCE = 180
"""Seconds that a server may take to start: twenty at most, and more on a machine that is busy."""


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str], ready: str, log: Path) -> Iterator[int]:
    """Run a server from the moment that an address of it answers to the end of the context; give its process id."""
    with log.open("w") as output:
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)  # noqa: S603 (our own)
    try:
        _wait(process, ready, log)
        yield process.pid
    finally:
        with suppress(ProcessLookupError):  # it ended by itself
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], ready: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(ready, timeout=5):  # noqa: S310 (an address of this machine)
                return
        except (URLError, OSError):
            time.sleep(0.2)
    sys.exit(f"error: {' '.join(process.args)} did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")  # type: ignore[arg-type]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def service(env: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Run our service with a database of its own; give its address and process id."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="stance-") as folder:
        own = {"STANCE_PORT": str(port), "STANCE_DATABASE_URL": f"sqlite:///{folder}/stance.db"}
        command = [sys.executable, "-m", "service"]
        with running(command, {**os.environ, **own, **env}, f"{url}/readyz", Path(folder) / "log") as pid:
            yield url, pid


def resident(pid: int, field: str = "VmRSS") -> float:
    """Return the resident memory of a process in MiB, of Linux; by VmHWM the most that it ever had."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"))
    assert found
    return int(found[1]) / 1024
