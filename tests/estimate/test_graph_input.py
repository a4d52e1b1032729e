"""The crop before a network: what each convention says, computed point by point; in the graph and with OpenCV."""

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodydouble.estimate import cropping, region
from bodydouble.estimate.graph_input import (
    Border,
    Input,
    Preparation,
    Rounding,
    Sampling,
    Values,
    Whole,
    prepare,
    prepare_whole,
)

NETWORK = onnx.parser.parse_model(
    '<ir_version: 8, opset_import: ["": 17]> net (float[1] x) => (float[1] y) { y = Identity(x) }'
)
WIDTH, HEIGHT = 24, 16
PLAIN = Values()
CONVENTIONS = [(sampling, border) for sampling in Sampling for border in Border]


def session(model):
    onnx.checker.check_model(model)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def wanted(sampling, border, upright=True, rounding=Rounding.NONE, values=PLAIN):
    return Input("x", WIDTH, HEIGHT, values, border, sampling, rounding, upright)


def mix(image, x, y, border, cut):
    """Bilinear mixture of the image at x, y; border black: what is outside, or with cut the whole sample."""
    height, width = image.shape[:2]
    if cut and border is Border.BLACK and not (0 <= x <= width - 1 and 0 <= y <= height - 1):
        return np.zeros(3)
    total = np.zeros(3)
    for column, across in ((np.floor(x), 1 - (x - np.floor(x))), (np.floor(x) + 1, x - np.floor(x))):
        for row, down in ((np.floor(y), 1 - (y - np.floor(y))), (np.floor(y) + 1, y - np.floor(y))):
            inside = 0 <= column < width and 0 <= row < height
            if inside or border is Border.REPLICATE:
                at = int(np.clip(row, 0, height - 1)), int(np.clip(column, 0, width - 1))
                total += across * down * image[at]
    return total


def by_hand(image, where, sampling, border):
    """(HEIGHT, WIDTH, 3) the crop of an upright region, as the conventions' own words have it."""
    height, width = image.shape[:2]
    side = where.size, where.size * HEIGHT / WIDTH
    left, top = where.x - side[0] / 2, where.y - side[1] / 2
    out = np.zeros((HEIGHT, WIDTH, 3))
    for j in range(HEIGHT):
        for i in range(WIDTH):
            match sampling:
                case Sampling.NO_EXTENT:
                    x, y = left + i * side[0] / WIDTH, top + j * side[1] / HEIGHT
                case Sampling.CENTRES:
                    x, y = left + (i + 0.5) * side[0] / WIDTH - 0.5, top + (j + 0.5) * side[1] / HEIGHT - 0.5
                case Sampling.CORNERS:  # crop_and_resize_op.cc, with y1 = top / height and so on
                    x = left / width * (width - 1) + i * side[0] / width * (width - 1) / (WIDTH - 1)
                    y = top / height * (height - 1) + j * side[1] / height * (height - 1) / (HEIGHT - 1)
            out[j, i] = mix(image, x, y, border, sampling is Sampling.CORNERS)
    return out


SESSIONS = {pair: session(prepare(NETWORK, wanted(*pair), Preparation.IMAGE).model) for pair in CONVENTIONS}
TURNED = {
    (sampling, border): session(prepare(NETWORK, wanted(sampling, border, upright=False), Preparation.IMAGE).model)
    for sampling, border in CONVENTIONS
    if sampling is not Sampling.CORNERS
}
CORNERS = wanted(Sampling.CORNERS, Border.BLACK, rounding=Rounding.DOWN)
WHOLE_LEVELS, RESIZED = (
    session(prepare(NETWORK, CORNERS, preparation).model) for preparation in (Preparation.IMAGE, Preparation.RESIZE)
)
# Quarters, so that float32 places the samples exactly where float64 does: a cut has no mercy for a hair's breadth.
places = st.tuples(st.integers(-40, 200), st.integers(-40, 200), st.integers(16, 500)).map(lambda v: np.array(v) / 4)


@settings(deadline=None, max_examples=40)
@given(st.tuples(st.integers(1, 40), st.integers(1, 30)), places, st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_both_ways_give_what_the_convention_says(convention, size, place, seed):
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    where = region.Region(*place)
    want = by_hand(image, where, *convention)
    values, again = SESSIONS[convention].run(None, {"image": image, "region": where.array()})
    crop = cropping.cut(image, where, wanted(*convention))
    near = np.isclose(want, 0) != np.isclose(values[0], 0)  # a sample on the very edge may be cut here and not there
    assert near.all(axis=2).mean() < 0.15 if convention == (Sampling.CORNERS, Border.BLACK) else not near.any()
    np.testing.assert_allclose(values[0][~near], want[~near], atol=0.05)
    np.testing.assert_array_equal(again, where.array())
    # OpenCV before 5 rounds places to 1/32 pixel: at most 1/16 of the greatest step between neighbours.
    assert np.abs(crop - want)[~near].max(initial=0) <= 255 / 16 + 1
    assert np.abs(crop - want)[~near].mean() <= 1.5


@pytest.mark.parametrize("convention", TURNED)
def test_a_region_that_may_turn_but_does_not_is_the_upright_one(convention):
    image = np.random.default_rng(1).integers(0, 256, (37, 51, 3), dtype=np.uint8)
    where = region.Region(20.3, 11.9, 60.7)
    feed = {"image": image, "region": where.array()}
    np.testing.assert_allclose(
        TURNED[convention].run(None, feed)[0], SESSIONS[convention].run(None, feed)[0], atol=0.01
    )


def test_the_crop_inside_and_outside_are_one_to_half_a_level():
    """Smooth pictures, where no version of OpenCV can differ by places."""
    y, x = np.mgrid[0:90, 0:120]
    image = np.stack([x, y, x + y], axis=2).astype(np.uint8)
    where = region.Region(50.2, 44.4, 70.6)
    for convention in CONVENTIONS:
        values, _ = SESSIONS[convention].run(None, {"image": image, "region": where.array()})
        assert np.abs(cropping.cut(image, where, wanted(*convention)) - values[0]).max() <= 0.52 + 1 / 16


@settings(deadline=None, max_examples=40)
@given(st.tuples(st.integers(12, 40), st.integers(12, 30)), places, st.integers(0, 2**32 - 1))
def test_resize_gives_the_same_crop_to_a_level(size, place, seed):
    image = np.random.default_rng(seed).integers(1, 256, (*size, 3), dtype=np.uint8)  # 0 is outside
    feed = {"image": image, "region": region.Region(*place).array()}
    want = WHOLE_LEVELS.run(None, feed)[0]
    got = RESIZED.run(None, feed)[0]
    cut = (want == 0) != (got == 0)  # a sample on the very edge may be cut here and not there
    assert cut.mean() < 0.15
    # ten bits of weight in each direction: at most 1/512 of the greatest step, and then rounded down
    assert np.abs(want - got)[~cut].max(initial=0) <= 2
    assert (np.abs(want - got)[~cut] > 1).mean() < 0.01


@pytest.mark.parametrize("size", [(HEIGHT, 31), (31, WIDTH), (HEIGHT, WIDTH)])
def test_resize_crops_a_picture_that_is_as_wide_or_high_as_the_crop(size):
    """ONNX Runtime's Resize leaves such a side alone, whatever the region."""
    image = np.random.default_rng(4).integers(0, 256, (*size, 3), dtype=np.uint8)
    feed = {"image": image, "region": region.Region(13, 9, 12).array()}
    assert np.abs(RESIZED.run(None, feed)[0] - WHOLE_LEVELS.run(None, feed)[0]).max() <= 1


def test_resize_is_for_corners_only():
    with pytest.raises(ValueError, match=r"use Preparation\.IMAGE"):
        prepare(NETWORK, wanted(Sampling.NO_EXTENT, Border.BLACK), Preparation.RESIZE)


def test_corners_on_a_region_that_may_turn_are_refused():
    with pytest.raises(ValueError, match="upright"):
        wanted(Sampling.CORNERS, Border.BLACK, upright=False)


@pytest.mark.parametrize("upright", [True, False])
def test_rounding_channels_and_integers(upright):
    image = np.random.default_rng(2).integers(0, 256, (33, 44, 3), dtype=np.uint8)
    feed = {"image": image, "region": region.Region(20.3, 11.9, 60.7).array()}

    def run(**changes):
        asked = wanted(Sampling.NO_EXTENT, Border.REPLICATE, upright, **changes)
        return session(prepare(NETWORK, asked, Preparation.IMAGE).model).run(None, feed)[0]

    raw = run()
    np.testing.assert_array_equal(run(rounding=Rounding.NEAREST), np.round(raw))
    np.testing.assert_array_equal(run(rounding=Rounding.DOWN), np.floor(raw + 1e-3))
    whole = run(rounding=Rounding.DOWN, values=Values(integer=True))
    assert whole.dtype == np.int32
    np.testing.assert_array_equal(whole, np.floor(raw + 1e-3))
    shifted = run(values=Values(0.5, (-123.15, -115.9, -103.06)))  # by channel, as ResNet wants it
    np.testing.assert_allclose(shifted, raw * 0.5 + (-123.15, -115.9, -103.06), atol=1e-3)


@pytest.mark.parametrize("size", [(100, 60), (60, 100), (64, 64), (301, 7), (1, 1), (50, 33)])
def test_the_whole_picture_resized_and_filled(size):
    width, height = size
    image = np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    asked = Whole("x", 64, 32, Values(integer=True), Rounding.DOWN)
    inside = session(prepare_whole(NETWORK, asked, Preparation.IMAGE).model).run(None, {"image": image})
    # tf.image.resizeBilinear without half pixels, then tf.pad and a cast, as tfjs-models' detector does it
    if width > height:
        resized = 64, max(1, int(64 * height / width + 0.5))
    else:
        resized = max(1, int(64 * width / height + 0.5)), 64
    filled = tuple(-(-n // 32) * 32 for n in resized)
    want = np.zeros((filled[1], filled[0], 3))
    for j in range(resized[1]):
        for i in range(resized[0]):
            want[j, i] = mix(image, i * width / resized[0], j * height / resized[1], Border.REPLICATE, False)
    assert inside[0].shape == (1, filled[1], filled[0], 3)
    assert np.abs(inside[0][0] - np.floor(want + 1e-3)).max() <= 1
    assert (inside[0][0] != np.floor(want + 1e-3)).mean() < 1e-3
    np.testing.assert_allclose(inside[1], np.array(filled) * size / resized, rtol=1e-5)
    resized_inside = session(prepare_whole(NETWORK, asked, Preparation.RESIZE).model).run(None, {"image": image})
    assert np.abs(resized_inside[0] - inside[0]).max() <= 1
    np.testing.assert_allclose(resized_inside[1], inside[1])
    crop, extent = cropping.whole(image, asked)
    assert np.abs(crop - want).mean() <= 1 and np.abs(crop - want).max() <= 255 / 16 + 1
    np.testing.assert_allclose(extent, inside[1], rtol=1e-5)
    outside = session(prepare_whole(NETWORK, asked, Preparation.CROP).model).run(None, {"crop": crop, "extent": extent})
    np.testing.assert_array_equal(outside[0][0], crop)
    np.testing.assert_array_equal(outside[1], extent)
