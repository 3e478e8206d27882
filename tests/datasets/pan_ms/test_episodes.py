import numpy as np
import pytest

from fewscape.core import DatasetError
from fewscape.datasets.pan_ms import EpisodeOptions, PixelBank, hard_share


@pytest.fixture
def bank_of():
    """Three classes around three directions, the last of them near the first."""

    def make(**options):
        rng = np.random.default_rng(0)
        centres = np.array([[1, 0, 0], [0, 1, 0], [0.9, 0, 0.45]])
        labels = np.repeat([1, 2, 5], 60)
        rows = np.repeat(centres, 60, axis=0) + 0.15 * rng.normal(size=(180, 3))
        return PixelBank(labels, rows.astype(np.float32), EpisodeOptions(**options))

    return make


def test_an_episode_has_the_asked_for_pixels(bank_of):
    bank = bank_of(way=2, shots=3, queries=7)
    for number in range(20):
        episode = bank.draw(np.random.default_rng(number))
        assert len(episode.supports) == 6
        assert len(episode.queries) == 14
        for pixels, classes in (
            (episode.supports, episode.support_classes),
            (episode.queries, episode.query_classes),
        ):
            np.testing.assert_array_equal(bank.labels[pixels], episode.classes[classes])
            assert len(set(pixels.tolist())) == len(pixels)
        assert not set(episode.supports) & set(episode.queries)


def test_k_centre_supports_are_spread_and_never_sparse(bank_of):
    bank = bank_of(shots=5)

    def spread(support):
        own = bank_of(shots=5, support=support)
        rows = [own.descriptors[own.draw(np.random.default_rng(n)).supports[:5]] for n in range(30)]
        return np.mean([(row @ row.T).mean() for row in rows])

    assert spread("k_centre") < spread("random") < spread("similar")
    for number in (1, 2, 5):
        members = np.flatnonzero(bank.labels == number)
        cosines = bank.descriptors[members] @ bank.descriptors[members].T
        density = np.sort(cosines, axis=1)[:, -11:].mean(axis=1)
        sparse = set(members[np.argsort(density)[:6]].tolist())
        drawn = {int(p) for n in range(40) for p in bank.draw(np.random.default_rng(n)).supports}
        assert not sparse & drawn


def test_one_shot_is_the_most_typical_of_its_pool(bank_of):
    bank = bank_of(shots=1)
    episode = bank.draw(np.random.default_rng(0))
    for pixel, number in zip(episode.supports, episode.classes, strict=True):
        mean = bank.descriptors[bank.labels == number].mean(axis=0)
        cosines = bank.descriptors[bank.labels == number] @ mean
        assert bank.descriptors[pixel] @ mean >= np.quantile(cosines, 0.8)


def test_hard_queries_are_nearer_to_other_classes(bank_of):
    def margin(query, epoch):
        bank = bank_of(query=query)
        values = []
        for number in range(40):
            episode = bank.draw(np.random.default_rng(number), epoch)
            asked = episode.queries[episode.query_classes == 0]
            values += (bank.descriptors[asked] @ [0.9, 0, 0.45]).tolist()
        return np.mean(values)

    assert margin("margin", 100) > margin("margin", 0) > margin("random", 100) - 0.02


def test_the_share_of_hard_queries_rises():
    shares = [hard_share(epoch) for epoch in range(0, 100, 5)]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(0.1, abs=0.01)
    assert shares[-1] == pytest.approx(0.5, abs=0.01)


def test_published_supports_are_the_outliers(bank_of):
    bank = bank_of(shots=2, support="dissimilar")
    episodes = [bank.draw(np.random.default_rng(number)) for number in range(5)]
    assert all((episode.supports == episodes[0].supports).all() for episode in episodes)


def test_classes_with_too_few_pixels_are_left_out(bank_of):
    bank = bank_of()
    labels = np.concatenate([bank.labels, [7, 7]])
    rows = np.concatenate([bank.descriptors, bank.descriptors[:2]])
    small = PixelBank(labels, rows, EpisodeOptions(shots=5))
    assert small.skipped == [7]
    assert 7 not in small.classes
    with pytest.raises(DatasetError, match="1 classes have at least 6 labelled pixels"):
        PixelBank(labels[:62], rows[:62], EpisodeOptions(shots=5))
