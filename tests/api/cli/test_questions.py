"""Questions about a plan on the command line: what they print, their JSON, their exit codes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.codec import write_plan, write_problem
from optimizer.insert import retime
from optimizer.problem import Crew, Problem, Window
from tests.api.cli.conftest import Run
from tests.optimizer.builders import problem, shift, visit

pytestmark = pytest.mark.system

HOUR = 3600


@pytest.fixture
def given() -> Problem:
    """Two crews from eight to noon; A is planned for the first, the others wait."""
    hours = {"start": 8 * HOUR, "end": 12 * HOUR}
    visits = (
        visit("A", "far"),
        visit("[B]", skills={"hv": 2}),
        visit("C", windows=(Window(9 * HOUR, 10 * HOUR),)),
        visit("D", "far", unserved_cost=100, due=0, late_cost=1),
    )
    shifts = (shift("S1", "C1", **hours), shift("S2", "C2", **hours))
    return problem(*visits, shifts=shifts, crews=(Crew("C1", skills={"hv": 1}), Crew("C2")))


@pytest.fixture
def files(given: Problem, tmp_path: Path) -> tuple[str, str, str]:
    """The problem, a plan with A alone, and one with C too."""
    names = tuple(str(tmp_path / name) for name in ("day.json", "plan.json", "other.json"))
    plans = (retime(given, {"S1": ["A"]}), retime(given, {"S1": ["A"], "S2": ["C"]}))
    texts = (write_problem(given), *(write_plan(plan) for plan in plans))
    for name, text in zip(names, texts, strict=True):
        Path(name).write_text(text)
    return names[0], names[1], names[2]


def test_explain_says_why_not_and_what_would_help(
    gridcrew: Run, files: tuple[str, str, str]
) -> None:
    day, plan, _ = files

    told = gridcrew("explain", day, plan, "[B]")
    found = json.loads(gridcrew("explain", day, plan, "[B]", "--json").stdout)

    assert told.returncode == 0, told.stderr
    assert "[B]  impossible" in told.stdout
    assert "skill hv at level 2" in told.stdout
    assert (found["verdict"], found["relaxations"][0]["detail"]) == ("impossible", "hv")
    assert "leaving it out 100" in gridcrew("explain", day, files[2], "D").stdout


def test_explain_writes_the_plan_in_which_a_visit_that_fits_is_planned(
    gridcrew: Run, files: tuple[str, str, str], tmp_path: Path
) -> None:
    made = tmp_path / "settled.json"

    told = gridcrew("explain", files[0], files[1], "C", "-o", str(made))

    assert "planned in the settled plan" in told.stdout
    assert gridcrew("check", files[0], str(made)).returncode == 0


def test_insert_names_the_places_and_writes_the_plan_with_the_first(
    gridcrew: Run, files: tuple[str, str, str], tmp_path: Path
) -> None:
    day, plan, _ = files
    made = tmp_path / "with-it.json"

    told = gridcrew("insert", day, plan, "C", "-k", "2", "-o", str(made))
    found = json.loads(gridcrew("insert", day, plan, "C", "--shift", "S2", "--json").stdout)

    assert told.returncode == 0, told.stderr
    assert "Places for C" in told.stdout
    assert gridcrew("check", day, str(made)).returncode == 0
    assert {each["shift"] for each in found} == {"S2"}
    nowhere = gridcrew("insert", day, plan, "[B]")
    assert (nowhere.returncode, "[B] has no place" in nowhere.stdout) == (1, True)
    assert gridcrew("insert", day, plan, "X").returncode == 2


def test_check_tells_the_gap_that_a_bound_leaves(
    gridcrew: Run, given: Problem, tmp_path: Path
) -> None:
    day, plan = tmp_path / "day.json", tmp_path / "plan.json"
    made = retime(given, {"S1": ["A"]})
    # [B] asks for more than anybody has; C and D, 10,100 points, could be served.
    assert made.cost.total == 2000 + 20_100
    day.write_text(write_problem(given))
    plan.write_text(write_plan(replace(made, bound=made.cost.total - 121)))

    told = gridcrew("check", str(day), str(plan))
    found = json.loads(gridcrew("check", str(day), str(plan), "--json").stdout)

    assert "a gap of at most 1.00 %" in told.stdout
    assert found["gap"] == pytest.approx(0.01)


def test_explain_says_why_this_crew(gridcrew: Run, files: tuple[str, str, str]) -> None:
    told = gridcrew("explain", files[0], files[1], "A")

    assert "planned: crew C1 begins at 08:16" in told.stdout
    assert "C2" in told.stdout


def test_offers_lists_windows_by_the_clock_and_says_when_there_are_none(
    gridcrew: Run, files: tuple[str, str, str]
) -> None:
    day, plan, _ = files

    told = gridcrew("offers", day, plan, "C", "--window", "09:30-11:00", "--window", "0-3600")
    default = json.loads(gridcrew("offers", day, plan, "C", "--json").stdout)

    assert told.returncode == 0, told.stderr
    assert "09:30 - 11:00" in told.stdout
    assert "recommended" in told.stdout
    assert "outside" in told.stdout
    assert [offer["open"] for offer in default] == [8 * HOUR, 10 * HOUR]
    assert gridcrew("offers", day, plan, "[B]").returncode == 1


def test_compare_shows_terms_crews_and_visits(gridcrew: Run, files: tuple[str, str, str]) -> None:
    told = gridcrew("compare", *files)
    found = json.loads(gridcrew("compare", *files, "--json").stdout)

    assert told.returncode == 0, told.stderr
    assert "planned now" in told.stdout
    assert "Visits affected: 1" in told.stdout
    assert [change["visit"] for change in found["visits"]] == ["C"]
    assert found["affected"] == ["C2"]


def test_replan_plans_the_rest_and_both_documents_pass_the_judge(
    gridcrew: Run, files: tuple[str, str, str], tmp_path: Path
) -> None:
    rest, made = str(tmp_path / "rest.json"), str(tmp_path / "made.json")

    told = gridcrew(
        "replan",
        files[0],
        files[1],
        "--now",
        "08:10",
        "--iterations",
        "20",
        "--rest",
        rest,
        "-o",
        made,
    )
    judged = gridcrew("check", rest, made)

    assert (told.returncode, judged.returncode) == (0, 0), told.stderr + judged.stdout
    assert "From 08:10 on: 2 visits" in told.stdout
    assert "not planned" in told.stdout
    again = gridcrew("replan", *files[:2], "--now", "29400", "--iterations", "20", "--json")
    assert [one["visit"] for one in json.loads(again.stdout)["affected"]] == ["C"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("explain", "day", "plan", "X"), "no visit 'X'"),
        (("offers", "day", "plan", "X"), "no visit 'X'"),
        (("offers", "day", "plan", "C", "--window", "9"), "OPEN-CLOSE"),
        (("offers", "day", "plan", "C", "--window", "11:00-10:00"), "before it opens"),
        (("replan", "day", "plan", "--now", "noon"), "is no time"),
        (("compare", "day", "plan", "nowhere.json"), "cannot be read"),
        (("explain", "plan", "day", "C"), "plan.json"),
    ],
)
def test_what_cannot_be_answered_is_one_clear_line(
    gridcrew: Run, files: tuple[str, str, str], arguments: tuple[str, ...], said: str
) -> None:
    known = {"day": files[0], "plan": files[1]}

    refused = gridcrew(*(known.get(argument, argument) for argument in arguments))

    assert refused.returncode == 2
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
