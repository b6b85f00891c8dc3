"""``/``: the web page, and under ``/page`` what it is made of."""

import os
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PAGE = Path(__file__).parent.parent / "page"
HEADERS = {
    # No script or style but what lies here; img-src because charts become pictures by way of data: and blob:.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # asked for each time and mostly answered 304, so no page is of two versions
}


def plotly() -> Path:
    """Return plotly.js of the installed package, without the time and memory that importing it would take."""
    spec = find_spec("plotly")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"


class Files(StaticFiles):
    """Answer the files of the page, and plotly.js beside them, with headers that let nothing else in."""

    def __init__(self) -> None:
        super().__init__(directory=PAGE)
        self._plotly = plotly()

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Return where a file lies and what the disk says of it, None where there is no such file."""
        if path == self._plotly.name:
            return str(self._plotly), self._plotly.stat()
        return super().lookup_path(path)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer a file with the headers of the page."""
        answer = await super().get_response(path, scope)
        answer.headers.update(HEADERS)
        return answer


def install(app: FastAPI) -> None:
    """Serve the page to whoever reaches the service: it holds nothing secret and asks for a key itself."""
    files = Files()

    async def index(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)

    app.add_route("/", index, include_in_schema=False)
    app.mount("/page", files)
