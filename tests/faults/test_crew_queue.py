"""A crew's queue of a day without a network, sent again in any order: the same end, no conflict silent."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from dispatch.core.db import Database, transaction
from dispatch.core.events import Actor
from dispatch.core.tables import Event
from dispatch.field import queue
from dispatch.field.operations import Operation
from dispatch.field.queue import Outcome
from dispatch.field.tables import CrewAction, RefusedAction
from dispatch.registry import crews
from dispatch.registry.tables import Stock
from dispatch.work import visits
from dispatch.work.tables import PartUse, Visit
from tests.builders.field import proof
from tests.builders.registry import DISPATCHER
from tests.builders.work import make_visit
from tests.faults.counts import times
from tests.faults.racing import Copies
from tests.instants import NOW, at, minutes

pytestmark = pytest.mark.faults

SEED = 20261128
ROUNDS = times(4, 100)
LENGTH = 40
STEPS = ("accept", "en_route", "arrived", "start", "done")
CREW = Actor("account-of-C1", "crew")
HOME_AGAIN = at("16:00")


@dataclass(frozen=True)
class Story:
    """What a crew did without a network, and what the office did meanwhile."""

    queue: tuple[Operation, ...]
    meddling: tuple[tuple[str, str], ...]


def a_day(database: Database) -> None:
    with transaction(database) as session:
        for number in range(8):
            make_visit(
                session,
                status="dispatched",
                work_type="MTR-XCH",
                start_at=at("08:00") + minutes(60 * number),
            )
        for part, quantity in (("meter", 5), ("seal", 12)):
            crews.set_stock(
                session, crew_id="C1", part=part, quantity=quantity, actor=DISPATCHER, now=NOW
            )


def story(database: Database, chance: random.Random) -> Story:
    """Forty actions: most of them the next step, some of them mistakes; and an office that takes visits away."""
    with database.reading() as session:
        rows = list(session.exec(select(Visit).order_by(col(Visit.planned_start_at))))
        good = {row.id: proof(session, row) for row in rows}
        seen = {row.id: row.version for row in rows}
    steps = [(row.id, action) for row in rows for action in STEPS][:LENGTH]
    for at_hand in range(LENGTH):
        if chance.random() < 0.15:
            other = chance.choice((*STEPS, "pause", "decline", "not_done", "check_in"))
            steps[at_hand] = steps[at_hand][0], other
        if chance.random() < 0.15:  # the next visit's step is pressed before this one's
            later = min(LENGTH - 1, at_hand + chance.randrange(1, 8))
            steps[at_hand], steps[later] = steps[later], steps[at_hand]
    told: list[Operation] = []
    moment = at("08:00")
    for number, (visit, action) in enumerate(steps):
        data: dict[str, Any] = good[visit] if action == "done" and chance.random() < 0.9 else {}
        reason = {"decline": "no_time", "not_done": "no_access"}.get(action, "")
        told.append(
            Operation(
                f"op-{number:02d}-{chance.random()}",
                visit,
                action,
                moment,
                reason,
                data=data,
                version=seen[visit],
            )
        )
        moment += timedelta(seconds=chance.choice((0, 1, 60, 400, 900)))
    taken = chance.sample([row.id for row in rows], 3)
    ways = [chance.choice(("cancel", "withdraw", "note")) for _ in taken]
    return Story(tuple(told), tuple(zip(taken, ways, strict=True)))


def meddle(database: Database, told: Story) -> None:
    """The office cancels visits, takes them back or changes them while the crew has no network."""
    with transaction(database) as session:
        for visit_id, way in told.meddling:
            visit = visits.get(session, visit_id)
            if way == "note":
                visit.due_at = at("18:00")
            else:
                visits.act(session, visit, way, actor=DISPATCHER, now=at("08:30"))


def sent(
    database: Database, operations: list[Operation], now: datetime = HOME_AGAIN
) -> list[Outcome]:
    with transaction(database) as session:
        return queue.merge(session, operations, crew_id="C1", actor=CREW, now=now)


def state(session: Session) -> dict[str, Any]:
    """Everything that a queue can change."""
    rows = session.exec(select(Visit).order_by(col(Visit.id))).all()
    done = session.exec(select(CrewAction).order_by(col(CrewAction.op_id))).all()
    return {
        "visits": [
            (row.id, row.status.value, row.arrived_at, row.started_at, row.finished_at, row.reason)
            for row in rows
        ],
        "actions": [(row.op_id, row.action, row.to_status, row.device_at) for row in done],
        "refused": sorted(
            (row.op_id, row.code) for row in session.exec(select(RefusedAction)).all()
        ),
        "stock": sorted((row.part, row.quantity) for row in session.exec(select(Stock))),
        "used": sorted(
            (row.visit_id, row.part, row.quantity) for row in session.exec(select(PartUse))
        ),
        "events": sorted(
            Counter((event.type, event.entity_id) for event in session.exec(select(Event))).items()
        ),
    }


def ends(database: Database) -> dict[str, Any]:
    with database.reading() as session:
        return state(session)


def verdicts(outcomes: list[Outcome]) -> dict[str, str]:
    return {one.op_id: one.refusal.code if one.refusal else "" for one in outcomes}


def replayed(
    copies: Copies, prepared: "Path | str", told: Story, chance: random.Random
) -> tuple[Any, ...]:
    """The state after the queue came once in order, and after it came three times shuffled; the verdicts."""
    with copies.open(prepared) as database:
        meddle(database, told)
        once = verdicts(sent(database, list(told.queue)))
        plain = ends(database)
    with copies.open(prepared) as database:
        meddle(database, told)
        again = []
        for number in range(3):
            shuffled = list(told.queue)
            chance.shuffle(shuffled)
            again.append(verdicts(sent(database, shuffled, HOME_AGAIN + minutes(number))))
        return plain, ends(database), once, again


def test_a_queue_sent_three_times_shuffled_ends_as_if_sent_once(copies: Copies) -> None:
    same = conflicts = 0
    with copies.prepare(a_day) as prepared:
        for number in range(ROUNDS):
            chance = random.Random(f"{SEED}-{number}")
            with copies.open(prepared) as database:
                told = story(database, chance)
            plain, shuffled, once, again = replayed(copies, prepared, told, chance)

            assert shuffled == plain, f"seed {SEED}-{number}"
            assert again == [once] * 3, f"seed {SEED}-{number}"
            named = {op_id for op_id, code in once.items() if code}
            taken = {row[0] for row in plain["actions"]}
            assert named | taken == {one.op_id for one in told.queue}, (
                "every action stands or is named"
            )
            assert not named & taken
            assert {row[0] for row in plain["refused"]} == named
            same += 1
            conflicts += len(named)
    assert same == ROUNDS
    assert conflicts >= ROUNDS, "the office and the mistakes did get in the way"


def test_a_queue_cut_off_and_sent_whole_afterwards_ends_the_same(copies: Copies) -> None:
    with copies.prepare(a_day) as prepared:
        for number in range(ROUNDS):
            chance = random.Random(f"{SEED}-cut-{number}")
            with copies.open(prepared) as database:
                told = story(database, chance)
                meddle(database, told)
                cut = chance.randrange(1, LENGTH)
                sent(database, list(told.queue[:cut]))
                sent(database, list(told.queue[:cut]), HOME_AGAIN + minutes(1))
                sent(database, list(told.queue), HOME_AGAIN + minutes(2))
                pieces = ends(database)
            plain, _, _, _ = replayed(copies, prepared, told, chance)
            assert pieces == plain, f"seed {SEED}-cut-{number}"


def test_without_memory_of_what_was_refused_replays_end_otherwise(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_remember", lambda *_, **__: None)
    other = 0
    with copies.prepare(a_day) as prepared:
        for number in range(40):
            chance = random.Random(f"{SEED}-{number}")
            with copies.open(prepared) as database:
                told = story(database, chance)
            plain, shuffled, _, _ = replayed(copies, prepared, told, chance)
            other += plain["visits"] != shuffled["visits"]
            if other:
                break
    assert other, "the control found nothing: the test above would find nothing either"


def test_without_the_order_of_the_devices_times_a_shuffled_queue_ends_otherwise(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    with copies.prepare(a_day) as prepared:
        chance = random.Random(f"{SEED}-unsorted")
        with copies.open(prepared) as database:
            told = story(database, chance)
        monkeypatch.setattr(queue, "sorted", lambda given, key: list(given), raising=False)
        plain, shuffled, _, _ = replayed(copies, prepared, told, chance)
        assert plain["visits"] != shuffled["visits"]
