"""`bodydouble bench`: how long each stage takes on a clip, or how fast each model is on each device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodydouble.cli import options
from bodydouble.types import BodyDoubleError


def bench(
    context: typer.Context,
    clip: Annotated[Path | None, typer.Argument(help="A video; default: the demo's clip.")] = None,
    character: Annotated[str, typer.Option("--character", help="Who is drawn.")] = "fox",
    model: options.Model = "blazepose-full",
    device: Annotated[
        str, typer.Option("--device", help="As everywhere; with --models also several: cpu,openvino.")
    ] = "auto",
    size: Annotated[str, typer.Option("--size", help="WIDTHxHEIGHT of the picture drawn.")] = "1280x720",
    against: Annotated[
        str, typer.Option("--against", help="mediapipe; with --models also litert,tfjs: the ratio on the same frames.")
    ] = "",
    peer_python: Annotated[
        Path | None, typer.Option("--peer-python", help="A Python that has the peer; default: this one.")
    ] = None,
    threads: Annotated[int, typer.Option("--threads", help="Threads of the model; 0: the default.")] = 0,
    models: Annotated[
        str, typer.Option("--models", help="all, or names with commas: the speed of each, device by device.")
    ] = "",
    clip_option: Annotated[Path | None, typer.Option("--clip", help="The video, as the argument.")] = None,
    chart: Annotated[
        Path | None, typer.Option("--chart", help="With --models or --smooth: a chart, .svg or .png.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="With --models or --live: all figures.")] = None,
    rounds: Annotated[int, typer.Option("--rounds", help="With --models: turns of 6 frames for each.", min=1)] = 10,
    people: Annotated[int, typer.Option("--people", help="With --models: people to follow.", min=1)] = 1,
    peer_modules: Annotated[
        Path, typer.Option("--peer-modules", help="A folder in which tfjs and its wasm backend were installed.")
    ] = Path(),
    tflite: Annotated[
        list[str] | None, typer.Option("--tflite", help="NAME=FILE: a file for litert of a model that has none.")
    ] = None,
    smooth: Annotated[
        list[Path] | None,
        typer.Option("--smooth", help="A BVH motion file, or several: how steady and how late the smoother is."),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="With --smooth: times the noise is drawn.", min=1)] = 2,
    live: Annotated[
        bool, typer.Option("--live", help="Play the clip as a camera through a live run, to a real browser's page.")
    ] = False,
    seconds: Annotated[float, typer.Option("--seconds", help="With --live: how long to measure.")] = 30.0,
    fps: Annotated[
        float, typer.Option("--fps", help="With --live: pictures a second that the clip is played at.")
    ] = 30,
    page: Annotated[
        str, typer.Option("--page", help="With --live: chromium, or none for a client that draws nothing.")
    ] = "chromium",
    browser: Annotated[
        Path | None, typer.Option("--browser", help="With --live: the program of Chromium, Chrome or Edge.")
    ] = None,
) -> None:
    """Milliseconds a frame of every stage (p50, p95) and peak memory; with --models the speed of models.

    With --smooth how steady the smoother is on motion capture with seeded noise, against 310 settings of four others.
    With --live the latency of a live run, from a frame's capture to the page's picture of it; the model is auto unless
    --model is given.
    """
    from bodydouble.bench import measure

    if clip and clip_option:
        raise BodyDoubleError(f"two clips, {clip} and --clip {clip_option}; give one")
    clip = clip or clip_option
    _one_kind(live=live, smooth=bool(smooth), models=bool(models))
    for name, given, fits, kinds in (
        ("--chart", chart, models or smooth, "--models or --smooth"),
        ("--json", json, models or live, "--models or --live"),
    ):
        if given is not None and not fits:
            raise BodyDoubleError(f"{name} shows what {kinds} measures; add one, such as --models all")
    if live:
        source = context.get_parameter_source("model")
        chosen = source is not None and source.name != "DEFAULT"
        _measure_live(clip, model if chosen else "auto", character, device, seconds, fps, page, browser, json)
        return
    if smooth:
        _measure_smoothing(smooth, seeds, chart)
        return
    if models:
        _measure_models(
            clip, models, device, against, threads, people, rounds, chart, json, peer_python, peer_modules, tflite or []
        )
        return
    measure(
        clip,
        character=character,
        model=model,
        device=device,
        size=options.size_of(size),
        against=against,
        peer_python=peer_python,
        threads=threads or None,
    )


def _one_kind(**asked: bool) -> None:
    """Raises BodyDoubleError if several kinds of measurement are asked for at once."""
    given = [f"--{name}" for name, wanted in asked.items() if wanted]
    if len(given) > 1:
        raise BodyDoubleError(f"{' and '.join(given)} measure different things; give one at a time")


def _measure_live(
    clip: Path | None,
    model: str,
    character: str,
    device: str,
    seconds: float,
    fps: float,
    page: str,
    browser: Path | None,
    json: Path | None,
) -> None:
    """Measure a live run and print the table."""
    from rich.console import Console

    from bodydouble.bench import live
    from bodydouble.bench.report import check_json
    from bodydouble.bench.stages import CLIP
    from bodydouble.cli.progress import report as progress
    from bodydouble.models import fetch

    if json is not None:
        check_json(json)
    with progress() as told:
        path = clip or fetch(CLIP, told.step)
    plan = live.Plan(path, seconds, fps, character, model, device, page, browser)
    result = live.measure_live(plan)
    console = Console()
    console.print(live.table(result))
    for line in live.words(result):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if json is not None:
        live.write_json(result, json)
        console.print(f"{json}: all figures", soft_wrap=True, highlight=False, markup=False)


def _measure_models(
    clip: Path | None,
    models: str,
    device: str,
    against: str,
    threads: int,
    people: int,
    rounds: int,
    chart: Path | None,
    json: Path | None,
    peer_python: Path | None,
    peer_modules: Path,
    tflite: list[str],
) -> None:
    """Measure, print the table, write what is asked for. What was measured before Ctrl-C is kept."""
    import sys

    from rich.console import Console

    from bodydouble.bench import chart as charts
    from bodydouble.bench import report, speed
    from bodydouble.bench.contenders import PEERS, Tools
    from bodydouble.cli.progress import report as progress

    if chart is not None:
        charts.check_chart(chart)
    if json is not None:
        report.check_json(json)
    peers = _names(against)
    for name in peers:
        if name not in PEERS:
            raise BodyDoubleError(f'--against "{name}"; choose from {", ".join(PEERS)}')
    plan = speed.Plan(
        models=speed.chosen_models(models),
        devices=_names(device),
        against=peers,
        threads=threads or None,
        people=people,
        rounds=rounds,
        tools=Tools(peer_python or Path(sys.executable), peer_modules, dict(map(_file_of, tflite))),
    )
    with progress() as told:
        results = speed.measure_models(clip, plan, told)
    console = Console()
    title = f"{results.clip}, {results.size[0]}x{results.size[1]}, {results.threads} threads; {results.machine}"
    console.print(title, soft_wrap=True, highlight=False, markup=False)
    for table in report.tables(results):
        console.print(table)
    console.print(report.EXPLAINED, highlight=False)
    for fault in results.faults:
        console.print(f"not measured: {fault}", soft_wrap=True, highlight=False, markup=False)
    if chart is not None:
        charts.write_chart(results, chart)
        console.print(f"{chart}: the chart", soft_wrap=True, highlight=False, markup=False)
    if json is not None:
        report.write_json(results, json)
        console.print(f"{json}: all figures", soft_wrap=True, highlight=False, markup=False)
    if not results.complete:
        raise BodyDoubleError("stopped; the figures above are of what was measured until then")


def _measure_smoothing(files: list[Path], seeds: int, chart: Path | None) -> None:
    """Measure, print the tables, write the chart. What was measured before Ctrl-C is kept."""
    from rich.console import Console

    from bodydouble.bench import chart as charts
    from bodydouble.bench import smooth, smooth_report
    from bodydouble.cli.progress import report as progress

    if chart is not None:
        charts.check_chart(chart)
    with progress() as told:
        results = smooth.measure_smoothing(files, told, seeds=seeds)
    console = Console()
    console.print(f"{', '.join(results.motions)}; {seeds} seeds", soft_wrap=True, highlight=False, markup=False)
    for table in smooth_report.tables(results):
        console.print(table)
    console.print(smooth_report.EXPLAINED, highlight=False, markup=False)
    if chart is not None:
        smooth_report.write_chart(results, chart)
        console.print(f"{chart}: the chart", soft_wrap=True, highlight=False, markup=False)
    if not results.complete:
        raise BodyDoubleError("stopped; the figures above are of what was measured until then")


def _names(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _file_of(text: str) -> tuple[str, Path]:
    """NAME=FILE, of a file that is there."""
    name, found, path = text.partition("=")
    if not found or not Path(path).is_file():
        raise BodyDoubleError(f'--tflite "{text}"; wanted NAME=FILE with a .tflite file that exists')
    return name, Path(path)
