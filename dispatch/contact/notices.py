"""What is told that is not about a visit: a fault reported, a call to come, supply off and on again.

Of one incident a customer is told each step once, however often they call and however many premises they have.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from dispatch.contact import incidents, outages, texts
from dispatch.contact.channels import BUILT_IN
from dispatch.contact.concerned import load_outage
from dispatch.contact.drafts import compose
from dispatch.contact.facts import About, CallFacts, load_calls, load_customer, load_requests
from dispatch.contact.history import KNOWN
from dispatch.contact.kinds import OUTAGE_TIMES
from dispatch.contact.subjects import call_version
from dispatch.contact.tables import Message, MessageClass, OutageNotice
from dispatch.contact.windows import Told
from dispatch.core.calendar import day_bounds, local_day
from dispatch.core.db import lock_for
from dispatch.desk.lifecycle import OPEN
from dispatch.desk.merging import MERGED
from dispatch.registry.tables import Customer, Premises
from dispatch.work.lifecycle import READY_ORDERS

FRESH = timedelta(hours=2)
"""A report received longer ago than this is not confirmed any more: whoever made it knows."""
NEWS_FOR = timedelta(hours=12)
"""How long it is news that supply is back."""


def tell_report(
    session: Session, *, request_id: str, now: datetime, channels: Collection[str] = BUILT_IN
) -> Message | None:
    """Tell who reported a fault its number, and of the outage that it belongs to.

    Nobody is told whose report is old or settled already, or who was told the same of another report.
    """
    found = load_requests(session, [request_id])
    if not found:
        return None
    about, request = found[0], found[0].request
    if request.status not in OPEN or now - request.received_at > FRESH:
        return None
    lock_for(session, f"message:{about.territory.id}")
    outage = incidents.join(session, request, now=now)
    if incidents.has_heard(session, request, "outage_report"):
        return None
    known = outage is not None and outages.is_standing(outage) and outage.ends_at > now
    return compose(
        session,
        about,
        template="outage_report",
        version="1",
        told=None,
        values={
            **_moment(about, request.received_at),
            "known": known,
            "outage": outage.id if known and outage else "",
            "end": _full(about, outage.ends_at) if known and outage else "",
        },
        expires_at=request.received_at + FRESH,
        channels=channels,
        now=now,
    )


def tell_merged(
    session: Session, *, request_id: str, now: datetime, channels: Collection[str] = BUILT_IN
) -> Message | None:
    """Tell whose request goes on together with another that it is not lost; of several of theirs of one of them."""
    found = load_requests(session, [request_id])
    if not found or found[0].request.status not in MERGED:
        return None
    about = found[0]
    lock_for(session, f"message:{about.territory.id}")
    if incidents.has_heard(session, about.request, "report_merged"):
        return None
    return compose(
        session,
        about,
        template="report_merged",
        version="1",
        told=None,
        values={},
        channels=channels,
        now=now,
    )


def tell_call(
    session: Session, *, work_order_id: str, now: datetime, channels: Collection[str] = BUILT_IN
) -> Message | None:
    """Tell the customer of work by telephone on which day we call."""
    about = _to_be_called(session, work_order_id)
    return _tell_call(session, about, about.order.id, channels, now) if about else None


def tell_call_put_off(
    session: Session, *, work_order_id: str, now: datetime, channels: Collection[str] = BUILT_IN
) -> Message | None:
    """Tell the customer the later day to which the call was put off, once for each day; nothing of later today."""
    about = _to_be_called(session, work_order_id)
    if about is None or about.order.earliest_day <= local_day(now, about.zone):
        return None
    version = call_version(about.order.id, about.order.earliest_day)
    return _tell_call(session, about, version, channels, now)


def _to_be_called(session: Session, work_order_id: str) -> CallFacts | None:
    found = load_calls(session, [work_order_id])
    return found[0] if found and found[0].order.status in READY_ORDERS else None


def _tell_call(
    session: Session, about: CallFacts, version: str, channels: Collection[str], now: datetime
) -> Message | None:
    lock_for(session, f"message:{about.territory.id}")
    begin, end = day_bounds(about.order.earliest_day, about.zone)
    return compose(
        session,
        about,
        template="follow_up_call",
        version=version,
        told=Told(begin, end, promised=False),
        values={"day": texts.day_text(begin, about.zone, about.language)},
        expires_at=end,
        channels=channels,
        now=now,
    )


def tell_stopped(
    session: Session,
    *,
    customer: Customer,
    classes: Collection[MessageClass],
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> Message | None:
    """Tell a customer who has stopped messages of these classes which ones still come.

    A customer without premises is nobody's to write to.
    """
    statement = select(Premises.territory_id).where(Premises.customer_id == customer.id)
    territory_id = session.exec(statement.order_by(Premises.id).limit(1)).first()
    if territory_id is None:
        return None
    about = load_customer(session, customer_id=customer.id, territory_id=territory_id)
    assert about is not None, "both exist"
    return compose(
        session,
        about,
        template="stopped",
        version=f"{now:%Y%m%d%H%M%S%f}",
        told=None,
        values={"what": [texts.class_named(one, about.language) for one in classes]},
        people=[person for person in about.people() if not person.is_nominee],
        channels=channels,
        now=now,
    )


def tell_outage(
    session: Session, *, notice_id: str, now: datetime, channels: Collection[str] = BUILT_IN
) -> list[Message]:
    """Tell every customer of the notice when supply will be or is off: one message each, however many premises.

    Whoever knows of other times is told that these replace them, whoever reported it that
    their report is part of it.
    """
    notice = session.get(OutageNotice, notice_id)
    if notice is None or not outages.is_standing(notice):
        return []
    lock_for(session, f"message:{notice.territory_id}")
    told = Told(notice.starts_at, notice.ends_at, promised=True)
    known = _known(session, notice)
    incidents.gather(session, notice, now=now)
    reports = incidents.reporters(session, notice)
    written = []
    for about in load_outage(session, notice):
        values = {**_span(about, told), "again": about.customer.id in known}
        if notice.unplanned:
            own = reports.get(about.customer.id, [])
            values |= {"reported": bool(own), "reports": own}
        message = compose(
            session,
            about,
            template="unplanned_outage" if notice.unplanned else "planned_outage",
            version=str(notice.version),  # times that come back are told anew
            told=told,
            values=values,
            expires_at=notice.ends_at,
            channels=channels,
            now=now,
        )
        written += [message] if message else []
    return written


def tell_withdrawn(
    session: Session, *, notice_id: str, now: datetime, channels: Collection[str] = BUILT_IN
) -> list[Message]:
    """Tell those who know that supply was to be off that it stays on, with the times that they know."""
    notice = session.get(OutageNotice, notice_id)
    if notice is None or notice.withdrawn_at is None:
        return []
    written = []
    for about, told in _who_know(session, notice):
        message = compose(
            session,
            about,
            template="outage_withdrawn",
            version="1",
            told=told,
            values={**_span(about, told), "unplanned": notice.unplanned},
            expires_at=told.end_at,
            channels=channels,
            now=now,
        )
        written += [message] if message else []
    return written


def tell_restored(
    session: Session, *, notice_id: str, now: datetime, channels: Collection[str] = BUILT_IN
) -> list[Message]:
    """Tell those who know that supply was to be off, or reported that it is, that it is back."""
    notice = session.get(OutageNotice, notice_id)
    if notice is None or notice.restored_at is None:
        return []
    lock_for(session, f"message:{notice.territory_id}")
    know = {*_known(session, notice), *incidents.reporters(session, notice)}
    written = []
    for about in load_outage(session, notice):
        if about.customer.id not in know:
            continue
        message = compose(
            session,
            about,
            template="restoration",
            version="1",
            told=None,
            values=_moment(about, notice.restored_at),
            expires_at=notice.restored_at + NEWS_FOR,
            channels=channels,
            now=now,
        )
        written += [message] if message else []
    return written


def _who_know(session: Session, notice: OutageNotice) -> list[tuple[About, Told]]:
    """The customers who have heard of the interruption, with the times that each knows; locks the territory."""
    lock_for(session, f"message:{notice.territory_id}")
    known = _known(session, notice)
    return [
        (about, known[about.customer.id])
        for about in load_outage(session, notice)
        if about.customer.id in known
    ]


def _known(session: Session, notice: OutageNotice) -> dict[str, Told]:
    """The times that each customer who has heard of the interruption knows, by customer."""
    rows = session.exec(
        select(Message.customer_id, Message.told_start_at, Message.told_end_at)
        .where(
            Message.subject_id == notice.id,
            col(Message.template).in_(OUTAGE_TIMES),
            col(Message.status).in_(KNOWN),
        )
        .order_by(col(Message.id))
    )
    return {
        customer_id: Told(begin, end, promised=True)
        for customer_id, begin, end in rows
        if begin is not None and end is not None
    }


def _span(about: About, told: Told) -> dict[str, Any]:
    return {"begin": _full(about, told.start_at), "end": _full(about, told.end_at)}


def _full(about: About, moment: datetime) -> str:
    day = texts.day_text(moment, about.zone, about.language)
    clock = texts.clock_text(moment, about.zone, about.language)
    return f"{day} {clock}"


def _moment(about: About, moment: datetime) -> dict[str, Any]:
    return {
        "day": texts.day_text(moment, about.zone, about.language),
        "clock": texts.clock_text(moment, about.zone, about.language),
    }
