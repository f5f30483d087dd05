"""What each example of the course says is seen, is there, in its short form, too."""

from itertools import pairwise

import numpy as np
import pytest

from tests.examples.course import run


def figures(name):
    return run(name).figures


def falls(values):
    return all(after < before for before, after in pairwise(values))


def test_c01_descent_comes_to_the_least_squares_line_and_stops_in_three_ways():
    found = figures("c01_three_steps")
    limit, still, epochs = (found[name] for name in ("limit of updates", "parameters still", "epochs"))
    assert limit["updates"] == 20
    assert 100 < still["updates"] < 1000
    assert epochs["updates"] == 30 * 6
    for name in ("b", "w"):
        assert still[name] == pytest.approx(found["least squares"][name], abs=1e-4)
    assert limit["loss"] > still["loss"]


def test_c02_worked_step():
    found = figures("c02_worked_step")
    assert found["gradient"] == pytest.approx([-66, -87, -108])
    assert found["theta"] == pytest.approx([6.6, 8.7, 10.8])
    assert found["before"] == pytest.approx(130.5)
    assert found["after"] == pytest.approx(8434.125)
    for rate, loss in found["last"].items():
        assert (loss < found["before"]) == (rate < found["limit"])


def test_c03_sums_of_bends():
    found = figures("c03_piecewise_linear")
    assert found["errors"]["hard sigmoids"] < 1e-15
    assert found["errors"]["ReLU pairs"] < 1e-15
    assert 0.01 < found["errors"]["sigmoids"] < 0.2
    assert falls(list(found["pieces"].values()))
    assert falls(found["depth"])
    assert max(found["sizes"]) < 1.03 * min(found["sizes"])


def test_c04_one_line_does_all_gates_but_xor():
    found = figures("c04_perceptron")
    assert found["right"].pop("XOR") <= 3
    assert set(found["right"].values()) == {4}
    assert len(found["right"]) == 4
    assert found["groups"] > 0.97


def test_c05_linear_layers_are_one_and_gradients_vanish_in_sigmoids():
    found = figures("c05_activations")
    assert found["difference"] < 1e-14
    assert found["first over last"]["sigmoid"] < 1e-4
    assert 0.1 < found["first over last"]["ReLU"] < 10


def test_c06_outlier_and_imbalance():
    found = figures("c06_losses")
    slopes = found["slopes"]
    assert abs(slopes["squared error, one outlier"] - slopes["squared error, clean"]) > 1
    assert abs(slopes["absolute error, one outlier"] - slopes["absolute error, clean"]) < 0.1
    assert found["rare found"]["weights 1 : 19"] > found["rare found"]["no weights"] + 0.3


def test_c07_softmax():
    found = figures("c07_softmax")
    assert found["probabilities"] == pytest.approx(np.exp([3, 1, -3]) / np.exp([3, 1, -3]).sum())
    assert found["probabilities"] == pytest.approx([0.88, 0.12, 0.0], abs=0.005)
    assert found["sum"] == pytest.approx(1)
    assert falls(found["largest"][::-1])
    assert found["difference"] < 1e-15


def test_c08_squared_error_stalls_where_cross_entropy_goes_on():
    found = figures("c08_cross_entropy_or_mse")
    assert found["gradient"]["squared error"] < 1e-5 < 1 < found["gradient"]["cross-entropy"]
    assert found["p right"]["cross-entropy"] > 0.9
    assert found["p right"]["squared error"] < 0.01
    assert found["digits"]["cross-entropy"] > found["digits"]["squared error"] + 0.3


def test_c09_small_batches_get_further_in_an_epoch():
    found = figures("c09_update_epoch_batch")
    assert found["updates"] == {1: 200, 10: 20, 100: 2, 200: 1}
    assert falls(list(found["losses"].values())[::-1])
    orders = found["orders"]
    assert len({tuple(order) for order in orders}) == 3
    assert all(sorted(order) == list(range(8)) for order in orders)


def test_c10_small_batches_get_further_and_end_flatter():
    found = figures("c10_small_or_large_batch")
    sizes = list(found["training"])
    small, large = sizes[0], sizes[-1]
    assert found["training"][small] > found["training"][large] + 0.1
    assert found["test"][small] > found["test"][large] + 0.1
    assert found["sharpness"][small] < 0.9 * found["sharpness"][large]


def test_c11_movements_and_the_dip():
    found = figures("c11_momentum")
    assert found["movements"] == pytest.approx(found["formula"], rel=1e-12)
    assert found["ends"]["plain descent"] > 5
    assert abs(found["ends"]["momentum"]) < 0.1
    assert found["losses"]["momentum"] < 0.1 * found["losses"]["plain descent"]


def test_c12_adaptive_rates_and_the_late_burst():
    found = figures("c12_adaptive_rates")
    bowl = found["losses"]["stretched bowl"]
    assert max(loss for name, loss in bowl.items() if name != "SGD") < 0.01 * bowl["SGD"]
    crescent = found["losses"]["crescent"]
    assert min(crescent, key=crescent.get) == "Adam"
    assert found["late"]["mean"] > 100 * found["late"]["sum"]


def test_c13_decay_removes_the_burst():
    found = figures("c13_schedules")
    late = found["late"]
    constant = late.pop("constant")
    assert len(late) == 4
    assert max(late.values()) < 0.01 * constant
    first, highest, last = found["rates"]["warm-up, cosine"]
    assert last < first < highest == pytest.approx(0.06)


def test_c14_saddles_and_the_way_out():
    found = figures("c14_critical_points")
    points, escapes = found["points"], found["escapes"]
    np.testing.assert_allclose(points["w1 w2 x at (0, 0)"].eigenvalues, [-2, 2], atol=1e-9)
    kinds = {name: point.kind for name, point in points.items()}
    assert kinds["w1 w2 x at (0, 0)"] == "saddle"
    assert kinds["w1 w2 x at (1, 1)"] == kinds["w1 w2 x at (2, 0.5)"] == "minimum"
    assert kinds["w1 w2 x at (1, 0)"] == "not critical"
    assert kinds["net, stop 1"] == kinds["net, stop 2"] == "saddle"
    assert len(escapes) >= 3
    assert all(way.eigenvalue < 0 and way.loss_after < way.loss_before for way in escapes.values())
    assert found["losses"][0][-1] == pytest.approx(found["losses"][0][0])  # stuck where it began
    assert found["losses"][-1][-1] < 0.01


def test_c17_causes_are_named():
    assert figures("c17_diagnosis") == {
        "one tanh unit": "model bias",
        "eight layers of sigmoids": "optimisation",
        "eight noisy points": "overfitting",
        "two layers, enough data": "fine",
    }


def test_c19_convolution_as_a_matrix_and_its_fields():
    found = figures("c19_convolution")
    assert found["difference"] < 1e-12
    assert found["weights"] == 2 * 3 * 2
    assert list(found["fields"].values()) == [(3, 3), (5, 5), (7, 7), (7, 7), (2, 5), (7, 7)]
    rows = found["borders"]
    assert all(row[1:-1] == [2, 3, 4] for row in rows.values())
    assert rows["zeros"][0] == pytest.approx((1 + 2) / 3)
    assert rows["mean"][0] == pytest.approx((3 + 1 + 2) / 3)
    assert rows["replicate"][0] == pytest.approx((1 + 1 + 2) / 3)


def test_c20_pooling_and_striding_read_alike():
    found = figures("c20_pooling")
    pooled, strided = found["max pooling"], found["stride 2, no pooling"]
    assert pooled["pooling"] == found["average pooling"]["pooling"] == 0
    assert pooled["parameters"] == strided["parameters"]
    assert min(pooled["accuracy"], strided["accuracy"]) > 0.8
    assert abs(pooled["accuracy"] - strided["accuracy"]) < 0.1
    assert found["planes"] == [(1, 8, 8), (1, 4, 4), (1, 4, 4)]


def test_c21_the_classic_net_reads_digits():
    """The long form reaches 98 %."""
    found = figures("c21_classic_cnn")
    assert found["accuracy"] > 0.95
    np.testing.assert_allclose(found["sums"], 1, rtol=1e-5)


def test_c22_augmentation_wins_back_half_of_what_turning_costs():
    found = figures("c22_augmentation")
    nothing, augmented = (found["accuracy"][name] for name in ("none", "turns and sizes"))
    assert nothing["upright"] > nothing["turned"] + 0.25
    assert augmented["turned"] > found["accuracy"]["shifts"]["turned"] + 0.1
    assert found["won_back"] >= 0.5


def test_c23_spatial_transformers_beat_nets_of_their_size():
    found = figures("c23_spatial_transformer")
    for kind in ("dense", "conv"):
        before, after = found["parameters"][kind], found["parameters"][f"transformer + {kind}"]
        assert abs(after - before) < 0.05 * before
        assert found["accuracy"][f"transformer + {kind}"] > found["accuracy"][kind] + 0.02
