import pytest
import torch

from fewscape.core import OutputError, ResultsError
from fewscape.evaluation import load_counts, save_counts
from fewscape.metrics import EpisodeOverlap

COUNTS = EpisodeOverlap(
    torch.tensor([[3, 1], [2, 5]]), torch.tensor([[4, 2], [9, 9]]), torch.tensor([0, 1])
)


def test_comes_back_as_it_was(tmp_path):
    path = tmp_path / "new" / "counts.safetensors"
    save_counts(COUNTS, {"episodes_sha256": "ab", "seconds": 1.5}, path)
    found, facts = load_counts(path)
    assert all(torch.equal(*pair) for pair in zip(found, COUNTS, strict=True))
    assert facts == {"episodes_sha256": "ab", "seconds": 1.5}
    assert [each.name for each in path.parent.iterdir()] == ["counts.safetensors"]


def test_damage_and_places_that_cannot_be_written_are_told(tmp_path):
    path = tmp_path / "counts.safetensors"
    path.write_bytes(b"not counts")
    with pytest.raises(ResultsError, match="is not a file of episode counts"):
        load_counts(path)
    with pytest.raises(OutputError, match="cannot be written"):
        save_counts(COUNTS, {}, path / "below" / "a.safetensors")
