"""History: a mapping, and its picture."""

import json
import math
import subprocess
import sys

import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from fastnn.train import History


def make_history(epochs=20, validation=True, metrics=("accuracy",)):
    history = History()
    for epoch in range(1, epochs + 1):
        logs = {"loss": 1 / epoch} | dict.fromkeys(metrics, 1 - 0.5 / epoch)
        if validation:
            logs |= {"val_loss": 0.2 + (epoch - 7) ** 2 / 50}
            logs |= {f"val_{name}": 0.9 - 0.5 / epoch for name in metrics}
        history.append(logs, seconds=0.5)
    return history


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_is_a_mapping_of_names_to_lists():
    history = make_history(2)
    assert history.epochs == [1, 2]
    assert history.seconds == [0.5, 0.5]
    assert history["loss"] == [1.0, 0.5]
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert len(history) == 4
    assert "val_loss" in history
    assert "lr" not in history


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(KeyError, match=r"no 'lr' in this history; it holds \['loss'"):
        make_history(1)["lr"]


def test_lists_stay_as_long_as_epochs_when_names_come_and_go():
    history = make_history(2, validation=False, metrics=())
    history.append({"loss": 0.25, "val_loss": 0.5})
    history.append({"loss": 0.125})
    assert history["loss"] == [1.0, 0.5, 0.25, 0.125]
    assert [math.isnan(value) for value in history["val_loss"]] == [True, True, False, True]


def test_to_dict_is_a_plain_copy():
    history = make_history(2, validation=False)
    copy = history.to_dict()
    assert json.loads(json.dumps(copy)) == {
        "epochs": [1, 2],
        "seconds": [0.5, 0.5],
        "loss": [1.0, 0.5],
        "accuracy": [0.5, 0.75],
    }
    copy["loss"].clear()
    assert history["loss"] == [1.0, 0.5]


def test_repr_shows_the_last_values():
    assert repr(make_history(2, validation=False)) == "History(2 epochs: loss=0.5, accuracy=0.75)"
    assert repr(History()) == "History(0 epochs)"


def test_picture_on_file_has_the_size_of_the_figure(tmp_path):
    path = tmp_path / "curves.png"
    figure = make_history().plot(path)
    assert isinstance(figure, Figure)
    picture = imread(path)
    width, height = figure.get_size_inches() * 150
    assert picture.shape[:2] == (round(height), round(width))
    assert picture[..., :3].std() > 0.05


def test_panels_curves_and_best_epoch():
    loss, metric = make_history().plot().axes
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("Epoch", "Loss")
    assert (metric.get_xlabel(), metric.get_ylabel()) == ("Epoch", "Accuracy")
    assert labels(loss) == labels(metric) == ["training", "validation", "best epoch (7)"]
    training, validation, best = loss.get_lines()
    history = make_history()
    assert training.get_ydata().tolist() == history["loss"]
    assert validation.get_ydata().tolist() == history["val_loss"]
    assert validation.get_xdata().tolist() == history.epochs
    assert set(best.get_xdata()) == {7}
    assert metric.get_lines()[1].get_ydata().tolist() == history["val_accuracy"]


def test_without_validation_and_metrics_one_panel_and_the_lowest_training_loss():
    (ax,) = make_history(3, validation=False, metrics=()).plot().axes
    assert labels(ax) == ["training", "best epoch (3)"]


def test_several_metrics_share_a_panel():
    _, ax = make_history(3, metrics=("accuracy", "top_5")).plot().axes
    assert labels(ax)[:4] == [
        "Accuracy, training",
        "Accuracy, validation",
        "Top 5, training",
        "Top 5, validation",
    ]


def test_nan_is_never_the_best_epoch():
    history = History()
    for value in (float("nan"), 2.0, 3.0):
        history.append({"loss": value})
    assert labels(history.plot().axes[0]) == ["training", "best epoch (2)"]
    hopeless = History()
    hopeless.append({"loss": float("nan")})
    assert labels(hopeless.plot().axes[0]) == ["training"]


def test_draws_the_losses_into_a_given_panel():
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert make_history().plot(ax=right) is figure
    assert len(figure.axes) == 2
    assert not left.get_lines()
    assert labels(right)[:2] == ["training", "validation"]


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ValueError, match="at least one finished epoch"):
        History().plot()


def test_pyplot_is_not_touched(tmp_path):
    code = (
        "import sys; from fastnn.train import History; h = History(); h.append({'loss': 1.0});"
        f"h.plot({str(tmp_path / 'a.png')!r}); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install '\.\[demo\]'"):
        make_history().plot()
