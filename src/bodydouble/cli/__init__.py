"""The command line: `bodydouble COMMAND`. One module a command; heavy imports wait until a command runs.

Our own errors and wrong usage print one line and exit with 2; anything else is our bug and keeps its traceback.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Sequence

import typer

from bodydouble.cli import (
    animate,
    bench,
    cameras,
    characters,
    convert,
    demo,
    doctor,
    evaluate,
    live,
    models,
    takes,
    track,
)
from bodydouble.types import BodyDoubleError

USER_ERROR = 2
# What is wrong with a file or folder that the user named, wherever it comes up.
UNUSABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ENOSPC})
INTERRUPTED = 130  # what typer makes of Ctrl-C

app = typer.Typer(
    name="bodydouble",
    help="A video or a webcam drives a virtual character: move your arm, the character's arm moves.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("live")(live.live)
app.command("animate")(animate.animate)
app.command("track")(track.track)
app.command("demo")(demo.demo)
app.command("cameras")(cameras.cameras)
app.command("convert")(convert.convert)
app.command("eval")(evaluate.evaluate)
app.command("bench")(bench.bench)
app.command("doctor")(doctor.doctor)
app.add_typer(models.app, name="models", help="Pose models: where they come from, fetch, inspect.")
app.add_typer(characters.app, name="characters", help="Characters: the ones there are, and what is wrong with one.")
app.add_typer(takes.app, name="takes", help="Takes: those in a folder; recordings that were interrupted, made whole.")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"bodydouble {version('bodydouble')}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """A video or a webcam drives a virtual character: move your arm, the character's arm moves."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line `args` (the process's own by default) and exit: 0 done, 2 the user can mend it."""
    for name in ("SIGTERM", "SIGHUP"):  # a closed terminal ends a run as Ctrl-C does: nothing half-written stays
        if hasattr(signal, name) and threading.current_thread() is threading.main_thread():
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        code = app(args=args, standalone_mode=False, prog_name=app.info.name)
    except BodyDoubleError as error:
        _fail(str(error))
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # typer's own, not exported: its message is the help
            print(error.format_message())
            sys.exit(USER_ERROR)
        context = getattr(error, "ctx", None)  # of the command that was asked for: its options are what is missing
        command = context.command_path if context else app.info.name
        _fail(f"{error.format_message()} ({command} --help lists what there is)")
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped")
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.filename is None or error.errno not in UNUSABLE:
            raise
        _fail(
            f"cannot use {error.filename} ({error.strerror}); choose another file or folder, or change who may use it"
        )
    if code == INTERRUPTED:
        _fail("stopped")
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> None:
    """One line on standard error, exit code 2."""
    print("bodydouble: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(USER_ERROR)
