"""What the README shows runs; its figures, and those of performance.md, are of the result it links to."""

import re
from pathlib import Path

from benchmarks import readme as figures
from tests.processes import output_of

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_commands_come_first() -> None:
    (first,) = re.findall(r"\A# fastnn\n\n[^#`]+```sh\n(.+?)```", README, re.DOTALL)
    assert first.splitlines() == [
        "pip install '.[demo]' && python examples/train_digits.py",
        "pip install '.[test]' && pytest -n auto",
    ]


def test_examples_run() -> None:
    """One after the other, as they are read."""
    blocks = re.findall(r"^```python\n(.+?)^```", README, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    accuracy, shape = output_of("-c", "\n".join([*blocks, "print(grad_weight.shape)"])).splitlines()
    assert shape == "(3, 2)"
    assert int(accuracy.removesuffix("%")) >= 95


def test_figures_are_those_of_the_result() -> None:
    assert figures.updated(README, figures.linked(README)) == README
    text, name = figures.PERFORMANCE.read_text(), figures.linked(README)
    assert figures.performance(text, name) == text
    named = {op for _, ops in figures.PART.findall(text) for op in ops.split()}
    rows = [*figures.load(name)["rows"], *figures.by_name(name)]
    assert named == {"machine", "slower", "elsewhere", *(row["op"] for row in rows)}


def test_figures_show_the_share_at_the_clock() -> None:
    ratio = {"median": 1.25, "low": 1.2, "high": 1.3}
    row = {"name": "a", "threads": 1, "seconds": {"fastnn": 1e-3}, "ratio": ratio, "share_of_limit": 0.69}
    clocked = {**row, "name": "b", "clocked": {"median": 0.8, "low": 0.7, "high": 0.9}}
    assert figures.case_table([row, clocked]).splitlines()[2:] == [
        "| a | 1 ms | 1.25 (1.20 to 1.30) | 69 |",
        "| b | 1 ms | 1.25 (1.20 to 1.30) | 69 (80) |",
    ]
    assert figures.slower_list([row, clocked]).splitlines()[2:] == ["| a | 1.25 |", "| b | 1.25 (1.00) |"]


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(targets) >= 5
    assert [target for target in targets if not (ROOT / target).is_file()] == []
