"""Branches, loops, calls, variables and recurrent layers of TFLite files compute what LiteRT computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from test_tflite_operators import PICTURE, RELU, convolve
from tiny_tflite import Tiny, agree, feeds_of

from bodydouble.convert import to_onnx
from bodydouble.types import BodyDoubleError

TANH = 4  # ActivationFunctionType


@pytest.mark.parametrize("which", [True, False])
@pytest.mark.parametrize("known", [True, False])
def test_if(tmp_path: Path, which: bool, known: bool) -> None:
    """Both branches read what is outside; a condition that is known leaves one of them."""
    tiny = Tiny()
    condition = tiny.constant(which, "bool") if known else tiny.input(dtype="bool", feed=which)
    x = tiny.input(2, 3)
    y = tiny.op("NEG", [x], (2, 3))
    out = tiny.op("IF", [condition, x, y], (2, 3), "IfOptions", ThenSubgraphIndex=1, ElseSubgraphIndex=2)
    tiny.subgraph(out, y)
    for kind, options in (("ADD", "AddOptions"), ("MUL", "MulOptions")):
        a, b = tiny.input(2, 3), tiny.input(2, 3)
        c = tiny.op(kind, [a, tiny.constant([1.0, 2.0, 3.0])], (2, 3), options)
        tiny.subgraph(tiny.op("SUB", [c, b], (2, 3), "SubOptions"))
    session = agree(tiny, [], tmp_path)
    assert len(session.get_inputs()) == (1 if known else 2)


def test_while(tmp_path: Path) -> None:
    """A counter and a value that grows until the counter is there."""
    tiny = Tiny()
    i, x = tiny.input(dtype="int32", feed=0), tiny.input(2, 3)
    made = [((), "int32"), ((2, 3), "float32")]
    outputs = tiny.ops("WHILE", [i, x], made, "WhileOptions", CondSubgraphIndex=1, BodySubgraphIndex=2)
    tiny.subgraph(*outputs)
    i, x = tiny.input(dtype="int32"), tiny.input(2, 3)
    tiny.subgraph(tiny.op("LESS", [i, tiny.constant(5, "int32")], (), dtype="bool"))
    i, x = tiny.input(dtype="int32"), tiny.input(2, 3)
    i = tiny.op("ADD", [i, tiny.constant(1, "int32")], (), "AddOptions", dtype="int32")
    tiny.subgraph(i, tiny.op("MUL", [x, tiny.constant(1.5)], (2, 3), "MulOptions"))
    agree(tiny, [], tmp_path)


@pytest.mark.parametrize("which", [True, False])
def test_pictures_through_a_branch(tmp_path: Path, which: bool) -> None:
    """Convolutions inside and outside: their layouts are turned without one taking the other's values for its own."""
    tiny = Tiny()
    condition, x = tiny.input(dtype="bool", feed=which), tiny.input(*PICTURE)
    y = convolve(tiny, x)
    out = tiny.op("IF", [condition, y], (1, 7, 10, 6), "IfOptions", ThenSubgraphIndex=1, ElseSubgraphIndex=2)
    tiny.subgraph(tiny.op("ADD", [convolve(tiny, out, act=RELU), y], (1, 7, 10, 6), "AddOptions"))
    for inside in (False, True):
        a = tiny.input(*PICTURE)
        tiny.subgraph(convolve(tiny, a, act=RELU) if inside else tiny.op("LOGISTIC", [a], PICTURE))
    agree(tiny, [], tmp_path)


def test_pictures_through_a_loop(tmp_path: Path) -> None:
    tiny = Tiny()
    i, x = tiny.input(dtype="int32", feed=0), tiny.input(*PICTURE)
    made = [((), "int32"), (PICTURE, "float32")]
    options = {"CondSubgraphIndex": 1, "BodySubgraphIndex": 2}
    outputs = tiny.ops("WHILE", [i, convolve(tiny, x)], made, "WhileOptions", **options)
    tiny.subgraph(convolve(tiny, outputs[1]))
    i, x = tiny.input(dtype="int32"), tiny.input(*PICTURE)
    tiny.subgraph(tiny.op("LESS", [i, tiny.constant(3, "int32")], (), dtype="bool"))
    i, x = tiny.input(dtype="int32"), tiny.input(*PICTURE)
    i = tiny.op("ADD", [i, tiny.constant(1, "int32")], (), "AddOptions", dtype="int32")
    tiny.subgraph(i, tiny.op("TANH", [convolve(tiny, x)], PICTURE))
    agree(tiny, [], tmp_path)


def test_a_call_that_calls_itself_is_refused(tmp_path: Path) -> None:
    tiny = Tiny()
    x = tiny.input(2)
    tiny.subgraph(tiny.op("CALL", [x], (2,), "CallOptions", Subgraph=1))
    x = tiny.input(2)
    tiny.subgraph(tiny.op("CALL", [x], (2,), "CallOptions", Subgraph=1))
    path = tmp_path / "loop.tflite"
    path.write_bytes(tiny.finish())
    with pytest.raises(BodyDoubleError, match="call themselves"):
        to_onnx(path)


@pytest.mark.parametrize("kind", ["CALL", "STABLEHLO_COMPOSITE"])
def test_call(tmp_path: Path, kind: str) -> None:
    """LiteRT has no kernel for CALL: the answer is known."""
    tiny = Tiny()
    x = tiny.input(2)
    if kind == "CALL":
        y = tiny.op("CALL", [x], (2,), "CallOptions", Subgraph=1)
    else:
        y = tiny.op(kind, [x], (2,), "StableHLOCompositeOptions", DecompositionSubgraphIndex=1, Name="twice")
    tiny.subgraph(y)
    x = tiny.input(2)
    tiny.subgraph(tiny.op("ADD", [x, x], (2,), "AddOptions"))
    path = tmp_path / "call.tflite"
    path.write_bytes(tiny.finish())
    session = onnxruntime.InferenceSession(to_onnx(path).SerializeToString())
    (got,) = session.run(None, {"t0": np.float32([1, -2])})
    np.testing.assert_array_equal(got, [2, -4])


def variable_model(*, assigned: bool) -> bytes:
    """x + v, with v starting at (1, 2, 3) and, if assigned, becoming the sum."""
    tiny = Tiny()
    x = tiny.input(3)
    tiny.ops("CALL_ONCE", [], [], "CallOnceOptions", InitSubgraphIndex=1)
    handle = tiny.op("VAR_HANDLE", [], (), "VarHandleOptions", dtype="resource", SharedName="v", Container="")
    value = tiny.op("READ_VARIABLE", [handle], (3,), "ReadVariableOptions")
    total = tiny.op("ADD", [x, value], (3,), "AddOptions")
    if assigned:
        tiny.ops("ASSIGN_VARIABLE", [handle, total], [], "AssignVariableOptions")
    tiny.subgraph(total)
    handle = tiny.op("VAR_HANDLE", [], (), "VarHandleOptions", dtype="resource", SharedName="v", Container="")
    tiny.ops("ASSIGN_VARIABLE", [handle, tiny.constant([1.0, 2.0, 3.0])], [], "AssignVariableOptions")
    tiny.subgraph()
    return tiny.finish()


def interpreter_of(content: bytes) -> Interpreter:
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    return interpreter


def runs(interpreter: Interpreter, feeds: list[np.ndarray]) -> list[np.ndarray]:
    answers = []
    for feed in feeds:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], feed)
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).copy())
    return answers


def test_a_variable_that_is_only_read_is_a_constant(tmp_path: Path) -> None:
    path = tmp_path / "variable.tflite"
    path.write_bytes(variable_model(assigned=False))
    session = onnxruntime.InferenceSession(to_onnx(path).SerializeToString())
    feed = np.float32([10, 20, 30])
    assert [place.name for place in session.get_inputs()] == ["t0"]
    np.testing.assert_array_equal(
        session.run(None, {"t0": feed})[0], runs(interpreter_of(path.read_bytes()), [feed])[0]
    )


def test_a_variable_that_is_assigned_goes_round(tmp_path: Path) -> None:
    """Fed with what came out of the run before, it is LiteRT's over three runs."""
    path = tmp_path / "variable.tflite"
    path.write_bytes(variable_model(assigned=True))
    session = onnxruntime.InferenceSession(to_onnx(path).SerializeToString())
    assert [place.name for place in session.get_inputs()] == ["t0", "v"]
    feeds = [np.float32([1, 0, n]) for n in range(3)]
    state = np.float32([1, 2, 3])
    for feed, wanted in zip(feeds, runs(interpreter_of(path.read_bytes()), feeds), strict=True):
        got = session.run(None, {"t0": feed, "v": state})
        names = [place.name for place in session.get_outputs()]
        state = got[names.index("v_next")]
        np.testing.assert_array_equal(got[0], wanted)


def lstm(tiny: Tiny, x: int, *, size: int, units: int, coupled: bool, peepholes: bool, kind: str, **fields: Any) -> int:
    """An LSTM's 20 inputs: weights of four gates, recurrent ones, peepholes, biases, projection, state and cell."""
    shape = tiny.shapes[x]
    batch = shape[1] if fields.get("TimeMajor") else shape[0]
    gates = [-1 if coupled else tiny.noise(units, size), *(tiny.noise(units, size) for _ in range(3))]
    gates += [-1 if coupled else tiny.noise(units, units), *(tiny.noise(units, units) for _ in range(3))]
    diagonal = [tiny.noise(units) if peepholes else -1 for _ in range(3)]
    gates += [-1 if coupled else diagonal[0], *diagonal[1:]]
    gates += [-1 if coupled else tiny.noise(units), *(tiny.noise(units) for _ in range(3)), -1, -1]
    gates += [tiny.variable(batch, units), tiny.variable(batch, units)]
    made = (*shape[:-1], units)
    options = "LSTMOptions" if kind == "LSTM" else "UnidirectionalSequenceLSTMOptions"
    return tiny.op(kind, [x, *gates], made, options, FusedActivationFunction=TANH, **fields)


def sequence_model() -> bytes:
    tiny = Tiny()
    options: dict[str, Any] = {"size": 3, "units": 4, "coupled": False, "peepholes": True}
    return tiny.finish(lstm(tiny, tiny.input(2, 5, 3), kind="UNIDIRECTIONAL_SEQUENCE_LSTM", **options))


@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize("peepholes", [False, True])
@pytest.mark.parametrize("time_major", [False, True])
def test_sequence_lstm(tmp_path: Path, coupled: bool, peepholes: bool, time_major: bool) -> None:
    tiny = Tiny()
    x = tiny.input(2, 5, 3)
    y = lstm(tiny, x, size=3, units=4, coupled=coupled, peepholes=peepholes, kind="UNIDIRECTIONAL_SEQUENCE_LSTM",
             TimeMajor=time_major)  # fmt: skip
    agree(tiny, [y], tmp_path)


# LiteRT 2.3 itself writes one output of both ways to the wrong places where the batch comes first.
@pytest.mark.parametrize(("time_major", "merged"), [(False, False), (True, False), (True, True)])
def test_both_ways(tmp_path: Path, time_major: bool, merged: bool) -> None:
    tiny = Tiny()
    x, batch, units = tiny.input(2, 5, 3), 5 if time_major else 2, 4

    def weights() -> list[int]:
        matrices = [tiny.noise(units, 3) for _ in range(4)] + [tiny.noise(units, units) for _ in range(4)]
        return [*matrices, -1, -1, -1, *(tiny.noise(units) for _ in range(4)), -1, -1]

    states = [tiny.variable(batch, units) for _ in range(4)]
    made = [((2, 5, 8), "float32")] if merged else [((2, 5, 4), "float32")] * 2
    outputs = tiny.ops(
        "BIDIRECTIONAL_SEQUENCE_LSTM", [x, *weights(), *weights(), *states, *[-1] * 9], made,
        "BidirectionalSequenceLSTMOptions", FusedActivationFunction=TANH, TimeMajor=time_major, MergeOutputs=merged,
    )  # fmt: skip
    agree(tiny, outputs, tmp_path)


@pytest.mark.parametrize("time_major", [False, True])
def test_sequence_rnn(tmp_path: Path, time_major: bool) -> None:
    tiny = Tiny()
    x, batch = tiny.input(2, 5, 3), 5 if time_major else 2
    given = [x, tiny.noise(4, 3), tiny.noise(4, 4), tiny.noise(4), tiny.variable(batch, 4)]
    y = tiny.op("UNIDIRECTIONAL_SEQUENCE_RNN", given, (2, 5, 4), "SequenceRNNOptions", TimeMajor=time_major,
                FusedActivationFunction=TANH)  # fmt: skip
    agree(tiny, [y], tmp_path)


def test_both_ways_rnn(tmp_path: Path) -> None:
    tiny = Tiny()
    x = tiny.input(2, 5, 3)
    ways = [n for _ in range(2) for n in (tiny.noise(4, 3), tiny.noise(4, 4), tiny.noise(4), tiny.variable(2, 4))]
    y = tiny.op("BIDIRECTIONAL_SEQUENCE_RNN", [x, *ways, *[-1] * 3], (2, 5, 8), "BidirectionalSequenceRNNOptions",
                FusedActivationFunction=TANH, MergeOutputs=True)  # fmt: skip
    agree(tiny, [y], tmp_path)


def step(tiny: Tiny, kind: str) -> int:
    x = tiny.input(2, 3)
    if kind == "LSTM":
        return lstm(tiny, x, size=3, units=4, coupled=False, peepholes=False, kind="LSTM")
    if kind == "RNN":
        given = [x, tiny.noise(4, 3), tiny.noise(4, 4), tiny.noise(4), tiny.variable(2, 4)]
        return tiny.op("RNN", given, (2, 4), "RNNOptions", FusedActivationFunction=TANH)
    given = [x, tiny.noise(8, 3), tiny.noise(8, 5), tiny.noise(4), tiny.variable(2, 8 * 5)]
    return tiny.op("SVDF", given, (2, 4), "SVDFOptions", Rank=2)


@pytest.mark.parametrize("kind", ["LSTM", "RNN", "SVDF"])
def test_steps_keep_their_state(tmp_path: Path, kind: str) -> None:
    """One step a run: the state goes out of the one and into the next."""
    tiny = Tiny()
    path = tmp_path / "step.tflite"
    path.write_bytes(tiny.finish(step(tiny, kind)))
    session = onnxruntime.InferenceSession(to_onnx(path).SerializeToString())
    feeds = [np.random.default_rng(n).normal(size=(2, 3)).astype(np.float32) for n in range(3)]
    states = {place.name: np.zeros(place.shape, np.float32) for place in session.get_inputs()[1:]}
    assert states
    for feed, wanted in zip(feeds, runs(interpreter_of(path.read_bytes()), feeds), strict=True):
        answers = dict(
            zip([o.name for o in session.get_outputs()], session.run(None, {"t0": feed, **states}), strict=True)
        )
        states = {name: answers[f"{name}_next"] for name in states}
        np.testing.assert_allclose(next(iter(answers.values())), wanted, rtol=1e-4, atol=1e-5)


def test_feeds_are_repeatable() -> None:
    tiny = Tiny()
    tiny.input(2, 3)
    tiny.subgraph(0)
    tiny.inputs, tiny.shapes = tiny.main
    np.testing.assert_array_equal(feeds_of(tiny)[0], feeds_of(tiny)[0])


@pytest.mark.parametrize("content", [variable_model(assigned=True), sequence_model()], ids=["variable", "lstm"])
def test_damaged_files_are_one_line(tmp_path: Path, content: bytes) -> None:
    """Cut short anywhere, or with bytes changed."""
    random = np.random.default_rng(5)
    path = tmp_path / "damaged.tflite"
    for number in range(60):
        changed = np.frombuffer(content, np.uint8).copy()
        if number % 3 == 0:
            changed = changed[: random.integers(8, len(content))]
        else:
            changed[random.integers(8, len(content), 4)] = random.integers(0, 256, 4)
        path.write_bytes(changed.tobytes())
        try:
            to_onnx(path)
        except BodyDoubleError as error:
            assert "\n" not in str(error)
