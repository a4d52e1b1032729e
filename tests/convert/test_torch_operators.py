"""Each ONNX operator as PyTorch, against ONNX Runtime: values, and the same again after saving and reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: pip install 'bodydouble[train]' runs these tests"
)

from bodydouble.convert import to_torch  # noqa: E402
from bodydouble.convert.torch_model import save  # noqa: E402

HEAD = '<ir_version: 8, opset_import: ["" : 17]>'

UNARY = """Abs Acosh:Abs,Exp Asinh Atan Ceil Cos Cosh Erf Exp Floor HardSigmoid HardSwish Identity LeakyRelu Elu Selu
Celu Log:Exp Neg Reciprocal:Exp Relu Round Sigmoid Sign Sin Sinh Softplus Softsign Sqrt:Exp Tan Tanh ThresholdedRelu"""

# name: (outputs, body). x is (2, 3, 6, 5), y the same, i an index tensor (2, 2) int64 of 0..2, b is x > 0.
CASES: dict[str, str] = {
    "sums": "z = Add(x, y)  o = Sum(z, x, y)",
    "scalar-first": "c = Constant<value_float: float = 2.0>()  z = Sub(c, x)  o = Div(c, z)",
    "pow": "c = Constant<value_float: float = 3.0>()  o = Pow(x, c)",
    "min-max": "c = Constant<value_float: float = 0.1>()  z = Min(x, y, c)  w = Max(z, c)  o = Mean(w, x)",
    "div-int": "c = Constant<value_int: int = -2>()  z = Neg(i)  w = Add(z, i)  v = Sub(w, i)  o = Div(v, c)",
    "mod-int": "c = Constant<value_int: int = 3>()  z = Neg(i)  o = Mod(z, c)",
    "mod-float": "c = Constant<value_float: float = 0.7>()  o = Mod<fmod: int = 1>(x, c)",
    "logic": "a = Greater(x, y)  n = Not(a)  c = And(n, b)  d = Or(c, a)  e = Xor(d, b)  o = Where(e, x, y)",
    "clip": "l = Constant<value_float: float = -0.5>()  h = Constant<value_float: float = 0.5>()  o = Clip(x, l, h)",
    "clip-below": "l = Constant<value_float: float = -0.5>()  o = Clip(x, l)",
    "cast": "z = Cast<to: int = 7>(x)  o = Cast<to: int = 1>(z)",
    "is-nan": "z = Log(x)  n = IsNaN(z)  m = IsInf<detect_negative: int = 0>(z)  o = Or(n, m)",
    "reshape": "s = Constant<value_ints: ints = [0, -1, 5]>()  o = Reshape(x, s)",
    "reshape-shape": """s = Shape(x)  k = Constant<value_ints: ints = [1, 0]>()  t = Gather(s, k)
        m = Constant<value_ints: ints = [-1]>()  u = Concat<axis: int = 0>(t, m)  o = Reshape(x, u)""",
    "shape-arithmetic": """s = Shape(x)  f = Cast<to: int = 1>(s)  h = Constant<value_float: float = 0.5>()
        g = Mul(f, h)  e = Ceil(g)  o = Cast<to: int = 7>(e)""",
    "flatten": "o = Flatten<axis: int = 2>(x)",
    "transpose": "o = Transpose<perm: ints = [0, 2, 3, 1]>(x)",
    "squeeze": """a = Constant<value_ints: ints = [0, 3]>()  z = Unsqueeze(x, a)  c = Constant<value_ints: ints = [3]>()
        o = Squeeze(z, c)""",
    "concat": "o = Concat<axis: int = 1>(x, y)",
    "split": "s = Constant<value_ints: ints = [1, 2]>()  o, p = Split<axis: int = 1>(x, s)",
    "split-equal": "o, p, q = Split<axis: int = 2>(x)",
    "slice": """a = Constant<value_ints: ints = [1, -3]>()  e = Constant<value_ints: ints = [9223372036854775807, -1]>()
        w = Constant<value_ints: ints = [2, -1]>()  o = Slice(x, a, e, w)""",
    "slice-back": """a = Constant<value_ints: ints = [-1]>()  e = Constant<value_ints: ints = [-9223372036854775807]>()
        w = Constant<value_ints: ints = [2]>()  t = Constant<value_ints: ints = [-2]>()  o = Slice(x, a, e, w, t)""",
    "expand": "r = ReduceSum<keepdims: int = 1>(x, last)  s = Shape(y)  o = Expand(r, s)",
    "tile": "r = Constant<value_ints: ints = [1, 2, 1, 3]>()  o = Tile(x, r)",
    "range": """s = Shape(x)  k = Constant<value: tensor = int64 {2}>()  n = Gather(s, k)
        a = Constant<value: tensor = int64 {0}>()  t = Constant<value: tensor = int64 {2}>()  o = Range(a, n, t)""",
    "of-shape": "s = Shape(x)  o = ConstantOfShape<value: tensor = float[1] {0.5}>(s)",
    "pad": """p = Constant<value_ints: ints = [0, 0, 1, 2, 0, 1, 0, -1]>()
        v = Constant<value_float: float = 7.0>()  o = Pad(x, p, v)""",
    "pad-reflect": """p = Constant<value_ints: ints = [0, 1, 1, 2, 0, 1, 0, 1]>()
        o = Pad<mode: string = "reflect">(x, p)""",
    "pad-edge": 'p = Constant<value_ints: ints = [1, 0, 1, 2, 0, 0, 3, 1]>()  o = Pad<mode: string = "edge">(x, p)',
    "depth-to-space": """z = Concat<axis: int = 1>(x, y, x, y)
        w = DepthToSpace<blocksize: int = 2>(z)  o = SpaceToDepth<blocksize: int = 2>(w)""",
    "depth-to-space-crd": """z = Concat<axis: int = 1>(x, y, x, y)
        o = DepthToSpace<blocksize: int = 2, mode: string = "CRD">(z)""",
    "non-zero": "o = NonZero(b)",
    "one-hot": """d = Constant<value_int: int = 4>()  v = Constant<value_floats: floats = [-1.0, 2.0]>()
        o = OneHot(i, d, v)""",
    "gather": "o = Gather<axis: int = 2>(x, i)",
    "gather-constant": "k = Constant<value_ints: ints = [-1, 0]>()  o = Gather<axis: int = 3>(x, k)",
    "gather-elements": "z = Cast<to: int = 1>(i)  o = GatherElements<axis: int = 1>(z, j)",
    "gather-nd": "o = GatherND(x, j)",
    "gather-nd-batch": "o = GatherND<batch_dims: int = 1>(x, j)",
    "scatter-nd": "u = GatherND(y, j)  o = ScatterND(x, j, u)",
    "scatter-elements": "z = Cast<to: int = 1>(i)  u = Neg(z)  o = ScatterElements<axis: int = 1>(z, j, u)",
    "reduce": """a = ReduceMean<axes: ints = [1, 2]>(x)  d = ReduceMax<axes: ints = [-1], keepdims: int = 0>(x)
        e = ReduceMin<keepdims: int = 0>(x)  f = ReduceL2<axes: ints = [3], keepdims: int = 0>(x)
        g = Add(d, f)  o = Add(g, e)  p = Neg(a)""",
    "reduce-prod": "o = ReduceProd<axes: ints = [1, 3]>(x)",
    "reduce-int": "o = ReduceSum(i, last)",
    "log-sum-exp": "z = ReduceLogSumExp<axes: ints = [1]>(x)  w = ReduceSumSquare<axes: ints = [1]>(x)  o = Add(z, w)",
    "arg": "o = ArgMax<axis: int = 2>(x)  p = ArgMin<axis: int = 3, keepdims: int = 0>(x)",
    "arg-last": "z = Sign(x)  o = ArgMax<axis: int = 2, select_last_index: int = 1>(z)",
    "top-k": "k = Constant<value_ints: ints = [3]>()  z = Sign(x)  o, p = TopK<axis: int = 2>(z, k)",
    "softmax": "o = Softmax<axis: int = 1>(x)",
    "cumulative": """a = Constant<value_int: int = 2>()  z = CumSum<exclusive: int = 1>(x, a)
        o = CumSum<reverse: int = 1>(z, a)""",
    "einsum": 'o = Einsum<equation: string = "nchw,nchw->nhw">(x, y)',
    "matmul": "t = Transpose<perm: ints = [0, 1, 3, 2]>(y)  o = MatMul(x, t)",
    "max-pool": """o = MaxPool<kernel_shape: ints = [3, 2], strides: ints = [2, 1], pads: ints = [0, 0, 1, 1],
        dilations: ints = [1, 2]>(x)""",
    "max-pool-same": 'o = MaxPool<kernel_shape: ints = [3, 2], strides: ints = [2, 2], auto_pad: string = "SAME_UPPER">(x)',  # noqa: E501
    "average-pool": "o = AveragePool<kernel_shape: ints = [3, 2], strides: ints = [2, 1], pads: ints = [0, 0, 1, 1]>(x)",  # noqa: E501
    "average-pool-even": "o = AveragePool<kernel_shape: ints = [3, 3], pads: ints = [1, 1, 1, 1]>(x)",
    "global-pool": "z = GlobalAveragePool(x)  w = GlobalMaxPool(y)  o = Add(z, w)",
    "quantize": """s = Constant<value_float: float = 0.05>()  z = Constant<value: tensor = int8 {3}>()
        q = QuantizeLinear(x, s, z)  o = DequantizeLinear(q, s, z)""",
    "quantize-channels": """s = Constant<value_floats: floats = [0.05, 0.02, 0.1]>()
        z = Constant<value: tensor = uint8[3] {128, 100, 7}>()
        q = QuantizeLinear<axis: int = 1>(x, s, z)  o = DequantizeLinear<axis: int = 1>(q, s, z)""",
    "quantize-only": """s = Constant<value_float: float = 0.05>()  z = Constant<value: tensor = int8 {3}>()
        o = QuantizeLinear(x, s, z)""",
    "grid-sample": """z = Concat<axis: int = 1>(x, y)
        w = Reshape(z, grid)  v = Tanh(w)  o = GridSample<align_corners: int = 1>(x, v)""",
    "batch-norm": """s = Constant<value_floats: floats = [1.0, 2.0, 0.5]>()
        m = Constant<value_floats: floats = [0.1, 0.0, -0.3]>()
        v = Constant<value_floats: floats = [1.0, 0.2, 3.0]>()  o = BatchNormalization(x, s, m, m, v)""",
    "instance-norm": """s = Constant<value_floats: floats = [1.0, 2.0, 0.5]>()  o = InstanceNormalization(x, s, s)""",
    "layer-norm": """s = Constant<value_floats: floats = [1.0, 2.0, 0.5, 1.0, -1.0]>()
        o = LayerNormalization(x, s, s)""",
    "suppression": """k = Constant<value_ints: ints = [1, -1, 4]>()
        z = Concat<axis: int = 0>(x, y, x, y)
        w = Reshape(z, k)  h = Constant<value_ints: ints = [1, 2, -1]>()  v = Sin(z)  f = Reshape(v, h)
        a = Constant<value_ints: ints = [0]>()  e = Constant<value_ints: ints = [180]>()
        d = Constant<value_ints: ints = [2]>()  s = Slice(f, a, e, d)
        m = Constant<value_int: int = 9>()  u = Constant<value_float: float = 0.3>()
        n = Constant<value_float: float = -0.4>()  o = NonMaxSuppression(w, s, m, u, n)""",
    "if": """r = ReduceSum<keepdims: int = 0>(x)  c0 = Constant<value_float: float = 0.0>()  w = Greater(r, c0)
        o = If(w) <then_branch = f () => (float[a,c,d,e] p) { p = Add(x, y) },
                   else_branch = g () => (float[a,c,d,e] q) { q = Sub(x, r) }>""",
    "loop": """m = Constant<value: tensor = int64 {7}>()  g = Constant<value: tensor = bool {1}>()
        o, p = Loop(m, g, x) <body = f (int64 n, bool k, float[2,3,6,5] v) => (bool h, float[2,3,6,5] w, float[] s) {
            w = Add(v, y)  s = ReduceSum<keepdims: int = 0>(w)
            l = Constant<value: tensor = int64 {3}>()  h = Less(n, l) }>""",
}
for direction, sides in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
    for layer, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        reset = ", linear_before_reset: int = 1" if layer == "GRU" else ""
        sizes = {"w": (sides, 2 * gates, 5), "r": (sides, 2 * gates, 2), "c": (sides, 4 * gates)}
        stored = "".join(
            f"{name}s = Constant<value_ints: ints = {list(shape)}>()  {name}n = Range(zero, {name}e, one)  "
            f"{name}f = Cast<to: int = 1>({name}n)  {name}g = Sin({name}f)  {name} = Reshape({name}g, {name}s)  "
            for name, shape in sizes.items()
        )
        ends = "".join(
            f"{name}e = Constant<value_int: int = {int(np.prod(shape))}>()  " for name, shape in sizes.items()
        )
        more = ", q" if layer == "LSTM" else ""
        CASES[f"{layer}-{direction}"] = f"""zero = Constant<value_int: int = 0>()  one = Constant<value_int: int = 1>()
            {ends}{stored}k = Constant<value_ints: ints = [6, 6, 5]>()  z = Reshape(x, k)
            o, p{more} = {layer}<hidden_size: int = 2, direction: string = "{direction}"{reset}>(z, w, r, c)"""
CASES[
    "reverse-sequence"
] = """l = Constant<value_ints: ints = [6, 1, 3]>()  k = Constant<value_ints: ints = [12, 3, 5]>()
    z = Reshape(x, k)  o = ReverseSequence<time_axis: int = 0, batch_axis: int = 1>(z, l)"""
CASES["unique"] = "z = Sign(x)  o, p, q, r = Unique<sorted: int = 0>(z)"
CASES["unique-axis"] = "z = Gather<axis: int = 3>(x, i)  o, p, q, r = Unique<axis: int = 1>(z)"
# Four entries: ONNX Runtime's transform of other lengths is a hundred times less exact.
CASES["dft"] = """k = Constant<value_ints: ints = [45, 4, 2]>()  v = Concat<axis: int = 0>(x, y)  z = Reshape(v, k)
    o = DFT<axis: int = 1>(z)  p = DFT<axis: int = 1, inverse: int = 1>(o)"""
CASES["dft-real"] = """k = Constant<value_ints: ints = [45, 4, 1]>()  z = Reshape(x, k)
    o = DFT<axis: int = 1, onesided: int = 1>(z)  p = DFT<axis: int = 1>(z)"""
for word in UNARY.split():
    kind, _, before = word.partition(":")
    body = "".join(
        f"v{n} = {op}({'x' if n == 0 else f'v{n - 1}'})  " for n, op in enumerate(before.split(",") if before else [])
    )
    last = f"v{len(before.split(',')) - 1}" if before else "x"
    more = f"  one = Constant<value_float: float = 1.0>()  u = Add({last}, one)" if kind == "Acosh" else ""
    CASES[f"unary-{kind}"] = f"{body}{more}  o = {kind}({'u' if more else last})"
for coordinates in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"):
    for size in ("[2, 3, 9, 10]", "[2, 3, 4, 3]"):
        for mode, rounding in (
            ("linear", ""),
            ("nearest", "floor"),
            ("nearest", "round_prefer_floor"),
            ("nearest", "round_prefer_ceil"),
        ):
            options = f'mode: string = "{mode}", coordinate_transformation_mode: string = "{coordinates}"'
            options += f', nearest_mode: string = "{rounding}"' if rounding else ""
            CASES[f"resize-{mode}-{coordinates}-{rounding}-{size}"] = (
                f"s = Constant<value_ints: ints = {size}>()  o = Resize<{options}>(x, , , s)"
            )
CASES["resize-scales"] = (
    "s = Constant<value_floats: floats = [1.0, 1.0, 1.7, 2.0]>()  "
    'o = Resize<mode: string = "linear", coordinate_transformation_mode: string = "asymmetric">(x, , s)'
)
CASES["resize-cubic"] = 's = Constant<value_ints: ints = [2, 3, 9, 10]>()  o = Resize<mode: string = "cubic">(x, , , s)'


def parsed(body: str, sizes: str = "2,3,6,5") -> onnx.ModelProto:
    """A model of the inputs above; its outputs are o, p, q as far as the body makes them."""
    made = [name for name in "opq" if f" {name} =" in f" {body}" or f" {name}," in f" {body}" or f", {name} =" in body]
    outer = body.split("<then_branch")[0].split("<body")[0]
    made = [name for name in made if f"{name} =" in outer or f"{name}," in outer]
    text = f"""{HEAD} g (float[{sizes}] x, float[{sizes}] y, int64[2,2] i, int64[2,2] j, bool[{sizes}] b)
        => ({", ".join(f"undefined {name}" for name in made)})
        <int64[1] last = {{1}}, int64[4] grid = {{2, 9, 10, 2}}> {{ {body} }}"""
    model = onnx.parser.parse_model(text.replace("undefined ", "float[] "))
    for place in model.graph.output:
        place.type.Clear()
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    for place in inferred.graph.output:
        if not place.type.HasField("tensor_type"):
            place.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    return inferred


def inputs() -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)
    x, y = random.normal(size=(2, 2, 3, 6, 5)).astype(np.float32)
    index = np.array([[0, 2], [1, 0]])
    return {"x": x, "y": y, "i": index, "j": np.array([[1, 0], [0, 1]]), "b": x > 0}


def reference(model: onnx.ModelProto, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [place.name for place in session.get_outputs()]
    wanted = {place.name for place in session.get_inputs()}
    return dict(zip(names, session.run(names, {k: v for k, v in feed.items() if k in wanted}), strict=True))


def compared(network: torch.nn.Module, feed: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    with torch.no_grad():
        got = network(*(torch.from_numpy(values) for values in feed.values()))
    assert list(got) == list(wanted)
    for name, values in wanted.items():
        assert got[name].numpy().dtype == values.dtype
        np.testing.assert_allclose(got[name].numpy(), values, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", CASES)
def test_operator(name: str, tmp_path: Path) -> None:
    model, feed = parsed(CASES[name]), inputs()
    network, wanted = to_torch(model), reference(model, feed)
    compared(network, feed, wanted)
    save(network, tmp_path / "model.pt")
    compared(torch.load(tmp_path / "model.pt", weights_only=False), feed, wanted)


OPEN = [
    "reshape-shape",
    "shape-arithmetic",
    "expand",
    "range",
    "of-shape",
    "slice",
    "slice-back",
    "tile",
    "split-equal",
    "flatten",
]
OPEN += [
    "depth-to-space",
    "max-pool-same",
    "average-pool",
    "gather-nd-batch",
    "pad",
    "resize-scales",
    "reduce",
    "loop",
    "if",
]


@pytest.mark.parametrize("name", OPEN)
def test_operator_with_open_sizes(name: str, tmp_path: Path) -> None:
    """Sizes known only at run time: the same graph takes pictures of two sizes."""
    body = CASES[name].replace("float[2,3,6,5]", "float[n,3,h,w]")
    model = parsed(body, "n,3,h,w")
    network = to_torch(model)
    save(network, tmp_path / "model.pt")
    again = torch.load(tmp_path / "model.pt", weights_only=False)
    first = inputs()
    larger = {k: np.concatenate([v, v], axis=2) if v.ndim == 4 else v for k, v in first.items()}
    for feed in (first, larger):
        compared(network, feed, reference(model, feed))
        compared(again, feed, reference(model, feed))
