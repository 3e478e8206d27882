import json

import numpy as np
import pytest
import torch
from PIL import Image

from fewscape.backbones import BackboneConfig
from fewscape.cli.main import main
from fewscape.core import ConfigError, Output, Policy, Window
from fewscape.datasets import Area, AreaReader, FolderDataset, choose_areas
from fewscape.evaluation import SemanticOptions, describe_scores, evaluate_semantic
from fewscape.mapping import SemanticSegmenter
from fewscape.metrics import count_confusion
from fewscape.models import BiCoRSeg, save_model
from tests.datasets.invented import write_classes, write_dataset

CPU = Policy(torch.device("cpu"), torch.float32)
NAMES = ("ground", "red", "blue")


class ColourModel(torch.nn.Module):
    """Knows the invented data sets by their colours."""

    name = "colours"
    stride = 1
    window_multiple = 8
    num_heats = 0

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(()))

    def forward(self, images):
        red, blue = images[:, 0], images[:, 2]
        logits = torch.stack([0 * red + 0.3, red - blue, blue - red], dim=1)
        return Output(logits, images.shape[2:])


@pytest.fixture
def dataset(tmp_path):
    return FolderDataset(write_dataset(tmp_path / "toy", 3, (70, 90)))


def evaluate(dataset, areas=None, options=None, window=32):
    segmenter = SemanticSegmenter(ColourModel(), NAMES, CPU, window)
    areas = choose_areas(dataset, ["*"], {}) if areas is None else areas
    return evaluate_semantic(segmenter, dataset, areas, options)


def test_a_network_that_is_right_scores_one(dataset):
    results = evaluate(dataset)
    assert results["overall_accuracy"] == 1
    assert results["means"] == [{"variant": "all classes", "miou": 1.0, "mean_f1": 1.0}]
    known = sum(int((dataset.read_labels(index) != 255).sum()) for index in range(3))
    assert np.sum(results["confusion"]) == known
    assert results["scored_share"] == pytest.approx(known / (3 * 70 * 90))


def test_counts_are_those_of_the_whole_image_at_once(dataset):
    """Windows, strips and areas leave no pixel out and count none twice."""

    class Thresholds(ColourModel):
        def forward(self, images):
            output = super().forward(images)
            output.logits = output.logits + images.mean(dim=1, keepdim=True) * torch.tensor(
                [1.0, -1.0, 0.5]
            ).view(1, 3, 1, 1)
            return output

    area = Area(1, Window(13, 7, 41, 60))
    segmenter = SemanticSegmenter(Thresholds(), NAMES, CPU, 32)
    results = evaluate_semantic(segmenter, dataset, [area])
    image = torch.from_numpy(dataset.read_image(1)).float()[None] / 255
    with torch.inference_mode():
        whole = Thresholds()(image).logits.argmax(dim=1)[0, 13:54, 7:67]
    labels = torch.from_numpy(AreaReader(dataset).labels(area))
    assert results["confusion"] == count_confusion(whole, labels, 3).tolist()


def test_means_without_some_classes_are_named():
    scores = describe_scores(torch.tensor([[8, 0, 0], [0, 6, 2], [0, 4, 4]]), NAMES, ("blue",))
    first, second = scores["means"]
    assert (first["variant"], second["variant"]) == ("without blue", "all classes")
    assert first["miou"] == pytest.approx(0.75)
    assert second["miou"] == pytest.approx((1 + 0.5 + 0.4) / 3)


def test_nothing_known_gives_no_score(dataset):
    scores = describe_scores(torch.zeros(3, 3, dtype=torch.int64), NAMES)
    assert scores["overall_accuracy"] is None
    assert scores["means"][0]["miou"] is None


def test_predictions_have_the_ids_of_the_data_set(tmp_path):
    """What LoveDA's server takes: one channel, the ids, the names of the images."""
    folder = write_dataset(tmp_path / "toy", 2, (40, 50))
    for path in (folder / "labels").iterdir():
        labels = np.asarray(Image.open(path))
        shifted = np.where(labels == 255, 255, labels + 4).astype(np.uint8)
        Image.fromarray(shifted).save(path)
    write_classes(folder, {4: "ground", 5: "red", 6: "blue"})
    dataset = FolderDataset(folder)
    evaluate(dataset, options=SemanticOptions(predictions=tmp_path / "out"))
    for index, stem in enumerate(("000", "001")):
        picture = Image.open(tmp_path / "out" / f"{stem}.png")
        assert picture.mode == "L"
        labels = dataset.read_labels(index)
        known = labels != 255
        np.testing.assert_array_equal(np.asarray(picture)[known], labels[known])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["000.png", "001.png"]


def test_single_band_images_are_shown_as_grey(tmp_path):
    folder = write_dataset(tmp_path / "toy", 1, (40, 50))
    image = np.asarray(Image.open(folder / "images" / "000.png"))[..., 0]
    Image.fromarray(image).save(folder / "images" / "000.png")
    assert evaluate(FolderDataset(folder))["per_class"][0]["recall"] == 1


def test_other_classes_are_refused(dataset):
    segmenter = SemanticSegmenter(ColourModel(), ("ground", "blue", "red"), CPU, 32)
    with pytest.raises(ConfigError, match=r"has 3 classes .*; the data have 3: ground, red, bl"):
        evaluate_semantic(segmenter, dataset, [])
    with pytest.raises(ConfigError, match=r"there is no class 'clutter'; expected ground, red"):
        evaluate(dataset, options=SemanticOptions(unscored=("clutter",)))


@pytest.fixture
def folder(tmp_path):
    """A model folder."""
    torch.manual_seed(0)
    model = BiCoRSeg(3, BackboneConfig("test_convnext"), width=32)
    return save_model(model, tmp_path / "model", "card", 64, facts={"classes": list(NAMES)})


def test_the_command_writes_scores_and_predictions(dataset, folder, tmp_path, capsys):
    words = ["evaluate", "--model", folder, "--data", dataset.folder, "--split", "00[01]",
             "--output", tmp_path / "r.json", "--predictions", tmp_path / "out",
             "--unscored", "blue", "--flips", "hv", "--scales", "1,1.5"]  # fmt: skip
    assert main([*map(str, words), "--precision", "float32"]) == 0
    results = json.loads((tmp_path / "r.json").read_text())
    assert results["images"] == ["000", "001"]
    assert (results["flips"], results["scales"], results["window"]) == ("hv", [1.0, 1.5], 64)
    assert len(list((tmp_path / "out").iterdir())) == 2
    told = capsys.readouterr().out
    for words in ("toy, 2 images", "mean, without blue", "overall accuracy", "ground"):
        assert words in told


def test_the_command_says_what_is_missing(dataset, folder, tmp_path, capsys):
    def fail(*words):
        options = "evaluate", "--output", tmp_path / "r.json", *words
        assert main([*map(str, options)]) == 2
        return capsys.readouterr().err

    assert "nothing to evaluate on was given; expected --episodes FILE" in fail("--model", folder)
    told = fail("--model", "prototype", "--data", dataset.folder)
    assert "'prototype' learns its classes from examples" in told
    told = fail("--model", folder, "--data", dataset.folder, "--split", "tset")
    assert "'tset' is neither a split nor an image of 'toy'" in told


def test_a_supervised_model_maps_without_examples(folder, dataset, tmp_path, capsys):
    scene = dataset.folder / "images" / "000.png"
    words = ["map", scene, "--model", folder, "--output", tmp_path / "maps", "--heatmaps"]
    assert main([*map(str, words)]) == 0
    assert "000.png: ground" in capsys.readouterr().out
    assert (tmp_path / "maps" / "000_heat_red.tif").is_file()
    assert main([*map(str, words), "--examples", "x.gpkg"]) == 2
    told = capsys.readouterr().err
    assert "--examples was given to the model" in told
    assert "a supervised model already has its classes" in told


def test_few_shot_commands_say_that_a_model_is_supervised(folder, dataset, tmp_path, capsys):
    words = ["evaluate", "--model", folder, "--episodes", "aerial4-1shot",
             "--root", tmp_path, "--output", tmp_path / "r.json"]  # fmt: skip
    assert main([*map(str, words)]) == 2
    assert "holds a supervised network" in capsys.readouterr().err
    scene = dataset.folder / "images" / "000.png"
    assert main(["map", str(scene), "--output", str(tmp_path / "maps")]) == 2
    assert "'ensemble' learns from examples, but none were given" in capsys.readouterr().err
    assert main(["map", str(scene), "--output", str(tmp_path / "maps"), "--heatmaps",
                 "--examples", "x.gpkg"]) == 2  # fmt: skip
    assert "takes no --heatmaps, --flips or --scales" in capsys.readouterr().err
