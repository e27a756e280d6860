"""The bench of questions as a person runs it: a real web server and warm process, every question asked."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.questions import Asked, printed


@pytest.mark.system
def test_every_question_is_asked_everywhere_and_its_time_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--suite", "questions", "--sizes", "60"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (\d+) \| ([\d.]+) \| ([\d.]+) \|$", done.stdout, re.M)
    assert [(question.split(",")[0], where) for question, where, *_ in rows] == [
        *[
            (question, where)
            for where in ("optimizer", "warm process", "HTTP")
            for question in ("places", "offers", "explain")
        ],
        ("places of a new visit", "HTTP"),
    ]
    assert all(0 < float(middle) <= float(worst) for *_, middle, worst in rows)


def test_the_table_tells_the_median_and_the_worst_in_milliseconds() -> None:
    text = printed([Asked("places", "HTTP", (0.5, 0.01, 0.02))], visits=1000, shifts=100)

    assert "1,000 visits and 100 shifts" in text
    assert "| places | HTTP | 3 | 20.0 | 500.0 |" in text
