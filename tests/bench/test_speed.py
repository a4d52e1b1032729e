"""Measuring models: turns, answers that count, what survives a fault or Ctrl-C, tables and charts."""

import json
import sys
import xml.etree.ElementTree as ET

import cv2
import numpy as np
import pytest
from rich.console import Console

from bodydouble.bench import chart, contenders, report, speed, worker
from bodydouble.bench.contenders import Contender, Running, Tools, peer
from bodydouble.bench.speed import TURN, Measured, Plan, Results
from bodydouble.films import Silent
from bodydouble.types import BodyDoubleError

# A process that answers as worker.py does: as many milliseconds as its argument says, and the frame's number.
ANSWERS = """
import json, sys
print("a runtime's greeting")
print(json.dumps({"device": "cpu", "runtime": "Fake", "threads": 2, "seconds": 0.5, "people": 1}), flush=True)
for line in sys.stdin:
    ms = float(sys.argv[2])
    print(json.dumps({"ms": ms, "graph": ms / 2, "crop": 1.0, "bytes_in": 2000, "bytes_out": 300, "megabytes": 90,
                      "people": 1, "frame": int(line), "order": sys.argv[1]}), flush=True)
"""


def fake(name, ms, *, is_peer=False, script=ANSWERS, model="blazepose-full"):
    return Contender(model, name, (sys.executable, "-c", script, name, str(ms)), is_peer, "install it")


@pytest.fixture
def results(monkeypatch, tmp_path):
    return measured(monkeypatch, tmp_path, [fake("cpu", 10), fake("litert", 20, is_peer=True)])


def measured(monkeypatch, tmp_path, who, models=("blazepose-full",), told=None, rounds=3):
    monkeypatch.setattr(speed, "contenders", lambda model, plan, threads: [c for c in who if c.model == model])
    monkeypatch.setattr(report, "raw_bytes", lambda model: 500000.0)
    path = tmp_path / "clip.png"
    cv2.imwrite(str(path), np.zeros((24, 32, 3), np.uint8))
    return speed.measure_models(path, Plan(models, ("cpu",), rounds=rounds, threads=2), told or Silent())


def test_contenders_take_turns_and_the_first_frame_of_a_turn_does_not_count(results):
    ours, theirs = results.measured
    frames = [answer["frame"] for answer in ours.answers]
    assert frames == [1 + turn * TURN + frame for turn in range(3) for frame in range(1, TURN)]
    assert frames == [answer["frame"] for answer in theirs.answers]
    assert speed.ratio(ours, theirs) == 0.5
    assert results.size == (32, 24)
    assert results.complete


def test_who_does_not_run_is_named_with_its_own_words_and_the_others_go_on(monkeypatch, tmp_path):
    broken = fake("tfjs", 1, is_peer=True, script="import sys; sys.exit('no such package')")
    results = measured(monkeypatch, tmp_path, [fake("cpu", 10), broken])
    assert [one.contender.where for one in results.measured] == ["cpu"]
    assert "tfjs does not run (no such package); install it" in results.faults[0]


def test_who_ends_on_the_way_keeps_its_figures_and_the_others_go_on(monkeypatch, tmp_path):
    script = ANSWERS.replace("for line in sys.stdin:", f"for line in sys.stdin:\n    assert int(line) < {2 * TURN}")
    results = measured(monkeypatch, tmp_path, [fake("cuda", 5, script=script), fake("cpu", 10)])
    ours = {one.contender.where: len(one.answers) for one in results.measured}
    assert ours == {"cuda": TURN - 1, "cpu": 3 * (TURN - 1)}
    assert "AssertionError" in results.faults[0]


def test_nothing_measured_is_an_error(monkeypatch, tmp_path):
    broken = fake("cpu", 1, script="import sys; sys.exit('no such package')")
    with pytest.raises(BodyDoubleError, match="no such package"):
        measured(monkeypatch, tmp_path, [broken])


def test_ctrl_c_keeps_what_was_measured(monkeypatch, tmp_path):
    class Impatient(Silent):
        def step(self, done, total, text):
            if done == 2:
                raise KeyboardInterrupt

    results = measured(monkeypatch, tmp_path, [fake("cpu", 10)], told=Impatient())
    assert not results.complete
    assert len(results.measured[0].answers) == 2 * (TURN - 1)


def test_our_own_error_reaches_the_user():
    script = "import json; print(json.dumps({'error': 'device \\'cuda\\' is not installed'}))"
    with pytest.raises(BodyDoubleError, match="blazepose-full on cuda: device 'cuda' is not installed"):
        Running(fake("cuda", 1, script=script), "frames.npy")


def test_models_by_name_and_all():
    assert "blazepose-full" in speed.chosen_models("all")
    assert speed.chosen_models("blazepose-lite, blazepose-full") == ("blazepose-lite", "blazepose-full")
    with pytest.raises(BodyDoubleError, match='no pose model "nosuch"; choose from all'):
        speed.chosen_models("blazepose-lite,nosuch")


def test_peers_have_only_their_own_models(monkeypatch, tmp_path):
    monkeypatch.setattr(contenders.models, "fetch", lambda name: tmp_path / name)
    monkeypatch.setattr(contenders.shutil, "which", lambda name: "/usr/bin/node")
    assert peer("mediapipe", "movenet-lightning", 2, Tools()) is None
    assert peer("tfjs", "blazepose-full", 2, Tools()) is None
    assert peer("litert", "movenet-thunder", 2, Tools()) is None
    given = peer("litert", "movenet-thunder", 2, Tools(tflite={"movenet-thunder": tmp_path / "thunder.tflite"}))
    assert given is not None and str(tmp_path / "thunder.tflite") in given.command
    with pytest.raises(BodyDoubleError, match="choose from mediapipe, litert, tfjs"):
        peer("openpose", "blazepose-full", 2, Tools())


def test_the_tables_fit_a_narrow_terminal_and_name_ratio_and_bytes(results):
    console = Console(width=90, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    for table in report.tables(results):
        console.print(table)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 90
    for wanted in ("10.00", "5.00", "4.00", "100", "0.50 litert", "300 B", "2000 B", "500 KB"):
        assert wanted in text


def test_the_json_has_every_frame(results, tmp_path):
    report.write_json(results, tmp_path / "speed.json")
    stored = json.loads((tmp_path / "speed.json").read_text())
    assert stored["measured"][0]["ratios"] == {"litert": 0.5}
    assert len(stored["measured"][0]["frames"]) == 3 * (TURN - 1)


def test_bars_are_as_long_as_their_milliseconds(results):
    shapes, (width, _) = chart.drawing(results)
    bars = [s.width for s in shapes if isinstance(s, chart.Box) and s.colour in (chart.OURS, chart.PEER)]
    assert bars[1] == pytest.approx(2 * bars[0])
    assert max(s.x + s.width for s in shapes if isinstance(s, chart.Box)) <= width


def test_the_chart_is_written_as_svg_and_as_png(results, tmp_path):
    chart.write_chart(results, tmp_path / "speed.svg")
    words = [text.text for text in ET.parse(tmp_path / "speed.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert {"blazepose-full", "cpu", "Fake", "10.0", "20.0"} <= set(words)
    chart.write_chart(results, tmp_path / "speed.png")
    picture = cv2.imread(str(tmp_path / "speed.png"))
    ours = tuple(int(chart.OURS[i : i + 2], 16) for i in (5, 3, 1))
    assert (picture == ours).all(axis=-1).any()
    with pytest.raises(BodyDoubleError, match=r"\.svg or \.png"):
        chart.check_chart(tmp_path / "speed.pdf")


@pytest.mark.parametrize(("longest", "step"), [(10, 2), (95, 20), (4.1, 1), (0.7, 0.2), (301, 100)])
def test_ticks_are_round(longest, step):
    assert chart.tick_step(longest) == pytest.approx(step)


def test_a_figure_that_a_contender_does_not_give_is_none():
    assert Measured(fake("cpu", 1), {}, [{"ms": 1.0, "graph": None}]).typical("graph") is None
    assert Results("clip", (1, 1), 1).complete


def test_the_worker_reads_the_frames_it_is_asked_for(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 255, (3, 4, 5, 3), dtype=np.uint8)
    np.save(tmp_path / "frames.npy", pictures)
    frames = worker.Frames(str(tmp_path / "frames.npy"))
    for number in (0, 2, 4):
        frame = frames.frame(number)
        np.testing.assert_array_equal(frame.image, pictures[number % 3])
        assert not frame.image.flags.writeable


@pytest.mark.models
def test_a_model_of_ours_answers_as_a_contender(tmp_path):
    np.save(tmp_path / "frames.npy", np.zeros((1, 64, 48, 3), np.uint8))
    running = Running(contenders.ours("blazepose-lite", "cpu", 1, 1), tmp_path / "frames.npy")
    answer = running(1)
    running.close()
    assert (running.about["device"], running.about["threads"]) == ("cpu", 1)
    assert answer["ms"] >= answer["graph"] > 0
    assert answer["megabytes"] > 50
    assert answer["bytes_in"] >= 224 * 224 * 3  # the detector looks, as nobody is known
