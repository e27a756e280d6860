"""Commands: what they print, their exit codes, and no stack trace for a mistake of the user's."""

import json
from pathlib import Path

import pytest

from tests.api.cli.conftest import Run
from tests.conftest import NewDatabase

pytestmark = pytest.mark.system

SMALL = Path(__file__).parents[3] / "examples" / "small.json"


def test_a_problem_is_planned_and_the_plan_passes_the_judge(gridcrew: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"

    made = gridcrew("optimize", str(SMALL), "-o", str(plan), "--iterations", "100")
    judged = gridcrew("check", str(SMALL), str(plan), "--json")

    assert (made.returncode, judged.returncode) == (0, 0), made.stderr + judged.stdout
    assert json.loads(judged.stdout)["ok"] is True
    assert {entry["reason"] for entry in json.loads(plan.read_text())["unserved"]} == {
        "parts",
        "skill",
    }


def test_the_rule_of_thumb_is_an_engine_too(gridcrew: Run) -> None:
    made = gridcrew("optimize", str(SMALL), "--engine", "naive")

    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["version"] == 1


def test_a_vroom_document_is_answered_in_vrooms_words(gridcrew: Run, tmp_path: Path) -> None:
    document = {
        "vehicles": [{"id": 7, "start_index": 0, "end_index": 0, "time_window": [0, 36_000]}],
        "jobs": [{"id": 11, "location_index": 1, "service": 600}],
        "matrices": {"car": {"durations": [[0, 300], [400, 0]]}},
    }
    given = json.dumps(document)

    made = gridcrew("optimize", "-", "--format", "vroom", "--iterations", "10", given=given)
    refused = gridcrew(
        "optimize", "-", "--format", "vroom", given=given.replace('index": 1', 'index": 9')
    )

    assert made.returncode == 0, made.stderr
    answer = json.loads(made.stdout)
    assert (answer["code"], answer["summary"]["cost"], answer["unassigned"]) == (0, 700, [])
    assert [step["type"] for step in answer["routes"][0]["steps"]] == ["start", "job", "end"]
    assert refused.returncode == 2
    assert "jobs[0].location_index" in refused.stderr


def test_the_judge_names_the_rule_that_a_plan_breaks(gridcrew: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    gridcrew("optimize", str(SMALL), "-o", str(plan), "--iterations", "50")
    document = json.loads(plan.read_text())
    document["routes"][0]["stops"][0]["start"] -= 60_000
    plan.write_text(json.dumps(document))

    judged = gridcrew("check", str(SMALL), str(plan))

    assert judged.returncode == 1
    assert "routes[0].stops[0]" in judged.stdout


def test_a_faulty_problem_is_refused_by_the_path_of_its_key(gridcrew: Run, tmp_path: Path) -> None:
    document = json.loads(SMALL.read_text())
    document["visits"][3]["windows"] = [[10, 5]]
    faulty = tmp_path / "faulty.json"
    faulty.write_text(json.dumps(document))

    for command in (("optimize", str(faulty)), ("check", str(faulty), str(faulty))):
        refused = gridcrew(*command)
        assert refused.returncode == 2
        assert "visits[3].windows[0]" in refused.stderr
        assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("optimize", "nowhere.json"), "cannot be read"),
        (("publish", "7"), "There is no plan 7"),
        (("plan",), "gridcrew import"),
        (("report",), "gridcrew import"),
        (("tasks", "requeue", "9"), "There is no task 9"),
        (("user", "link", "nobody"), "nobody signs in as nobody"),
        (("user", "add", "kim", "--role", "crew"), "crew"),
        (("worker", "lunch"), "no queue lunch"),
        (("import", "nowhere"), "There is no folder"),
        (("restore", "nowhere.tar.gz"), "is no backup"),
    ],
)
def test_a_mistake_is_one_clear_line(gridcrew: Run, arguments: tuple[str, ...], said: str) -> None:
    refused = gridcrew(*arguments)

    assert refused.returncode in {1, 2}
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_wrong_setting_is_named(gridcrew: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDCREW_PORT", "eighty")

    refused = gridcrew("migrate")

    assert refused.returncode == 1
    assert "GRIDCREW_PORT" in refused.stderr


def test_people_are_added_listed_and_disabled(gridcrew: Run) -> None:
    added = gridcrew(
        "user",
        "add",
        "lin",
        "--role",
        "dispatcher",
        "--password-stdin",
        given="a long pass phrase\n",
    )
    assert added.returncode == 0, added.stderr
    link = gridcrew("user", "link", "lin")
    assert "/sign-in/" in link.stdout
    assert gridcrew("user", "disable", "lin").returncode == 0

    (row,) = json.loads(gridcrew("user", "list", "--json").stdout)
    assert row == {
        "login": "lin",
        "name": "lin",
        "role": "dispatcher",
        "crew": None,
        "disabled": True,
    }


def test_a_backup_is_restored_into_an_installation_of_its_own(
    gridcrew: Run, tmp_path: Path, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    gridcrew("user", "add", "lin", "--role", "dispatcher")
    archive = tmp_path / "backup.tar.gz"

    made = gridcrew("backup", str(archive))
    with new_database(bare=True) as other:
        url = other.url.render_as_string(hide_password=False)
        monkeypatch.setenv("GRIDCREW_DATABASE_URL", url)
        restored = gridcrew("restore", str(archive))
        listed = gridcrew("user", "list").stdout

    assert (made.returncode, restored.returncode) == (0, 0), made.stderr + restored.stderr
    assert "lin" in listed


def test_the_doctor_finds_a_new_installation_well_but_for_redis(gridcrew: Run) -> None:
    looked = gridcrew("doctor", "--json")

    found = {row["what"]: row for row in json.loads(looked.stdout)}
    assert looked.returncode == 1
    assert [what for what, row in found.items() if not row["well"]] == ["Redis"]
    assert "none is lost" in found["Redis"]["advice"]


def test_help_lists_every_command(gridcrew: Run) -> None:
    said = gridcrew("--help").stdout

    for command in (
        "up", "api", "worker", "migrate", "doctor", "import", "export", "plan", "publish", "optimize", "check",
        "replan", "explain", "offers", "compare", "simulate", "demo", "report", "user", "tasks",
        "backup", "restore",
    ):  # fmt: skip
        assert f" {command} " in said
