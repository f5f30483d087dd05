"""Exported nets in onnxruntime: every type of layer, and a trained convolutional net."""

import numpy as np
import onnxruntime
import pytest
from sklearn.datasets import load_digits

import fastnn
from fastnn import io, nn, optim, train
from fastnn.io.onnx_export.graph import EXPORTERS

PLANE, ROW = (4, 9, 8), (6,)
MODES = ("reflect", "replicate", "circular")
PLAIN = [
    *(nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.LeakyReLU, nn.ELU, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh, nn.SiLU),
    *(nn.GELU, nn.LogSigmoid, nn.Softplus, nn.Softmax, nn.LogSoftmax, nn.Dropout),
]
CASES = [
    *[(kind(), ROW) for kind in PLAIN],
    (nn.Dropout2d(), PLANE),
    *[(nn.Hardtanh(-0.5, 0.2), ROW), (nn.LeakyReLU(0.3), ROW), (nn.ELU(0.5), ROW), (nn.GELU("tanh"), PLANE)],
    *[(nn.Hardsigmoid(0.2, 0.4), ROW), (nn.Softplus(2.0, 1.0), ROW), (nn.Softmax(axis=1), PLANE)],
    (nn.Linear(6, 5), ROW),
    (nn.Linear(8, 5, bias=False), PLANE),
    (nn.Linear(8, 5), PLANE),
    (nn.Flatten(), PLANE),
    (nn.Flatten(2), PLANE),
    (nn.Flatten(1, 2), PLANE),
    (nn.Conv1d(4, 6, 3, stride=2, padding=1), (4, 11)),
    (nn.Conv1d(4, 6, 4, padding="same", padding_mode="circular"), (4, 11)),
    (nn.Conv2d(4, 6, 3, padding=1), PLANE),
    (nn.Conv2d(4, 6, (2, 3), stride=(2, 1), padding=((0, 1), (2, 0)), bias=False), PLANE),
    (nn.Conv2d(4, 8, (4, 3), padding="same", dilation=2, groups=2), PLANE),
    (nn.Conv2d(4, 6, 3, padding="valid", padding_mode="mean"), PLANE),
    *[(nn.Conv2d(4, 4, 3, padding=2, padding_mode=mode), PLANE) for mode in MODES],
    (nn.MaxPool1d(3, 2, 1), (4, 11)),
    (nn.MaxPool2d(2), PLANE),
    (nn.MaxPool2d((3, 2), stride=(2, 1), padding=((1, 0), (0, 1)), dilation=(2, 1)), PLANE),
    (nn.MaxPool2d(3, 2, ceil_mode=True), PLANE),
    (nn.AvgPool1d(3, 2, 1, count_include_pad=False), (4, 11)),
    (nn.AvgPool2d(3, 2, 1), PLANE),
    (nn.AvgPool2d(2, ceil_mode=True), PLANE),
    (nn.AvgPool2d(3, 2, 1, divisor_override=4), PLANE),
    (nn.AdaptiveAvgPool2d(1), PLANE),
    (nn.AdaptiveAvgPool2d((3, 4)), PLANE),
    (nn.AdaptiveMaxPool2d((1, 2)), PLANE),
    (nn.BatchNorm1d(6), ROW),
    (nn.BatchNorm1d(4, affine=False), (4, 11)),
    (nn.BatchNorm2d(4), PLANE),
    (nn.LayerNorm(8), PLANE),
    (nn.LayerNorm((9, 8), bias=False), PLANE),
    (nn.LayerNorm((9, 8), elementwise_affine=False), PLANE),
    (nn.Residual(nn.Linear(6, 6), nn.Tanh()), ROW),
    (nn.Residual(nn.Conv2d(4, 2, 1), shortcut=nn.Conv2d(4, 2, 1)), PLANE),
    (nn.Sequential(nn.Sequential({"body": nn.Linear(6, 3)}), nn.ReLU()), ROW),
    (nn.Linear(6, 5, dtype=np.float64), ROW),
]  # fmt: skip


def run(proto_or_path, x):
    """What onnxruntime makes of x."""
    source = (
        str(proto_or_path)
        if not hasattr(proto_or_path, "SerializeToString")
        else proto_or_path.SerializeToString()
    )
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    return session.run(None, {"input": x.astype(np.float32)})[0]


@pytest.mark.parametrize(("layer", "shape"), CASES, ids=lambda value: str(value)[:60])
def test_same_outputs_in_onnxruntime(layer, shape):
    rng = np.random.default_rng(0)
    for parameter in layer.parameters():
        parameter.data[...] += rng.standard_normal(parameter.shape) / 10
    dtype = next((p.dtype for p in layer.parameters()), np.float32)
    layer.train()(rng.standard_normal((20, *shape)).astype(dtype))  # moves the running statistics
    layer.eval()
    proto = io.export_onnx(layer, None, shape)
    for batch in (1, 5):
        x = (2.0 * rng.standard_normal((batch, *shape))).astype(dtype)
        expected = layer(x)
        found = run(proto, x)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_every_exported_type_is_tried():
    tried = {type(part) for layer, _ in CASES for part in layer.modules()}
    assert tried == set(EXPORTERS)


def test_a_trained_net_gives_the_same_classes_and_probabilities(tmp_path):
    x, y = load_digits(return_X_y=True)
    images = (x / 16).reshape(-1, 1, 8, 8)
    fastnn.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding="same"), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.1),
        nn.Residual(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()), nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    train.fit(model, nn.CrossEntropyLoss(), optimizer, (images[:1400], y[:1400]), epochs=6)
    net = nn.Sequential(model, nn.Softmax(axis=1))
    io.export_onnx(net, tmp_path / "digits.onnx", (1, 8, 8))
    expected, found = train.predict(net, images[1400:]), run(tmp_path / "digits.onnx", images[1400:])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    assert (found.argmax(axis=1) == y[1400:]).mean() > 0.9
    assert all(part.training for part in model.modules())


class Doubled(nn.ReLU):
    """A layer of one's own."""


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (
            nn.Sequential(nn.ReLU(), Doubled()),
            ROW,
            r"cannot express Doubled\(\) at '1' in ONNX: .* no function",
        ),
        (nn.Conv2d(4, 4, 3, padding=1, padding_mode="mean"), PLANE, "Conv2d.* no padding by 'mean'"),
        (nn.BatchNorm1d(6, track_running_stats=False), ROW, "BatchNorm1d.* statistics of each batch"),
        (nn.AdaptiveAvgPool2d(2), PLANE, r"AdaptiveAvgPool2d.* plane of \(9, 8\)"),
        (nn.AvgPool2d(2, ceil_mode=True, divisor_override=3), PLANE, "AvgPool2d.* divisor_override"),
        (nn.Flatten(0), ROW, "Flatten.* the batch"),
        (nn.Linear(5, 2), ROW, "linear"),
        (nn.ReLU(), (0,), "expected input_shape >= 1, got 0"),
    ],
)
def test_what_onnx_has_not_is_named(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        io.export_onnx(layer, None, shape)
