"""Arrays in files: batches of data larger than memory, of which only the rows asked for are read."""

import numpy as np
import pytest

from fastnn.data import ArrayLoader, transforms
from tests.processes import output_of

# A file of holes, twice as large as memory, where the first rows of both orders begin with a number. Prints
# these, and by how many MiB the process has grown.
PROGRAM = """
import os, resource, sys
import numpy as np
from fastnn.data import ArrayLoader, transforms

path, dtype = sys.argv[1], np.dtype(sys.argv[2])
rows = 2**20
memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
order = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0, 0))).permutation(rows)
x = np.lib.format.open_memmap(path, "w+", dtype, (rows, 2 * memory // rows // dtype.itemsize))
x[:4, 0], x[order[:4], 0] = [1, 2, 3, 4], [5, 6, 7, 8]
del x
x = np.load(path, mmap_mode="r")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for shuffle in (False, True):
    to_float = transforms.ToFloat(1)
    batches = iter(ArrayLoader(x, None, 4, shuffle, seed=0, transform=to_float, prefetch=2))
    first = next(batches)
    for _ in range(10):
        next(batches)
    batches.close()
    print(*first[:, 0].astype(int))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("dtype", ["u1", ">u2"])
def test_larger_than_memory(tmp_path, dtype):
    path = tmp_path / "x.npy"
    try:
        *rows, grown = output_of("-c", PROGRAM, str(path), dtype).splitlines()
    finally:
        path.unlink(missing_ok=True)
    assert rows == ["1 2 3 4", "5 6 7 8"]
    assert int(grown) < 500


@pytest.mark.parametrize("dtype", ["u1", "<f4", ">f4", ">i2"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_file_gives_what_an_array_gives(tmp_path, dtype, shuffle):
    x = np.random.default_rng(0).integers(0, 100, (40, 3, 5)).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    x.tofile(tmp_path / "x.bin")
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    raw = np.memmap(tmp_path / "x.bin", dtype, "r", shape=x.shape)
    wanted = [b.astype("f8") for b in ArrayLoader(x, batch_size=7, shuffle=shuffle, seed=0)]
    for source in (mapped, raw, np.asfortranarray(x), x[::-1][::-1]):
        batches = list(ArrayLoader(source, batch_size=7, shuffle=shuffle, seed=0))
        assert not shuffle or all(b.dtype.isnative and type(b) is np.ndarray for b in batches)
        for batch, want in zip(batches, wanted, strict=True):
            np.testing.assert_array_equal(batch, want)


def test_a_transform_does_not_write_into_the_file(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((4, 2)))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r+")

    def spoil(x, y, rng):
        x[...] = 0
        return x, y

    assert next(iter(ArrayLoader(mapped, transform=spoil))).sum() == 0
    assert (np.load(tmp_path / "x.npy") == 1).all()


def test_bytes_become_floats_a_batch_at_a_time(tmp_path):
    np.full((10, 1, 4, 4), 255, np.uint8).tofile(tmp_path / "x.bin")
    mapped = np.memmap(tmp_path / "x.bin", np.uint8, "r", shape=(10, 1, 4, 4))
    augment = transforms.Compose([transforms.ToFloat(), transforms.RandomHorizontalFlip()])
    batches = list(ArrayLoader(mapped, batch_size=4, shuffle=True, seed=0, transform=augment))
    assert [len(b) for b in batches] == [4, 4, 2]
    assert all(b.dtype == np.float32 and (b == 1).all() for b in batches)
