"""What docs/scaling.md shows runs, on one process."""

import re

from tests.processes import ROOT, output_of


def test_the_page_runs():
    page = (ROOT / "docs/scaling.md").read_text()
    (block,) = re.findall(r"^```python\n(.+?)^```", page, re.DOTALL | re.MULTILINE)
    assert output_of("-c", block).startswith("History(2 epochs: loss=")
