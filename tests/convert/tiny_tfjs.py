"""Tiny TensorFlow.js graph models, made by hand: nodes and weights as the converter of TensorFlow writes them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

NAMES = {"float32": "DT_FLOAT", "int32": "DT_INT32", "bool": "DT_BOOL", "object": "DT_STRING"}


@dataclass(frozen=True)
class Func:
    """An attribute that names a function."""

    name: str


@dataclass(frozen=True)
class Type:
    """An attribute that is a type."""

    name: str


@dataclass(frozen=True)
class Shape:
    """An attribute that is a shape; None for an unknown rank."""

    sizes: tuple[int, ...] | None


def attribute(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"b": value}
        case int():
            return {"i": str(value)}
        case float():
            return {"f": value}
        case str():
            return {"s": base64.b64encode(value.encode()).decode()}
        case Func():
            return {"func": {"name": value.name}}
        case Type():
            return {"type": value.name}
        case Shape(None):
            return {"shape": {"unknownRank": True}}
        case Shape():
            return {"shape": {"dim": [{"size": str(n)} for n in value.sizes]}}
        case list() | tuple():
            (kind,) = {next(iter(attribute(item))) for item in value} or {"i"}
            return {"list": {kind: [attribute(item)[kind] for item in value]}}
    raise TypeError(value)


@dataclass
class Tiny:
    """One model in the making. Every method answers the name of the tensor that it makes."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    weights: list[dict[str, Any]] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    functions: list[dict[str, Any]] = field(default_factory=list)
    prefix: str = ""

    def node(self, op: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"{self.prefix}{op}_{len(self.nodes)}"
        attr = {key: attribute(value) for key, value in attributes.items()}
        self.nodes.append({"name": name, "op": op, "input": list(inputs), "attr": attr})
        return name

    def input(self, *shape: int, dtype: str = "DT_FLOAT", name: str = "", rank: bool = True) -> str:
        return self.node(
            "Placeholder", name=name or f"x{len(self.nodes)}", shape=Shape(shape if rank else None), dtype=Type(dtype)
        )

    def constant(self, values: Any, dtype: str = "", name: str = "", controls: Sequence[str] = ()) -> str:
        array = np.asarray(values)
        kind = dtype or {"f": "float32", "i": "int32", "b": "bool", "O": "object"}[array.dtype.kind]
        array = array.astype(kind)
        name = self.node("Const", *controls, name=name, dtype=Type(NAMES[kind]))
        self.weight(name, array.shape, kind, array.tobytes())
        return name

    def weight(self, name: str, shape: Sequence[int], dtype: str, data: bytes, quantization: Any = None) -> None:
        entry: dict[str, Any] = {"name": name, "shape": list(shape), "dtype": dtype}
        if quantization:
            entry["quantization"] = quantization
        self.weights.append(entry)
        self.data.append(data)

    def quantized(self, values: Any, kind: str, scale: float = 1.0, least: float = 0.0, dtype: str = "float32") -> str:
        """A constant stored as float16, uint8 or uint16."""
        array = np.asarray(values, kind)
        name = self.node("Const", dtype=Type(NAMES[dtype]))
        more = {} if kind == "float16" else {"scale": scale, "min": least}
        self.weight(name, array.shape, dtype, array.tobytes(), {"dtype": kind, **more})
        return name

    def function(self, name: str, arguments: Sequence[str], build: Any) -> Func:
        """A function of the library. build(tiny, *arguments) answers the names of its results."""
        inner = Tiny(prefix=f"{name}/")
        results = build(inner, *arguments)
        self.weights += inner.weights
        self.data += inner.data
        signature = {
            "name": name,
            "inputArg": [{"name": argument, "type": "DT_FLOAT"} for argument in arguments],
            "outputArg": [{"name": f"out{n}", "type": "DT_FLOAT"} for n in range(len(results))],
        }
        returned = {f"out{n}": result if ":" in result else f"{result}:0" for n, result in enumerate(results)}
        self.functions.append({"signature": signature, "nodeDef": inner.nodes, "ret": returned})
        return Func(name)

    def content(self, outputs: Mapping[str, str] | Sequence[str] = (), *, shards: Sequence[str]) -> dict[str, Any]:
        named = outputs if isinstance(outputs, Mapping) else {name: name for name in outputs}
        topology: dict[str, Any] = {"node": self.nodes, "versions": {"producer": 1, "minConsumer": 1}}
        if self.functions:
            topology["library"] = {"function": self.functions}
        content: dict[str, Any] = {
            "format": "graph-model",
            "modelTopology": topology,
            "weightsManifest": [{"paths": list(shards), "weights": self.weights}],
        }
        if named:
            content["signature"] = {"outputs": {key: {"name": name} for key, name in named.items()}}
        return content

    def write(self, folder: Path, outputs: Mapping[str, str] | Sequence[str] = (), *, shards: int = 1) -> Path:
        """model.json and its shards, each with as many bytes as the others."""
        data = b"".join(self.data)
        size = -(-max(len(data), 1) // shards)
        names = [f"shard{n}.bin" for n in range(shards)]
        for n, name in enumerate(names):
            (folder / name).write_bytes(data[n * size : (n + 1) * size])
        path = folder / "model.json"
        path.write_text(json.dumps(self.content(outputs, shards=names)))
        return path
