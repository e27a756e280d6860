"""What is told that is not about a visit: reports, calls, interruptions."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from dispatch.contact import links, messages, notices, outages, preferences, reactions
from dispatch.contact.channels import Channel
from dispatch.contact.messages import Outgoing, Settled
from dispatch.contact.outages import BadOutage, OutageOver
from dispatch.contact.tables import Message, MessageClass, MessageStatus, OutageNotice
from dispatch.core.alerts import open_alerts
from dispatch.core.tables import Event, Task
from dispatch.desk import public, requests
from dispatch.desk.public import Report
from dispatch.desk.tables import RequestKind
from dispatch.registry.tables import Customer, Premises
from dispatch.work import orders, series
from dispatch.work.tables import HoldReason, Mode, WorkOrder
from tests.builders.desk import make_counters
from tests.builders.registry import DISPATCHER, make_customer, make_premises, make_territory
from tests.builders.work import make_catalogue
from tests.instants import DAY, at, minutes

S = MessageStatus
NOW = at("10:00")
START, END = at("09:00") + timedelta(days=3), at("17:00") + timedelta(days=3)
AREA = {
    "type": "Polygon",
    "coordinates": [
        [[113.67, 22.81], [113.69, 22.81], [113.69, 22.83], [113.67, 22.83], [113.67, 22.81]]
    ],
}


def announce(session: Session, *places: Premises, **given: Any) -> OutageNotice:
    """A notice for three days hence, and what its task does."""
    values: dict[str, Any] = {
        "territory_id": "humen",
        "starts_at": START,
        "ends_at": END,
        "reason_zh": "线路检修",
        "reason_en": "line maintenance",
        "premises": [place.id for place in places],
        "actor": DISPATCHER,
        "now": NOW,
    }
    notice = outages.announce(session, **{**values, **given})
    react(session, "outage.announced", reactions.on_outage)
    return notice


def react(session: Session, type: str, reaction: Any, now: datetime = NOW) -> None:
    event = session.exec(
        select(Event).where(Event.type == type).order_by(col(Event.id).desc())
    ).first()
    assert event is not None
    reaction(session, {"event_id": event.id}, now=now)


def told(session: Session, template: str) -> list[Message]:
    return list(
        session.exec(select(Message).where(Message.template == template).order_by(col(Message.id)))
    )


def send(session: Session, message: Message, now: datetime = NOW) -> Any:
    return messages.begin(
        session, message_id=message.id or 0, base_url="http://x", key=b"k" * 32, now=now
    )


def sent(session: Session, message: Message) -> None:
    assert isinstance(send(session, message), Outgoing)
    messages.complete(session, message_id=message.id or 0, now=NOW)


def test_who_reports_a_fault_and_leaves_a_telephone_alone_is_told_by_sms(session: Session) -> None:
    make_territory(session)
    make_counters(session)
    report = Report(
        RequestKind.FAULT, "李明", "13800138000", "停电", address="虎门镇太平社区 18 号"
    )
    request = public.take_in(session, report, now=NOW)

    message = notices.tell_report(
        session, request_id=request.id, now=NOW, channels=frozenset(Channel)
    )

    assert message is not None
    assert (message.channel, message.status) == ("sms", S.PENDING)


def test_all_customers_of_the_premises_are_told_once_each_with_all_their_addresses(
    session: Session,
) -> None:
    owner = make_customer(session, language="en", name="Chen")
    places = [make_premises(session, customer=owner, address=f"{n} Long Road") for n in (1, 2)]
    other = make_premises(session, address="9 Short Road")

    announce(session, *places, other)
    react(session, "outage.announced", reactions.on_outage)

    written = told(session, "planned_outage")
    assert len(written) == 2
    mine = next(message for message in written if message.customer_id == owner.id)
    assert "1 Long Road" in mine.body
    assert "2 Long Road" in mine.body
    assert "9 Short Road" not in mine.body
    assert "From: Friday, March 13, 2026 9:00 AM" in mine.body
    assert "line maintenance" in mine.body


def test_an_area_concerns_the_premises_inside_it(session: Session) -> None:
    inside = make_premises(session, lat=22.82, lon=113.68)
    make_premises(session, lat=22.86, lon=113.73)
    make_premises(session, lat=None, lon=None)

    notice = announce(session, area=AREA)

    assert notice.premises == [inside.id]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"starts_at": NOW}, "starts_at"),
        ({"ends_at": START}, "ends_at"),
        ({"ends_at": START + timedelta(days=8)}, "ends_at"),
        ({"reason_en": " "}, "reason_en"),
        ({"premises": []}, "premises"),
        ({"premises": ["P-nobody"]}, "premises"),
        ({"premises": [], "area": {**AREA, "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}}, "area"),
    ],
)  # fmt: skip
def test_a_notice_that_cannot_be_is_refused_by_its_field(
    session: Session, given: dict[str, Any], field: str
) -> None:
    place = make_premises(session)

    with pytest.raises(BadOutage) as caught:
        announce(session, place, **given)

    assert caught.value.details["field"] == field


def test_a_legal_notice_goes_to_those_who_stopped_everything_too(session: Session) -> None:
    customer = make_customer(session, wants_messages=False)
    preferences.stop(session, customer_id=customer.id, actor=DISPATCHER, now=NOW)
    preferences.put(
        session,
        customer_id=customer.id,
        values={"do_not_contact": "asked so"},
        actor=DISPATCHER,
        now=NOW,
    )

    announce(session, make_premises(session, customer=customer))

    (message,) = told(session, "planned_outage")
    assert isinstance(send(session, message), Outgoing)


def test_a_legal_notice_ends_as_a_letter_when_nothing_else_leads_there(session: Session) -> None:
    place = make_premises(session, customer=make_customer(session, email=None, phone=None))

    announce(session, place)

    (message,) = told(session, "planned_outage")
    assert (message.channel, message.status) == (Channel.PRINT, S.PENDING)
    assert message.recipient == place.address


@pytest.mark.parametrize("fate", ["failed", "unknown", "bounced"])
def test_a_legal_notice_that_may_not_have_arrived_is_told_by_letter(
    session: Session, fate: str
) -> None:
    announce(session, make_premises(session))
    (message,) = told(session, "planned_outage")
    assert isinstance(send(session, message), Outgoing)
    number = message.id or 0
    if fate == "failed":
        messages.fail(session, message_id=number, error="550", final=True, now=NOW)
    elif fate == "unknown":
        messages.unknown(session, message_id=number, error="cut", now=NOW)
    else:
        messages.complete(session, message_id=number, now=NOW)
        messages.report(session, message_id=number, delivered=False, now=NOW)

    _, letter = told(session, "planned_outage")
    assert (letter.fallback_of, letter.channel) == (message.id, Channel.PRINT)
    assert "线路检修" in letter.body
    assert open_alerts(session) == []


def test_other_times_are_told_anew_and_the_old_ones_are_not_sent_any_more(
    session: Session,
) -> None:
    notice = announce(session, make_premises(session))
    outages.move(
        session,
        notice_id=notice.id,
        starts_at=START + timedelta(hours=1),
        ends_at=END,
        expect=1,
        actor=DISPATCHER,
        now=NOW,
    )
    react(session, "outage.announced", reactions.on_outage)

    old, new = told(session, "planned_outage")
    assert send(session, old) == Settled(S.SUPPRESSED)
    assert isinstance(send(session, new), Outgoing)
    assert "10:00" in new.body


def move(session: Session, notice: OutageNotice, start: datetime) -> Message:
    """Give the interruption other times; what its customer is told."""
    outages.move(
        session, notice_id=notice.id, starts_at=start, ends_at=END, actor=DISPATCHER, now=NOW
    )
    react(session, "outage.announced", reactions.on_outage)
    return told(session, "planned_outage")[-1]


def test_times_that_move_away_and_back_are_told_three_times(session: Session) -> None:
    notice = announce(session, make_premises(session))
    sent(session, told(session, "planned_outage")[0])
    for start in (START + timedelta(hours=1), START):
        sent(session, move(session, notice, start))

    react(session, "outage.announced", reactions.on_outage)

    bodies = [message.body for message in told(session, "planned_outage")]
    assert ["10:00" in body for body in bodies] == [False, True, False]
    assert ["此前的通知作废" in body for body in bodies] == [False, True, True]


def test_who_was_not_told_yet_is_not_told_that_the_times_are_new(session: Session) -> None:
    notice = announce(session, make_premises(session))

    moved = move(session, notice, START + timedelta(hours=1))

    assert "此前的通知作废" not in moved.body


def test_those_who_knew_are_told_that_supply_stays_on_with_the_times_that_they_know(
    session: Session,
) -> None:
    notice = announce(session, make_premises(session), make_premises(session))
    knows, waits = told(session, "planned_outage")
    sent(session, knows)
    move(session, notice, START + timedelta(hours=1))
    outages.withdraw(session, notice_id=notice.id, actor=DISPATCHER, now=NOW)
    tasks = session.exec(select(Task).where(Task.kind == "message.outage_withdrawn")).all()
    assert len(tasks) == 1

    for _ in range(2):
        reactions.on_withdrawn(session, tasks[0].payload, now=NOW)

    (message,) = told(session, "outage_withdrawn")
    assert message.customer_id == knows.customer_id
    assert "2026年3月13日星期五 09:00" in message.body
    assert isinstance(send(session, message), Outgoing)
    assert send(session, waits) == Settled(S.SUPPRESSED)


def test_that_supply_stays_on_reaches_whom_the_notice_reached_without_consent(
    session: Session,
) -> None:
    customer = make_customer(session, wants_messages=False)
    notice = announce(session, make_premises(session, customer=customer))
    sent(session, told(session, "planned_outage")[0])
    outages.withdraw(session, notice_id=notice.id, actor=DISPATCHER, now=NOW)

    react(session, "outage.withdrawn", reactions.on_withdrawn)

    (message,) = told(session, "outage_withdrawn")
    assert isinstance(send(session, message), Outgoing)


def test_what_was_withdrawn_is_not_sent_any_more(session: Session) -> None:
    notice = announce(session, make_premises(session))
    outages.withdraw(session, notice_id=notice.id, actor=DISPATCHER, now=NOW)

    (message,) = told(session, "planned_outage")

    assert send(session, message) == Settled(S.SUPPRESSED)
    with pytest.raises(OutageOver):
        outages.withdraw(session, notice_id=notice.id, actor=DISPATCHER, now=NOW)


def test_those_who_knew_are_told_that_supply_is_back(session: Session) -> None:
    notice = announce(session, make_premises(session), make_premises(session))
    knows, _waits = told(session, "planned_outage")
    sent(session, knows)
    back = START + timedelta(hours=4)
    outages.restore(session, notice_id=notice.id, actor=DISPATCHER, now=back)

    react(session, "outage.restored", reactions.on_restored, back)

    (message,) = told(session, "restoration")
    assert message.customer_id == knows.customer_id
    assert "13:00" in message.body
    assert isinstance(send(session, message, back), Outgoing)


def test_supply_cannot_be_back_before_it_went_off(session: Session) -> None:
    notice = announce(session, make_premises(session))

    with pytest.raises(BadOutage) as caught:
        outages.restore(session, notice_id=notice.id, actor=DISPATCHER, now=NOW)

    assert caught.value.details["field"] == "restored_at"


def receive(session: Session, kind: RequestKind, received_at: datetime = NOW) -> None:
    make_territory(session)
    make_counters(session)
    place = make_premises(session)
    requests.receive(
        session,
        kind=kind,
        customer_id=place.customer_id,
        premises_id=place.id,
        subject="没电",
        text="家里有病人",
        received_at=received_at,
        actor=DISPATCHER,
        now=NOW,
    )
    react(session, "request.received", reactions.on_request)


def test_who_reports_a_fault_is_told_its_number_and_nothing_of_what_was_said(
    session: Session,
) -> None:
    receive(session, RequestKind.FAULT)

    (message,) = told(session, "outage_report")
    assert message.subject_id in message.body
    assert "病人" not in message.body
    sent = send(session, message, NOW + minutes(5))
    assert isinstance(sent, Outgoing)
    (token,) = re.findall(r"/r/(\S{48})\s", sent.body)
    link = links.read(session, b"k" * 32, token, purpose=links.REQUEST, now=NOW + minutes(6))
    assert link.subject_id == message.subject_id
    assert "[[" not in sent.body
    assert isinstance(send(session, message), Settled | Outgoing)


@pytest.mark.parametrize(
    ("kind", "received_at"),
    [(RequestKind.BILLING, NOW), (RequestKind.FAULT, NOW - timedelta(hours=3))],
)
def test_other_requests_and_old_reports_are_not_confirmed(
    session: Session, kind: RequestKind, received_at: datetime
) -> None:
    receive(session, kind, received_at)

    assert session.exec(select(Message)).all() == []


def call_due(session: Session, place: Premises) -> Message:
    """A call to the premises' customer that is due on DAY; how it is announced."""
    series.create(
        session,
        territory_id="humen",
        customer_id=place.customer_id,
        premises_id=place.id,
        mode=Mode.PHONE,
        rrule="FREQ=YEARLY",
        starts_on=DAY,
        actor=DISPATCHER,
        now=NOW,
    )
    series.generate(session, territory_id="humen", day=DAY, now=NOW)
    task = session.exec(
        select(Task).where(Task.kind == "message.follow_up_call").order_by(col(Task.id).desc())
    ).first()
    assert task is not None
    reactions.on_call_due(session, task.payload, now=NOW)
    return told(session, "follow_up_call")[-1]


def test_a_call_to_come_is_announced_with_its_day(session: Session) -> None:
    make_catalogue(session)

    message = call_due(session, make_premises(session))

    assert "2026年3月10日星期二" in message.body
    assert message.subject_id == session.exec(select(Customer)).one().id
    assert isinstance(send(session, message), Outgoing)


def test_two_calls_to_one_customer_are_both_announced(session: Session) -> None:
    make_catalogue(session)
    place = make_premises(session)

    first, second = call_due(session, place), call_due(session, place)

    assert first.subject_version != second.subject_version
    assert isinstance(send(session, first), Outgoing)
    assert isinstance(send(session, second), Outgoing)


@pytest.mark.parametrize("fate", ["made", "cancelled", "held", "another day"])
def test_a_call_that_is_not_to_come_any_more_is_not_announced(session: Session, fate: str) -> None:
    make_catalogue(session)
    message = call_due(session, make_premises(session))
    order = session.get_one(WorkOrder, message.subject_version)
    if fate == "made":
        orders.complete_call(session, order, outcome="content", actor=DISPATCHER, now=NOW)
    elif fate == "cancelled":
        orders.cancel(session, order, actor=DISPATCHER, now=NOW)
    elif fate == "held":
        orders.hold(session, order, reason=HoldReason.CUSTOMER, actor=DISPATCHER, now=NOW)
    else:
        tomorrow = DAY + timedelta(days=1)
        orders.call_again(session, order, day=tomorrow, actor=DISPATCHER, now=NOW)

    assert send(session, message) == Settled(S.SUPPRESSED)


def announced(session: Session, *, now: datetime) -> list[Message]:
    """Let the tasks about calls run; what was written to announce calls."""
    tasks = session.exec(
        select(Task).where(Task.kind == "message.follow_up_call").order_by(col(Task.id))
    )
    for task in tasks:
        reactions.on_call_due(session, task.payload, now=now)
    return told(session, "follow_up_call")


def test_a_call_that_is_put_off_to_a_chosen_day_is_announced_anew_once(session: Session) -> None:
    make_catalogue(session)
    first = call_due(session, make_premises(session))
    assert isinstance(send(session, first), Outgoing)
    order = session.get_one(WorkOrder, first.subject_version)
    orders.call_again(session, order, day=DAY + timedelta(days=3), actor=DISPATCHER, now=NOW)

    announced(session, now=NOW)
    _, second = announced(session, now=NOW)

    assert "2026年3月13日星期五" in second.body
    assert isinstance(send(session, second), Outgoing)


def test_a_day_that_was_announced_is_not_sent_when_the_call_is_put_off_once_more(
    session: Session,
) -> None:
    make_catalogue(session)
    order = session.get_one(WorkOrder, call_due(session, make_premises(session)).subject_version)
    orders.call_again(session, order, day=DAY + timedelta(days=3), actor=DISPATCHER, now=NOW)
    announced(session, now=NOW)
    orders.call_again(session, order, day=DAY + timedelta(days=4), actor=DISPATCHER, now=NOW)

    _, third, fourth = announced(session, now=NOW)

    assert send(session, third) == Settled(S.SUPPRESSED)
    assert "2026年3月14日星期六" in fourth.body
    assert isinstance(send(session, fourth), Outgoing)


@pytest.mark.parametrize(("days", "chosen"), [(0, True), (1, False)], ids=["today", "next try"])
def test_a_call_later_today_and_a_next_try_are_not_announced(
    session: Session, days: int, chosen: bool
) -> None:
    make_catalogue(session)
    first = call_due(session, make_premises(session))
    order = session.get_one(WorkOrder, first.subject_version)
    day = DAY + timedelta(days=days)
    orders.call_again(session, order, day=day, chosen=chosen, actor=DISPATCHER, now=NOW)

    assert announced(session, now=NOW) == [first]


def test_who_wants_no_such_messages_is_not_told_of_the_other_day_either(session: Session) -> None:
    make_catalogue(session)
    first = call_due(session, make_premises(session))
    order = session.get_one(WorkOrder, first.subject_version)
    preferences.stop(
        session, customer_id=order.customer_id, message_class=MessageClass.SERVICE, channel="phone",
        actor=DISPATCHER, now=NOW,
    )  # fmt: skip
    orders.call_again(session, order, day=DAY + timedelta(days=3), actor=DISPATCHER, now=NOW)

    _, second = announced(session, now=NOW)

    assert (second.status, second.reason) == (S.SUPPRESSED, "stopped")
