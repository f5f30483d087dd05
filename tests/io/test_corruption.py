"""Not one truncation and not one flipped bit of a file gets through."""

import numpy as np
import pytest

from fastnn import io, nn, optim


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(np.ones((3, 2), np.float32))
    model.backward(np.ones((3, 1), np.float32))
    optimizer.step()
    path = tmp_path_factory.mktemp("saved") / "c"
    io.save_checkpoint(path, model, optimizer=optimizer)
    return model, optimizer, path.read_bytes()


def refuse(path, content, model, optimizer):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot read"):
        io.load_checkpoint(path, model, optimizer=optimizer)
    with pytest.raises(ValueError, match=r"cannot read"):
        io.load_weights(model, path)


def test_whole_files_load(saved, tmp_path):
    model, optimizer, content = saved
    (tmp_path / "c").write_bytes(content)
    io.load_checkpoint(tmp_path / "c", model, optimizer=optimizer)
    io.load_weights(model, tmp_path / "c")


def test_all_truncations(saved, tmp_path):
    model, optimizer, content = saved
    for length in range(len(content)):
        refuse(tmp_path / "c", content[:length], model, optimizer)
    refuse(tmp_path / "c", content + b"\0", model, optimizer)


def test_all_single_bit_flips(saved, tmp_path):
    model, optimizer, content = saved
    mutant = bytearray(content)
    for byte in range(len(content)):
        for bit in range(8):
            mutant[byte] ^= 1 << bit
            refuse(tmp_path / "c", mutant, model, optimizer)
            mutant[byte] ^= 1 << bit


def test_random_damage(saved, tmp_path):
    """Bytes overwritten, swapped, cut out or doubled, and blocks of zeros, as a failing disk leaves them."""
    model, optimizer, content = saved
    rng = np.random.default_rng(0)
    mutants = 0
    while mutants < 1500:
        mutant = bytearray(content)
        at, length = int(rng.integers(len(content))), int(rng.integers(1, 64))
        kind = rng.integers(4)
        if kind == 0:
            mutant[at : at + length] = rng.bytes(len(mutant[at : at + length]))
        elif kind == 1:
            mutant[at : at + length] = bytes(len(mutant[at : at + length]))
        elif kind == 2:
            del mutant[at : at + length]
        else:
            mutant[at:at] = mutant[at : at + length]
        if mutant != content:
            refuse(tmp_path / "c", mutant, model, optimizer)
            mutants += 1
