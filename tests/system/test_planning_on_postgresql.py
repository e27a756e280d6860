"""Planning where many write at once: one publishes, one insertion wins, and a day runs as it does on SQLite."""

from collections.abc import Callable

import pytest
from sqlmodel import select

from dispatch.core.db import Database, transaction
from dispatch.core.events import Actor
from dispatch.planning import edits, plans, queries, rules
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.registry import shifts
from dispatch.work.tables import Visit
from tests.builders.planning import (
    begin,
    crew_on,
    finish,
    job,
    proposed,
    published,
    request,
    stops,
)
from tests.builders.registry import ADMIN, DISPATCHER
from tests.instants import DAY, NOW, at
from tests.racing import at_once

pytestmark = pytest.mark.system


def a_day(database: Database, count: int = 4) -> list[str]:
    """Two crews and so many visits."""
    with transaction(database) as session:
        crew_on(session, "C1")
        crew_on(session, "C2")
        return [job(session, east=1 + k).id for k in range(count)]


def publish(database: Database, plan_id: int, who: str) -> Callable[[], None]:
    def call() -> None:
        with transaction(database) as session:
            plans.publish(session, plan_id=plan_id, actor=Actor(who, "dispatcher"), now=NOW)

    return call


@pytest.mark.parametrize("same", [True, False], ids=["one plan", "two plans"])
def test_of_many_who_publish_at_once_one_wins(postgresql: Database, same: bool) -> None:
    a_day(postgresql)
    with transaction(postgresql) as session:
        ids = [proposed(session).id or 0 for _ in range(1 if same else 4)]

    ends = sorted(at_once(*(publish(postgresql, ids[k % len(ids)], f"d{k}") for k in range(4))))

    assert ends.count("done") == 1
    assert set(ends) <= {"done", "already_published", "board_moved", "not_proposed"}
    with postgresql.reading() as session:
        in_force = [p for p in session.exec(select(Plan)) if p.status is PlanStatus.PUBLISHED]
        assert len(in_force) == 1


def test_requests_at_once_get_numbers_of_their_own_and_one_waits(postgresql: Database) -> None:
    a_day(postgresql)

    def ask() -> None:
        with transaction(postgresql) as session:
            request(session)

    ends = sorted(at_once(ask, ask, ask, ask))

    assert ends == ["done"] * 4
    with postgresql.reading() as session:
        rows = list(session.exec(select(Plan)))
    assert sorted(plan.number for plan in rows) == [1, 2, 3, 4]
    waiting = [plan.number for plan in rows if plan.status is PlanStatus.DRAFT]
    assert waiting == [4]


def test_a_change_of_the_board_and_a_publish_at_once_never_lose_each_other(
    postgresql: Database,
) -> None:
    a_day(postgresql)
    with transaction(postgresql) as session:
        plan_id = proposed(session).id or 0

    def ill() -> None:
        with transaction(postgresql) as session:
            shifts.mark_absent(
                session, shift_id="C1-20260310", reason="ill", actor=DISPATCHER, now=NOW
            )

    ends = sorted(at_once(publish(postgresql, plan_id, "ann"), ill))

    assert ends in (["done", "done"], ["board_moved", "done"])


def test_a_day_is_planned_worked_disturbed_and_planned_again(postgresql: Database) -> None:
    ids = a_day(postgresql)
    with transaction(postgresql) as session:
        published(session)
    with transaction(postgresql) as session:
        mine = [v for v in (session.get_one(Visit, key) for key in ids) if v.crew_id == "C1"]
        mine.sort(key=lambda visit: visit.planned_start_at or NOW)
        finish(session, mine[0], began=at("08:05"), now=at("08:40"))
    with transaction(postgresql) as session:
        urgent = job(session, work_type="INT", now=at("08:45"))
        plan = edits.insert_visit(session, visit_id=urgent.id, actor=DISPATCHER, now=at("08:45"))
        plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=at("08:46"))
        begin(session, urgent, "accept", now=at("08:47"))
    with transaction(postgresql) as session:
        edits.replan_without(
            session, shift_id="C2-20260310", reason="ill", actor=DISPATCHER, now=at("09:00")
        )
    with transaction(postgresql) as session:
        again = proposed(session, now=at("09:00"))
        plans.publish(session, plan_id=again.id or 0, actor=DISPATCHER, now=at("09:01"))
        assert set(stops(session, again)) == {"C1"}
    with postgresql.reading() as session:
        page = queries.board(session, territory_id="humen", day=DAY)
    assert page.plan is not None
    assert page.plan.status is PlanStatus.ACTIVE
    assert sum(len(row.stops) for row in page.crews) + len(page.queue) == 5


def test_of_those_who_edit_a_rules_numbers_at_once_nobodys_is_lost(postgresql: Database) -> None:
    wanted = {"travel": 3, "work": 4, "overtime": 5, "not_preferred": 6, "change": 7}

    def editing(name: str, number: int) -> Callable[[], None]:
        def edit() -> None:
            with transaction(postgresql) as session:
                rules.edit(session, name="weights", value={name: number}, actor=ADMIN, now=NOW)

        return edit

    for _ in range(2):  # its first numbers, and others
        assert at_once(*(editing(*each) for each in wanted.items())) == ["done"] * 5
        with postgresql.reading() as session:
            found = {row.name: row.value for row in rules.listed(session)}
        assert found["weights"] == wanted
        wanted = {name: number + 10 for name, number in wanted.items()}
