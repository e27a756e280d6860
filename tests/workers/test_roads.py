"""Driving times of a road service in the database, and in the plans made with them."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session

from dispatch.core import alerts, tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.geo import roads
from dispatch.planning import plans
from dispatch.planning.problem import build
from optimizer.problem import Estimate, Matrix
from optimizer.values import MAX_TIME
from tests.builders.planning import crew_on, job
from tests.builders.registry import DISPATCHER
from tests.builders.services import drive, osrm, serving, valhalla
from tests.instants import DAY, NOW
from workers.execution import Outcome, drain
from workers.handlers import HANDLERS
from workers.roads import fill

OVERHEAD = 60


def settings_for(url: str, kind: str = "osrm", **more: Any) -> Settings:
    limit = {"roads_timeout": 20.0} | more
    return Settings(roads=kind, roads_url=url, **limit)  # type: ignore[arg-type]


@pytest.fixture
def day(database: Database) -> Database:
    """A crew and three visits at places of their own."""
    with transaction(database) as session:
        crew_on(session, "C1")
        for east in (1, 2, 3):
            job(session, east=east)
    return database


def note(database: Database) -> tuple[dict[str, Any], Any]:
    with database.reading() as session:
        problem = build(session, territory_id="humen", day=DAY, now=NOW).problem
    return problem.meta["travel"], problem


def open_alerts(database: Database) -> list[str]:
    with database.reading() as session:
        return [alert.text for alert in alerts.open_alerts(session)]


@pytest.mark.parametrize(("kind", "play"), [("osrm", osrm), ("valhalla", valhalla)])
def test_a_problem_is_made_of_what_the_service_said(
    day: Database, kind: str, play: Callable[..., Any]
) -> None:
    with serving(play()) as server:
        assert fill(day, settings_for(server.url, kind), "humen", now=NOW) == 0
        asked = len(server.asked)
        assert fill(day, settings_for(server.url, kind), "humen", now=NOW) == 0
        assert len(server.asked) == asked == 1

    said, problem = note(day)
    assert (said["source"], said["estimated"], said["unreachable"]) == (kind, 0, 0)
    spots = [(place.lat, place.lon) for place in problem.places]
    assert isinstance(problem.travel, Matrix)
    for i, a in enumerate(spots):
        for j, b in enumerate(spots):
            expected = 0 if i == j else round(drive(a, b)[0]) + OVERHEAD
            assert problem.travel.seconds[i][j] == expected


@pytest.mark.parametrize("most", [2, 3, 4, 100])
def test_many_places_are_asked_about_in_parts_that_the_server_takes(
    day: Database, most: int
) -> None:
    with serving(osrm(most=2)) as server:
        assert fill(day, settings_for(server.url, roads_coordinates=most), "humen", now=NOW) == 0

    assert note(day)[0]["estimated"] == 0


def test_a_new_place_costs_its_own_row_and_column_and_nothing_else(day: Database) -> None:
    with serving(osrm()) as server:
        settings = settings_for(server.url)
        fill(day, settings, "humen", now=NOW)
        with transaction(day) as session:
            job(session, east=5, north=2)
        said, _ = note(day)
        assert (said["pairs"], said["estimated"]) == (20, 8)

        fill(day, settings, "humen", now=NOW)

        assert len(server.asked) == 3
        assert note(day)[0]["estimated"] == 0


def test_where_there_is_no_way_the_visit_is_left_out_with_a_reason(day: Database) -> None:
    def island(method: str, path: str, body: Any) -> Any:
        status, said = osrm()(method, path, body)
        for row, numbers in enumerate(said["durations"]):
            for column in range(len(numbers)):
                if (row == 3) != (column == 3):
                    said["durations"][row][column] = None
        return status, said

    with serving(island) as server:
        fill(day, settings_for(server.url), "humen", now=NOW)
    said, problem = note(day)
    assert said["unreachable"] == 6
    assert max(map(max, problem.travel.seconds)) == MAX_TIME
    with transaction(day) as session:
        plan = plans.request_plan(
            session, territory_id="humen", day=DAY, options={"engine": "naive"},
            actor=DISPATCHER, now=NOW,
        )  # fmt: skip
        assert (plan.figures["visits"], plan.figures["left_out_total"]) == (2, 1)
        assert plan.figures["travel_times"]["unreachable"] == 6


@pytest.mark.parametrize("how", ["hangs", "error", "garbage"])
def test_a_service_that_fails_leaves_the_estimate_an_alert_and_the_plan(
    day: Database, how: str
) -> None:
    said = {"error": (503, b""), "garbage": (200, b"<html>")}.get(how, (200, {}))
    with serving(lambda *_: said) as server:
        server.hangs = how == "hangs"
        assert fill(day, settings_for(server.url), "humen", now=NOW) == 12
        assert len(server.asked) == 2

    said_of_it, problem = note(day)
    assert said_of_it == {"source": "estimate"}
    assert isinstance(problem.travel, Estimate)
    (text,) = open_alerts(day)
    assert "are estimated" in text
    with serving(osrm()) as server:
        assert fill(day, settings_for(server.url), "humen", now=NOW) == 0
    assert open_alerts(day) == []


def test_a_service_that_fails_halfway_is_used_as_far_as_it_went(day: Database) -> None:
    answers = iter(range(100))

    def tires(method: str, path: str, body: Any) -> Any:
        return osrm()(method, path, body) if next(answers) < 2 else (500, b"")

    with serving(tires) as server:
        left = fill(day, settings_for(server.url, roads_coordinates=4), "humen", now=NOW)

    said, _ = note(day)
    assert 0 < left < 12
    assert said["estimated"] == left
    assert len(open_alerts(day)) == 1


def test_times_of_another_service_or_of_a_month_ago_are_asked_anew(day: Database) -> None:
    with serving(osrm()) as server:
        fill(day, settings_for(server.url), "humen", now=NOW)
        fill(day, settings_for(server.url), "humen", now=NOW + roads.FRESH)
        assert len(server.asked) == 1
        fill(day, settings_for(server.url), "humen", now=NOW + 1.01 * roads.FRESH)
        assert len(server.asked) == 2
    with serving(valhalla()) as server:
        fill(day, settings_for(server.url, "valhalla"), "humen", now=NOW)
    assert note(day)[0]["source"] == "valhalla"

    fill(day, Settings(), "humen", now=NOW)

    assert note(day)[0] == {"source": "estimate"}


@pytest.mark.system
def test_a_worker_asks_before_it_plans(day: Database, tmp_path: Any) -> None:
    with serving(osrm()) as server:
        settings = settings_for(server.url, data_dir=tmp_path)
        with transaction(day) as session:
            plan_id = plans.request_plan(
                session, territory_id="humen", day=DAY, options={"iterations": 20},
                actor=DISPATCHER, now=NOW,
            ).id  # fmt: skip
        assert set(drain(day, settings, now=NOW, handlers=HANDLERS).values()) == {Outcome.DONE}

    with day.reading() as session:
        assert plans.get(session, plan_id or 0).figures["travel_times"]["source"] == "osrm"


def test_a_task_learns_the_drives_of_new_places_between_plans(day: Database) -> None:
    with serving(osrm()) as server:
        fill(day, settings_for(server.url), "humen", now=NOW)
        with transaction(day) as session:
            job(session, east=4)
            tasks.enqueue(session, "roads.refresh", key="r", payload={"subject": "humen"}, now=NOW)
        assert note(day)[0]["estimated"] == 8
        outcomes = drain(day, settings_for(server.url), now=NOW, handlers=HANDLERS)

    assert set(outcomes.values()) == {Outcome.DONE}
    assert note(day)[0]["estimated"] == 0


def test_what_is_stored_reads_back_the_same(session: Session) -> None:
    crew_on(session, "C1")
    points = [(22.8, 113.6), (22.9, 113.7)]
    table = roads.Roads.empty("osrm x", points, now=NOW)
    table.seconds[0, 1], table.metres[0, 1] = 77, roads.UNKNOWN
    roads.keep(session, table, territory_id="humen")
    session.expire_all()

    found = roads.known(session, territory_id="humen")

    assert found is not None
    assert (found.service, list(found.index)) == ("osrm x", points)
    assert found.seconds[0, 1] == 77
    assert found.between([(22.9, 113.7), (0.0, 0.0)])[0].tolist() == [[-1, -1], [-1, -1]]
