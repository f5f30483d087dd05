"""Every example of the course runs in its short form and prints and draws something.

What each claims is held in test_course_claims.py.
"""

import pytest
from matplotlib.image import imread

from tests.examples.course import EXAMPLES, run


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
    text = run(name).module.__doc__
    number = str(int(name[1:3]))
    assert text.startswith(f"C{number}. ")
    assert "\n\nSeen: " in text
