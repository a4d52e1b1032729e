"""Who is followed, with eyes that know where everybody is."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from bodydouble.estimate.following import Follower
from bodydouble.estimate.region import BODY_SCALE, Region
from bodydouble.estimate.sight import Sight, nested, same_person

IMAGE = np.zeros((720, 1280, 3), dtype=np.uint8)
STEP = 1 / 30
RED, BLUE = (200.0, 20, 20), (20.0, 20, 200)


@dataclass
class Body:
    """Somebody upright. x, y: hips, pixels. size: region side. in_front: of others."""

    x: float
    y: float = 360.0
    size: float = 400.0
    colour: tuple = RED
    in_front: bool = False
    presence: float = 0.99

    def sight(self) -> Sight:
        reach = self.size / BODY_SCALE / 2
        shape = np.array([(dx, dy) for dx in (-0.15, 0, 0.15) for dy in np.linspace(-0.4, 0.4, 11)])
        points = np.ones((33, 5))
        points[:, :2] = shape * self.size + (self.x, self.y)
        hips = np.array([self.x, self.y])
        return Sight(points, np.zeros((33, 3)), self.presence, hips, hips - (0, reach), np.array(self.colour))


@dataclass
class Eyes:
    """Sees whoever stands nearest to the middle of a region, or in front there; nobody when no one is inside it."""

    bodies: list
    searches: int = 0
    seen: list = field(default_factory=list)

    def detect(self, image, area):
        self.searches += 1
        inside = [b for b in self.bodies if max(abs(b.x - area.x), abs(b.y - area.y)) < area.size / 2]
        return [(Region(b.x, b.y, b.size), 0.9) for b in inside]

    def look(self, image, where):
        inside = [b for b in self.bodies if np.hypot(b.x - where.x, b.y - where.y) < 0.4 * where.size]
        self.seen.append(where)
        if not inside:
            return Body(where.x, where.y, where.size, presence=0.01).sight()
        return min(inside, key=lambda b: (not b.in_front, np.hypot(b.x - where.x, b.y - where.y))).sight()


def xs(sights):
    return [pytest.approx(sight.hips[0]) for sight in sights]


def test_nobody_is_nobody():
    assert Follower(Eyes([]), 1)(IMAGE, 0.0) == []
    assert Follower(Eyes([]), 5)(IMAGE, 0.0) == []


def test_the_largest_is_taken_and_the_detector_rests_while_they_are_followed():
    eyes = Eyes([Body(300, size=550), Body(900, size=600)])
    follow = Follower(eyes, 1)
    for i in range(10):
        assert xs(follow(IMAGE, i * STEP)) == [900]
    assert eyes.searches == 1


def test_a_larger_person_who_comes_later_changes_nothing():
    eyes = Eyes([Body(900, size=520)])
    follow = Follower(eyes, 1)
    follow(IMAGE, 0.0)
    eyes.bodies.append(Body(300, size=700))
    assert all(xs(follow(IMAGE, i * STEP)) == [900] for i in range(1, 60))


def test_somebody_small_gives_way_to_one_who_dwarfs_them():
    eyes = Eyes([Body(900, size=250)])
    follow = Follower(eyes, 1)
    follow(IMAGE, 0.0)
    eyes.bodies.append(Body(300, size=600))
    assert [xs(follow(IMAGE, i * STEP)) for i in range(1, 60)][-1] == [300]


def test_who_was_chosen_gives_way_to_nobody():
    small, large = Body(900, size=250), Body(300, size=600)
    follow = Follower(Eyes([small, large]), 1)
    assert xs(follow(IMAGE, 0.0)) == [300]
    assert follow.others == 1
    follow.follow(small.sight(), 0.0)
    assert follow.others == 0
    assert all(xs(follow(IMAGE, i * STEP)) == [900] for i in range(1, 90))


def test_another_follower_goes_on_without_a_search():
    eyes, others = Eyes([Body(300, size=550), Body(900, size=600)]), Eyes([Body(300, size=550), Body(900, size=600)])
    first, second = Follower(eyes, 1), Follower(others, 1)
    first.follow(eyes.bodies[0].sight(), 0.0)
    second.take_over(first)
    assert all(xs(second(IMAGE, i * STEP)) == [300] for i in range(1, 60))
    assert others.searches == 0


def test_a_person_who_moves_is_followed():
    body = Body(300)
    follow = Follower(Eyes([body]), 1)
    for i in range(60):
        body.x = 300 + 8 * i
        assert xs(follow(IMAGE, i * STEP)) == [body.x]


def test_after_a_loss_the_one_at_the_same_place_is_waited_for():
    me, other = Body(300), Body(1000, size=390)
    eyes = Eyes([me, other])
    follow = Follower(eyes, 1)
    assert xs(follow(IMAGE, 0.0)) == [300]
    eyes.bodies = [other]
    assert all(follow(IMAGE, i * STEP) == [] for i in range(1, 10))
    me.x = 330
    eyes.bodies = [other, me]
    assert xs(follow(IMAGE, 10 * STEP)) == [330]


def test_after_a_second_without_them_another_is_taken():
    me, other = Body(300), Body(1000, size=390)
    eyes = Eyes([me, other])
    follow = Follower(eyes, 1)
    follow(IMAGE, 0.0)
    eyes.bodies = [other]
    found = [xs(follow(IMAGE, i * STEP)) for i in range(1, 40)]
    first = found.index([1000])
    assert 1.0 <= (first + 1) * STEP <= 1.0 + 2 * STEP


def test_a_leap_is_not_believed():
    me = Body(300)
    follow = Follower(Eyes([me]), 1)
    follow(IMAGE, 0.0)
    me.x += 0.3 * me.size
    assert follow(IMAGE, STEP) == []


def test_one_who_passes_in_front_in_other_clothes_is_not_followed():
    me = Body(640)
    passer = Body(0, 380, 480, BLUE, in_front=True)
    eyes = Eyes([me])
    follow = Follower(eyes, 1)
    seen = []
    for i in range(120):
        passer.x = 12 * i
        eyes.bodies = [me, passer]
        seen += [sight.hips[0] for sight in follow(IMAGE, i * STEP)][:1] if i else []
        if i == 0:
            eyes.bodies = [me]
            follow(IMAGE, 0.0)
    assert set(seen) == {640.0}
    assert seen and len(seen) > 60


def test_new_clothes_are_believed_in_the_end():
    me = Body(640)
    eyes = Eyes([me])
    follow = Follower(eyes, 1)
    follow(IMAGE, 0.0)
    eyes.bodies = [Body(670, 390, 440, BLUE)]
    seen = [bool(follow(IMAGE, i * STEP)) for i in range(1, 90)]
    assert not any(seen[:50])
    assert all(seen[65:])


def test_reset_forgets_everybody():
    eyes = Eyes([Body(300, size=450)])
    follow = Follower(eyes, 1)
    follow(IMAGE, 0.0)
    eyes.bodies.append(Body(900, size=600))
    follow.reset()
    assert xs(follow(IMAGE, STEP)) == [900]


def test_several_are_found_at_once_each_once_and_in_a_lasting_order():
    eyes = Eyes([Body(200), Body(640, size=300), Body(1100, size=80)])
    follow = Follower(eyes, 8)
    first = [sight.hips[0] for sight in follow(IMAGE, 0.0)]
    assert sorted(first) == [200, 640, 1100]
    for i in range(1, 40):
        assert xs(follow(IMAGE, i * STEP)) == first


def test_no_more_than_asked_for():
    assert len(Follower(Eyes([Body(200), Body(640), Body(1100)]), 2)(IMAGE, 0.0)) == 2


def test_one_who_comes_is_found_within_a_second_and_one_who_goes_is_gone():
    eyes = Eyes([Body(200)])
    follow = Follower(eyes, 8)
    follow(IMAGE, 0.0)
    eyes.bodies.append(Body(1000, size=90))
    counts = [len(follow(IMAGE, i * STEP)) for i in range(1, 31)]
    assert counts[-1] == 2
    eyes.bodies.pop(0)
    assert xs(follow(IMAGE, 31 * STEP)) == [1000]


def test_two_regions_that_end_on_one_body_become_one():
    stays, comes = Body(300), Body(640)
    eyes = Eyes([stays, comes])
    follow = Follower(eyes, 8)
    assert len(follow(IMAGE, 0.0)) == 2
    for i in range(1, 31):
        comes.x = 640 - 10 * i
        assert len(follow(IMAGE, i * STEP)) == 2
    eyes.bodies = [stays]  # both regions see the one who stays now
    assert xs(follow(IMAGE, 31 * STEP)) == [300]


def test_a_part_of_a_body_is_not_another_person():
    whole, part, child = Body(300, 300, 400).sight(), Body(310, 250, 150).sight(), Body(600, 400, 150).sight()
    assert nested(part, whole)
    assert not nested(whole, part)
    assert not nested(child, whole)
    assert not same_person(part, whole)
    assert same_person(whole, Body(303, 302, 405).sight())


def test_time_that_starts_again_breaks_nothing():
    eyes = Eyes([Body(300)])
    for people in (1, 4):
        follow = Follower(eyes, people)
        assert len(follow(IMAGE, 10.0)) == 1
        assert len(follow(IMAGE, 0.0)) == 1
        assert len(follow(IMAGE, 0.0)) == 1
