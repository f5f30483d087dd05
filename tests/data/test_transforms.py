"""Transforms: what each does to images and targets, and that a seed fixes it for any number of threads."""

import numpy as np
import pytest

import fastnn
import fastnn.functional as F
from fastnn.data import ArrayLoader, transforms

EVERY = {
    "hflip": transforms.RandomHorizontalFlip(),
    "vflip": transforms.RandomVerticalFlip(0.3),
    "crop": transforms.RandomCrop((6, 5), padding=2),
    "rotation": transforms.RandomRotation(30),
    "affine": transforms.RandomAffine(20, (0.1, 0.2), (0.8, 1.2), (5, 10, -5, 5)),
    "erasing": transforms.RandomErasing(),
    "cutout": transforms.Cutout(3),
    "mixup": transforms.MixUp(num_classes=4),
    "all": transforms.Compose(
        [transforms.RandomCrop(7, 1), transforms.RandomRotation(9), transforms.MixUp(0.4, 4)]
    ),
}


def batch(dtype="float64", n=8, shape=(2, 7, 9)):
    rng = np.random.default_rng(5)
    return rng.standard_normal((n, *shape)).astype(dtype), rng.integers(0, 4, n)


def applied(transform, x, y=None, seed=0):
    return transform(x, y, np.random.default_rng(seed))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EVERY)
def test_keeps_dtype_and_arguments_and_follows_the_generator(name, dtype):
    x, y = batch(dtype)
    kept = x.tobytes(), y.tobytes()
    results = [applied(EVERY[name], x, y, seed) for seed in (1, 1, 2)]
    assert (x.tobytes(), y.tobytes()) == kept
    for new_x, new_y in results:
        assert new_x.dtype == dtype
        assert not np.shares_memory(new_x, x)
        assert len(new_x) == len(new_y) == len(x)
    assert results[0][0].tobytes() == results[1][0].tobytes() != results[2][0].tobytes()


@pytest.mark.parametrize("name", EVERY)
def test_a_loader_gives_the_same_bits_for_any_number_of_threads(name):
    x, y = batch("float32", 300, (3, 20, 20))

    def epoch(threads):
        with fastnn.threads(threads):
            loader = ArrayLoader(x, y, 150, shuffle=True, seed=4, transform=EVERY[name])
            return [(a.tobytes(), b.tobytes()) for a, b in loader]

    assert epoch(1) == epoch(3)


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("mixup", "all")])
def test_labels_and_empty_batches_pass(name):
    x, y = batch()
    assert applied(EVERY[name], x, y)[1] is y
    assert len(applied(EVERY[name], x[:0], None)[0]) == 0


@pytest.mark.parametrize("name", EVERY)
def test_strided_images_give_what_a_copy_gives(name):
    x, y = batch()
    wide = np.zeros((8, 14, 9, 2))
    wide[:, ::2, ::-1] = np.moveaxis(x, 1, 3)
    view = np.moveaxis(wide[:, ::2, ::-1], 3, 1)
    np.testing.assert_array_equal(applied(EVERY[name], view, y)[0], applied(EVERY[name], x, y)[0])


@pytest.mark.parametrize(("flip", "axis"), [("RandomHorizontalFlip", -1), ("RandomVerticalFlip", -2)])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_flips_mirror_a_share_of_the_images(flip, axis, dtype):
    x = np.random.default_rng(0).integers(0, 255, (1000, 1, 2, 3)).astype(dtype)
    y, _ = applied(getattr(transforms, flip)(0.3), x)
    mirrored = (y == np.flip(x, axis)).all(axis=(1, 2, 3))
    assert ((y == x).all(axis=(1, 2, 3)) | mirrored).all()
    assert 250 < (mirrored & (y != x).any(axis=(1, 2, 3))).sum() < 350
    np.testing.assert_array_equal(applied(getattr(transforms, flip)(1.0), x)[0], np.flip(x, axis))
    np.testing.assert_array_equal(applied(getattr(transforms, flip)(0.0), x)[0], x)


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_crops_are_all_windows_of_the_padded_image(dtype):
    image = np.arange(1, 13).reshape(1, 3, 4).astype(dtype)
    crops, _ = applied(transforms.RandomCrop((2, 3), ((1, 0), (0, 2)), fill=50), np.stack([image] * 400))
    padded = np.pad(image[0], ((1, 0), (0, 2)), constant_values=50)
    windows = {padded[i : i + 2, j : j + 3].tobytes() for i in range(3) for j in range(4)}
    assert {crop.tobytes() for crop in crops} == windows
    assert crops.shape == (400, 1, 2, 3)


@pytest.mark.parametrize("quarters", [-1, 0, 1, 2])
def test_rotation_is_counter_clockwise(quarters):
    x, _ = batch(shape=(2, 6, 6))
    turned, _ = applied(transforms.RandomRotation((90 * quarters, 90 * quarters)), x)
    np.testing.assert_allclose(turned, np.rot90(x, quarters, axes=(2, 3)), atol=1e-12)
    clockwise, _ = applied(transforms.RandomAffine((-90 * quarters, -90 * quarters)), x)
    np.testing.assert_array_equal(clockwise, turned)


def test_a_turn_keeps_lengths_in_images_that_are_not_square():
    x = np.zeros((1, 1, 9, 21))
    x[0, 0, 4, 6:15] = 1
    turned, _ = applied(transforms.RandomRotation((90, 90)), x)
    wanted = np.zeros((9, 21))
    wanted[:, 10] = 1
    np.testing.assert_allclose(turned[0, 0], wanted, atol=1e-12)


def test_scale_enlarges_about_the_centre():
    x = np.zeros((1, 1, 8, 8))
    x[0, 0, 3:5, 3:5] = 1
    larger, _ = applied(transforms.RandomAffine(0, scale=(2, 2)), x)
    np.testing.assert_allclose(larger.sum(), 16)
    np.testing.assert_allclose(larger[0, 0, 3:5, 3:5], 1)
    assert (larger[0, 0, 1:7, 1:7] > 0).all()


def test_moves_reach_the_share_of_an_axis_and_no_further():
    x = np.zeros((500, 1, 21, 41))
    x[:, :, 10, 20] = 1
    moved, _ = applied(transforms.RandomAffine(0, translate=(0.25, 0.1)), x)
    rows, columns = moved.sum(axis=(1, 3)) @ np.arange(21), moved.sum(axis=(1, 2)) @ np.arange(41)
    assert abs(rows - 10).max() <= 2.1 + 1e-9
    assert abs(columns - 20).max() <= 10.25 + 1e-9
    assert abs(rows - 10).max() > 2
    assert abs(columns - 20).max() > 10


def test_shear_moves_rows_against_each_other():
    x = np.zeros((1, 1, 9, 21))
    x[0, 0, :, 10] = 1
    leaning, _ = applied(transforms.RandomAffine(0, shear=(45, 45)), x)
    centres = leaning[0, 0] @ np.arange(21) / leaning[0, 0].sum(axis=1)
    np.testing.assert_allclose(np.abs(np.diff(centres)), 1, atol=1e-9)


def test_affine_is_grid_sample_at_the_inverse_map():
    """Against the map written out in cells: centre, turn, shear, scale, move."""
    x, _ = batch(n=1, shape=(1, 8, 6))
    options = {"degrees": (25, 25), "scale": (0.8, 0.8), "shear": (10, 10, -20, -20)}
    y, _ = applied(transforms.RandomAffine(**options, padding_mode="border"), x)
    a, sx, sy = np.radians([25, 10, -20])
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    shear_y, shear_x = np.array([[1, 0], [-np.tan(sy), 1]]), np.array([[1, -np.tan(sx)], [0, 1]])
    inverse = np.linalg.inv(0.8 * turn @ shear_y @ shear_x)
    rows, columns = np.mgrid[:8, :6]
    source = (np.stack([columns - 2.5, rows - 3.5], axis=-1) @ inverse.T) + [2.5, 3.5]
    grid = (2 * source + 1) / [6, 8] - 1
    np.testing.assert_allclose(y, F.grid_sample(x, grid[None], padding_mode="border"), atol=1e-12)


def test_erasing_takes_rectangles_of_the_named_area_and_ratio():
    x = np.ones((600, 2, 40, 30))
    erased, _ = applied(transforms.RandomErasing(0.5, (0.1, 0.2), (0.5, 2.0), value=7), x)
    gone = (erased == 7).all(axis=1)
    assert ((erased == 1) | (erased == 7)).all()
    assert (gone == (erased == 7).any(axis=1)).all()
    touched = gone[gone.any(axis=(1, 2))]
    assert 240 < len(touched) < 360
    heights, widths = touched.any(axis=2).sum(axis=1), touched.any(axis=1).sum(axis=1)
    np.testing.assert_array_equal(heights * widths, touched.sum(axis=(1, 2)))
    assert ((heights * widths > 0.08 * 1200) & (heights * widths < 0.22 * 1200)).all()
    assert ((heights / widths > 0.45) & (heights / widths < 2.2)).all()


def test_cutout_cuts_squares_around_every_cell():
    x = np.ones((2000, 1, 5, 6), np.uint8)
    cut, _ = applied(transforms.Cutout(3), x)
    gone = (cut == 0)[:, 0]
    assert set(gone.sum(axis=(1, 2)).tolist()) == {4, 6, 9}
    assert len({g.tobytes() for g in gone}) == 30


def test_mixup_mixes_inputs_and_targets_alike():
    """Where x is the one-hot target itself, the two mix to the same."""
    labels = np.arange(5)
    x, y = applied(transforms.MixUp(1.0, num_classes=5), np.eye(5), labels)
    np.testing.assert_array_equal(x, y)
    np.testing.assert_allclose(y.sum(axis=1), 1)
    assert 0 < y.max() < 1
    soft, mixed = applied(transforms.MixUp(), np.eye(5, dtype="f4"), np.eye(5))
    np.testing.assert_allclose(mixed, soft)
    assert mixed.dtype == np.float32


def test_mixup_trains_with_cross_entropy():
    x, y = batch("float32")
    loader = ArrayLoader(x.reshape(8, -1), y, batch_size=4, seed=0, transform=transforms.MixUp(num_classes=4))
    model = fastnn.nn.Sequential(fastnn.nn.Linear(126, 4))
    optimizer = fastnn.optim.SGD(model.parameters(), lr=0.1)
    history = fastnn.train.fit(
        model, fastnn.nn.CrossEntropyLoss(), optimizer, loader, epochs=2, progress=False
    )
    assert len(history.epochs) == 2


def test_compose_hands_each_the_result_of_the_one_before():
    def add(x, y, rng):
        return x + 1, y

    def double(x, y, rng):
        return x * 2, -y

    x, y = applied(transforms.Compose([add, double]), np.array([1.0]), np.array([3.0]))
    assert (x.item(), y.item()) == (4.0, -3.0)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "bool", "float64"])
def test_to_float(dtype):
    x = np.array([[0, 1], [1, 100]]).astype(dtype)
    y, _ = applied(transforms.ToFloat(scale=4, dtype="float64"), x)
    np.testing.assert_array_equal(y, x.astype(np.float64) / 4)
    assert applied(transforms.ToFloat(), x)[0].dtype == np.float32


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: transforms.RandomHorizontalFlip(1.5), ValueError, r"RandomHorizontalFlip\] .*p in \[0, 1\]"),
        (lambda: transforms.RandomVerticalFlip("a"), TypeError, r"RandomVerticalFlip\] .*p to be a number"),
        (lambda: transforms.RandomCrop(0), ValueError, r"RandomCrop\] .*size >= 1, got 0"),
        (lambda: transforms.RandomCrop(3, -1), ValueError, r"RandomCrop\] .*padding >= 0, got -1"),
        (lambda: transforms.RandomCrop(3, "same"), TypeError, r"RandomCrop\] .*padding as cells"),
        (lambda: transforms.RandomRotation(-3), ValueError, r"RandomRotation\] .*degrees.*>= 0, got -3"),
        (
            lambda: transforms.RandomRotation((3, 1)),
            ValueError,
            r"RandomRotation\] .*min <= max, got \(3, 1\)",
        ),
        (lambda: transforms.RandomAffine(0, (0.1, 2)), ValueError, r"RandomAffine\] .*translate in \[0, 1\]"),
        (
            lambda: transforms.RandomAffine(0, 0.1),
            ValueError,
            r"RandomAffine\] .*translate \(x, y\), got 0.1",
        ),
        (lambda: transforms.RandomAffine(0, scale=(0, 1)), ValueError, r"RandomAffine\] .*scale.*0 < min"),
        (
            lambda: transforms.RandomAffine(0, shear=90),
            ValueError,
            r"RandomAffine\] .*shear.*90, got 90|shear",
        ),
        (
            lambda: transforms.RandomAffine(0, shear=(1, 2, 3)),
            ValueError,
            r"RandomAffine\] .*shear \(min, max",
        ),
        (
            lambda: transforms.RandomAffine(0, padding_mode="edge"),
            ValueError,
            r"RandomAffine\] .*padding_mode.*'edge'",
        ),
        (lambda: transforms.RandomErasing(scale=(0, 2)), ValueError, r"RandomErasing\] .*scale within"),
        (lambda: transforms.RandomErasing(ratio=(0, 2)), ValueError, r"RandomErasing\] .*ratio.*0 < min"),
        (lambda: transforms.Cutout(0), ValueError, r"Cutout\] .*size >= 1"),
        (lambda: transforms.MixUp(0), ValueError, r"MixUp\] .*alpha.*> 0, got 0"),
        (lambda: transforms.MixUp(1, 0), ValueError, r"MixUp\] .*num_classes >= 1"),
        (lambda: transforms.ToFloat(0), ValueError, r"ToFloat\] .*scale.*not 0"),
        (
            lambda: transforms.ToFloat(dtype="float16"),
            TypeError,
            r"ToFloat\] .*float32 or float64, got float16",
        ),
        (lambda: transforms.Compose([3]), TypeError, r"Compose\] .*list of callables"),
    ],
)
def test_errors_of_options(make, error, message):
    with pytest.raises(error, match=r"^\[" + message):
        make()


@pytest.mark.parametrize(
    ("transform", "x", "y", "error", "message"),
    [
        (transforms.RandomHorizontalFlip(), [[1.0]], None, TypeError, r"x to be a numpy.ndarray, got list"),
        (transforms.RandomErasing(), np.ones((2, 3)), None, ValueError, r"x of shape \(N, ..., H, W\), got"),
        (transforms.RandomCrop(5, 1), np.ones((1, 2, 9)), None, ValueError, r"at least \(5, 5\).*\(4, 11\)"),
        (transforms.RandomRotation(5), np.ones((1, 2, 9), "u1"), None, TypeError, r"got uint8; ToFloat\(\)"),
        (transforms.MixUp(), np.ones((2, 2), "u1"), np.ones(2), TypeError, r"got uint8; ToFloat\(\)"),
        (transforms.MixUp(), np.ones((2, 2)), np.array([0, 1]), ValueError, r"num_classes for targets"),
        (transforms.MixUp(), np.ones((2, 2)), None, ValueError, r"a target for each of 2 samples"),
        (
            transforms.MixUp(1, 2),
            np.ones((2, 2)),
            np.array([0, 2]),
            IndexError,
            r"\[0, 2\), got 2 at position 1",
        ),
        (transforms.MixUp(1, 2), np.ones((1, 2)), np.array([[0]]), ValueError, r"y as \(N,\) integers"),
        (transforms.ToFloat(), np.array(["a"]), None, TypeError, r"real numbers, got <U1"),
    ],
)
def test_errors_of_calls(transform, x, y, error, message):
    with pytest.raises(error, match=rf"^\[{type(transform).__name__}\] expected .*{message}"):
        applied(transform, x, y)


def test_rng_is_a_generator():
    with pytest.raises(TypeError, match=r"\[Cutout\] expected rng to be a numpy.random.Generator, got int"):
        transforms.Cutout(2)(np.ones((1, 2, 2)), None, 3)


def test_reprs_can_be_read():
    assert repr(transforms.RandomRotation(9)) == "RandomRotation(degrees=(-9.0, 9.0), padding_mode='zeros')"
    assert repr(transforms.Compose([transforms.Cutout(2)])) == "Compose([Cutout(size=2, value=0)])"
