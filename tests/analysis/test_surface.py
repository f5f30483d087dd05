"""Losses along directions and paths, and their pictures."""

import sys

import numpy as np
import pytest
from matplotlib.image import imread

from fastnn import analysis, optim, train
from tests.analysis.problems import product_net, small_net


def test_surface_of_a_product_of_two_weights():
    model, loss, data = product_net(1.0, 2.0)
    first, second = [0.0, 0.5, -1.0], [0.0, 1.0]
    surface = analysis.loss_surface(model, loss, data, [1, 0], [0, 1], first, second)
    expected = [[(1 - (1 + a) * (2 + b)) ** 2 for b in second] for a in first]
    np.testing.assert_allclose(surface.losses, expected)
    np.testing.assert_array_equal(analysis.flat_parameters(model), [1, 2])
    line = analysis.loss_line(model, loss, data, [1, 0], first)
    np.testing.assert_allclose(line.losses, surface.losses[:, 0])


def test_direction_has_the_length_of_each_filter():
    model, _, _ = small_net()
    direction = analysis.filter_normalised_direction(model, seed=3)
    first, bias = direction[:8].reshape(4, 2), direction[8:12]
    np.testing.assert_allclose(
        np.linalg.norm(first, axis=1), np.linalg.norm(model[0].weight.data, axis=1), rtol=1e-6
    )
    np.testing.assert_array_equal(bias, 0)
    np.testing.assert_array_equal(direction, analysis.filter_normalised_direction(model, seed=3))
    assert (direction != analysis.filter_normalised_direction(model, seed=4)).any()


def test_rescaled_net_has_the_same_line():
    """Between two layers, ten times the weights and a tenth: the same function, and the same picture."""
    losses = []
    for factor in (1.0, 10.0):
        model, loss, data = product_net(1.5 * factor, 1.5 / factor)
        direction = analysis.filter_normalised_direction(model, seed=1)
        losses.append(analysis.loss_line(model, loss, data, direction).losses)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


@pytest.fixture
def trained():
    model, loss, data = small_net()
    path = analysis.ParameterPath()
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    train.fit(model, loss, optimizer, data, epochs=6, batch_size=10, callbacks=[path])
    return model, loss, data, path


def test_path_lies_in_the_plane_of_its_directions(trained):
    model, _, _, path = trained
    first, second, coordinates = analysis.path_directions(path.points)
    assert path.points.shape == (7, 27)
    np.testing.assert_array_equal(path.points[-1], analysis.flat_parameters(model))
    np.testing.assert_array_equal(coordinates[-1], 0)
    lost = path.points - path.points[-1] - coordinates @ np.stack([first, second])
    assert np.square(lost).sum() < 0.1 * np.square(path.points - path.points[-1]).sum()


def test_path_of_steps():
    model, loss, data = small_net()
    path = analysis.ParameterPath("step")
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    train.fit(model, loss, optimizer, data, epochs=2, batch_size=10, callbacks=[path])
    assert len(path.points) == 9


def test_pictures(trained, tmp_path):
    model, loss, data, path = trained
    first, second, coordinates = analysis.path_directions(path.points)
    surface = analysis.loss_surface(
        model, loss, data, first, second, np.linspace(-1, 1, 9), np.linspace(-1, 1, 7)
    )
    surface.plot(tmp_path / "surface.png", trajectory=coordinates)
    surface.plot(tmp_path / "point.png")
    analysis.loss_line(model, loss, data, first).plot(tmp_path / "line.png")
    pictures = [imread(tmp_path / f"{name}.png")[..., :3] for name in ("surface", "point", "line")]
    assert all(picture.std() > 0.05 for picture in pictures)
    assert (pictures[0] != pictures[1]).any()


def test_a_loss_without_bounds_is_drawn_at_its_highest(tmp_path):
    surface = analysis.LossSurface(np.arange(2.0), np.arange(2.0), np.array([[1.0, 2.0], [np.inf, np.nan]]))
    surface.plot(tmp_path / "surface.png")
    assert (tmp_path / "surface.png").stat().st_size > 1000


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"\[plot\] needs the package matplotlib: pip install matplotlib"):
        analysis.LossLine(np.zeros(1), np.zeros(1)).plot()


def test_bad_input_is_named():
    problem = small_net()
    with pytest.raises(ValueError, match=r"\[loss_line\] expected direction of shape \(27,\), got \(2,\)"):
        analysis.loss_line(*problem, [1.0, 2.0])
    with pytest.raises(ValueError, match=r"expected first_steps to be a list of numbers, got shape \(\)"):
        analysis.loss_surface(*problem, np.zeros(27), np.zeros(27), first_steps=1.0)
    with pytest.raises(ValueError, match="expected interval 'epoch' or 'step', got 'batch'"):
        analysis.ParameterPath("batch")
    with pytest.raises(ValueError, match=r"T >= 3, got \(2, 4\)"):
        analysis.path_directions(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="span a plane, got points on one line"):
        analysis.path_directions(np.outer(np.arange(5.0), np.ones(4)))
