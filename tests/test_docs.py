"""What the docs say is what the code does."""

from pathlib import Path

from tests.life_cycles import page

DOCS = Path(__file__).parents[1] / "docs"


def test_the_drawn_life_cycles_are_the_codes_tables_of_moves() -> None:
    assert (DOCS / "life-cycles.md").read_text() == page(), (
        "run: .venv/bin/python -m tests.life_cycles > docs/life-cycles.md"
    )
