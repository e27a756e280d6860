"""A whole day on a virtual clock: planned, published, worked, disturbed, closed and reported."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlmodel import Session, col, select

from dispatch.contact.tables import Survey
from dispatch.core.calendar import at_local, zone_named
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.errors import DispatchError
from dispatch.core.events import Actor
from dispatch.desk import requests
from dispatch.desk.tables import Request, RequestKind, RequestStatus
from dispatch.field import closing
from dispatch.insight.report import DayReport, day_report
from dispatch.planning import edits, plans
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.registry import shifts
from dispatch.registry.tables import Premises, Shift, ShiftBreak, SiteClass, Territory
from dispatch.work import orders
from dispatch.work.lifecycle import UNDER_WAY, WAITING
from dispatch.work.queries import call_list
from dispatch.work.tables import Visit
from workers.execution import drain
from workers.handlers import HANDLERS
from workers.periodic import start_jobs
from workers.simulation.agenda import Agenda
from workers.simulation.crews import SimulatedCrew
from workers.simulation.customers import SimulatedCustomers
from workers.simulation.luck import Luck

DISPATCHER = Actor("simulated-dispatcher", "dispatcher")
DESK = Actor("simulated-desk", "intake")
TICK = timedelta(minutes=5)
OUTAGE_AT, ILLNESS_AT = (10, 40), (13, 10)


@dataclass(frozen=True, slots=True)
class Scene:
    """Something worth telling while the day plays; `subject` is the visit, shift or plan it is about."""

    at: datetime
    kind: str
    subject: str
    detail: str = ""


class SimulatedDay:
    """Plays `day` of a territory for one way of planning (`engine`), the same luck for each.

    `tell` hears of every scene, on the virtual clock.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        territory_id: str,
        day: date,
        now: datetime,
        engine: str,
        seed: int,
        tell: Callable[[Scene], None],
    ) -> None:
        self.database, self.settings, self.tell = database, settings, tell
        self.territory_id, self.day, self.engine = territory_id, day, engine
        self.agenda, self.luck = Agenda(now), Luck(seed)
        self.started: dict[str, str] = {}
        """Which occurrence of each periodic job was started last."""
        with database.reading() as session:
            self.zone = zone_named(session.get_one(Territory, territory_id).zone)

    def play(self) -> DayReport:
        """Play it from publishing to the report."""
        self._plan_and_publish("published")
        self._set_the_scene()
        self.agenda.play(self._last_shift_ends())
        while self._somebody_works() and self.agenda.now < self._local(23, 30):
            self.agenda.play(self.agenda.now + TICK)
        with transaction(self.database) as session:
            closing.close_day(
                session,
                territory_id=self.territory_id,
                day=self.day,
                actor=DISPATCHER,
                now=self.agenda.now,
            )
        self._background()
        with self.database.reading() as session:
            return day_report(
                session, territory_id=self.territory_id, day=self.day, now=self.agenda.now
            )

    def _set_the_scene(self) -> None:
        with self.database.reading() as session:
            today = select(Shift).where(Shift.day == self.day).order_by(Shift.id)
            rows = [
                (
                    shift,
                    list(session.exec(select(ShiftBreak).where(ShiftBreak.shift_id == shift.id))),
                )
                for shift in session.exec(today)
            ]
        for shift, breaks in rows:
            SimulatedCrew(
                self.database,
                self.agenda,
                self.luck,
                shift=shift,
                breaks=breaks,
                told=self._crew_told,
            )
        self.customers = SimulatedCustomers(
            self.database,
            self.agenda,
            self.luck,
            territory_id=self.territory_id,
            told=self._customer_told,
        )
        self.agenda.add(self._local(*OUTAGE_AT), self._outage)
        self.agenda.add(self._local(*ILLNESS_AT), self._illness)
        self.agenda.add(self._local(8, 30), self._desk)
        self.agenda.add(self.agenda.now, self._tick)

    def _plan_and_publish(self, kind: str) -> None:
        """Plan what is left of the day and publish it, as a dispatcher would."""
        with transaction(self.database) as session:
            plan_id = plans.request_plan(
                session,
                territory_id=self.territory_id,
                day=self.day,
                options={"engine": self.engine},
                actor=DISPATCHER,
                now=self.agenda.now,
            ).id
        assert plan_id is not None
        self._background()
        with self.database.reading() as session:
            plan = session.get_one(Plan, plan_id)
            if plan.status is not PlanStatus.PROPOSED:
                raise SimulationFailed(f"The plan ended {plan.status.value}: {plan.error}")
        self._publish(plan_id, kind)

    def _publish(self, plan_id: int, kind: str, *, about: str | None = None) -> None:
        """Publish a plan; `about` is the visit that it was made for."""
        with transaction(self.database) as session:
            plans.publish(session, plan_id=plan_id, actor=DISPATCHER, now=self.agenda.now)
        self._background()
        detail = ""
        if about is not None:
            with self.database.reading() as session:
                visit = session.get_one(Visit, about)
            if visit.planned_arrive_at is not None:
                detail = f"{visit.crew_id}, there at {visit.planned_arrive_at.astimezone(self.zone):%H:%M}"
        self.tell(Scene(self.agenda.now, kind, str(plan_id), detail))

    def _outage(self) -> None:
        """Somebody has no supply: the request comes in, becomes an order, and is put into the running plan."""
        now = self.agenda.now
        with transaction(self.database) as session:
            premises = session.get_one(Premises, self._struck(session))
            request = requests.receive(
                session,
                kind=RequestKind.FAULT,
                customer_id=premises.customer_id,
                premises_id=premises.id,
                subject="No supply in the whole house",
                text="",
                channel="phone",
                actor=DESK,
                now=now,
            )
            order = requests.make_order(session, request, work_type="OUT-LV", actor=DESK, now=now)
            visit = session.exec(select(Visit).where(Visit.work_order_id == order.id)).one()
            visit_id = visit.id
            where = premises.district
        self.tell(Scene(now, "outage", visit_id, where))
        if self.engine == "naive":
            self._plan_and_publish("replanned")
            return
        with transaction(self.database) as session:
            plan = edits.insert_visit(session, visit_id=visit_id, actor=DISPATCHER, now=now)
            plan_id = plan.id
        assert plan_id is not None
        self._publish(plan_id, "inserted", about=visit_id)

    def _illness(self) -> None:
        """The crew with the most visits still to begin falls ill; the rest of the day is planned anew."""
        with transaction(self.database) as session:
            shift_id = self._most_loaded(session)
            if shift_id is None:  # whoever has visits to come is at work on one: see in a minute
                self.agenda.add(self.agenda.now + timedelta(minutes=1), self._illness)
                return
            shift = shifts.mark_absent(
                session, shift_id=shift_id, reason="ill", actor=DISPATCHER, now=self.agenda.now
            )
            self.tell(Scene(self.agenda.now, "ill", shift_id, shift.crew_id))
        self._plan_and_publish("replanned")

    def _desk(self) -> None:
        """One call and one answer every ten minutes, the longest waiting first."""
        now = self.agenda.now
        with transaction(self.database) as session:
            calls = call_list(session, territory_id=self.territory_id, day=self.day)
            if calls:
                orders.complete_call(
                    session, calls[0].order, outcome="satisfied", actor=DESK, now=now
                )
            question = session.exec(
                select(Request)
                .where(
                    Request.territory_id == self.territory_id,
                    col(Request.status).in_((RequestStatus.RECEIVED, RequestStatus.TRIAGED)),
                    col(Request.answered_at).is_(None),
                )
                .order_by(col(Request.received_at))
                .limit(1)
            ).first()
            if question is not None:
                requests.answer(
                    session, question, text="Explained on the telephone.", actor=DESK, now=now
                )
        if now < self._local(18, 0):
            self.agenda.add(now + timedelta(minutes=12), self._desk)

    def _tick(self) -> None:
        self._background()
        self.customers.look()
        self.agenda.add(self.agenda.now + TICK, self._tick)

    def _background(self) -> None:
        """What the workers would do by now."""
        start_jobs(self.database, now=self.agenda.now, known=self.started)
        drain(self.database, self.settings, now=self.agenda.now, handlers=HANDLERS)

    def _crew_told(self, action: str, visit_id: str) -> None:
        self.tell(Scene(self.agenda.now, action, visit_id))

    def _customer_told(self, survey: Survey) -> None:
        detail = f"{survey.score} of 5, request {survey.request_id}"
        self.tell(Scene(self.agenda.now, "low_score", survey.visit_id, detail))

    def _struck(self, session: Session) -> str:
        """An ordinary premises with a position, chosen by luck."""
        statement = select(Premises.id).where(
            Premises.territory_id == self.territory_id,
            Premises.site_class == SiteClass.ORDINARY,
            col(Premises.lat).is_not(None),
        )
        return self.luck.pick("outage", list(session.exec(statement)))

    def _most_loaded(self, session: Session) -> str | None:
        busy = set(session.exec(select(Visit.shift_id).where(col(Visit.status).in_(UNDER_WAY))))
        waiting: dict[str, int] = {}
        statement = select(Visit.shift_id).where(col(Visit.status).in_(WAITING))
        for shift_id in session.exec(statement):
            if shift_id is not None and shift_id not in busy:
                waiting[shift_id] = waiting.get(shift_id, 0) + 1
        if (
            not waiting
        ):  # everybody is at work: the one with the most to come finishes first, then goes home
            return None
        return max(sorted(waiting), key=lambda shift_id: waiting[shift_id])

    def _last_shift_ends(self) -> datetime:
        with self.database.reading() as session:
            return max(session.exec(select(Shift.ends_at).where(Shift.day == self.day)))

    def _somebody_works(self) -> bool:
        with self.database.reading() as session:
            statement = select(Visit.id).where(col(Visit.status).in_(UNDER_WAY)).limit(1)
            return session.exec(statement).first() is not None

    def _local(self, hour: int, minute: int) -> datetime:
        return at_local(self.day, time(hour, minute), self.zone)


class SimulationFailed(DispatchError):
    """The day could not be played on."""

    code = "simulation_failed"
    status = 500
