"""A visit that waits becomes several, each with its time and skills."""

import pytest
from sqlmodel import Session, select

from dispatch.planning import edits
from dispatch.planning.problem import build
from dispatch.work import splitting
from dispatch.work.splitting import BadParts, NotSplittable, Part
from dispatch.work.tables import Visit, VisitRelation, VisitStatus, WorkOrder, WorkOrderStatus
from tests.builders.planning import crew_on, finish, job, proposed, published, stops
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, NOW, at


def split(session: Session, visit: Visit, *parts: Part, in_order: bool = True) -> list[Visit]:
    return splitting.split(session, visit, parts, in_order=in_order, actor=DISPATCHER, now=NOW)


def test_each_part_has_its_time_and_skills_and_is_planned_in_order(session: Session) -> None:
    crew_on(session, "C1")
    crew_on(session, "C2", skills={"LV": 1, "MV": 1})
    visit = job(session, minutes=90)

    first, second = split(session, visit, Part(3600), Part(1800, {"MV": 1}))

    assert (first.id, first.duration_s, second.duration_s) == (visit.id, 3600, 1800)
    assert (second.number, second.due_at, second.status) == (2, visit.due_at, VisitStatus.PLANNED)
    problem = build(session, territory_id="humen", day=DAY, now=NOW).problem
    needed = {row.id: dict(row.skills) for row in problem.visits}
    assert needed == {first.id: {"LV": 1}, second.id: {"MV": 1}}
    plan = proposed(session)
    assert second.id in stops(session, plan)["C2"]
    assert plan.problem is not None
    assert [tie["type"] for tie in plan.problem["relations"]] == ["after"]


def test_the_order_is_done_when_all_parts_are(session: Session) -> None:
    crew_on(session, "C1")
    first, second = split(session, job(session), Part(1200), Part(1200))
    published(session, orders={"C1-20260310": [first.id, second.id]})
    order = session.get_one(WorkOrder, first.work_order_id)

    finish(session, first, began=at("08:10"), now=at("08:30"))
    assert order.status is WorkOrderStatus.IN_PROGRESS
    finish(session, second, began=at("08:40"), now=at("09:00"))
    assert order.status is WorkOrderStatus.COMPLETED


def test_what_came_after_the_visit_comes_after_its_last_part(session: Session) -> None:
    crew_on(session, "C1")
    visit, later = job(session), job(session)
    tie = VisitRelation(territory_id="humen", type="after", visits=[visit.id, later.id])
    session.add(tie)

    _, second, third = split(session, visit, Part(600), Part(600), Part(600))
    session.refresh(tie)
    assert tie.visits == [third.id, later.id]
    ties = [row.visits for row in session.exec(select(VisitRelation))]
    assert [visit.id, second.id] in ties
    assert [second.id, third.id] in ties


def test_parts_in_any_order_are_not_tied(session: Session) -> None:
    crew_on(session, "C1")
    split(session, job(session), Part(600), Part(600), in_order=False)

    assert session.exec(select(VisitRelation)).all() == []


@pytest.mark.parametrize(
    "parts",
    [
        (Part(600),),
        (Part(600), Part(60)),
        (Part(600), Part(86_400)),
        (Part(600), Part(600, {"LV": 0})),
    ],
)
def test_parts_that_make_no_sense_are_refused(session: Session, parts: tuple[Part, ...]) -> None:
    crew_on(session, "C1")

    with pytest.raises(BadParts):
        split(session, job(session), *parts)


def test_a_visit_on_a_published_plan_is_put_back_first(session: Session) -> None:
    crew_on(session, "C1")
    visit = job(session)
    plan = published(session)

    with pytest.raises(NotSplittable):
        split(session, visit, Part(600), Part(600))
    assert edits.lock(session, plan_id=plan.id or 0, visit_id=visit.id, actor=DISPATCHER, now=NOW)
