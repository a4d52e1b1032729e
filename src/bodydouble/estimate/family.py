"""What every pose model offers, and the register of model families.

A family is a function that makes an estimator of one of its models; a module registers it with @family("name", ...).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from bodydouble.models import Progress, silent
from bodydouble.skeletons import Skeleton
from bodydouble.types import Array, BodyDoubleError, Frame, Pose


class Estimator(Protocol):
    """Frames in, poses out; remembers where the people were.

    model: its name in the zoo. skeleton: the layout of its poses. provider: the device in use, "cpu", "cuda", ...
    """

    @property
    def model(self) -> str: ...  # noqa: D102

    @property
    def skeleton(self) -> Skeleton: ...  # noqa: D102

    @property
    def provider(self) -> str: ...  # noqa: D102

    def __call__(self, frame: Frame) -> list[Pose]:
        """The people in the frame, in its pixels; [] means looked, and nobody is there."""
        ...

    def reset(self) -> None:
        """Forget everybody, as before the first frame."""
        ...


@runtime_checkable
class Aimed(Estimator, Protocol):
    """An estimator that can be pointed at one person, whose place somebody else knows. Optional for a family.

    Evaluation with the annotated people's boxes asks for it, and combinations in which one model finds the people for
    another.
    """

    def estimate_in(self, frame: Frame, box: Array) -> Pose | None:
        """The person in a box, in the frame's pixels.

        box: (4,) x, y, width, height of an upright rectangle around what is visible of the person, pixels of the frame,
        x and y its top-left corner; it may be partly outside the frame. The family chooses the region that its network
        sees: wider than the box, rotated, found by looking more than once.

        That the person is there is known: a low score is no reason to return None, which means that the box gives no
        region at all (no area, or none of it inside the frame). Where several people are in the region, the answer is
        the one whom the box fits best. Pose.score is the model's own confidence and Pose.time the frame's; points are
        not cut at the box.

        Leaves no trace: neither what is remembered of earlier frames nor an earlier call changes the answer, and the
        next __call__ answers as if this one had not been. Raises BodyDoubleError for a box of another shape.
        """
        ...


@runtime_checkable
class Steered(Estimator, Protocol):
    """An estimator that follows whom it is told to. Optional for a family; a live run asks for it.

    others: how many people were found beside the one who is followed when that one was taken; 0 after follow().
    """

    @property
    def others(self) -> int: ...  # noqa: D102

    def follow(self, frame: Frame, box: Array) -> bool:
        """From now on follow the one person in a box, whoever else is there; False, and nothing changes, if nobody is.

        box: (4,) x, y, width, height around what is visible of the person, pixels of the frame.
        """
        ...

    def take_over(self, before: Estimator) -> bool:
        """Follow whom another estimator followed, from where they were; False, and nothing changes, if it cannot."""
        ...


# model, device, people, threads, progress of fetching
Factory = Callable[[str, str, int, int | None, Progress], Estimator]

FAMILIES: dict[str, Factory] = {}


def family(*models: str) -> Callable[[Factory], Factory]:
    """Registers a function as the maker of these models. Raises BodyDoubleError for a name that is taken."""

    def register(make: Factory) -> Factory:
        for model in models:
            if model in FAMILIES:
                raise BodyDoubleError(f'pose model "{model}" is registered twice; give one of them another name')
            FAMILIES[model] = make
        return make

    return register


def models() -> tuple[str, ...]:
    """The names that `load` knows, in order."""
    return tuple(sorted(FAMILIES))


def load(
    model: str = "blazepose-full",
    *,
    device: str = "auto",
    people: int = 1,
    threads: int | None = None,
    progress: Progress = silent,
) -> Estimator:
    """An estimator, its weights fetched and converted if they are not in the cache yet.

    device: auto, cpu, cuda, tensorrt, directml, coreml or openvino. people: 1 locks on to the largest person; more
    follows as many. threads: of ONNX Runtime, None for as many as there are cores, at most four. progress: of fetching.
    Raises BodyDoubleError for an unknown model, a device that cannot be had, or people less than 1.
    """
    if model not in FAMILIES:
        raise BodyDoubleError(f'no pose model "{model}"; choose from {", ".join(models())}')
    if people < 1:
        raise BodyDoubleError(f"{people} people asked for; give 1 to follow one person, or more")
    return FAMILIES[model](model, device, people, threads, progress)
