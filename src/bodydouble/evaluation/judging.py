"""A whole evaluation, as `bodydouble eval` does it: every model over the pictures, the table, the files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bodydouble.estimate import load
from bodydouble.evaluation.coco import MOST_PEOPLE, NOBODY
from bodydouble.evaluation.journal import journal_of
from bodydouble.evaluation.pictures import Folder, missing_note, present
from bodydouble.evaluation.report import write_report
from bodydouble.evaluation.results import read_results
from bodydouble.evaluation.run import CROPS, Run, Told, Verdict, judge, run_model
from bodydouble.evaluation.truth import Truth, read_truth
from bodydouble.outputs.files import check_output, written
from bodydouble.types import BodyDoubleError

_NAMES = 22  # columns of the screen for the names of the figures
_PADDING = 2  # on each side of a column
_NONE = "-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of the command, as cli/evaluate.py explains them; limit: None for all pictures."""

    gt: Path
    images: Path | None
    models: tuple[str, ...]
    results: tuple[Path, ...]
    crop: str
    out: Path | None
    report: Path | None
    figures: Path | None
    limit: int | None
    device: str
    force: bool

    def results_of(self, model: str) -> Path | None:
        """The results file of a model: `out`, with the model's name in it where there are several."""
        if self.out is None or len(self.models) == 1:
            return self.out
        return self.out.with_name(f"{self.out.stem}-{model}{self.out.suffix}")

    @property
    def outputs(self) -> list[Path]:
        """The results files of all models."""
        return [path for path in map(self.results_of, self.models) if path is not None]

    def may_replace(self, path: Path) -> bool:
        """Whether an output that exists may go: asked for, or left by this command when it was interrupted."""
        return self.force or journal_of(path).is_file()


def judge_all(wanted: Wanted, told: Told) -> None:
    """Run and judge all that is wanted. Raises BodyDoubleError before any work for what cannot be done."""
    _check(wanted)
    truth = read_truth(wanted.gt)
    folder = None if wanted.images is None else Folder(wanted.images)
    if folder is not None:
        total = len(truth.pictures)
        truth, missing = present(truth, folder, wanted.limit)
        if missing:
            told.say(f"note: {missing_note(missing, total, folder)}")
    elif wanted.limit is not None:
        truth = truth.only(truth.pictures[: wanted.limit])
    verdicts = [judge(truth, run) for run in _runs(wanted, truth, folder, told)]
    _show(truth, verdicts)
    if wanted.figures is not None:
        with written(wanted.figures, force=wanted.force) as temporary:
            temporary.write_text(json.dumps([verdict.as_dict() for verdict in verdicts], indent=1) + "\n")
    if wanted.report is not None:
        write_report(wanted.report, truth, verdicts, folder, force=wanted.force)
        told.say(f"report: {wanted.report}")
    for path in wanted.outputs:
        journal_of(path).unlink(missing_ok=True)


def _check(wanted: Wanted) -> None:
    if wanted.crop not in CROPS:
        raise BodyDoubleError(f'--crop "{wanted.crop}"; choose from {", ".join(CROPS)}')
    if len(set(wanted.models)) != len(wanted.models):
        raise BodyDoubleError(f"a model is named twice ({', '.join(wanted.models)}); name each once")
    if wanted.out is not None and not wanted.models:
        raise BodyDoubleError("-o is for what a model finds; --results are there already")
    for path, suffix in [
        *((out, ".json") for out in wanted.outputs),
        (wanted.figures, ".json"),
        (wanted.report, ".html"),
    ]:
        if path is not None and path.suffix.lower() != suffix:
            raise BodyDoubleError(f"{path} does not end in {suffix}; name the file so")
        if path is not None:
            check_output(path, wanted.may_replace(path))


def _runs(wanted: Wanted, truth: Truth, folder: Folder | None, told: Told) -> Iterator[Run]:
    """The runs of the models, then what was found before."""
    for model in wanted.models:
        if folder is None:
            raise BodyDoubleError("no pictures to look at; give their folder with --images")
        people = 1 if wanted.crop == "gt" else MOST_PEOPLE
        estimator = load(model, device=wanted.device, people=people, progress=told.step)
        out = wanted.results_of(model)
        force = out is not None and wanted.may_replace(out)
        try:
            run = run_model(
                estimator, truth, folder, crop=wanted.crop, out=out, force=force, keep_journal=True, told=told
            )
        except KeyboardInterrupt:
            if out is not None:
                told.say(f"stopped; the same command goes on where {model} was")
            raise
        yield run
    for path in wanted.results:
        yield Run(path.stem, tuple(read_results(path, truth)))


def _show(truth: Truth, verdicts: list[Verdict]) -> None:
    """The figures on standard output, a column a model, as many tables below each other as the screen needs."""
    people = len(verdicts[0].measures.hits)
    console = Console()
    console.print(f"{truth.name}: {people} people in {len(truth.pictures)} pictures", highlight=False)
    rows = [_figures(verdict) for verdict in verdicts]
    shown = [name for name in rows[0] if any(row[name] != _NONE for row in rows)]
    wide = max(len(verdict.run.name) for verdict in verdicts) + 2 * _PADDING
    beside = max(1, (console.width - _NAMES) // wide)
    for first in range(0, len(verdicts), beside):
        console.print()
        table = Table(box=SIMPLE_HEAD, padding=(0, _PADDING), show_edge=False)
        table.add_column("")
        for verdict in verdicts[first : first + beside]:
            table.add_column(verdict.run.name, justify="right", overflow="fold")
        for name in shown:
            table.add_row(name, *(row[name] for row in rows[first : first + beside]))
        console.print(table)


def _figures(verdict: Verdict) -> dict[str, str]:
    """What the table shows of a run, by the name of its row."""
    coco, measures, run = verdict.figures, verdict.measures, verdict.run
    shares = {
        "mean OKS": measures.mean_oks,
        "AP": coco.ap,
        "AP at OKS 0.50": coco.ap50,
        "AP at OKS 0.75": coco.ap75,
        "AP medium": coco.ap_medium,
        "AP large": coco.ap_large,
        "AR": coco.ar,
        **{f"PCK {share:g}": value for share, value in measures.pck.items()},
    }
    return {
        **{name: _NONE if share == NOBODY else f"{share:.3f}" for name, share in shares.items()},
        "error, % of size": _NONE if np.isnan(measures.error) else f"{100 * measures.error:.1f}",
        "missed": str(len(measures.missed)),
        "invented": str(len(measures.invented)),
        "ms": _NONE if run.milliseconds is None else f"{run.milliseconds:.1f}",
        "device": run.provider or _NONE,
    }
