"""Random days: whatever people do in whatever order, the same few things always hold."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from dispatch.core.errors import DispatchError
from dispatch.sla import clocks
from dispatch.sla.tables import Clock, ClockStatus
from dispatch.work import orders, promises, queries, visits
from dispatch.work.lifecycle import (
    BUSY,
    DECLINE,
    FOLLOWS_VISITS,
    NOT_DONE,
    OPEN_ORDERS,
    UNFINISHED,
    VISITS,
)
from dispatch.work.progress import status_from, visits_of
from dispatch.work.tables import HoldReason, Visit, VisitStatus, WorkOrder, WorkOrderStatus
from tests.builders.registry import DISPATCHER, make_premises
from tests.builders.work import assign, make_order
from tests.instants import DAY, NOW, minutes

ACTIONS = sorted({row.action for row in VISITS.moves})
CREWS = ("C1", "C2")


def holds(session: Session) -> None:
    """What must be true after every step."""
    everything = session.exec(select(Visit)).all()
    busy = Counter(visit.crew_id for visit in everything if visit.status in BUSY)
    assert all(count == 1 for count in busy.values())
    pool = {
        job.visit.id
        for job in queries.pool(session, territory_id="humen", day=DAY + timedelta(days=9))
    }
    for visit in everything:
        standing = promises.standing(session, visit.id)
        if visit.status in {VisitStatus.PLANNED, VisitStatus.PUBLISHED}:
            assert (standing is not None) == (visit.window_start_at is not None)
        if visit.status == VisitStatus.PLANNED:
            assert visit.crew_id is None or visit.shift_id is not None
    for order in session.exec(select(WorkOrder)):
        of_order = visits_of(session, order.id)
        assert order.owner
        assert [visit.number for visit in of_order] == list(range(1, len(of_order) + 1))
        if order.status in FOLLOWS_VISITS:
            assert order.status == status_from([visit.status for visit in of_order])
        if order.status in OPEN_ORDERS:  # somebody will still come, or the order says why it waits
            waits = [visit for visit in of_order if visit.status == VisitStatus.PLANNED]
            going = [visit for visit in of_order if visit.status not in {
                VisitStatus.PLANNED, VisitStatus.DONE, VisitStatus.NOT_DONE, VisitStatus.CANCELLED}]  # fmt: skip
            assert waits or going
            assert order.status == WorkOrderStatus.ON_HOLD or {row.id for row in waits} <= pool
        over = {WorkOrderStatus.CANCELLED, WorkOrderStatus.VERIFIED, WorkOrderStatus.CLOSED}
        if order.status in over:
            of_clocks = clocks.of_subject(session, subject="work_order", subject_id=order.id)
            assert all(clock.status != ClockStatus.RUNNING for clock in of_clocks)


def step(session: Session, chance: random.Random, number: int) -> None:
    """One thing that somebody does, allowed or not."""
    now = NOW + minutes(number)
    everything = session.exec(select(Visit).order_by(col(Visit.id))).all()
    unfinished = [visit for visit in everything if visit.status in UNFINISHED]
    visit = chance.choice(unfinished if unfinished and chance.random() < 0.9 else everything)
    order = orders.get(session, visit.work_order_id)
    what = chance.random()
    if what < 0.15:
        assign(session, visit, crew=chance.choice(CREWS), now=now)
    elif what < 0.2:
        start = now + minutes(chance.randrange(-60, 240))
        promises.book(
            session, visit, start_at=start, end_at=start + minutes(90), actor=DISPATCHER, now=now
        )
    elif what < 0.23:
        orders.hold(
            session, order, reason=chance.choice(list(HoldReason)), actor=DISPATCHER, now=now
        )
    elif what < 0.29:
        orders.release(session, order, actor=DISPATCHER, now=now)
    elif what < 0.31:
        orders.cancel(session, order, actor=DISPATCHER, now=now)
    elif what < 0.33:
        orders.verify(session, order, actor=DISPATCHER, now=now)
    elif what < 0.35:
        promises.expire(session, territory_id="humen", now=now)
    else:
        action = chance.choice(visits.allowed(visit) or ACTIONS)
        if action == "cancel" and chance.random() < 0.8:
            return
        reasons = {
            "fail": list(NOT_DONE),
            "decline": list(DECLINE),
            "withdraw": ["", "diverted"],
        }.get(action, [""])
        visits.act(session, visit, action, actor=DISPATCHER, now=now, reason=chance.choice(reasons))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_people_do_nothing_is_lost(session: Session, seed: int) -> None:
    chance = random.Random(seed)
    place = make_premises(session)
    for work_type in ("OUT-LV", "MTR-XCH", "FU-VIS", "CLM-APP") * 3:
        make_order(session, work_type=work_type, premises=place)
    done = 0

    for number in range(150):
        try:
            with session.begin_nested():
                step(session, chance, number)
                session.flush()
            done += 1
        except DispatchError:
            session.expire_all()
        if number % 10 == 9:
            holds(session)

    assert done > 60
    assert session.exec(select(Clock)).all()
