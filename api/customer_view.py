"""What a customer sees of a visit through the link: no names but their own, no reasons, no other work."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from dispatch.contact import appointments, delays, links, taking_back, texts
from dispatch.contact import facts as contact_facts
from dispatch.contact.appointment import appointment_of
from dispatch.contact.facts import Facts
from dispatch.contact.tables import Link
from dispatch.contact.windows import Told, arrival_range, told_window
from dispatch.core.tables import Event
from dispatch.field import positions, tracking
from dispatch.field.door import check_number, done_code
from dispatch.field.tables import CrewAction
from dispatch.work import promises
from dispatch.work.points import PointKind, point
from dispatch.work.tables import PromiseStatus, VisitStatus, WorkOrderStatus
from dispatch.work.visits import NoSuchVisit

_V = VisitStatus
PUBLIC_STATUS = {
    _V.PLANNED: "scheduling",
    _V.PUBLISHED: "scheduled",
    _V.DISPATCHED: "scheduled",
    _V.ACCEPTED: "scheduled",
    _V.EN_ROUTE: "on_the_way",
    _V.ARRIVED: "there",
    _V.WORKING: "there",
    _V.PAUSED: "there",
    _V.DONE: "done",
    _V.NOT_DONE: "not_done",
    _V.CANCELLED: "cancelled",
}
"""Beside these a visit that is planned again is `put_off`, and one that the customer called off `called_off`."""
_SHOWS_TIME = {"scheduling", "scheduled", "on_the_way"}
_SHOWS_CREW = {"scheduled", "on_the_way", "there"}
NEAR = 3
"""Decimals of a crew's position as its customer sees it: about a hundred metres."""


@dataclass(frozen=True)
class Reading:
    """A number that the crew read, with its name in the customer's language."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class CustomerVisit:
    """One visit in the customer's language; `window` is when we come, `promised` whether that binds us.

    `done_code` is what the customer may tell the crew in place of a signature while it is there. `crew_at` is about
    where the crew is (lat, lon) while it is on its way, and `home` where it goes.
    """

    number: str
    language: str
    status: str
    purpose: str
    company: str
    customer: str
    address: str
    zone: ZoneInfo
    window: Told | None
    confirmed: bool
    crew: str | None
    check_number: str | None
    done_code: str | None
    finished_at: datetime | None
    outcome: str
    readings: tuple[Reading, ...]
    access_note: str
    may: frozenset[str]
    undo_until: datetime | None
    wants_call: bool
    crew_at: tuple[float, float] | None
    home: tuple[float, float] | None

    @property
    def promised(self) -> bool:
        """Whether the window was promised, rather than expected."""
        return self.window is not None and self.window.promised


def open_link(session: Session, *, key: bytes, token: str, now: datetime) -> tuple[Link, Facts]:
    """The link that the token is, and the visit that it opens; changes nothing.

    Raises LinkInvalid, NoSuchVisit, and LinkExpired also when there is a new appointment or the customer opted out.
    """
    link = links.read(session, key, token, purpose=links.VISIT, now=now)
    facts = facts_of(session, link.subject_id)
    if appointment_of(session, facts.visit, facts.customer) != link.subject_version:
        raise links.ended()
    return link, facts


def facts_of(session: Session, visit_id: str) -> Facts:
    """The visit with everything around it; raises NoSuchVisit."""
    found = contact_facts.load(session, [visit_id])
    if not found:
        raise NoSuchVisit("This visit does not exist any more.", field="visit_id")
    return found[0]


def seen(
    session: Session, facts: Facts, *, key: bytes, language: str | None, now: datetime
) -> CustomerVisit:
    """The visit as its customer sees it, in `language` or the customer's own."""
    visit, visit_id = facts.visit, facts.visit.id
    status = _status(session, facts)
    chosen = language or facts.language
    values = facts.values()
    chinese = chosen == "zh-CN"
    crew = facts.crew if status in _SHOWS_CREW else None
    departed = _departed_at(session, facts) if status == "on_the_way" else None
    promise = promises.standing(session, visit_id)
    off = appointments.called_off(session, facts)
    outcome, readings = _result(session, facts, chosen) if status == "done" else ("", ())
    return CustomerVisit(
        number=visit_id,
        language=chosen,
        status=status,
        purpose=texts.purpose(facts.order.work_type, chosen),
        company=facts.company.name_zh if chinese else facts.company.name_en,
        customer=values["customer"],
        address=values["address"],
        zone=facts.zone,
        window=_window(session, facts, status, departed, now),
        confirmed=promise is not None and promise.status is PromiseStatus.CONFIRMED,
        crew=(crew.name_zh if chinese else crew.name_en) if crew else None,
        check_number=check_number(key, visit_id) if crew else None,
        done_code=done_code(key, visit_id) if status == "there" else None,
        finished_at=visit.finished_at,
        outcome=outcome,
        readings=readings,
        access_note=visit.access_note,
        may=appointments.allowed(session, facts, now=now),
        undo_until=off.until if off and now < off.until else None,
        wants_call=appointments.wants_call(session, visit),
        crew_at=_crew_at(session, facts, departed, now) if departed else None,
        home=_home(facts),
    )


def _status(session: Session, facts: Facts) -> str:
    status = PUBLIC_STATUS[facts.visit.status]
    if facts.is_called_off:
        return "called_off"
    if status != "scheduling":
        return status
    if facts.visit.window_start_at is not None:
        return "put_off" if taking_back.is_put_off(session, facts.visit) else status
    held = facts.order.status is WorkOrderStatus.ON_HOLD
    return "put_off" if held or _was_planned(session, facts.visit.id) else status


def _was_planned(session: Session, visit_id: str) -> bool:
    """Whether the visit was on a published plan once and was taken off it."""
    statement = select(Event.id).where(
        Event.entity == "visit",
        Event.entity_id == visit_id,
        Event.type == "visit.planned",
    )
    return session.exec(statement.limit(1)).first() is not None


def _window(
    session: Session, facts: Facts, status: str, departed: datetime | None, now: datetime
) -> Told | None:
    if status not in _SHOWS_TIME:
        return None
    if departed is not None:
        coming = tracking.on_the_way(session, visit=facts.visit, departed_at=departed, now=now)
        return arrival_range(early_at=coming.early_at, late_at=coming.late_at)
    if status == "scheduled":
        delayed = delays.range_after_notice(session, visit=facts.visit, now=now)
        if delayed is not None:
            return delayed
    return told_window(facts.visit)


def _departed_at(session: Session, facts: Facts) -> datetime | None:
    statement = (
        select(Event.happened_at)
        .where(
            Event.entity == "visit",
            Event.entity_id == facts.visit.id,
            Event.type == "visit.en_route",
        )
        .order_by(col(Event.id).desc())
    )
    return session.exec(statement.limit(1)).first()


def _crew_at(
    session: Session, facts: Facts, departed: datetime, now: datetime
) -> tuple[float, float] | None:
    """About where the crew is since it left for this visit; nobody is followed at any other time."""
    if facts.crew is None:
        return None
    found = positions.last_seen(session, crew_ids=[facts.crew.id], since=departed, until=now)
    last = found.get(facts.crew.id)
    return (round(last.lat, NEAR), round(last.lon, NEAR)) if last else None


def _home(facts: Facts) -> tuple[float, float] | None:
    lat, lon = facts.premises.lat, facts.premises.lon
    return None if lat is None or lon is None else (lat, lon)


def _result(session: Session, facts: Facts, language: str) -> tuple[str, tuple[Reading, ...]]:
    """What was done, in words, and what the crew read."""
    statement = (
        select(CrewAction.data)
        .where(CrewAction.visit_id == facts.visit.id, CrewAction.action == "done")
        .order_by(col(CrewAction.id).desc())
    )
    data = session.exec(statement.limit(1)).first() or {}
    outcome = texts.outcome(str(data.get("closing_code", "")), language)
    answers = data.get("checklist")
    return outcome, _readings(answers if isinstance(answers, dict) else {}, language)


def _readings(answers: dict[str, Any], language: str) -> tuple[Reading, ...]:
    found = []
    for code, answer in answers.items():
        one = point(str(code))
        value = answer.get("value") if isinstance(answer, dict) else answer
        if one.kind is not PointKind.READING or isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            name = one.zh if language == "zh-CN" else one.en
            found.append(Reading(name, float(value), one.unit))
    return tuple(found)
