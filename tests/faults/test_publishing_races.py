"""A plan is published while the board changes under it, before, after and between: nothing stale is published."""

import random
import threading
from collections import Counter
from pathlib import Path

import pytest
from sqlmodel import Session, select

from dispatch.core.db import Database, DatabaseAway, transaction
from dispatch.core.errors import DispatchError
from dispatch.planning import fingerprint, plans, publishing
from dispatch.planning.fingerprint import Moved
from dispatch.planning.lifecycle import IN_FORCE
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.registry import shifts
from dispatch.work import visits
from dispatch.work.lifecycle import UNDER_WAY, WAITING
from dispatch.work.tables import Visit
from tests.builders.planning import begin, crew_on, job, proposed, published
from tests.builders.registry import DISPATCHER
from tests.faults.counts import times
from tests.faults.racing import Copies
from tests.instants import NOW, at

pytestmark = pytest.mark.faults

SEED = 20260321
CREWS = ("C1", "C2", "C3")
MOMENTS = ("before", "at the comparison", "between the changes", "after")


def a_day(database: Database) -> None:
    """Three crews with a plan in force, and another one proposed that gives their visits to each other."""
    with transaction(database) as session:
        ids = [crew_on(session, crew).id for crew in CREWS]
        names = [job(session, east=1 + number).id for number in range(6)]
        published(session, orders={shift: names[2 * k : 2 * k + 2] for k, shift in enumerate(ids)})
        swapped = names[2:] + names[:2]
        proposed(session, orders={shift: swapped[2 * k : 2 * k + 2] for k, shift in enumerate(ids)})


def departs(session: Session, chance: random.Random) -> None:
    """A crew sets out for one of its visits, which the proposed plan gives to another crew."""
    waiting = session.exec(select(Visit).where(Visit.crew_id == chance.choice(CREWS))).all()
    begin(
        session,
        chance.choice([v for v in waiting if v.status in WAITING]),
        "accept",
        "depart",
        now=NOW,
    )


def falls_ill(session: Session, chance: random.Random) -> None:
    shift = f"{chance.choice(CREWS)}-20260310"
    shifts.mark_absent(session, shift_id=shift, reason="ill", actor=DISPATCHER, now=NOW)


def comes_in(session: Session, chance: random.Random) -> None:
    job(session, east=chance.uniform(1, 6), work_type="INT")


def is_called_off(session: Session, chance: random.Random) -> None:
    open_ones = [v for v in session.exec(select(Visit).order_by(Visit.id)) if v.status in WAITING]
    visits.act(session, chance.choice(open_ones), "cancel", actor=DISPATCHER, now=NOW)


def is_promised(session: Session, chance: random.Random) -> None:
    visit = chance.choice(
        [v for v in session.exec(select(Visit).order_by(Visit.id)) if v.status in WAITING]
    )
    visit.window_start_at, visit.window_end_at = at("15:00"), at("16:00")


CHANGES = (departs, falls_ill, comes_in, is_called_off, is_promised)
"""Twenty rounds have every change at every moment, for 4 and 5 have no divisor in common."""


class Interleaving:
    """One change of the board at one moment of a publishing, in a thread and a transaction of its own."""

    def __init__(self, database: Database, number: int) -> None:
        self.database = database
        self.chance = random.Random(f"{SEED}-{number}")
        self.moment = MOMENTS[number % len(MOMENTS)]
        self.change = CHANGES[number % len(CHANGES)]
        self.thread = threading.Thread(target=self._run)
        self.frozen: dict[str, object] = {}
        self.committed = self.landed = self.refused = self.stale = False

    def _run(self) -> None:
        while not self.committed and not self.refused:
            try:
                with transaction(self.database) as session:
                    self.change(session, self.chance)
                    self.frozen = begun(session)
                self.committed = True
            except DatabaseAway:
                continue
            except DispatchError:
                self.refused = True

    def reach(self, point: str) -> None:
        """The publishing has come to a point; the change may commit there, if the database lets it."""
        moments = {"publish_before": "at the comparison", "publish_between": "between the changes"}
        if moments.get(point) == self.moment:
            self.thread.start()
            # It has to wait for the publishing, unless it is new work on PostgreSQL.
            free = not self.database.is_sqlite and self.change is comes_in
            self.thread.join(10 if free else 0.3 if self.database.is_sqlite else 1)
            self.landed = self.committed

    def play(self, plan_id: int) -> bool:
        """Publish the plan with the change at its moment; whether it was published."""
        if self.moment == "before":
            self._run()
        try:
            with transaction(self.database) as session:
                plans.publish(session, plan_id=plan_id, actor=DISPATCHER, now=NOW)
            done = True
        except DispatchError:
            done = False
        self.stale = done and (
            self.moment == "before" or (self.landed and self.change is not comes_in)
        )
        if self.moment == "after":
            self._run()
        elif self.thread.ident:
            self.thread.join()
        return done


def begun(session: Session) -> dict[str, object]:
    """Where and when each visit under way is."""
    return {
        visit.id: (visit.crew_id, visit.shift_id, visit.planned_arrive_at, visit.planned_start_at)
        for visit in session.exec(select(Visit))
        if visit.status in UNDER_WAY
    }


def play_all(copies: Copies, prepared: "Path | str", rounds: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    for number in range(rounds):
        with copies.open(prepared) as database:
            with database.reading() as session:
                plan = session.exec(select(Plan).where(Plan.status == PlanStatus.PROPOSED)).one()
            played = Interleaving(database, number)
            with pytest.MonkeyPatch.context() as hooks:
                hooks.setattr("dispatch.planning.publishing.crashpoint", played.reach)
                done = played.play(plan.id or 0)
            with database.reading() as session:
                assert (session.get_one(Plan, plan.id).status in IN_FORCE) == done
                seen["frozen moved"] += played.committed and begun(session) != played.frozen
            seen["stale"] += played.committed and played.stale
            seen["published" if done else "refused"] += 1
            seen["changes"] += played.committed
            seen["landed between"] += played.landed
    return seen


def test_nothing_stale_is_published_and_nothing_begun_is_moved(copies: Copies) -> None:
    rounds = times(8, 200)
    with copies.prepare(a_day) as prepared:
        seen = play_all(copies, prepared, rounds)

    assert (seen["stale"], seen["frozen moved"]) == (0, 0), f"seed {SEED}: {seen}"
    assert seen["published"], f"seed {SEED}: {seen}"
    assert seen["refused"], f"seed {SEED}: {seen}"
    assert seen["changes"] > rounds / 2, f"the board did change: {seen}"
    if copies.kind == "postgresql":
        assert seen["landed between"], f"new work came in meanwhile: {seen}"


def test_without_the_comparison_stale_plans_are_published(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "moved", lambda *_, **__: Moved({}, {}, {}))
    with copies.prepare(a_day) as prepared:
        seen = play_all(copies, prepared, times(4, 40))

    assert seen["stale"], f"seed {SEED}: {seen}"


def test_without_holding_the_rows_what_changes_meanwhile_is_overwritten(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "hold", lambda *_, **__: None)
    with copies.prepare(a_day) as prepared:
        seen = play_all(copies, prepared, times(8, 40))

    assert bool(seen["stale"]) == (copies.kind == "postgresql"), f"seed {SEED}: {seen}"
