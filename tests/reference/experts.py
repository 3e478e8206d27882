"""Classifiers of cells by SciPy's densities, one cell and one class at a time, in float64."""

import numpy as np
from scipy.stats import multivariate_normal


def describe(values, weights=None):
    """Weighted mean and covariance."""
    if weights is None:
        weights = np.ones(len(values))
    total, mean = 0.0, np.zeros(values.shape[1])
    for value, weight in zip(values.astype(float), weights, strict=True):
        total += weight
        mean += weight * value
    mean /= total
    covariance = np.zeros((len(mean), len(mean)))
    for value, weight in zip(values.astype(float), weights, strict=True):
        covariance += weight * np.outer(value - mean, value - mean)
    return mean, covariance / total


def describe_all(values, classes, weights=None):
    """Of every class."""
    chosen = [classes == number for number in range(classes.max() + 1)]
    found = [describe(values[own], None if weights is None else weights[own]) for own in chosen]
    return [mean for mean, _ in found], [covariance for _, covariance in found]


def compare(values, means, covariances):
    """(N, K) log probabilities of normal distributions that are equally frequent."""
    logs = np.empty((len(values), len(means)))
    for k, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        logs[:, k] = multivariate_normal(mean, covariance).logpdf(values)
    for row in logs:
        row -= np.logaddexp.reduce(row)
    return logs


def weigh(classes, polygons):
    """(N,) one over the size of the polygon, times what makes a class sum to its cells."""
    weights = np.zeros(len(classes))
    for number in set(classes.tolist()):
        own = classes == number
        drawn = set(polygons[own].tolist())
        for polygon in drawn:
            inner = own & (polygons == polygon)
            weights[inner] = own.sum() / len(drawn) / inner.sum()
    return weights


def estimate_priors(log_probabilities, rounds):
    """Saerens et al. (2002), eq. 2.9, cell by cell."""
    probabilities = np.exp(log_probabilities.astype(float))
    priors = [1 / probabilities.shape[1]] * probabilities.shape[1]
    for _ in range(rounds):
        sums = [0.0] * len(priors)
        for row in probabilities:
            parts = [p * prior for p, prior in zip(row, priors, strict=True)]
            sums = [s + part / sum(parts) for s, part in zip(sums, parts, strict=True)]
        priors = [s / len(probabilities) for s in sums]
    return np.array(priors)
