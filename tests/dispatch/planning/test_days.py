"""Any day: whatever is on the board and whenever it is planned, nothing is lost and every rule is kept."""

import itertools
import random
from collections.abc import Sequence

import pytest
from sqlmodel import Session

from dispatch.planning import fingerprint, plans
from dispatch.planning.problem import build
from dispatch.planning.reading import read_board
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.registry import shifts
from dispatch.registry.hours import Break
from dispatch.work import visits as work_visits
from dispatch.work.tables import Visit, VisitRelation, VisitStatus
from optimizer.check import check
from optimizer.insert import retime
from optimizer.naive import naive
from tests.builders.planning import begin, crew_on, job, left_out, proposed, visits_on
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, NOW, at, minutes

SEEDS = range(24)
STEPS = ("accept", "depart", "arrive", "start", "finish")


def a_random_day(session: Session, chance: random.Random) -> list[Visit]:
    """Crews with breaks and overtime, visits of all sorts, some of them hopeless, some tied to each other."""
    for number in range(chance.randint(1, 4)):
        crew_on(
            session,
            f"C{number}",
            skills=chance.choice([{"LV": 1}, {"LV": 2, "CS": 1}, {"CS": 2}]),
            stock={"fuse_lv": chance.randint(0, 2)},
            breaks=chance.choice([(), [Break(at("11:30"), at("12:30"), 30)]]),
            max_overtime_s=chance.choice([0, 1800]),
        )
    made = [a_random_visit(session, chance) for _ in range(chance.randint(1, 10))]
    pairs = list(itertools.pairwise(made))
    for first, second in chance.sample(pairs, min(len(pairs), chance.randint(0, 2))):
        kind = chance.choice(["after", "together", "same_crew", "different_crew"])
        session.add(VisitRelation(territory_id="humen", type=kind, visits=[first.id, second.id]))
    session.flush()
    return made


def a_random_visit(session: Session, chance: random.Random) -> Visit:
    window = chance.choice([None, None, ("09:00", "11:00"), ("13:00", "15:00"), ("20:00", "21:00")])
    due = chance.choice([None, None, "10:00", "16:00"])
    visit = job(
        session,
        east=chance.uniform(-5, 5),
        north=chance.uniform(-4, 4),
        minutes=chance.choice([15, 30, 60, 120, 700]),
        located=chance.random() > 0.1,
        work_type=chance.choice(["SAFE-DIS", "FUSE", "FU-VIS", "DATA", "OUT-LV"]),
        window=(at(window[0]), at(window[1])) if window else None,
        due_at=at(due) if due else None,
    )
    if chance.random() < 0.1:
        visit.locked_crew, visit.locked_crew_id = True, "C0"
    return visit


def play_until(session: Session, visits: Sequence[Visit], chance: random.Random, hour: int) -> None:
    """Some crews have done some of what the plan said by this hour; some things went wrong."""
    by_crew: dict[str, list[Visit]] = {}
    for visit in visits:
        if visit.crew_id is not None and visit.status is not VisitStatus.PLANNED:
            by_crew.setdefault(visit.crew_id, []).append(visit)
    for crew, mine in by_crew.items():
        mine.sort(key=lambda visit: (visit.planned_start_at or NOW, visit.id))
        clock = at("08:00")
        for visit in mine[: chance.randint(0, len(mine))]:
            steps = chance.randint(1, len(STEPS))
            for step in STEPS[:steps]:
                clock = min(clock + minutes(chance.randint(1, 40)), at(f"{hour}:00"))
                begin(session, visit, step, now=clock)
            if steps < len(STEPS):
                break
        if chance.random() < 0.2:
            shift_id = f"{crew}-20260310"
            shifts.mark_absent(
                session, shift_id=shift_id, reason="ill", actor=DISPATCHER, now=clock
            )
    declined = [visit for visit in visits if visit.status is VisitStatus.DISPATCHED]
    if declined and chance.random() < 0.3:
        work_visits.act(
            session, declined[0], "decline", actor=DISPATCHER, now=NOW, reason="too_far"
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_any_day_is_planned_without_losing_a_visit_and_again_while_it_runs(
    session: Session, seed: int
) -> None:
    chance = random.Random(seed)
    visits = a_random_day(session, chance)
    plan = proposed(session)
    assert plan.status is PlanStatus.PROPOSED, plan.error
    everyone = {visit.id for visit in visits}
    assert accounted(session, plan) == everyone
    plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=NOW)
    hour = chance.randint(9, 19)
    play_until(session, visits, chance, hour)
    visits += [a_random_visit(session, chance)]
    before = {visit.id: bound(visit) for visit in visits if has_begun(visit)}

    again = proposed(session, now=at(f"{hour}:00"))

    assert again.status is PlanStatus.PROPOSED, again.error
    finished = {v.id for v in visits if v.status in (VisitStatus.DONE, VisitStatus.NOT_DONE)}
    assert accounted(session, again) | finished == everyone | {visits[-1].id}
    under_way = {v.id for v in visits if has_begun(v)} - finished
    listed = {entry["visit_id"] for entry in again.unplaceable if entry["reason"] == "crew_gone"}
    assert under_way - set(visits_on(session, again)) == listed
    plans.publish(session, plan_id=again.id or 0, actor=DISPATCHER, now=at(f"{hour}:01"))
    assert {visit.id: bound(visit) for visit in visits if visit.id in before} == before


@pytest.mark.parametrize("seed", SEEDS)
def test_any_problem_has_a_naive_plan_and_a_retimed_one_that_pass_the_checker(
    session: Session, seed: int
) -> None:
    chance = random.Random(1000 + seed)
    a_random_day(session, chance)
    problem = build(session, territory_id="humen", day=DAY, now=NOW).problem

    plan = naive(problem)

    assert check(problem, plan).ok
    orders = {route.shift: [stop.visit for stop in route.stops] for route in plan.routes}
    assert check(problem, retime(problem, orders)).ok


def test_the_fingerprint_is_the_same_until_something_moves(session: Session) -> None:
    a_random_day(session, random.Random(5))
    first = fingerprint.parts(read_board(session, territory_id="humen", day=DAY))
    again = fingerprint.parts(read_board(session, territory_id="humen", day=DAY))
    job(session)
    later = fingerprint.parts(read_board(session, territory_id="humen", day=DAY))

    assert fingerprint.of(first) == fingerprint.of(again) != fingerprint.of(later)
    assert not fingerprint.moved(first, again)
    assert list(fingerprint.moved(first, later).new) == ["visits"]


def accounted(session: Session, plan: Plan) -> set[str]:
    """Every visit that the plan says something of, each once."""
    groups = [
        visits_on(session, plan),
        sorted(left_out(session, plan)),
        [entry["visit_id"] for entry in plan.unplaceable],
    ]
    together = [visit_id for group in groups for visit_id in group]
    assert len(together) == len(set(together))
    return set(together)


def has_begun(visit: Visit) -> bool:
    return visit.status in (
        VisitStatus.EN_ROUTE,
        VisitStatus.ARRIVED,
        VisitStatus.WORKING,
        VisitStatus.DONE,
    )


def bound(visit: Visit) -> tuple[object, ...]:
    return visit.crew_id, visit.shift_id, visit.status, visit.planned_start_at, visit.version
