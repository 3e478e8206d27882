import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewscape.synthetic.canvas import Canvas, Pose
from fewscape.synthetic.layout import Frame, Rect, StreetPlan
from fewscape.synthetic.light import Weather, shading, shadows
from fewscape.synthetic.textures import Noise, saw, stream, value_noise, wave
from fewscape.synthetic.zones import deal_uses


def weather(sun, climb=1.0):
    return Weather(
        sun=sun,
        climb=climb,
        shade=0.5,
        haze=0,
        gains=(1, 1, 1, 1),
        contrast=1,
        saturation=1,
        blur=0,
        noise=0,
    )


def empty_canvas(size=(40, 60), resolution=1.0):
    return Canvas(size, resolution, Noise.draw(stream(0, "noise"), size, resolution))


def test_wave_is_close_to_a_sine():
    phase = np.linspace(-2, 3, 501, dtype=np.float32)
    assert np.abs(wave(phase) - np.sin(2 * np.pi * phase)).max() < 0.07


def test_saw_counts_up_from_zero():
    np.testing.assert_allclose(saw(np.array([-0.25, 0.0, 1.75], np.float32)), [0.75, 0.0, 0.75])


def test_streams_of_one_seed_are_independent_and_repeatable():
    draws = {name: stream(3, name).random() for name in ("a", "b")}
    assert draws["a"] != draws["b"]
    assert stream(3, "a").random() == draws["a"]


def test_value_noise_is_smooth_at_its_cell_and_bounded():
    field = value_noise(stream(1, "noise"), (90, 120), 30)
    assert field.shape == (90, 120)
    assert field.dtype == np.float32
    assert np.abs(field).max() <= 1
    assert np.abs(np.diff(field, axis=1)).max() < 0.12


@given(st.floats(-30, 90), st.floats(-30, 70), st.floats(-1, 1), st.floats(1, 15), st.floats(1, 9))
@settings(max_examples=60, deadline=None)
def test_patch_holds_exactly_the_pixels_of_the_rectangle(x, y, slope, half_u, half_v):
    canvas = empty_canvas()
    pose = Pose(x, y, 1.0, 0.0).rotate(slope)
    found = np.zeros(canvas.size, bool)
    patch = canvas.patch(pose, half_u, half_v)
    if patch is not None:
        found[patch.slices] = patch.inside
    row, col = np.mgrid[: canvas.size[0], : canvas.size[1]] + 0.5
    along = (col - x) * pose.along_x + (row - y) * pose.along_y
    across = (row - y) * pose.along_x - (col - x) * pose.along_y
    clear = np.minimum(np.abs(np.abs(along) - half_u), np.abs(np.abs(across) - half_v)) > 1e-3
    expected = (np.abs(along) <= half_u) & (np.abs(across) <= half_v)
    np.testing.assert_array_equal(found[clear], expected[clear])


def test_claim_refuses_ground_that_is_taken():
    canvas = empty_canvas()
    pose = Pose(20, 20, 1, 0)
    assert canvas.claim(pose, 5, 5, margin=1) is not None
    assert canvas.claim(pose.shift(9, 0), 4, 4, margin=1) is None
    assert canvas.claim(pose.shift(13, 0), 4, 4, margin=1) is not None


def test_pose_moves_along_its_own_axes():
    pose = Pose(10, 10, 0.0, 1.0).shift(2, 3)
    assert (pose.x, pose.y) == (7, 12)
    turned = pose.turn().turn()
    assert (turned.along_x, turned.along_y) == (0, -1)


@given(st.floats(10, 90), st.floats(10, 70))
@settings(max_examples=40, deadline=None)
def test_frame_finds_the_ground_of_a_place_of_the_plan(x, y):
    frame = Frame((160, 200), 0.5, stream(2, "warp"), slope=0.4, bend=15.0)
    row, col = int(y / 0.5), int(x / 0.5)
    plan = frame.plan_x[row, col], frame.plan_y[row, col]
    ground = frame.to_ground([plan])[0]
    assert math.dist(ground, ((col + 0.5) * 0.5, (row + 0.5) * 0.5)) < 0.5


def test_street_plan_covers_the_ground_without_overlap():
    rect = Rect(0, 0, 500, 400)
    plan = StreetPlan()
    plan.divide(stream(1, "plan"), rect, target=120, sidewalk=2)
    assert len(plan.roads) == len(plan.blocks) - 1
    covered = np.zeros((400, 500), np.int32)
    row, col = np.mgrid[:400, :500] + 0.5
    for block in plan.blocks:
        covered += (col > block.x0) & (col < block.x1) & (row > block.y0) & (row < block.y1)
        assert max(block.width, block.depth) < 1.5 * 120
    assert covered.max() == 1
    for road in plan.roads:
        part = road.rect(2)
        covered += (col > part.x0) & (col < part.x1) & (row > part.y0) & (row < part.y1)
    assert covered.min() >= 1


def test_land_uses_follow_their_shares():
    rural, urban = deal_uses(0.0, 60), deal_uses(1.0, 60)
    assert rural.count("farm") > urban.count("farm")
    assert urban.count("suburb") > rural.count("suburb")
    assert "town" not in rural
    for first, second in pairwise(deal_uses(0.5, num)[:1] for num in (5, 50)):
        assert first == second == ["industry"]


@pytest.mark.parametrize("sun", [(1.0, 0.0), (0.0, 1.0), (-0.6, 0.8)])
@pytest.mark.parametrize("climb", [0.7, 1.5])
def test_shadows_match_a_walk_towards_the_sun(sun, climb):
    height = np.zeros((60, 60), np.float32)
    height[26:34, 24:36] = 8
    dark = shadows(height, 0.5, weather(sun, climb)) > 0.5
    expected = np.zeros_like(dark)
    for row in range(60):
        for col in range(60):
            for step in range(1, 40):
                r, c = round(row + step * sun[1]), round(col + step * sun[0])
                if 0 <= r < 60 and 0 <= c < 60:
                    ray = height[row, col] + step * 0.5 * climb
                    expected[row, col] |= height[r, c] > ray
    assert (dark != expected).mean() < 0.025
    assert dark.any()


def test_level_ground_has_full_light_and_sunny_slopes_have_more():
    level = np.zeros((12, 12), np.float32)
    assert np.all(shading(level, 1.0, weather((1.0, 0.0))) == 1)
    ramp = np.tile(np.arange(12, dtype=np.float32) * 0.4, (12, 1))
    facing_away = shading(ramp, 1.0, weather((1.0, 0.0)))[6, 6]
    facing_sun = shading(ramp, 1.0, weather((-1.0, 0.0)))[6, 6]
    assert facing_away < 1 < facing_sun
