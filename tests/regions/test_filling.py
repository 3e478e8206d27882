from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest

from fewscape.core import ConfigError, DatasetError
from fewscape.regions import FillJob, RegionStore, Slic, fill_store
from tests.regions.pictures import make_picture


def read(seed):
    return make_picture((24, 32), seed=seed)


def read_but_one(seed):
    if seed == 3:
        raise DatasetError("image 3 is damaged", "expected a whole file", "fetch it again")
    return read(seed)


@pytest.fixture
def job(tmp_path):
    return FillJob(RegionStore(tmp_path), Slic(), read)


def files(job):
    return sorted(path for path in job.store.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_fills_what_is_missing(job, workers):
    job.fill(4)
    told = []
    fill_store(job, [[0, 1, 0], [2], [3, 4]], workers, lambda *counts: told.append(counts))
    assert told[-1] == (4, 2)
    assert told == sorted(told)
    for seed in range(5):
        assert job.store.path(read(seed), job.maker).is_file()
    assert np.array_equal(job.store.get(read(2), job.maker), job.maker(read(2)))


def test_an_interrupt_keeps_what_is_done_and_the_next_call_continues(job, monkeypatch):
    original = Slic.segment

    def segment(self, image):
        if len(files(job)) == 2:
            raise KeyboardInterrupt
        return original(self, image)

    told = []
    monkeypatch.setattr(Slic, "segment", segment)
    with pytest.raises(KeyboardInterrupt):
        fill_store(job, [[0, 1, 2, 3]], on_progress=lambda *counts: told.append(counts))
    assert told[-1] == (2, 0)
    assert len(files(job)) == 2
    monkeypatch.setattr(Slic, "segment", original)
    fill_store(job, [[0, 1, 2, 3]], on_progress=lambda *counts: told.append(counts))
    assert told[-1] == (2, 2)


def test_an_error_comes_through_and_keeps_what_is_done(tmp_path):
    job = FillJob(RegionStore(tmp_path), Slic(), read_but_one)
    told = []
    with pytest.raises(DatasetError, match="image 3 is damaged"):
        fill_store(job, [[0, 1, 2, 3]], on_progress=lambda *counts: told.append(counts))
    assert told[-1] == (3, 0)
    assert len(files(job)) == 3


def test_a_killed_worker_is_told(job, monkeypatch):
    def submit(*_):
        raise BrokenProcessPool

    monkeypatch.setattr(ProcessPoolExecutor, "submit", submit)
    with pytest.raises(ConfigError, match=r"worker process was killed; .* fewer wor"):
        fill_store(job, [[0], [1]], workers=2)
