"""What a customer sees of a visit through the signed link: no names but their own, no reasons, no other work."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from dispatch.contact import delays, links, texts
from dispatch.contact import facts as contact_facts
from dispatch.contact.facts import Facts
from dispatch.contact.windows import Told, arrival_range, told_window
from dispatch.core import trail
from dispatch.field import tracking
from dispatch.field.door import check_number, done_code
from dispatch.work.tables import VisitStatus
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
_SHOWS_TIME = {"scheduling", "scheduled", "on_the_way"}
_SHOWS_CREW = {"scheduled", "on_the_way", "there"}


@dataclass(frozen=True)
class CustomerVisit:
    """One visit in the customer's language; `window` is when we come, `promised` whether that binds us.

    `done_code` is what the customer may tell the crew in place of a signature while it is there.
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
    crew: str | None
    check_number: str | None
    done_code: str | None
    finished_at: datetime | None

    @property
    def promised(self) -> bool:
        """Whether the window was promised, rather than expected."""
        return self.window is not None and self.window.promised


def open_link(
    session: Session, *, key: bytes, token: str, language: str | None, now: datetime
) -> CustomerVisit:
    """The visit that the link names, in `language` or the customer's own; changes nothing.

    Raises LinkInvalid, LinkExpired and NoSuchVisit.
    """
    visit_id = links.read(key, token, now=now)
    found = contact_facts.load(session, [visit_id])
    if not found:
        raise NoSuchVisit("This visit does not exist any more.")
    facts = found[0]
    status = PUBLIC_STATUS[facts.visit.status]
    chosen = language or facts.language
    values = facts.values()
    chinese = chosen == "zh-CN"
    crew = facts.crew if status in _SHOWS_CREW else None
    return CustomerVisit(
        number=visit_id,
        language=chosen,
        status=status,
        purpose=texts.purpose(facts.order.work_type, chosen),
        company=facts.company.name_zh if chinese else facts.company.name_en,
        customer=values["customer"],
        address=values["address"],
        zone=facts.zone,
        window=_window(session, facts, status, now=now),
        crew=(crew.name_zh if chinese else crew.name_en) if crew else None,
        check_number=check_number(key, visit_id) if crew else None,
        done_code=done_code(key, visit_id) if status == "there" else None,
        finished_at=facts.visit.finished_at,
    )


def _window(session: Session, facts: Facts, status: str, *, now: datetime) -> Told | None:
    if status not in _SHOWS_TIME:
        return None
    if status == "on_the_way":
        events, _ = trail.of(session, [("visit", facts.visit.id)], limit=500)
        departures = [event for event in events if event.type == "visit.en_route"]
        if departures:
            coming = tracking.on_the_way(
                session, visit=facts.visit, departed_at=departures[-1].happened_at, now=now
            )
            return arrival_range(early_at=coming.early_at, late_at=coming.late_at)
    if status == "scheduled":
        delayed = delays.range_after_notice(session, visit=facts.visit, now=now)
        if delayed is not None:
            return delayed
    return told_window(facts.visit)
