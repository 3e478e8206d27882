import pickle
import shutil

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou, masks_to_boxes

from fewscape.core import ConfigError, MissingPackageError, ShapeError, WeightsError
from fewscape.regions import make_regions
from tests.reference import regions as reference
from tests.regions.pictures import make_picture
from tests.regions.tiny_sam import transformers, write_tiny_sam, write_tiny_sam2

WRITERS = {"sam": write_tiny_sam, "sam2": write_tiny_sam2}
LENIENT = {"min_predicted_iou": -9.0, "points_per_side": 2, "device": "cpu"}
method = pytest.mark.parametrize("name", WRITERS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("sam")
    return {name: write(root / name) for name, write in WRITERS.items()}


def slow_masks(folder, image, points_per_side, min_stability, max_box_iou):
    """One point at a time: three masks each, kept if stable, then the best of similar boxes."""
    network = transformers.AutoModelForMaskGeneration.from_pretrained(folder).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    inputs = processor(image, return_tensors="pt")
    height, width = image.shape[:2]
    reshaped = inputs.get("reshaped_input_sizes", torch.tensor([[64, 64]]))[0].tolist()
    if "reshaped_input_sizes" not in inputs:  # SAM 2 stretches, but points keep their aspect
        scale = 64 / max(height, width)
        reshaped = [int(height * scale + 0.5), int(width * scale + 0.5)]
    candidates = []
    for row in range(points_per_side):
        for col in range(points_per_side):
            y = (row + 0.5) / points_per_side * reshaped[0]
            x = (col + 0.5) / points_per_side * reshaped[1]
            with torch.no_grad():
                output = network(
                    pixel_values=inputs["pixel_values"], input_points=torch.tensor([[[[x, y]]]])
                )
            logits = processor.post_process_masks(
                output.pred_masks,
                [(height, width)],
                binarize=False,
                reshaped_input_sizes=inputs.get("reshaped_input_sizes"),
            )[0][0]
            for logit, score in zip(logits, output.iou_scores[0, 0], strict=True):
                union = (logit > -1).sum()
                if union and (logit > 1).sum() / union > min_stability:
                    candidates.append((float(score), logit > 0))
    candidates.sort(key=lambda pair: -pair[0])
    kept = []
    for _, mask in candidates:
        box = masks_to_boxes(mask[None])
        if all(box_iou(box, masks_to_boxes(other[None])) <= max_box_iou for other in kept):
            kept.append(mask)
    return [mask.numpy() for mask in kept]


@method
@pytest.mark.parametrize("max_box_iou", [0.7, 1.0])
def test_equals_prompting_the_network_point_by_point(folders, name, max_box_iou):
    image = make_picture((24, 40))
    maker = make_regions(
        name,
        model=str(folders[name]),
        min_stability=0.4,
        max_box_iou=max_box_iou,
        points_per_batch=3,
        **LENIENT,
    )
    masks = slow_masks(folders[name], image, 2, 0.4, max_box_iou)
    assert len(masks) > (max_box_iou == 1)
    expected = reference.number_by_area(reference.flatten(masks, (24, 40), 128))
    assert (maker(image) == expected).mean() > 0.999


@method
def test_any_number_of_bands(folders, name):
    maker = make_regions(name, model=str(folders[name]), **LENIENT)
    image = make_picture((16, 24), bands=5)
    for bands, seen in ((1, [0, 0, 0]), (2, [0, 1, 1]), (5, [0, 1, 2])):
        regions = maker(image[:, :, :bands])
        assert regions.shape == (16, 24)
        assert regions.dtype == np.int32
        assert np.array_equal(regions, maker(image[:, :, seen]))


@method
def test_no_mask_at_all_leaves_all_bare(folders, name):
    maker = make_regions(name, model=str(folders[name]), points_per_side=2, min_predicted_iou=1e9)
    assert (maker(make_picture()) == -1).all()


def test_at_most_so_many_masks(folders):
    options = {"max_box_iou": 1.0, "min_stability": 0.4, **LENIENT}
    maker = make_regions("sam2", model=str(folders["sam2"]), **options)
    few = make_regions("sam2", model=str(folders["sam2"]), max_masks=1, **options)
    image = make_picture((24, 40))
    assert maker(image).max() > few(image).max() == 0


@method
def test_another_process_gets_the_settings_but_not_the_network(folders, name):
    maker = make_regions(name, model=str(folders[name]), **LENIENT)
    before = len(pickle.dumps(maker))
    regions = maker(make_picture())
    again = pickle.dumps(maker)
    assert len(again) < before + 500
    assert np.array_equal(pickle.loads(again)(make_picture()), regions)


def test_parameters_tell_the_weights_and_not_where_they_lie(folders, tmp_path):
    moved = shutil.copytree(folders["sam"], tmp_path / "elsewhere")
    here = make_regions("sam", model=str(folders["sam"])).parameters
    assert (
        make_regions("sam", model=str(moved), device="cpu", points_per_batch=1).parameters == here
    )
    assert make_regions("sam", model=str(moved), points_per_side=8).parameters != here
    weights = moved / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert make_regions("sam", model=str(moved)).parameters != here


def test_defaults_are_those_of_the_paper():
    assert make_regions("sam").parameters == {
        "model": "facebook/sam-vit-huge",
        "points_per_side": 32,
        "min_predicted_iou": 0.88,
        "min_stability": 0.5,
        "stability_offset": 1.0,
        "max_box_iou": 0.7,
        "max_masks": 128,
    }


def test_a_network_of_the_other_kind_is_refused(folders):
    with pytest.raises(WeightsError, match=r"of type 'sam2'; .*'sam' expects 'sam'; use .* 'sam2'"):
        make_regions("sam", model=str(folders["sam2"]))(make_picture())


def test_a_missing_folder_is_told_without_asking_the_network():
    maker = make_regions("sam", model="./no/such/folder")
    with pytest.raises(WeightsError, match="there is no folder 'no/such/folder'"):
        maker.parameters  # noqa: B018
    with pytest.raises(WeightsError, match=r"the sam network './no/such/folder' cannot be loaded"):
        maker(make_picture())


@method
def test_a_name_on_the_hub_that_cannot_be_had_is_told(name, tmp_path, monkeypatch):
    from huggingface_hub import constants as hub

    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path))
    maker = make_regions(name, model="nobody/nothing")
    with pytest.raises(WeightsError, match=r"'nobody/nothing' cannot be loaded.* give its path"):
        maker(make_picture())


def test_damaged_weights_are_told(folders, tmp_path):
    folder = shutil.copytree(folders["sam"], tmp_path / "sam")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="cannot be loaded"):
        make_regions("sam", model=str(folder))(make_picture())


def test_absent_tensors_are_told(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(folders["sam"], tmp_path / "sam")
    tensors = load_file(folder / "model.safetensors")
    del tensors["mask_decoder.iou_token.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lack mask_decoder.iou_token.weight; expected all"):
        make_regions("sam", model=str(folder))(make_picture())


def test_refuses_other_pixels_and_senseless_numbers(folders):
    with pytest.raises(ShapeError, match="sam: the image is float32; expected uint8"):
        make_regions("sam", model=str(folders["sam"]))(np.zeros((4, 4, 3), np.float32))
    with pytest.raises(ConfigError, match="sam2: points_per_side is 0; expected 1 or more"):
        make_regions("sam2", points_per_side=0)


def test_names_the_extra_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'fewscape\[sam\]'"):
        make_regions("sam", model=".")(make_picture())
