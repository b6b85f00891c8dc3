"""``python -m service``: serve until stopped."""

import argparse
import math
import os
import socket
import sys
import tempfile
from contextlib import suppress
from ipaddress import ip_address

if "pandas" not in sys.modules:
    sys.modules["pandas"] = None  # type: ignore[assignment]  # scikit-learn takes it up where it can: 65 MB for nothing
    import sklearn  # noqa: F401

    del sys.modules["pandas"]

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from models.errors import KeysError, StanceError
from service import logs, metrics
from service.app import create_app
from service.keys import ROLES, new_key
from service.settings import Settings

BACKLOG = 2048
SILENT = 60
"""Seconds after which a worker that does not stir is replaced: long enough to load on a machine that is busy."""
EPILOG = """examples:
  python -m service
  STANCE_PORT=9000 python -m service
  STANCE_BUNDLE=models/store/20260102T030405Z-0a1b2c3d python -m service
  python -m service key newsroom predict"""


def main() -> None:
    """Serve, or make a key; what keeps the service from starting is told in a line on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Serve stance predictions over HTTP. Settings come from the environment.",
        epilog="settings:\n" + _settings() + "\n\n" + EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    making = parser.add_subparsers(dest="command").add_parser(
        "key", help="make a key", description="Make a key and the entry of STANCE_API_KEYS that lets it in."
    )
    making.add_argument("name", help="whose key it is; stands beside what is stored and corrected with it")
    making.add_argument("role", choices=ROLES, help="what it may do: each role may do what those before it may")
    asked = parser.parse_args()
    try:
        if asked.command == "key":
            secret, entry = new_key(asked.name, asked.role)
            print(f"key, shown only now:          {secret}\nentry for STANCE_API_KEYS:    {entry}")
            return
        _serve(Settings())
    except ValidationError as error:
        faults = "; ".join(f"STANCE_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        sys.exit(f"error: {faults}")
    except StanceError as error:
        sys.exit(f"error: {error}")


def _serve(settings: Settings) -> None:
    logs.configure(settings.log_level)
    listener = _listener(settings)
    if settings.workers == 1:
        config = _config(create_app(settings))
        _announce(listener)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
        return
    with tempfile.TemporaryDirectory(prefix="stance-metrics-") as folder:
        os.environ[metrics.FOLDER] = folder
        config = _config("service.__main__:worker", factory=True, workers=settings.workers)
        _Workers(config, sockets=[listener]).run()


def _config(app: FastAPI | str, factory: bool = False, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=factory,
        workers=workers,
        timeout_worker_healthcheck=SILENT,
        log_config=None,
        access_log=False,
        server_header=False,
        http="h11",  # httptools would save 0.2 ms a request, but takes a head without end
        proxy_headers=False,  # nothing here asks for a client's address
    )


def _announce(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    print(
        f"Stance Desk answers at {address}  (open it in a browser; the interface is at {address}/docs)\n\n"
        f"  curl {address}/v1/predict -H 'Content-Type: application/json' \\\n"
        """    -d '{"text": "Уряд готовий направити миротворців, щойно сторони підпишуть угоду."}'\n""",
        flush=True,
    )


class _Workers(Multiprocess):
    """Run several workers on one socket: one, and the others once it answers, so that a fault is told once."""

    def init_processes(self) -> None:
        """Start the workers, or end where the first does not come to answer."""
        self._start()
        if not self.processes[0].wait_until_ready(math.inf):
            sys.exit(1)
        _announce(self.sockets[0])
        for _ in range(1, self.processes_num):
            self._start()

    def _start(self) -> None:
        self.processes.append(Process(self.config, self.sockets))
        self.processes[-1].start()


def worker() -> FastAPI:
    """Make the application of one worker of several, in the worker's own process."""
    settings = Settings()
    logs.configure(settings.log_level)
    try:
        return create_app(settings)
    except StanceError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(STARTUP_FAILURE)


def _listener(settings: Settings) -> socket.socket:
    try:
        family, *_, found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        if not settings.api_keys.get_secret_value() and not ip_address(found[0]).is_loopback:
            raise KeysError(
                f"STANCE_HOST is {settings.host}, which other machines reach: set STANCE_API_KEYS first "
                "(`python -m service key NAME ROLE` makes a key)"
            )
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        place, reason = f"{settings.host}:{settings.port}", (error.strerror or str(error)).split(" (")[0]
        sys.exit(f"error: cannot listen on {place} ({reason}); STANCE_HOST and STANCE_PORT choose another")
    # What it accepts inherits this; else a body, written after its head, waits 40 ms until the head is acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _settings() -> str:
    return "\n".join(
        f"  STANCE_{name.upper():24} {field.description} [{field.default}]"
        for name, field in Settings.model_fields.items()
    )


if __name__ == "__main__":
    main()
