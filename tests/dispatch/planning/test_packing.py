"""Problems with a road network's tables are stored small and read as they were."""

import random

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.planning.packing import packed, unpacked
from dispatch.planning.tables import Plan
from optimizer.values import MAX_COST, MAX_TIME
from tests.builders.planning import crew_on, job, proposed
from tests.instants import DAY


def tables(places: int) -> dict[str, list[list[int]]]:
    chance = random.Random(7)
    seconds = [[chance.randint(60, 3600) for _ in range(places)] for _ in range(places)]
    seconds[0][1], seconds[1][0] = MAX_TIME, 0
    return {"seconds": seconds, "metres": [[MAX_COST, *row[1:]] for row in seconds]}


def test_tables_come_out_as_they_went_in_wherever_they_are() -> None:
    travel = {"car": tables(40), "van": {"speed": 30}, "few": [[0, 1], [1, 0]]}

    small = packed(travel)

    assert unpacked(small) == travel
    assert small["few"] == travel["few"]
    assert small["van"] == travel["van"]
    assert isinstance(small["car"]["seconds"], dict)


def test_a_plan_with_the_roads_of_three_hundred_places_is_stored_small(session: Session) -> None:
    crew_on(session, "C1")
    job(session)
    plan = proposed(session)
    assert plan.problem is not None
    plan.problem = {**plan.problem, "travel": tables(300)}
    session.flush()
    session.expire_all()

    stored = session.execute(sa.text("SELECT problem FROM plan")).scalar_one()
    found = session.exec(select(Plan).where(Plan.day == DAY)).one()
    shifts = session.exec(select(col(Plan.problem)["shifts"])).one()

    assert len(str(stored)) < 0.5 * len(str(tables(300)))
    assert found.problem is not None
    assert found.problem["travel"] == tables(300)
    assert [shift["crew"] for shift in shifts] == ["C1"]
