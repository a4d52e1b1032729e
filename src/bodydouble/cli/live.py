"""`bodydouble live`: a webcam drives a character in the browser, in OBS and in a virtual camera."""

from __future__ import annotations

import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodydouble.types import BodyDoubleError

if TYPE_CHECKING:
    from bodydouble.live.engine import Live
    from bodydouble.stage.addresses import Listening
    from bodydouble.stage.desk import Desk
    from bodydouble.stage.messages import Settings
    from bodydouble.stage.settings import Kept
    from bodydouble.stage.wardrobe import Wardrobe

FIRST_CHARACTER = "fox"


def live(
    camera: Annotated[
        str | None,
        typer.Option("--camera", help="A camera's name (bodydouble cameras), browser, a file, or a stream's address."),
    ] = None,
    character: Annotated[
        str | None, typer.Option("--character", help="A name (bodydouble characters list) or a character's folder.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Where the pages are; 8420 or the next free one unless given.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the control page.")] = False,
    model: Annotated[
        str | None, typer.Option("--model", help="auto: the best that holds the rate; or bodydouble models list.")
    ] = None,
    fps: Annotated[float | None, typer.Option("--fps", help="Pictures a second asked of the camera.")] = None,
    size: Annotated[str | None, typer.Option("--size", help="WIDTHxHEIGHT asked of the camera.")] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="auto, cpu, cuda, tensorrt, directml, coreml or openvino.")
    ] = None,
    host: Annotated[
        str | None,
        typer.Option("--host", help="Also for other devices: this computer's address, or 0.0.0.0. Wants a token then."),
    ] = None,
    fresh_token: Annotated[
        bool, typer.Option("--new-token", help="With --host: another token; who had the old address is shut out.")
    ] = False,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", help="With --key: serve https, which browsers want before they lend a camera."),
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", help="The certificate's key (PEM, without a password).")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for recordings and snapshots.")] = None,
    osc: Annotated[str | None, typer.Option("--osc", help="Send the motion by OSC to HOST:PORT.")] = None,
    virtual_camera: Annotated[
        bool, typer.Option("--virtual-camera", help="Begin with the virtual camera switched on.")
    ] = False,
    settings: Annotated[
        Path | None, typer.Option("--settings", help="Keep the settings in this file instead of the usual one.")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Begin with a recording.")] = False,
) -> None:
    """A webcam drives a character: the control page, and a stage for OBS. Ctrl-C ends it."""
    from bodydouble.live.clock import now
    from bodydouble.live.feed import OscFeed
    from bodydouble.live.memory import keep_memory
    from bodydouble.outputs.names import ready_folder
    from bodydouble.stage.addresses import PORT, listen
    from bodydouble.stage.desk import Desk
    from bodydouble.stage.folders import Folders
    from bodydouble.stage.pages import page_folder
    from bodydouble.stage.server import Server
    from bodydouble.stage.settings import Kept, settings_path
    from bodydouble.stage.tokens import kept_token, token_path
    from bodydouble.stage.wardrobe import Wardrobe

    if fresh_token and host is None:
        raise BodyDoubleError(
            "--new-token without --host has no effect: this computer alone needs no token; add --host"
        )
    keep_memory()
    page = page_folder()
    folders = Folders.usual(None if out is None else ready_folder(out))
    kept = Kept(settings or settings_path(), tell=_say)
    if settings is not None:  # the usual place may be closed to us; one that is asked for is to work
        kept.try_writing()
    wardrobe = Wardrobe(folders.characters, character or FIRST_CHARACTER)
    named = None if character is None else wardrobe.first or character
    given = {"camera": camera, "character": named, "model": model, "fps": fps, "size": size, "device": device}
    asked = {name: value for name, value in given.items() if value is not None}
    chosen = _chosen(kept.first(asked), kept, asked, wardrobe)
    listening = listen(
        host,
        PORT if port is None else port,
        exact=port is not None,
        certificate=_certificate(certificate, key),
        token="" if host is None else kept_token(token_path(), anew=fresh_token, tell=_say),
    )
    try:
        _recover(folders.recordings)
        chosen, run = _begun(chosen, kept, asked, wardrobe)
        feed = None if osc is None else OscFeed(run, osc)
        desk = Desk(run, chosen, kept, folders, wardrobe, osc=feed)
        kept.keep(chosen)
        _tell_of_absent(chosen.camera)
        started = now()
        try:
            with run:
                for wanted, switch in ((virtual_camera, desk.virtual_camera), (record, _recording(desk))):
                    if wanted:
                        _try(switch)
                server = Server(desk, listening, page=page)
                server.run(lambda: _greet(listening, open_browser=not no_browser))
                desk.close()
        finally:
            desk.close()
    finally:
        listening.close()
    typer.echo(_summary(run, desk, now() - started, server.malformed))


def _certificate(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    """Both files or none."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise BodyDoubleError("--certificate and --key go together; give both files")
    return certificate, key


def _recording(desk: Desk) -> Callable[[bool], object]:
    return lambda on: desk.record(on, film=False)


def _chosen(first: Settings, kept: Kept, asked: Mapping[str, object], wardrobe: Wardrobe) -> Settings:
    """The settings to begin with. A character that is gone is replaced; without a camera the first one is taken."""
    chosen = first
    if chosen.character not in wardrobe.folders():
        _say(f'the character "{chosen.character}" of the last time is gone; {FIRST_CHARACTER} plays')
        chosen = kept.chosen(chosen, {**asked, "character": FIRST_CHARACTER})
    camera = chosen.camera or _first_camera()
    return kept.chosen(chosen, {**asked, "camera": camera}) if camera != chosen.camera else chosen


def _first_camera() -> str:
    """The name of the first camera, "" where there is none; the page then says so, and waits for one."""
    from bodydouble.sources.camera import cameras

    try:
        return next((camera.name for camera in cameras()), "")
    except BodyDoubleError as fault:
        _say(str(fault))
        return ""


def _tell_of_absent(camera: str) -> None:
    """Say that a camera is not there, and which are; the run goes on, and takes it up once it is plugged in."""
    from bodydouble.sources.devices import choose, plugged_in
    from bodydouble.sources.live import kind_of

    if kind_of(camera) != "camera":
        return
    try:
        choose(camera, plugged_in())
    except BodyDoubleError as fault:
        _say(f"{fault}; it goes on, and takes the camera up by itself once it is there")


def _begun(chosen: Settings, kept: Kept, asked: Mapping[str, object], wardrobe: Wardrobe) -> tuple[Settings, Live]:
    """The run, and its settings: without those of the last time, if something of them cannot be had any more."""
    from bodydouble.live.engine import Live
    from bodydouble.stage.messages import Settings
    from bodydouble.stage.settings import changed, to_config

    def run(settings: Settings) -> Live:
        return Live(to_config(settings, wardrobe.place(settings.character), kept.neutral(settings.camera)))

    try:
        return chosen, run(chosen)
    except BodyDoubleError as fault:
        fresh = _chosen(changed(Settings(), asked), kept, asked, wardrobe)
        begun = run(fresh)  # raises for what was asked for now
        _say(f"what was chosen the last time cannot be had ({fault}); it begins anew")
        return fresh, begun


def _recover(folder: Path) -> None:
    """Complete recordings that a crash interrupted."""
    from bodydouble.live.recording import recover_all

    for recovered in recover_all(folder):
        _say(f"{recovered.message} ({recovered.path})" if recovered.frames else recovered.message)


def _try(switch: Callable[[bool], object]) -> None:
    """Switch something on; what cannot be had is told, and the run goes on without."""
    try:
        switch(True)
    except BodyDoubleError as fault:
        _say(str(fault))


def _greet(listening: Listening, *, open_browser: bool) -> None:
    """Say where the pages are, and open the first."""
    from bodydouble.stage.addresses import qr_text

    typer.echo(f"control page  {listening.control}")
    typer.echo(f"stage, OBS    {listening.stage}")
    if listening.token:
        typer.echo("For a phone or another computer in this network; whoever has this address may watch and steer:")
        typer.echo(_shown(qr_text(listening.control)))
    typer.echo("Ctrl-C ends it.")
    sys.stdout.flush()
    if open_browser:  # in a thread: a browser in the terminal would not return until it is left
        threading.Thread(
            target=webbrowser.open, args=(listening.control,), name="bodydouble-browser", daemon=True
        ).start()


def _shown(code: str) -> str:
    """A QR code, if the terminal has its signs."""
    try:
        code.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "(this terminal cannot show a QR code; the control page does, behind Phone)"
    return code


def _summary(run: Live, desk: Desk, seconds: float, malformed: int) -> str:
    """One line of what was, and how to make what was not finished. malformed: requests that were no HTTP."""
    from bodydouble.cli.filming import how_to_film

    report, recording = run.report(), desk.recording
    minutes, rest = divmod(round(seconds), 60)
    captured, dropped = report.counts
    line = f"{captured} frames in {minutes}:{rest:02d}, {dropped} dropped"
    if recording.path is not None and recording.frames:
        line += f"; recorded {recording.path}"
    if malformed:
        line += f"; requests that were no HTTP, refused: {malformed}"
    for take in recording.unfilmed:
        line += f"\nits film was not finished; this makes it:\n  {how_to_film(take)}"
    return line


def _say(line: str) -> None:
    """A line for the user beside the output."""
    typer.echo(f"bodydouble: {line}", err=True)
