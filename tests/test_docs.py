"""What the README and the docs say is what the code does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import Session, select

from dispatch.core.config import Settings
from dispatch.work import catalogue
from dispatch.work.tables import Points
from tests.contact_tables import tables
from tests.file_columns import columns
from tests.life_cycles import page
from workers.channels import gateway

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_drawn_life_cycles_are_the_codes_tables_of_moves() -> None:
    assert (ROOT / "docs" / "life-cycles.md").read_text() == page(), (
        "run: .venv/bin/python -m tests.life_cycles > docs/life-cycles.md"
    )


def test_the_columns_of_files_in_the_docs_are_those_that_are_read() -> None:
    assert (ROOT / "docs" / "files.md").read_text(encoding="utf-8").endswith(columns()), (
        "put what python -m tests.file_columns prints at the end of docs/files.md"
    )


def test_the_tables_of_messages_in_the_docs_are_the_codes() -> None:
    assert (ROOT / "docs" / "contact.md").read_text(encoding="utf-8").endswith(tables()), (
        "put what python -m tests.contact_tables prints at the end of docs/contact.md"
    )


@pytest.mark.system
def test_the_readmes_optimizer_example_runs_as_written(tmp_path: Path) -> None:
    commands = re.findall(r"^\./run ((?:optimize|check) .*)$", README, re.MULTILINE)
    assert len(commands) == 2
    (tmp_path / "examples").symlink_to(ROOT / "examples")

    for command in commands:
        done = subprocess.run(
            [sys.executable, "-c", "from api.cli import main; main()", *command.split()],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr + done.stdout


def test_every_setting_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"GRIDCREW_([A-Z_]+)", README))

    assert named
    assert named <= {field.upper() for field in Settings.model_fields}


def test_every_file_that_the_readme_and_the_docs_link_to_exists() -> None:
    for text_file in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", text_file.read_text(encoding="utf-8")):
            assert (text_file.parent / target).exists(), f"{text_file.name} links to {target}"


def test_the_points_table_in_the_docs_is_the_catalogues(session: Session) -> None:
    catalogue.seed(session)
    points = {
        row.priority.value: (row.unserved, row.late_per_second)
        for row in session.exec(select(Points))
    }
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| (P\d) \| [^|]+ \| ([\d,]+) \| (\d+) \|$", text, re.MULTILINE)
    assert {name: (int(left.replace(",", "")), int(late)) for name, left, late in rows} == points


def test_every_setting_that_the_page_on_channels_names_exists() -> None:
    named = set(
        re.findall(r"GRIDCREW_([A-Z_]+)", (ROOT / "docs" / "channels.md").read_text("utf-8"))
    )

    assert len(named) > 10
    assert named <= {field.upper() for field in Settings.model_fields}


def test_the_example_gateway_on_the_page_on_channels_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    file = tmp_path / "own.toml"
    file.write_text(example, encoding="utf-8")
    monkeypatch.setenv("SMS_TOKEN", "t")

    assert gateway.read(file).answer.taken is not None
