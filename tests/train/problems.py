"""Small problems to train on: three clouds of points, and nets that tell them apart."""

import numpy as np

import fastnn
from fastnn import nn, optim


def clouds(samples=90, seed=0):
    """Points (float64) around three centres, and the number of the centre."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, samples)
    centres = np.array([[2.0, 0.0, 0.0, 1.0], [0.0, 2.0, 0.0, -1.0], [0.0, 0.0, 2.0, 0.0]])
    return centres[labels] + rng.normal(0.0, 0.7, (samples, 4)), labels


def make_model(seed=0, dtype=np.float32, dropout=0.2):
    fastnn.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(4, 16, dtype=dtype), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 3, dtype=dtype)
    )


def make_run(seed=0, dtype=np.float32, lr=0.01, dropout=0.2):
    """The three first arguments of fit."""
    model = make_model(seed, dtype, dropout)
    return model, nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=lr)


def weights_of(model):
    return {name: array.copy() for name, array in model.state_dict().items()}


def assert_same_weights(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
