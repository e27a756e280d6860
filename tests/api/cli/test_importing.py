"""`gridcrew import` and `export` of files: what they print, their exit codes, no stack trace for any file."""

import json
from pathlib import Path

import pytest

from dispatch.core.config import Settings
from dispatch.core.db import Database
from tests.api.cli.conftest import Run
from tests.builders.importing import csv_file, make_town

pytestmark = pytest.mark.system

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def town(home: Path) -> Path:
    """The installation with the small branch in it."""
    database = Database(Settings(data_dir=home).database)
    make_town(database, home / "files")
    database.close()
    return home


def test_the_example_files_are_imported_by_their_layout(gridcrew: Run) -> None:
    gridcrew("import", str(EXAMPLES / "humen"))
    files = EXAMPLES / "files"
    command = (
        "import", str(files / "用电地址.csv"), str(files / "客户.csv"), "--profile", str(files / "layout.toml"),
    )  # fmt: skip

    tried = gridcrew(*command, "--dry-run")
    done = gridcrew(*command, "--json")
    again = gridcrew(*command, "--json")

    assert (tried.returncode, done.returncode, again.returncode) == (0, 0, 0), done.stderr
    assert "Nothing was changed: this was a dry run." in tried.stdout
    assert "not imported, columns 抄表段" in tried.stderr
    report = json.loads(done.stdout)
    assert [(file["encoding"], file["new"]) for file in report["files"]] == [
        ("gb18030", 3),
        ("utf-8", 3),
    ]
    assert [file["same"] for file in json.loads(again.stdout)["files"]] == [3, 3]


def test_bad_rows_refuse_all_or_are_passed_over_and_reported(
    gridcrew: Run, town: Path, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, "customers.csv", "id,name,phone", "A1,甲,", "A2,,", "A3,丙,=1+1")
    problems = tmp_path / "problems.csv"

    refused = gridcrew("import", str(path), "--report", str(problems))
    taken = gridcrew("import", str(path), "--skip-bad-rows")

    assert (refused.returncode, taken.returncode) == (1, 3)
    assert (
        "customers.csv, row 3, column name: it is empty. Right would be: a name of"
        in refused.stderr
    )
    assert "Nothing was imported." in refused.stdout
    assert "Imported: 1 new, 0 changed." in taken.stdout
    lines = problems.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "file,row,column,wrong,right,right_zh,wrong_zh"
    assert [line.split(",")[:3] for line in lines[1:]] == [
        ["customers.csv", "3", "name"], ["customers.csv", "4", "phone"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.csv",), "does not tell what it holds"),
        (("customers.csv",), "there is no such file"),
        (("customers.csv", "--kind", "clients"), "There is no kind 'clients'"),
        (("customers.csv", "--territory", "nowhere"), "nowhere"),
        (("customers.csv", "--profile", "none"), "There is no profile 'none'"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    gridcrew: Run, town: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = gridcrew("import", *arguments)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_report_that_cannot_be_written_is_told_in_one_line(
    gridcrew: Run, town: Path, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, "customers.csv", "id,name", "A1,甲")

    done = gridcrew("import", str(path), "--report", str(tmp_path / "none" / "problems.csv"))

    assert done.returncode == 1
    assert "problems.csv: No such file or directory." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_out_of_reach_is_told_in_one_line(gridcrew: Run, day: str) -> None:
    done = gridcrew("import", str(EXAMPLES / "humen"), "--day", day)

    assert done.returncode == 1
    assert f"{day} does not lie between 2000-01-01 and 2100-12-31." in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_territory_it_says_what_to_do(gridcrew: Run, tmp_path: Path) -> None:
    done = gridcrew("import", str(csv_file(tmp_path, "customers.csv", "id,name", "A1,a")))

    assert done.returncode == 1
    assert "import a branch's folder first" in done.stderr


def test_a_kind_is_exported_to_a_new_file_and_imported_unchanged(
    gridcrew: Run, town: Path, tmp_path: Path
) -> None:
    target = tmp_path / "premises.csv"

    written = gridcrew("export", str(target), "--kind", "premises")
    over = gridcrew("export", str(target), "--kind", "premises")
    again = gridcrew("import", str(target), "--json")

    assert written.returncode == 0, written.stderr
    assert "3 rows of premises" in written.stdout
    assert over.returncode == 1
    assert "Name a new file." in over.stderr
    assert json.loads(again.stdout)["files"][0]["same"] == 3
