"""C22 and C23 of the course, run as a user runs them: what they claim holds in their short form."""

import re

from tests.test_examples import assert_is_a_picture, run


def percentages(output):
    """By name of the row, the percentages in it."""
    rows = re.findall(r"^(\w[\w +]*?) {2,}(.*%)$", output, re.MULTILINE)
    return {name: [float(number) for number in re.findall(r"([\d.]+)%", cells)] for name, cells in rows}


def test_augmentation_wins_back_half_of_what_turning_costs(tmp_path):
    output = run("course/c22_augmentation.py", "--quick", "--out", tmp_path, cwd=tmp_path)
    found = percentages(output)
    (upright, turned), (_, augmented) = found["none"], found["turns and sizes"]
    assert upright > turned + 25
    assert augmented - turned >= 0.5 * (upright - turned)
    assert re.search(r"^lost by turning [\d.]+%, won back by augmentation [\d.]+%: \d+% of it$", output, re.M)
    assert_is_a_picture(tmp_path / "c22_augmentation.png")


def test_spatial_transformers_beat_nets_of_their_size(tmp_path):
    output = run("course/c23_spatial_transformer.py", "--quick", cwd=tmp_path)
    found = percentages(output)
    for kind in ("dense", "conv"):
        assert found[f"transformer + {kind}"][0] > found[kind][0] + 2
    assert_is_a_picture(tmp_path / "course" / "c23_spatial_transformer.png")
