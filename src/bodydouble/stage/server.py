"""The program's web server: pages, what they fetch and send, and their WebSockets. Addresses: docs/live.md

App makes the application, for tests too; Server runs it, in the main thread (`run`) or beside it (`start`, `stop`).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from bodydouble.stage.addresses import Listening, qr_svg
from bodydouble.stage.archive import LARGEST_TOTAL, MOST_FILES
from bodydouble.stage.backgrounds import TYPES, find_background
from bodydouble.stage.desk import Desk
from bodydouble.stage.first_request import FirstRequest
from bodydouble.stage.guard import Doors, Guard
from bodydouble.stage.hub import CAMERA_FRAME, Hub
from bodydouble.stage.puppets import puppet_bytes, sharper
from bodydouble.stage.sayings import Sayings
from bodydouble.types import BodyDoubleError

FOREVER = "public, max-age=31536000, immutable"  # for addresses that change when what is behind them does
LARGEST_MESSAGE = CAMERA_FRAME + 1024  # bytes: a camera's frame and its header
PING_SECONDS = 10.0  # between questions whether a page is still there, and the time it has to answer
STOP_SECONDS = 1  # that open pages get to say goodbye
MOST_UPLOADS = 2  # at once: each may take LARGEST_TOTAL bytes of memory twice
STARTED_SECONDS = 30.0


class App(FastAPI):
    """The application of one live run, without its guard.

    page: the folder of the built pages, None where there are none. addresses: the stage's and the one for other
    devices, as the control page shows them.
    """

    def __init__(self, desk: Desk, *, page: Path | None = None, addresses: tuple[str, str] = ("", "")) -> None:
        super().__init__(
            title="bodydouble live",
            lifespan=_running,
            docs_url=None,  # they would load their scripts from elsewhere
            redoc_url=None,
            openapi_url="/api/openapi.json",
        )
        self.desk = desk
        self.hub = Hub(desk, addresses)
        self._uploads = asyncio.Semaphore(MOST_UPLOADS)
        self.add_exception_handler(BodyDoubleError, _told)
        for path, kind in (("control", "control"), ("stage", "stage"), ("camera", "camera"), ("motion", "motion")):
            self.add_api_websocket_route(f"/ws/{path}", _socket(self.hub, kind))
        routes: tuple[tuple[str, str, Callable[..., Awaitable[Response]]], ...] = (
            ("GET", "/api/characters/{name}/puppet", self._puppet),
            ("GET", "/api/characters/{name}/thumbnail.png", self._thumbnail),
            ("POST", "/api/characters", self._upload),
            ("DELETE", "/api/characters/{name}", self._remove),
            ("GET", "/api/backgrounds/{name}", self._background),
            ("POST", "/api/backgrounds", self._upload_background),
            ("DELETE", "/api/backgrounds/{name}", self._remove_background),
            ("GET", "/api/recordings/{name}", self._recording),
            ("GET", "/api/qr.svg", self._qr),
            ("GET", "/api/here", _nothing),
        )
        for method, path, work in routes:
            self.add_api_route(path, work, methods=[method], response_class=Response)
        if page is not None:
            self.add_api_route("/favicon.ico", _nothing, methods=["GET"], include_in_schema=False)
            for path, file in (("/", "index.html"), ("/stage", "stage.html")):
                self.add_api_route(path, partial(_page, page / file), methods=["GET"], include_in_schema=False)
            self.mount("/assets", _Assets(directory=page / "assets", check_dir=False))
            self.add_api_websocket_route("/{path:path}", _nowhere)  # before the files, which know no WebSockets
            self.mount("/", StaticFiles(directory=page))

    async def _puppet(self, name: str, v: str = "") -> Response:
        """The mesh of a character. v: which one, as Scene.puppet has it."""
        known = self.hub.scenery.puppet(v) if v else None
        if known is not None:
            return Response(known, media_type="application/octet-stream", headers={"cache-control": FOREVER})
        data, tag = await self.hub.run(partial(_mesh, self.desk, name))
        headers = {"etag": f'"{tag}"', "cache-control": "no-cache"}
        return Response(data, media_type="application/octet-stream", headers=headers)

    async def _thumbnail(self, name: str) -> Response:
        """A small picture of a character."""
        data = await self.hub.run(partial(self.desk.wardrobe.thumbnail, name))
        return Response(data, media_type="image/png", headers={"cache-control": "no-cache"})

    async def _upload(self, request: Request) -> Response:
        """A new character: one zip, or the files of a folder, as multipart/form-data."""
        async with self._uploads:
            files = await _files(request)
            name, warnings = await self.hub.run(partial(self.desk.add_character, files))
        self.hub.told_choices()
        message = f'"{name}" is added.' + "".join(f" {warning}" for warning in warnings[:1])
        return JSONResponse({"ok": True, "name": name, "message": message, "warnings": warnings})

    async def _remove(self, name: str) -> Response:
        """Remove one of the user's own characters."""
        await self.hub.run(partial(self.desk.remove, name))
        self.hub.told_choices()
        return JSONResponse({"ok": True, "name": name, "message": f'"{name}" is removed.'})

    async def _background(self, name: str) -> Response:
        """A picture of the user's folder of backgrounds."""
        path = find_background(self.desk.folders.backgrounds, name)
        return FileResponse(path, media_type=TYPES[path.suffix.lower()], headers={"cache-control": "no-cache"})

    async def _upload_background(self, request: Request) -> Response:
        """New background pictures, as multipart/form-data."""
        async with self._uploads:
            files = await _files(request)
            name = await self.hub.run(partial(self.desk.add_backgrounds, files))
        self.hub.told_choices()
        return JSONResponse({"ok": True, "name": name, "message": f'"{name}" is added.'})

    async def _remove_background(self, name: str) -> Response:
        """Remove a picture of the user's folder of backgrounds."""
        before = self.desk.settings
        await self.hub.run(partial(self.desk.remove_background, name))
        self.hub.told(settings=self.desk.settings != before, choices=True)
        return JSONResponse({"ok": True, "name": name, "message": f'"{name}" is removed.'})

    async def _recording(self, name: str) -> Response:
        """A take, film or snapshot."""
        folder = self.desk.folders.recordings
        found = (
            {item.name: item for item in folder.iterdir() if item.is_file() and not item.is_symlink()}
            if folder.is_dir()
            else {}
        )
        if name not in found or name.startswith("."):
            raise BodyDoubleError("no such recording; they are in " + str(folder))
        picture = name.lower().endswith(".png")
        return FileResponse(
            found[name],
            filename=name,
            media_type="image/png" if picture else "application/octet-stream",
            content_disposition_type="inline" if picture else "attachment",
        )

    async def _qr(self, of: str = "control") -> Response:
        """The QR code of the address for other devices; with of=stage, of the stage."""
        stage, other = self.hub.addresses
        address = stage if of == "stage" else other or stage.removesuffix("/stage")
        return Response(qr_svg(address), media_type="image/svg+xml")


class _Assets(StaticFiles):
    """Built files with a hash of their content in their names."""

    def file_response(self, *args: object, **more: object) -> Response:
        """A file, to be kept by the browser."""
        response: Response = super().file_response(*args, **more)  # type: ignore[arg-type]
        response.headers["cache-control"] = FOREVER
        return response


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    """The hub lives as long as the application."""
    if not isinstance(app, App):
        raise TypeError(type(app))
    await app.hub.start()
    try:
        yield
    finally:
        await app.hub.close()


def _socket(hub: Hub, kind: str) -> Callable[[WebSocket], Awaitable[None]]:
    async def serve(websocket: WebSocket) -> None:
        await hub.serve(websocket, kind)  # type: ignore[arg-type]

    return serve


async def _nowhere(websocket: WebSocket) -> None:
    """A WebSocket to an address that has none."""
    await websocket.close()


async def _nothing() -> Response:
    """An answer without words: to what browsers ask for unasked (the pages name their own icon), and to /api/here."""
    return Response(status_code=204)


async def _page(path: Path) -> Response:
    return FileResponse(path, media_type="text/html")


async def _told(request: Request, fault: Exception) -> Response:
    """One of our errors as an answer."""
    missing = request.method == "GET"
    return JSONResponse({"ok": False, "message": str(fault)}, status_code=404 if missing else 400)


def _mesh(desk: Desk, name: str) -> tuple[bytes, str]:
    return puppet_bytes(sharper(desk.wardrobe.load(name)))


async def _files(request: Request) -> list[tuple[str, bytes]]:
    """The files of an upload: (name, content). Raises BodyDoubleError for what is no upload."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/zip":
        return [("character.zip", await request.body())]
    if kind != "multipart/form-data":
        raise BodyDoubleError("an upload is a zip or the files of a character, sent as multipart/form-data")
    try:
        async with request.form(max_files=MOST_FILES, max_fields=MOST_FILES, max_part_size=1024) as form:
            found, total = [], 0
            for _, value in form.multi_items():
                if not isinstance(value, UploadFile):
                    continue
                total += value.size or 0
                if total > LARGEST_TOTAL:
                    raise BodyDoubleError(f"more than {LARGEST_TOTAL >> 20} MB; make the pictures smaller")
                found.append((value.filename or "", await value.read()))
            return found
    except (MultiPartException, HTTPException) as fault:
        raise BodyDoubleError(f"that is no upload ({getattr(fault, 'detail', fault)}); try again") from fault
    except ClientDisconnect as fault:
        raise BodyDoubleError("the upload was broken off") from fault


class Server:
    """Runs the application of a live run. listening: where; the guard lets in who speaks to that."""

    def __init__(self, desk: Desk, listening: Listening, *, page: Path | None = None) -> None:
        self.listening = listening
        self.app = App(desk, page=page, addresses=(listening.stage, listening.other))
        at = listening
        certificate, key = at.certificate or (None, None)
        guarded = Guard(self.app, Doors(at.port, at.names, at.token, at.everywhere, at.scheme))
        config = uvicorn.Config(
            guarded,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            http=FirstRequest,
            ws="websockets-sansio",
            ws_max_size=LARGEST_MESSAGE,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            ws_per_message_deflate=False,  # frames are small or pressed already, and a page could send a bomb
            timeout_graceful_shutdown=STOP_SECONDS,
            lifespan="on",
            log_level="warning",
            access_log=False,  # addresses may hold the token
            server_header=False,
        )
        self._uvicorn = _Uvicorn(config)
        self._sayings = Sayings()
        self._thread: threading.Thread | None = None

    @property
    def malformed(self) -> int:
        """Requests so far that were no HTTP."""
        return self._sayings.malformed

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until Ctrl-C or `stop`; ready is called once pages can be opened."""
        self._uvicorn.ready = ready
        log = logging.getLogger("uvicorn.error")
        log.addFilter(self._sayings)
        try:
            self._uvicorn.run(sockets=[self.listening.socket])
        except KeyboardInterrupt:  # raised again by uvicorn once all is closed
            return
        finally:
            log.removeFilter(self._sayings)

    def start(self) -> None:
        """Serve in a thread of its own; returns once pages can be opened."""
        started = threading.Event()
        self._thread = threading.Thread(target=self.run, args=(started.set,), name="bodydouble-server", daemon=True)
        self._thread.start()
        if not started.wait(STARTED_SECONDS):
            raise RuntimeError("the server did not start")

    def stop(self) -> None:
        """Close all pages' connections and end; waits for the thread of `start`."""
        self._uvicorn.should_exit = True
        if self._thread is not None:
            self._thread.join()


class _Uvicorn(uvicorn.Server):
    """uvicorn, telling when it has started."""

    ready: Callable[[], None] = staticmethod(lambda: None)

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Begin to listen."""
        await super().startup(sockets=sockets)  # type: ignore[arg-type]
        if self.started:
            self.ready()
