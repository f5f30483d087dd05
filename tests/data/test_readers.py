"""read_idx and read_cifar: what they read, and that damaged files are refused before memory is taken."""

import gzip
import struct

import numpy as np
import pytest

from fastnn.data import read_cifar, read_idx

CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx(array):
    header = bytes([0, 0, CODES[array.dtype.str[1:]], array.ndim]) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def written(tmp_path):
    def write(content, name="file"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("shape", [(3,), (4, 5, 6), (2, 0, 3), ()])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_is_read(written, shape, dtype, pack):
    array = np.random.default_rng(0).uniform(-100, 100, shape).astype(dtype) if shape else np.array(7, dtype)
    found = read_idx(written(pack(idx(array))))
    assert found.dtype == array.dtype
    assert found.dtype.isnative
    assert found.flags.writeable
    np.testing.assert_array_equal(found, array)


def test_idx_larger_than_a_chunk(written):
    array = np.random.default_rng(0).integers(0, 255, (3, 1000, 900), dtype=np.uint8)
    np.testing.assert_array_equal(read_idx(str(written(gzip.compress(idx(array), 1)))), array)


WHOLE = idx(np.arange(6, dtype="i4").reshape(2, 3))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_cut_off_anywhere_or_too_long_is_refused(written, pack):
    for length in range(len(WHOLE)):
        with pytest.raises(ValueError, match=r"^\[read_idx\] expected .*got .* in .*file"):
            read_idx(written(pack(WHOLE[:length])))
    with pytest.raises(ValueError, match=r"nothing after int32 values of shape \(2, 3\), got more bytes"):
        read_idx(written(pack(WHOLE + b"\0")))


def test_packed_idx_with_a_byte_gone_or_changed_is_refused(written):
    """Bytes 4 to 9 hold the time and the system, which say nothing about what is packed."""
    packed = gzip.compress(WHOLE, mtime=0)
    for at in range(len(packed)):
        damaged = bytearray(packed)
        damaged[at] ^= 6
        for content in [packed[:at]] + [bytes(damaged)] * (at not in range(4, 10)):
            with pytest.raises(ValueError, match=r"^\[read_idx\] expected .*got .*file"):
                read_idx(written(content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x00\x00\x07\x01\x00\x00\x00\x01\x00", r"an IDX file, got one that begins with 00 00 07 01"),
        (b"PK\x03\x04rest", r"an IDX file, got one that begins with 50 4b 03 04"),
        (b"", r"a header, got 4 bytes of it announced and 0 at most there"),
        (
            idx(np.zeros(3, "u1"))[:4] + b"\xff" * 4 + b"abc",
            r"got 4294967295 bytes of it announced and 11 at",
        ),
    ],
)
def test_idx_of_another_kind_is_refused(written, content, message):
    with pytest.raises(ValueError, match=rf"^\[read_idx\] expected .*({message}).* in "):
        read_idx(written(content))


def test_announced_sizes_take_no_memory(written):
    """2**60 values, and a few thousand, in files of 40 bytes, plain and packed."""
    header = bytes([0, 0, 14, 2]) + struct.pack(">2I", 2**30, 2**30) + bytes(28)
    large = bytes([0, 0, 14, 2]) + struct.pack(">2I", 2**14, 2**3) + bytes(28)
    for content in (header, gzip.compress(header), large, gzip.compress(large)):
        with pytest.raises(ValueError, match=r"announced and \d+ at most there|the end after 28 of them"):
            read_idx(written(content))


def cifar(labels, classes, seed=0):
    """A file, and what is in it."""
    pixels = np.random.default_rng(seed).integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    records = np.concatenate([np.array(labels, np.uint8).reshape(len(labels), classes), pixels], axis=1)
    return records.tobytes(), pixels.reshape(-1, 3, 32, 32)


def test_cifar_10_from_several_files(written):
    (a, x_a), (b, x_b) = cifar([3, 9], 1), cifar([0], 1, seed=1)
    x, y = read_cifar([written(a, "a"), str(written(b, "b"))])
    np.testing.assert_array_equal(x, np.concatenate([x_a, x_b]))
    assert x.dtype == np.uint8
    assert (y.tolist(), y.dtype) == ([3, 9, 0], np.int64)
    x[0] = 0  # no view of the file


def test_cifar_100_has_two_labels(written):
    content, pixels = cifar([(19, 99), (0, 5)], 2)
    path = written(content)
    for labels, wanted in (("fine", [99, 5]), ("coarse", [19, 0])):
        x, y = read_cifar(path, labels)
        np.testing.assert_array_equal(x, pixels)
        assert y.tolist() == wanted


@pytest.mark.parametrize("classes", [1, 2])
def test_cifar_of_a_size_that_fits_both(tmp_path, classes):
    """3073 * 3074 bytes are a whole number of records of either kind: the labels decide."""
    records = 3073 * 3074 // (3072 + classes)
    content = np.full((records, 3072 + classes), 200, np.uint8)
    content[:, :classes] = 7
    content.tofile(tmp_path / "file")
    assert read_cifar(tmp_path / "file")[0].shape == (records, 3, 32, 32)


@pytest.mark.parametrize(
    ("contents", "labels", "message"),
    [
        ([b""], "fine", r"records of 3073 bytes \(CIFAR-10\) or 3074 \(CIFAR-100\), got 0 bytes in .*0"),
        ([cifar([1], 1)[0][:-1]], "fine", r"got 3072 bytes in"),
        ([cifar([1, 10], 1)[0]], "fine", r"labels of CIFAR-10 below 10, got 10 in record 1 of"),
        ([cifar([(20, 0)], 2)[0]], "fine", r"labels of CIFAR-100 below 20, got 20 in record 0"),
        ([cifar([(0, 100)], 2)[0]], "fine", r"labels of CIFAR-100 below 100, got 100 in record 0"),
        ([cifar([1], 1)[0], cifar([(1, 1)], 2)[0]], "fine", r"files of CIFAR-10 alone, got CIFAR-100 in .*1"),
        ([cifar([1], 1)[0]], "coarse", r'labels "fine" for CIFAR-10, got "coarse"'),
        ([cifar([1], 1)[0]], "both", r"labels \"fine\" or \"coarse\", got 'both'"),
        ([], "fine", r"at least one path, got none"),
    ],
)
def test_cifar_refuses(written, contents, labels, message):
    paths = [written(content, str(i)) for i, content in enumerate(contents)]
    with pytest.raises(ValueError, match=rf"^\[read_cifar\] expected .*{message}"):
        read_cifar(paths, labels)


def test_missing_files_are_named(tmp_path):
    for read in (read_idx, read_cifar):
        with pytest.raises(FileNotFoundError, match="nowhere"):
            read(tmp_path / "nowhere")
