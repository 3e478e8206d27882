import pytest

from fewscape.benchmark.published import describe_sources, find_published
from fewscape.datasets.protocols import PROTOCOLS


def every_row():
    return [row for name in PROTOCOLS for shots in (1, 5) for row in find_published(name, shots)]


def test_the_reproduction_target():
    rows = find_published("isaid5i-p1", 1)
    (mgcl,) = [row for row in rows if (row.method, row.backbone) == ("MGCL", "ResNet-50")]
    assert (mgcl.folds, mgcl.mean) == ((42.77, 30.59, 46.39), 39.92)
    (dmnet,) = find_published("isaid5i-p3", 5)
    assert (dmnet.method, dmnet.folds, dmnet.mean) == ("DMNet", None, 51.34)


def test_means_are_those_of_the_folds_and_sources_are_named():
    rows = every_row()
    assert len(rows) == 50
    for row in rows:
        if row.folds is not None:
            assert row.mean == pytest.approx(sum(row.folds) / 3, abs=0.006)
        assert row.source in describe_sources()


def test_no_row_of_an_uncertain_protocol():
    assert {row.method for row in every_row()}.isdisjoint({"PCFNet", "MLC", "DCAMA"})
    assert find_published("dlrsd-c", 1) == []
