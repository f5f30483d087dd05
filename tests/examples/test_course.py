"""Every example of the course runs in its short form and prints and draws something.

What each claims is held in test_course_claims.py.
"""

from pathlib import Path

import pytest
from matplotlib.image import imread

from tests.examples.course import EXAMPLES, run

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", EXAMPLES)
def test_runs_in_short_form(name):
    result = run(name)
    assert result.figures
    assert len(result.output.splitlines()) > 2


@pytest.mark.parametrize("name", EXAMPLES)
def test_draws_a_picture_of_its_own_name(name):
    picture = imread(run(name).folder / f"{name}.png")[..., :3]
    assert min(picture.shape[:2]) > 150
    assert picture.std() > 0.05  # an empty page has no spread


@pytest.mark.parametrize("name", EXAMPLES)
def test_says_what_is_seen(name):
    title, _, seen = run(name).module.__doc__.partition("\n\n")
    assert title.startswith(f"C{int(name[1:3])}. ")
    assert len(seen.split()) > 10


@pytest.mark.parametrize("name", EXAMPLES)
def test_stands_in_the_document_with_its_picture(name):
    document = (DOCS / "course.md").read_text()
    assert f"## C{int(name[1:3])}. " in document
    assert f"    python examples/course/{name}.py" in document
    assert f"](course/{name}.png)" in document
    assert 1000 < (DOCS / f"course/{name}.png").stat().st_size < 60_000
