"""How long a live run takes from a frame's capture to the picture of it, with a real browser on the stage's page.

The whole path runs as `bodydouble live` has it: source, engine, server, WebSocket, page. Times are taken on the
program's clock; the page, on the same computer, knows its offset to that. Milliseconds. How to read it:
docs/decisions/live.md
"""

from __future__ import annotations

import os
import platform
import threading
import time
from array import array
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from bodydouble.bench.browser import Browser, find, without_gpu
from bodydouble.bench.live_course import Stretch, course, course_lines
from bodydouble.bench.memory import resident_megabytes
from bodydouble.bench.paced import Paced
from bodydouble.bench.report import save_json
from bodydouble.bench.stand_in import StandIn
from bodydouble.live.config import AUTO, LiveConfig
from bodydouble.live.engine import Live
from bodydouble.live.moment import LiveMoment
from bodydouble.stage.addresses import listen
from bodydouble.stage.desk import Desk
from bodydouble.stage.folders import Folders
from bodydouble.stage.messages import Settings
from bodydouble.stage.pages import page_folder
from bodydouble.stage.server import Server
from bodydouble.stage.settings import Kept
from bodydouble.stage.wardrobe import Wardrobe
from bodydouble.types import BodyDoubleError

SETTLE = 8.0  # seconds after the first picture that do not count: the model warms up, the governor looks around
PATIENCE = 60.0  # seconds until the page must have shown something: a first start fetches the model
EVERY = 0.5  # seconds between looks at the memory
AWAITED = 1000  # moments whose acknowledgement may still come
NO_PAGE, PAGE = "none", "chromium"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. page: PAGE, or NO_PAGE for a client in Python. browser: its program, None for the one found."""

    clip: Path
    seconds: float = 30.0
    rate: float = 30.0
    character: str = "fox"
    model: str = AUTO
    device: str = "auto"
    page: str = PAGE
    browser: Path | None = None

    def __post_init__(self) -> None:
        if self.page not in (PAGE, NO_PAGE):
            raise BodyDoubleError(f'--page "{self.page}"; wanted {PAGE} or {NO_PAGE}')
        if self.seconds < 3:
            raise BodyDoubleError(f"--seconds {self.seconds:g}; wanted 3 or more")


@dataclass(frozen=True, slots=True)
class Span:
    """50th and 95th percentile of how long something took after capture, of `count` times; growth: of the 50th, from
    the first third of the run to the last.
    """

    p50: float
    p95: float
    growth: float
    count: int


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured. Megabytes are of the program, without the browser. course: minute by minute, of a long run."""

    clip: str
    size: tuple[int, int]
    seconds: float
    viewer: str
    model: str
    provider: str
    ready: Span
    posed: Span
    drawn: Span
    model_milliseconds: float
    pose_rate: float
    draw_rate: float
    page_work: float
    captured: int
    dropped: int
    megabytes: float
    megabytes_growth: float
    machine: str
    course: tuple[Stretch, ...] = ()


def _numbers() -> array[float]:
    """Growing numbers that take 8 bytes each: the log must not look like a leak."""
    return array("d")


@dataclass(slots=True)
class Series:
    """When something happened, and how many seconds after its frame's capture."""

    when: array[float] = field(default_factory=_numbers)
    took: array[float] = field(default_factory=_numbers)

    def add(self, when: float, took: float) -> None:
        """One more."""
        self.when.append(when)
        self.took.append(took)


@dataclass(slots=True)
class Log:
    """What happened. captured: by moment, of late."""

    captured: dict[int, float] = field(default_factory=dict)
    ready: Series = field(default_factory=Series)
    posed: Series = field(default_factory=Series)
    drawn: Series = field(default_factory=Series)
    work: array[float] = field(default_factory=_numbers)
    rates: array[float] = field(default_factory=_numbers)
    megabytes: array[float] = field(default_factory=_numbers)


class Logged(Live):
    """A live run that keeps what pages acknowledge, once it is told to."""

    log: Log | None = None
    shown = threading.Event()  # a page has posed a frame

    def acknowledge(self, sequence: int, posed: float, drawn: float, draw_rate: float, work: float = 0.0) -> None:
        """See Live."""
        super().acknowledge(sequence, posed, drawn, draw_rate, work)
        moment = self.newest
        if moment is not None and moment.seen:
            self.shown.set()
        log = self.log
        captured = None if log is None else log.captured.get(sequence)
        if log is None or captured is None:
            return
        log.posed.add(posed, posed - captured)
        if drawn > 0:
            log.drawn.add(drawn, drawn - captured)
        log.rates.append(draw_rate)
        if work > 0:
            log.work.append(work)

    def heard(self, moment: LiveMoment) -> None:
        """Keep a moment with a frame behind it."""
        log = self.log
        if log is not None and moment.captured > 0:
            log.captured[moment.sequence] = moment.captured
            if len(log.captured) > AWAITED:
                del log.captured[next(iter(log.captured))]
            log.ready.add(moment.ready, moment.ready - moment.captured)


def measure_live(plan: Plan) -> Result:
    """Run a clip through everything for a while. Raises BodyDoubleError if the page never shows it."""
    program = find(plan.browser) if plan.page == PAGE else None
    page = page_folder() if program is not None else None
    with ExitStack() as stack:
        source = stack.enter_context(closing(Paced(plan.clip, plan.rate)))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bodydouble-bench-")))
        folders = Folders(folder / "characters", folder / "backgrounds", folder / "recordings")
        wardrobe = Wardrobe(folders.characters, plan.character)
        name = wardrobe.first or plan.character
        config = LiveConfig(character=wardrobe.place(name), model=plan.model, device=plan.device, fps=plan.rate)
        live = stack.enter_context(Logged(config, source=source))
        live.shown = threading.Event()
        stack.callback(live.listen(live.heard))
        listening = stack.enter_context(closing(listen(port=0, exact=True)))
        settings = Settings(character=name, model=plan.model, device=plan.device, fps=plan.rate)
        desk = stack.enter_context(
            closing(Desk(live, settings, Kept(folder / "live.toml"), folders, wardrobe, find_cameras=lambda: []))
        )
        server = Server(desk, listening, page=page)
        server.start()
        stack.callback(server.stop)
        if program is not None:
            stack.enter_context(Browser(program, listening.stage))
            viewer = f"{program.name}, {'drawing in software' if without_gpu() else 'with a GPU'}"
        else:
            stack.enter_context(StandIn(listening.port))
            viewer = "a client in Python, which draws nothing"
        _wait(live)
        return _measured(plan, live, source.size, viewer)


def _wait(live: Logged) -> None:
    """Until a page shows the person; then until all has settled."""
    if not live.shown.wait(PATIENCE):
        report = live.report()
        why = report.source.message or report.hint or "the page does not answer"
        raise BodyDoubleError(f"nobody was shown within {PATIENCE:.0f} s ({why}); try --page none, or another clip")
    time.sleep(SETTLE)


def _measured(plan: Plan, live: Logged, size: tuple[int, int], viewer: str) -> Result:
    """Watch for as long as planned."""
    before = live.report().source
    log = live.log = Log()
    begun = time.monotonic()
    took = []
    while (elapsed := time.monotonic() - begun) < plan.seconds:
        log.megabytes.append(resident_megabytes())
        took.append(live.report().model.milliseconds)
        time.sleep(min(EVERY, plan.seconds - elapsed))
    live.log = None
    seconds = time.monotonic() - begun
    report = live.report()
    return Result(
        clip=plan.clip.name,
        size=size,
        seconds=seconds,
        viewer=viewer,
        model=report.model.name,
        provider=report.model.provider,
        ready=_span(log.ready, begun, seconds),
        posed=_span(log.posed, begun, seconds),
        drawn=_span(log.drawn, begun, seconds),
        model_milliseconds=float(np.median(took)),
        pose_rate=len(log.ready.took) / seconds,
        draw_rate=float(np.median(log.rates)) if log.rates else 0.0,
        page_work=float(np.median(log.work)) if log.work else 0.0,
        captured=report.source.captured - before.captured,
        dropped=report.source.dropped - before.dropped,
        megabytes=float(np.median(log.megabytes)),
        megabytes_growth=_growth(log.megabytes),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        course=course(log.posed.when, log.posed.took, log.megabytes, begun, seconds),
    )


def _span(series: Series, begun: float, seconds: float) -> Span:
    """Percentiles in milliseconds."""
    if not series.took:
        return Span(0.0, 0.0, 0.0, 0)
    taken = 1e3 * np.array(series.took)
    when = (np.array(series.when) - begun) / seconds
    first, last = taken[when < 1 / 3], taken[when >= 2 / 3]
    growth = float(np.median(last) - np.median(first)) if len(first) and len(last) else 0.0
    return Span(float(np.percentile(taken, 50)), float(np.percentile(taken, 95)), growth, len(taken))


def _growth(values: array[float]) -> float:
    """From the median of the first third to that of the last."""
    third = max(len(values) // 3, 1)
    return float(np.median(values[-third:]) - np.median(values[:third]))


def table(result: Result) -> Table:
    """The figures for the terminal."""
    shown = Table(
        "from capture until", "p50 ms", "p95 ms", "growth ms", "frames", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for column in shown.columns[1:]:
        column.justify = "right"
    for name, span in (
        ("the program was done", result.ready),
        ("the page had posed the character", result.posed),
        ("it was drawn", result.drawn),
    ):
        figures = (f"{span.p50:.1f}", f"{span.p95:.1f}", f"{span.growth:+.1f}") if span.count else ("-", "-", "-")
        shown.add_row(name, *figures, str(span.count))
    return shown


def words(result: Result) -> list[str]:
    """What the table does not say, a line each; of a long run also its course."""
    share = result.dropped / max(result.captured, 1)
    return [
        f"{result.clip}, {result.size[0]}x{result.size[1]}; {result.seconds:.0f} s; {result.viewer}; {result.machine}",
        f"{result.model} on {result.provider}: {result.model_milliseconds:.1f} ms a frame; "
        f"{result.pose_rate:.1f} poses and {result.draw_rate:.1f} pictures a second",
        f"{result.captured} frames captured, {result.dropped} dropped ({100 * share:.1f} %)",
        f"main thread of the page: {result.page_work:.2f} ms a picture"
        if result.page_work
        else "main thread of the page: not measured",
        f"memory of the program: {result.megabytes:.0f} MB, growth from the first to the last third "
        f"{result.megabytes_growth:+.1f} MB",
        *course_lines(result.course),
    ]


def write_json(result: Result, path: Path) -> None:
    """All figures to a file."""
    save_json(asdict(result), path)
