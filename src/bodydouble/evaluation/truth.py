"""Annotated pictures: what a COCO keypoint file says, checked when read.

Pixels of the picture as stored (COCO applies no orientation tag), x right, y down. Visibility: 0 not labelled,
1 labelled but hidden, 2 visible. Points go by the names in the file's category, so other layouts than COCO-17 work.
Source: cocodataset.org, format-data; cocodataset/cocoapi, PythonAPI/pycocotools/cocoeval.py
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bodydouble.skeletons import COCO_17
from bodydouble.types import Array, BodyDoubleError

PERSON = "person"  # the category that counts
AREA_OF_BOX = 0.53  # of a box's area is a person's, where the file has no area (crowdposetools)

# How far annotators scatter, as a share of the person's size. COCO-17: cocoeval.py; head and neck: CrowdPose;
# toes and heels: COCO-WholeBody.
_SIGMAS = {
    **{"nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062},
    **{"hip": 0.107, "knee": 0.087, "ankle": 0.089, "head": 0.079, "neck": 0.079},
    **{"big_toe": 0.068, "small_toe": 0.066, "heel": 0.066},
}
OTHER_SIGMA = 0.079  # of a point that none of the tables has: a shoulder's


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the file. size: width, height in pixels, (0, 0) if the file does not say."""

    id: int
    name: str
    size: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One annotation. box: (4,) x, y, width, height. area: square pixels. points: (K, 2). visible: (K,) 0, 1, 2.
    labelled: how many points the file says are labelled.

    counts: False for a crowd and for somebody without a labelled point: whoever is found there is neither right nor
    wrong.
    """

    id: int
    picture: int
    box: Array
    area: float
    points: Array
    visible: Array
    labelled: int
    crowd: bool

    @property
    def counts(self) -> bool:
        """Whether a model is expected to find this person."""
        return not self.crowd and self.labelled > 0

    @property
    def size(self) -> float:
        """The longer side of the box, in pixels: what distances are measured by."""
        return max(float(self.box[2]), float(self.box[3]), 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """An annotation file. points: names of the K points. sigmas: (K,). category: the id of the category of people.
    digest: tells two files apart.
    """

    name: str
    pictures: tuple[Picture, ...]
    people: tuple[Person, ...]
    points: tuple[str, ...]
    sigmas: Array
    category: int
    digest: str = ""

    def by_picture(self) -> dict[int, list[Person]]:
        """The people of every picture, those without any included, by its id."""
        found: dict[int, list[Person]] = {picture.id: [] for picture in self.pictures}
        for person in self.people:
            found[person.picture].append(person)
        return found

    def only(self, pictures: Iterable[Picture]) -> Truth:
        """The same file with some of its pictures and the people in them."""
        kept = tuple(pictures)
        ids = {picture.id for picture in kept}
        return replace(self, pictures=kept, people=tuple(one for one in self.people if one.picture in ids))


def sigma(name: str) -> float:
    """How far annotators scatter at the point of that name; OTHER_SIGMA for one that no table has."""
    plain = name.removeprefix("left_").removeprefix("right_")
    return _SIGMAS.get(plain, OTHER_SIGMA)


def read_truth(path: str | Path) -> Truth:
    """The annotations in a COCO keypoint file.

    Raises BodyDoubleError, one line, for a file that cannot be read, is none, or says something impossible: which
    annotation, and what is wrong with it.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BodyDoubleError(f"cannot read {path} ({error.strerror}); give a COCO keypoint annotation file") from error
    return replace(_Reader(path.name, _document(path, data)).truth(), digest=hashlib.sha256(data).hexdigest())


def _document(path: Path, data: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(data)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BodyDoubleError(f"{path.name} is not JSON ({error}); give a COCO keypoint annotation file") from error
    if not isinstance(document, dict) or not all(
        isinstance(document.get(key), list) for key in ("images", "annotations", "categories")
    ):
        what = "a list, perhaps of results" if isinstance(document, list) else "no images, annotations and categories"
        raise BodyDoubleError(f"{path.name} holds {what}; wanted a COCO keypoint annotation file")
    return document


class _Reader:
    """One file being read: errors name it and the annotation."""

    def __init__(self, name: str, document: Mapping[str, Any]) -> None:
        self._name = name
        self._document = document

    def truth(self) -> Truth:
        """Everything of the file that counts."""
        category = self._category()
        names = tuple(str(name) for name in category["keypoints"])
        pictures = tuple(self._picture(entry) for entry in self._document["images"])
        known = {picture.id for picture in pictures}
        if len(known) != len(pictures):
            raise self._wrong("two images have the same id")
        entries = [entry for entry in self._document["annotations"] if entry.get("category_id") == category["id"]]
        people = tuple(self._person(entry, len(names), known) for entry in entries)
        if len({person.id for person in people}) != len(people):
            raise self._wrong("two annotations have the same id")
        return Truth(self._name, pictures, people, names, self._sigmas(category, names), category["id"])

    def _category(self) -> Mapping[str, Any]:
        """The category of people: called person, or the only one that has keypoints. Without names they are COCO's."""
        entries = [entry for entry in self._document["categories"] if isinstance(entry, dict)]
        named = [entry for entry in entries if entry.get("name") == PERSON]
        chosen = named or [entry for entry in entries if entry.get("keypoints")]
        if len(chosen) != 1 or not isinstance(chosen[0].get("id"), int):
            raise self._wrong(f'{len(chosen)} categories of people; wanted one called "{PERSON}" with "keypoints"')
        return {**chosen[0], "keypoints": chosen[0].get("keypoints") or COCO_17.points}

    def _sigmas(self, category: Mapping[str, Any], names: Sequence[str]) -> Array:
        given = category.get("sigmas")  # not in COCO's own files; some tools write them
        values = np.array([sigma(name) for name in names] if given is None else given, dtype=np.float64)
        if values.shape != (len(names),) or not (values > 0).all():
            raise self._wrong(f"{values.size} sigmas for {len(names)} keypoints; wanted as many, all above 0")
        return values

    def _picture(self, entry: Mapping[str, Any]) -> Picture:
        try:
            size = int(entry.get("width") or 0), int(entry.get("height") or 0)
            return Picture(int(entry["id"]), str(entry["file_name"]), size)
        except (KeyError, TypeError, ValueError) as error:
            raise self._wrong(f"an image without id or file_name ({error})") from error

    def _person(self, entry: Mapping[str, Any], count: int, pictures: set[int]) -> Person:
        try:
            person, picture = int(entry["id"]), int(entry["image_id"])
            triples = np.array(entry.get("keypoints") or [0] * (3 * count), dtype=np.float64)
        except (KeyError, TypeError, ValueError) as error:
            raise self._wrong(
                f"an annotation whose id, image_id or keypoints are missing or no numbers ({error})"
            ) from error
        if picture not in pictures:
            raise self._wrong(f"annotation {person} is of image {picture}, which is not among its images")
        if triples.shape != (3 * count,) or not np.isfinite(triples).all():
            raise self._wrong(f"annotation {person} has {triples.size} keypoint values; wanted {3 * count}, x y v each")
        points, visible = triples.reshape(-1, 3)[:, :2], triples[2::3]
        labelled = entry.get("num_keypoints", int((visible > 0).sum()))
        box = self._box(entry, person, points[visible > 0])
        area = entry.get("area")
        area = float(area) if isinstance(area, int | float) else AREA_OF_BOX * float(box[2] * box[3])
        return Person(person, picture, box, area, points, visible, labelled, bool(entry.get("iscrowd", 0)))

    def _box(self, entry: Mapping[str, Any], person: int, points: Array) -> Array:
        given = entry.get("bbox")
        if given is None:  # around the points, where there are any
            low = points.min(axis=0, initial=np.inf) if len(points) else np.zeros(2)
            return np.concatenate([low, np.ptp(points, axis=0) if len(points) else np.zeros(2)])
        box = np.array(given, dtype=np.float64)
        if box.shape != (4,) or not np.isfinite(box).all():
            raise self._wrong(f"annotation {person} has the box {given}; wanted x, y, width, height")
        return box

    def _wrong(self, what: str) -> BodyDoubleError:
        return BodyDoubleError(f"{self._name}: {what}; mend the annotation file")
