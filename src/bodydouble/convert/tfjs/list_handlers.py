"""TensorList and TensorArray operators, on the lists of lists.py.

A TensorArray travels in its `flow`: the handle is only its name, so that reads and writes stay in order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bodydouble.convert.graph import Dims
from bodydouble.convert.tfjs import lists
from bodydouble.convert.tfjs.calls import Call, handles
from bodydouble.convert.tfjs.lists import TensorList
from bodydouble.types import BodyDoubleError

FLOAT = np.dtype(np.float32)


def _list(call: Call, position: int) -> TensorList:
    """The list that an input is."""
    thing = call.given[position] if call.has(position) else None
    if not isinstance(thing, TensorList):
        raise BodyDoubleError(f"{call.record.op} whose input {position} is no list")
    return thing


def _stated(call: Call, position: int) -> Dims | None:
    """The dims of items that an input states, with "" for open sizes; None for an unknown rank."""
    sizes = call.known(position) if call.has(position) else None
    if sizes is None or sizes.ndim == 0:
        return None
    return tuple("" if n < 0 else int(n) for n in sizes)


def _attribute(call: Call) -> Dims | None:
    shape = call.attr("element_shape")
    return None if shape is None else tuple("" if n < 0 else int(n) for n in shape)


def _dtype(call: Call, name: str) -> np.dtype[Any]:
    return call.attr(name) or FLOAT


@handles("TensorListReserve")
def _reserve(call: Call) -> TensorList:
    return lists.reserved(call.g, call.x(1), _dtype(call, "element_dtype"), _stated(call, 0))


@handles("EmptyTensorList")
def _empty(call: Call) -> TensorList:
    return TensorList(_dtype(call, "element_dtype"), _stated(call, 0), items=())


@handles("TensorListFromTensor")
def _from_tensor(call: Call) -> TensorList:
    return lists.of_tensor(call.g, call.x(0))


@handles("TensorListGetItem")
def _get(call: Call) -> str:
    return lists.item(call.g, _list(call, 0), call.x(1))


@handles("TensorListSetItem")
def _set(call: Call) -> TensorList:
    return lists.with_item(call.g, _list(call, 0), call.x(1), call.x(2))


@handles("TensorListStack")
def _stack(call: Call) -> str:
    return lists.together(call.g, _list(call, 0))


@handles("TensorListGather")
def _gather(call: Call) -> str:
    return lists.picked(call.g, _list(call, 0), call.x(1))


@handles("TensorListLength")
def _length(call: Call) -> str:
    return lists.length(call.g, _list(call, 0))


@handles("TensorListPushBack")
def _push(call: Call) -> TensorList:
    return lists.pushed(call.g, _list(call, 0), call.x(1))


@handles("TensorListPopBack")
def _pop(call: Call) -> tuple[TensorList, str]:
    return lists.popped(call.g, _list(call, 0))


@handles("TensorListResize")
def _resize(call: Call) -> TensorList:
    return lists.resized(call.g, _list(call, 0), call.x(1))


@handles("TensorListConcat", "TensorListConcatV2")
def _concat(call: Call) -> tuple[str, ...]:
    value, lengths = lists.end_to_end(call.g, _list(call, 0))
    return (value, lengths) if lengths else (value,)


@handles("TensorListSplit")
def _split(call: Call) -> TensorList:
    items = lists.parts(call.g, call.x(0), call.numbers(2))
    return TensorList(call.dtype(0), None, items=items)


@handles("TensorListScatter", "TensorListScatterV2")
def _scatter(call: Call) -> TensorList:
    return _scattered(call, call.x(0), call.x(1))


def _scattered(call: Call, tensor: str, indices: str) -> TensorList:
    """The rows of a tensor put at indices; those of a ramp from 0 stay where they are."""
    g, known = call.g, call.g.known(indices)
    if known is None:
        maker = g.makers.get(indices)
        start = g.known(maker.inputs[0]) if maker is not None and maker.op == "Range" else None
        if start is not None and int(start) == 0:
            return lists.of_tensor(g, tensor)
        raise BodyDoubleError(f"{call.record.op} at indices known only at run time")
    places = [int(n) for n in known.ravel()]
    if places == list(range(len(places))):
        return lists.of_tensor(g, tensor)
    size = g.dims(tensor)[0]
    if size != len(places):
        raise BodyDoubleError(f"{call.record.op} of {size} rows at {len(places)} indices")
    items: list[str | None] = [None] * (max(places, default=-1) + 1)
    for row, place in enumerate(places):
        items[place] = g.emit("Gather", tensor, g.scalar(row, np.int64), axis=0)
    return TensorList(g.dtype(tensor), g.dims(tensor)[1:], items=tuple(items))


@handles("TensorArrayV3")
def _array(call: Call) -> tuple[TensorList, TensorList]:
    made = lists.reserved(call.g, call.x(0), _dtype(call, "dtype"), _attribute(call))
    return made, made


@handles("TensorArrayWriteV3")
def _array_write(call: Call) -> TensorList:
    return lists.with_item(call.g, _list(call, 3), call.x(1), call.x(2))


@handles("TensorArrayReadV3")
def _array_read(call: Call) -> str:
    return lists.item(call.g, _list(call, 2), call.x(1))


@handles("TensorArrayGatherV3")
def _array_gather(call: Call) -> str:
    return lists.picked(call.g, _list(call, 2), call.x(1))


@handles("TensorArrayScatterV3")
def _array_scatter(call: Call) -> TensorList:
    return _scattered(call, call.x(2), call.x(1))


@handles("TensorArrayConcatV3")
def _array_concat(call: Call) -> tuple[str, ...]:
    value, lengths = lists.end_to_end(call.g, _list(call, 1))
    return (value, lengths) if lengths else (value,)


@handles("TensorArraySplitV3")
def _array_split(call: Call) -> TensorList:
    return TensorList(call.dtype(1), None, items=lists.parts(call.g, call.x(1), call.numbers(2)))


@handles("TensorArraySizeV3")
def _array_size(call: Call) -> str:
    return lists.length(call.g, _list(call, 1))


@handles("TensorArrayCloseV3")
def _array_close(call: Call) -> tuple[()]:
    return ()
