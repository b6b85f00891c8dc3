"""``python -m service``: serve until stopped."""

import argparse
import socket
import sys
from contextlib import suppress

import uvicorn
from pydantic import ValidationError

from models.errors import StanceError
from service import logs
from service.app import create_app
from service.settings import Settings

BACKLOG = 2048
EPILOG = """examples:
  python -m service
  STANCE_PORT=9000 python -m service
  STANCE_BUNDLE=models/store/20260102T030405Z-0a1b2c3d python -m service"""


def main() -> None:
    """Serve; what keeps the service from starting is told in a line on standard error."""
    argparse.ArgumentParser(
        prog="python -m service",
        description="Serve stance predictions over HTTP. Settings come from the environment.",
        epilog="settings:\n" + _settings() + "\n\n" + EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    try:
        settings = Settings()
        logs.configure(settings.log_level)
        listener = _listener(settings)
        app = create_app(settings)
    except ValidationError as error:
        faults = "; ".join(f"STANCE_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        sys.exit(f"error: {faults}")
    except StanceError as error:
        sys.exit(f"error: {error}")
    host, port = listener.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    print(
        f"Stance Desk answers at {address}  (try it in a browser: {address}/docs)\n\n"
        f"  curl {address}/v1/predict -H 'Content-Type: application/json' \\\n"
        """    -d '{"text": "Уряд готовий направити миротворців, щойно сторони підпишуть угоду."}'\n""",
        flush=True,
    )
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _listener(settings: Settings) -> socket.socket:
    try:
        family, *_ = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        place, reason = f"{settings.host}:{settings.port}", (error.strerror or str(error)).split(" (")[0]
        sys.exit(f"error: cannot listen on {place} ({reason}); STANCE_HOST and STANCE_PORT choose another")


def _settings() -> str:
    return "\n".join(
        f"  STANCE_{name.upper():24} {field.description} [{field.default}]"
        for name, field in Settings.model_fields.items()
    )


if __name__ == "__main__":
    main()
