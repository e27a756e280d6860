"""Crews of a simulated day: they accept, drive, work and finish as the plan and their luck have it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from dispatch.core.db import Database, transaction
from dispatch.core.events import Actor
from dispatch.field import actions
from dispatch.registry import shifts
from dispatch.registry.tables import Shift, ShiftBreak, ShiftStatus
from dispatch.work.lifecycle import WAITING
from dispatch.work.points import PointKind, point
from dispatch.work.tables import Visit, VisitStatus, WorkOrder, WorkType
from workers.simulation.agenda import Agenda
from workers.simulation.luck import Luck

ACCEPTS_BEFORE = timedelta(minutes=5)
LOOKS_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Next:
    """What a crew sees as its next visit."""

    id: str
    status: VisitStatus
    departs: datetime
    travel_s: int
    window_start: datetime | None
    p50_s: int
    p90_s: int
    proof: dict[str, object]


class SimulatedCrew:
    """One crew on one shift. `told` is called after each thing it did, with its action and the visit."""

    def __init__(
        self,
        database: Database,
        agenda: Agenda,
        luck: Luck,
        *,
        shift: Shift,
        breaks: list[ShiftBreak],
        told: Callable[[str, str], None],
    ) -> None:
        self.database, self.agenda, self.luck, self.told = database, agenda, luck, told
        self.shift_id, self.crew_id = shift.id, shift.crew_id
        self.leaves_by = shift.ends_at + timedelta(seconds=shift.max_overtime_s)
        self.breaks = sorted(breaks, key=lambda pause: pause.latest_at)
        self.actor = Actor(shift.crew_id, "crew")
        self.idle_since: datetime | None = None
        agenda.add(shift.starts_at, self.report)

    def report(self) -> None:
        """Begin the shift, unless the crew is ill."""
        with transaction(self.database) as session:
            shift = session.get_one(Shift, self.shift_id)
            if shift.absent or shift.status is not ShiftStatus.PLANNED:
                return
            shifts.move(session, shift, "report_on_duty", actor=self.actor, now=self.agenda.now)
        self.look()

    def look(self) -> None:
        """See what is next; with nothing to do, look again later."""
        now = self.agenda.now
        if now >= self.leaves_by:
            return
        with self.database.reading() as session:
            if session.get_one(Shift, self.shift_id).absent:
                return
            upcoming = self._next(session)
        if upcoming is None:
            self._take_break()
            self.agenda.add(now + LOOKS_AGAIN, self.look)
        elif upcoming.departs - ACCEPTS_BEFORE > now:
            self.agenda.add(min(upcoming.departs - ACCEPTS_BEFORE, now + LOOKS_AGAIN), self.look)
        elif (rested := self._break_before(upcoming)) is not None:
            self.agenda.add(rested, self.look)
        else:
            if upcoming.status is not VisitStatus.ACCEPTED:
                self._do("accept", upcoming)
            self.agenda.add(upcoming.departs, lambda: self._depart(upcoming))

    def _depart(self, visit: Next) -> None:
        with self.database.reading() as session:
            seen = self._next(session)
        if seen is None or seen.id != visit.id or seen.status is not VisitStatus.ACCEPTED:
            self.look()  # the plan has changed in the meantime
            return
        self._do("en_route", visit)
        drive = timedelta(seconds=visit.travel_s * self.luck.travel_factor(visit.id))
        self.agenda.add(self.agenda.now + drive, lambda: self._arrive(visit))

    def _arrive(self, visit: Next) -> None:
        self._do("arrived", visit)
        if self.luck.nobody_home(visit.id):
            self.agenda.add(self.agenda.now + timedelta(minutes=10), lambda: self._give_up(visit))
            return
        begin = max(self.agenda.now, visit.window_start or self.agenda.now)
        self.agenda.add(begin, lambda: self._work(visit))

    def _work(self, visit: Next) -> None:
        self._do("start", visit)
        seconds = self.luck.service_seconds(visit.id, p50_s=visit.p50_s, p90_s=visit.p90_s)
        self.agenda.add(self.agenda.now + timedelta(seconds=seconds), lambda: self._finish(visit))

    def _finish(self, visit: Next) -> None:
        self._do("done", visit, data=visit.proof)
        self.look()

    def _give_up(self, visit: Next) -> None:
        self._do("not_done", visit, reason="no_access")
        self.look()

    def _do(
        self, action: str, visit: Next, *, reason: str = "", data: dict[str, object] | None = None
    ) -> None:
        now = self.agenda.now
        with transaction(self.database) as session:
            actions.do(
                session,
                op_id=f"{self.crew_id}:{visit.id}:{action}:{now.timestamp():.0f}",
                visit_id=visit.id,
                crew_id=self.crew_id,
                action=action,
                reason=reason,
                data=data,
                device_at=now,
                actor=self.actor,
                now=now,
            )
        self.told(action, visit.id)

    def _break_before(self, visit: Next) -> datetime | None:
        """The end of a break that would be too late after `visit`; it is taken now."""
        after = max(self.agenda.now, visit.departs) + timedelta(
            seconds=visit.travel_s + visit.p50_s
        )
        if self.breaks and after > self.breaks[0].latest_at:
            return self._take_break()
        return None

    def _take_break(self) -> datetime | None:
        if not self.breaks or self.agenda.now < self.breaks[0].earliest_at:
            return None
        pause = self.breaks.pop(0)
        return self.agenda.now + timedelta(seconds=pause.duration_s)

    def _next(self, session: Session) -> Next | None:
        statement = (
            select(Visit, WorkType)
            .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
            .join(WorkType, col(WorkType.code) == col(WorkOrder.work_type))
            .where(Visit.shift_id == self.shift_id, col(Visit.status).in_(WAITING))
            .order_by(col(Visit.planned_start_at))
            .limit(1)
        )
        row = session.exec(statement).first()
        if row is None:
            return None
        visit, kind = row
        arrive, travel = visit.planned_arrive_at, visit.travel_s or 0
        assert arrive is not None, "a published visit has its planned times"
        return Next(
            id=visit.id,
            status=visit.status,
            departs=arrive - timedelta(seconds=travel),
            travel_s=travel,
            window_start=visit.locked_start_at or visit.window_start_at,
            p50_s=kind.p50_minutes * 60,
            p90_s=kind.p90_minutes * 60,
            proof=_proof(kind),
        )


def _proof(kind: WorkType) -> dict[str, object]:
    """What finishing demands, as a crew tells it by telephone: nothing is ever photographed in a simulated day."""
    told = {"without": "told_by_phone"}
    answers: dict[str, object] = {
        code: True if point(code).kind is PointKind.TICK else told for code in kind.checklist
    }
    return {
        "checklist": answers,
        "parts": dict(kind.parts),
        "closing_code": kind.closing_codes[0] if kind.closing_codes else "",
    }
