"""Customers of a simulated day: asked about a finished visit, some of them answer, by how it went."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session, col, select

from dispatch.contact import surveys
from dispatch.contact.tables import Message, Survey, Telling
from dispatch.core.db import Database, transaction
from dispatch.work.tables import Visit, VisitStatus
from workers.simulation.agenda import Agenda
from workers.simulation.luck import Luck

NOT_LATE = timedelta(0)


class SimulatedCustomers:
    """Those who are asked what they think. `told` is called with each survey whose answer calls for making good."""

    def __init__(
        self,
        database: Database,
        agenda: Agenda,
        luck: Luck,
        *,
        territory_id: str,
        told: Callable[[Survey], None],
    ) -> None:
        self.database, self.agenda, self.luck, self.told = database, agenda, luck, told
        self.territory_id = territory_id
        self._seen: set[str] = set()

    def look(self) -> None:
        """Let whoever has been asked since the last look decide whether and when to answer."""
        statement = (
            select(Survey.visit_id)
            .where(
                Survey.territory_id == self.territory_id,
                col(Survey.asked_at).is_not(None),
                col(Survey.answered_at).is_(None),
            )
            .order_by(Survey.visit_id)
        )
        with self.database.reading() as session:
            asked = [visit for visit in session.exec(statement) if visit not in self._seen]
        for visit_id in asked:
            self._seen.add(visit_id)
            after = self.luck.answers_after(visit_id)
            if after is not None:
                self.agenda.add(self.agenda.now + after, partial(self._answer, visit_id))

    def _answer(self, visit_id: str) -> None:
        with transaction(self.database) as session:
            late = lateness(session, visit_id)
            score, solved = self.luck.opinion(
                visit_id, late=late, came_before=_came_before(session, visit_id)
            )
            minutes = round(late.total_seconds() / 60)
            survey = surveys.answer(
                session,
                visit_id=visit_id,
                score=score,
                solved=solved,
                comment=f"You came {minutes} minutes late." if minutes else "",
                now=self.agenda.now,
            )
            if survey.request_id is not None:
                self.told(survey)


def lateness(session: Session, visit_id: str) -> timedelta:
    """How much later than the customer was last told the crew arrived; 0 when in time, or when nothing was told."""
    visit = session.get_one(Visit, visit_id)
    statement = (
        select(Telling.told_end_at)
        .join(Message, col(Message.id) == col(Telling.message_id))
        .where(
            Telling.visit_id == visit_id,
            col(Telling.told_end_at).is_not(None),
            col(Message.template).in_(("booked", "changed", "day_before")),
        )
        .order_by(col(Message.id).desc())
        .limit(1)
    )
    told: datetime | None = session.exec(statement).first()
    if told is None or visit.arrived_at is None:
        return NOT_LATE
    return max(visit.arrived_at - told, NOT_LATE)


def _came_before(session: Session, visit_id: str) -> bool:
    """Whether a crew came for the same work before and could not do it."""
    order = session.get_one(Visit, visit_id).work_order_id
    statement = select(Visit.id).where(
        Visit.work_order_id == order, Visit.status == VisitStatus.NOT_DONE
    )
    return session.exec(statement.limit(1)).first() is not None
