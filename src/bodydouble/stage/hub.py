"""All pages that are connected: what each is sent and when, and what each says.

Lives in the server's event loop. The engine's thread hands over the newest moment; it is encoded once for all pages and
laid into each page's outbox (outbox.py), which a task of that page empties as fast as its socket takes it. Commands are
done one after the other in one thread (desk.py), pictures for previews are encoded in another.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from bodydouble.live.clock import now
from bodydouble.live.moment import LiveMoment
from bodydouble.live.newest import Newest
from bodydouble.outputs.feed import as_json
from bodydouble.stage import messages
from bodydouble.stage.commands import carry_out
from bodydouble.stage.desk import Desk
from bodydouble.stage.encoding import SEQUENCES, motion_frame, people_frame, preview_frame, preview_width
from bodydouble.stage.frames import unpack
from bodydouble.stage.page import Kind, Page
from bodydouble.stage.scenery import Scenery
from bodydouble.stage.text import FromPage, MessageError, written
from bodydouble.types import BodyDoubleError

STATUS_SECONDS = 0.5
PREVIEW_RATE = 15.0  # pictures a second at most
MOST_PAGES = 64  # connections at once; a household has a handful
BUSY = 1013  # WebSocket close code: try again later
TAKEN_OVER = 4001  # one of our own: the page does not try again
CAMERA_FRAME = 8 << 20  # bytes; the server takes no larger message
AHEAD = 5.0  # seconds that a page's idea of the time may lie ahead before it is not believed

_log = logging.getLogger(__name__)


class Hub:
    """The pages of one live run. start() and close() in the event loop.

    addresses: the stage's, and the one for other devices ("" without --host), as control pages show them.
    """

    def __init__(self, desk: Desk, addresses: tuple[str, str] = ("", "")) -> None:
        self.desk = desk
        self.session = secrets.token_hex(8)
        self.addresses = addresses
        self.pages: set[Page] = set()
        self.commands = ThreadPoolExecutor(1, thread_name_prefix="bodydouble-commands")
        self._previews = ThreadPoolExecutor(1, thread_name_prefix="bodydouble-preview")
        self._moments: Newest[LiveMoment] = Newest()
        self._coming = False  # whether _publish is about to run; set by the engine, cleared by the loop
        self.scenery = Scenery(desk, self.run, lambda scene: self._tell("scene", written(scene), "control", "stage"))
        self._encoding = False
        self._previewed = -1.0
        self._size = (0, 0)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop_listening: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Begin to listen."""
        self._loop = asyncio.get_running_loop()
        self._stop_listening = self.desk.live.listen(self._moved)
        self._task(self._often(self._report))
        self._task(self._often(self._keep))
        self._task(self._list())
        self._renew(self.desk.live.revision)

    async def close(self) -> None:
        """Send everybody away and wait for the threads."""
        self._stop_listening()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for page in list(self.pages):
            await page.close()
        for executor in (self._previews, self.commands):
            executor.shutdown(wait=True, cancel_futures=True)

    # ---- a page -------------------------------------------------------------------------------------------------

    async def serve(self, socket: WebSocket, kind: Kind) -> None:
        """One page, from its opening to its end."""
        if len(self.pages) >= MOST_PAGES:
            await socket.close(BUSY, "too many pages are open")
            return
        await socket.accept()
        page = Page(socket, kind)
        self.pages.add(page)
        tasks: list[asyncio.Task[None]] = []
        try:
            if kind == "camera":
                await self._take_over(page)
            self._welcome(page)
            works = (page.listen(self._message, self._frame), page.send(), self._obey(page))
            tasks += [asyncio.create_task(work) for work in works]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                fault = task.exception()
                if fault is not None and not isinstance(fault, WebSocketDisconnect | RuntimeError | OSError):
                    raise fault
        finally:
            self.pages.discard(page)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await page.close()

    async def _take_over(self, giver: Page) -> None:
        """A page is about to give its camera: whoever gave theirs gives it no longer."""
        for page in [page for page in self.pages if page.kind == "camera" and page is not giver]:
            await page.close(TAKEN_OVER, "another page gives its camera now")

    def _welcome(self, page: Page) -> None:
        """What every page is told first; one that comes back has all at once."""
        if page.kind == "motion":
            return
        hello = messages.Hello("hello", version("bodydouble"), messages.PROTOCOL, self.session)
        page.tell("hello", written(hello))
        if page.kind == "control":
            page.tell("state", written(messages.State("state", self.desk.settings)))
            page.tell("choices", self._choices())
            page.tell("status", self._status())
        newest = self.desk.live.newest
        if page.kind in ("control", "stage") and self.scenery.scene is not None:
            page.tell("scene", written(self.scenery.scene))
            if newest is not None and newest.revision == self.scenery.revision:
                page.move(newest.sequence % SEQUENCES, motion_frame(newest, now()))

    def _frame(self, page: Page, data: bytes) -> None:
        """A binary frame: the page's camera."""
        if page.kind != "camera":
            raise MessageError("binary frames are taken at /ws/camera only")
        values = unpack(data, "CameraFrame")
        camera = self.desk.live.browser
        if camera is None:
            raise MessageError("the browser's camera is not the one in use; choose it first")
        camera.push(values["jpeg"], values["captured"])

    def _message(self, page: Page, message: FromPage) -> None:
        """One message: done at once, or put in the page's row of commands."""
        if page.kind == "motion":
            return  # nothing is to be said there, and nothing is answered
        if isinstance(message, messages.Ping):
            page.tell("pong", written(messages.Pong("pong", message.sent, now())))
        elif isinstance(message, messages.Ack):
            self._acknowledge(page, message)
        elif isinstance(message, messages.BrowserCamera):
            camera = self.desk.live.browser
            if camera is not None and not message.on and page.kind in ("control", "camera"):
                camera.waiting(message.message)
        elif page.kind != "control":
            raise MessageError(f"{message.kind}: taken from the control page only", getattr(message, "id", 0))
        elif isinstance(message, messages.Preview):
            page.preview = preview_width(message.width) if message.on else 0
        else:
            try:
                page.commands.put_nowait(message)
            except asyncio.QueueFull:
                raise MessageError("too many commands at once; wait for their answers", message.id) from None

    def _acknowledge(self, page: Page, ack: messages.Ack) -> None:
        """A motion was taken up."""
        page.outbox.acknowledge(ack.sequence)
        latest = now() + AHEAD
        if 0 <= ack.posed <= latest and 0 <= ack.drawn <= latest and 0 <= ack.draw_rate <= 1000:
            self.desk.live.acknowledge(ack.sequence, ack.posed, ack.drawn, ack.draw_rate, ack.work)

    async def _obey(self, page: Page) -> None:
        """Carry out the page's commands in their order."""
        while True:
            command = await page.commands.get()
            outcome = await self.run(partial(carry_out, self.desk, command))
            page.reply(outcome.answer)
            self.told(settings=outcome.settings, choices=outcome.choices)

    # ---- all pages ----------------------------------------------------------------------------------------------

    async def run(self, work: Callable[[], Any]) -> Any:
        """Do something in the thread of the commands."""
        return await self._loop.run_in_executor(self.commands, work)

    def told(self, *, settings: bool, choices: bool) -> None:
        """Tell all pages what a command changed."""
        if settings:
            self._tell("state", written(messages.State("state", self.desk.settings)), "control")
            self.scenery.renew()
        if choices:
            self.told_choices()

    def told_choices(self) -> None:
        """Tell the control pages what there is to choose from now."""
        self._tell("choices", self._choices(), "control")

    def _tell(self, kind: str, data: str | bytes, *kinds: Kind) -> None:
        for page in self.pages:
            if page.kind in kinds:
                page.tell(kind, data)

    def _choices(self) -> str:
        return written(self.desk.choices(*self.addresses))

    def _status(self) -> str:
        return written(self.desk.status(sum(page.kind in ("control", "stage") for page in self.pages)))

    async def _report(self) -> None:
        """How all goes, to those who want to know."""
        if any(page.kind == "control" for page in self.pages):
            self._tell("status", self._status(), "control")

    async def _keep(self) -> None:
        """What was learnt and chosen is kept."""
        await self.run(self.desk.tick)

    async def _often(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something twice a second; a fault of ours in it is shown and does not end it."""
        while True:
            await asyncio.sleep(STATUS_SECONDS)
            try:
                await work()
            except Exception:  # noqa: BLE001
                _log.exception("%s failed", work.__name__)

    async def _list(self) -> None:
        """Find cameras and characters, and tell of them as they are found: the pages are there before the answer is."""
        steps = self.desk.listing.bit_by_bit()
        try:
            while await self.run(lambda: next(steps, self)) is None:  # other commands may come between
                self.told_choices()
        except BodyDoubleError as fault:
            _log.warning("%s", fault)
            self.told_choices()

    def _task(self, work: Any) -> None:
        """A task of the hub's own; a fault in it is our bug and is shown."""
        task = asyncio.create_task(work)
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and task.exception() is not None:
                _log.error("a task of the server failed", exc_info=task.exception())

        task.add_done_callback(done)

    # ---- motion -------------------------------------------------------------------------------------------------

    def _moved(self, moment: LiveMoment) -> None:
        """The engine's thread: hand over and return. However many come, the loop is woken once."""
        self._moments.put(moment)
        if not self._coming:
            self._coming = True
            self._loop.call_soon_threadsafe(self._publish)

    def _publish(self) -> None:
        """The newest moment to all pages."""
        self._coming = False
        moment = self._moments.take(0)
        if moment is None:
            return
        if moment.frame is not None:
            self._size = moment.frame.size
        self._renew(moment.revision)
        kinds = {page.kind for page in self.pages}
        if (
            kinds & {"control", "stage"} and moment.revision == self.scenery.revision
        ):  # else its page has no such bones yet
            data = motion_frame(moment, now())
            for page in self.pages:
                if page.kind in ("control", "stage"):
                    page.move(moment.sequence % SEQUENCES, data)
        if "control" in kinds:
            self._tell("people", people_frame(moment.people, moment.followed, self._size, moment.captured), "control")
            self._preview(moment)
        if "motion" in kinds:
            self._tell("feed", json.dumps(as_json(moment), separators=(",", ":"), allow_nan=False), "motion")

    def _renew(self, revision: int) -> None:
        """Have the scene made anew if another character plays."""
        if self.scenery.outdated(revision):
            self._task(self.scenery.make())

    def _preview(self, moment: LiveMoment) -> None:
        """Have the camera's picture encoded for those who asked, not too often and one at a time."""
        widths = {page.preview for page in self.pages if page.preview}
        time = now()
        if not widths or moment.frame is None or self._encoding or time - self._previewed < 0.999 / PREVIEW_RATE:
            return
        self._encoding, self._previewed = True, time
        self._task(self._encode(moment, widths))

    async def _encode(self, moment: LiveMoment, widths: set[int]) -> None:
        frame = moment.frame
        try:
            for width in widths:
                if frame is None:
                    return
                data = await self._loop.run_in_executor(self._previews, preview_frame, frame, width)
                for page in self.pages:
                    if page.preview == width:
                        page.tell("preview", data)
        finally:
            self._encoding = False
