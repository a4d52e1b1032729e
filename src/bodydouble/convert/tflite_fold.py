"""Works out at once what an operator computes from constants alone: sizes, indices, tables."""

from __future__ import annotations

from collections.abc import Sequence

from bodydouble.convert.graph import Builder, Node, Tensor

# Larger constants stay computed: the runtime folds them when it opens the model, and the file stays small.
LARGEST = 1 << 16  # elements


def folded(builder: Builder, start: int, outputs: Sequence[str]) -> list[Tensor] | None:
    """The outputs of the nodes from `start` on, which are then taken out of the graph; None where they are large or
    read anything that is not constant.
    """
    nodes = builder.nodes[start:]
    if not nodes:
        return None
    inside = {name for node in nodes for name in node.outputs}
    read = {name for node in nodes for name in node.inputs if name} - inside
    if any(name not in builder.constants for name in read) or any(node.bodies for node in nodes):
        return None
    large = sum(builder.constants[name].size for name in read) > LARGEST
    if large or any(not _small(builder, name) for name in inside):
        return None
    arrays = {name: builder.constants[name].astype(builder.values[name].dtype) for name in read}
    answers = _run(nodes, arrays, outputs)
    if answers is not None:
        del builder.nodes[start:]
    return answers


def _small(builder: Builder, name: str) -> bool:
    size = 1
    for n in builder.values[name].dims or ():
        size *= n if isinstance(n, int) else 1
    return size <= LARGEST


def _run(nodes: Sequence[Node], arrays: dict[str, Tensor], outputs: Sequence[str]) -> list[Tensor] | None:
    import onnx
    from onnx.reference import ReferenceEvaluator

    from bodydouble.convert import OPSET

    made = [onnx.helper.make_node(n.op, list(n.inputs), list(n.outputs), **n.attributes) for n in nodes]
    places = [onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
              for name, array in arrays.items()]  # fmt: skip
    wanted = [onnx.ValueInfoProto(name=name) for name in outputs if name not in arrays]
    graph = onnx.helper.make_graph(made, "fold", places, wanted)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)])
    try:
        answers = ReferenceEvaluator(model).run([name for name in outputs if name not in arrays], arrays)
    except (RuntimeError, ValueError, TypeError, NotImplementedError, IndexError):
        return None  # the reference has not that operator: it is worked out when the model runs
    found = dict(zip([name for name in outputs if name not in arrays], answers, strict=True))
    return [arrays[name] if name in arrays else found[name] for name in outputs]
