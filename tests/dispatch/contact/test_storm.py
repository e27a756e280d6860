"""A storm: many calls, many outages and many estimates, of which each customer hears each step once."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from dispatch.contact import incidents, links, messages, outages, reactions
from dispatch.contact.extent import BadOutage
from dispatch.contact.messages import Outgoing, Settled
from dispatch.contact.tables import Message, MessageStatus, OutageNotice
from dispatch.core.tables import Event, Task
from dispatch.desk import merging, requests
from dispatch.desk.merging import MERGES, BadMerge
from dispatch.desk.tables import Request, RequestKind, RequestStatus
from dispatch.registry.tables import Premises
from dispatch.work import orders
from tests.builders.desk import make_request
from tests.builders.registry import DISPATCHER, make_customer, make_premises
from tests.faults.counts import times
from tests.instants import at, minutes

S = MessageStatus
NOW = at("10:00")
BACK = at("14:00")
CALLS, CUSTOMERS = times(100, 500), times(10, 50)


def react(session: Session, event: str, number: str, reaction: Any, now: datetime = NOW) -> None:
    """Let the task of the last event of this type, of this request or outage, do what it does."""
    found = select(Event.id).where(Event.entity_id == number, Event.type == event)
    reaction(
        session, {"event_id": session.exec(found.order_by(col(Event.id).desc())).first()}, now=now
    )


def call(session: Session, place: Premises, now: datetime = NOW) -> Request:
    made = make_request(session, kind=RequestKind.FAULT, premises=place, subject="停电", now=now)
    react(session, "request.received", made.id, reactions.on_request, now)
    return made


def declare(session: Session, now: datetime = NOW, **given: Any) -> OutageNotice:
    """A fault since 09:30 that is expected to end at 14:00, and what its task does."""
    values = {
        "territory_id": "humen", "starts_at": at("09:30"), "ends_at": BACK, "reason_zh": "线路故障",
        "reason_en": "a fault of the line", "unplanned": True, "actor": DISPATCHER, "now": now,
    }  # fmt: skip
    notice = outages.announce(session, **{**values, **given})
    react(session, "outage.announced", notice.id, reactions.on_outage, now)
    return notice


def revise(session: Session, notice: OutageNotice, back: datetime, now: datetime = NOW) -> None:
    outages.move(
        session, notice_id=notice.id, starts_at=notice.starts_at, ends_at=back, actor=DISPATCHER, now=now
    )  # fmt: skip
    react(session, "outage.announced", notice.id, reactions.on_outage, now)


def restore(session: Session, notice: OutageNotice, now: datetime) -> None:
    outages.restore(session, notice_id=notice.id, actor=DISPATCHER, now=now)
    react(session, "outage.restored", notice.id, reactions.on_restored, now)
    while tasks := session.exec(select(Task).where(Task.kind == "outage.settle")).all():
        for task in tasks:
            reactions.settle_reports(session, task.payload, now=now)
            session.delete(task)
        session.flush()


def told(session: Session, template: str) -> list[Message]:
    return list(
        session.exec(select(Message).where(Message.template == template).order_by(col(Message.id)))
    )


def send_all(session: Session, now: datetime = NOW) -> list[Message]:
    """Send all that waits, as the tasks of the messages do; those that went out."""
    waiting = session.exec(
        select(Message).where(Message.status == S.PENDING).order_by(col(Message.id))
    )
    out = []
    for message in list(waiting):
        number = message.id or 0
        begun = messages.begin(
            session, message_id=number, base_url="http://x", key=b"k" * 32, now=now
        )
        if isinstance(begun, Outgoing):
            messages.complete(session, message_id=number, now=now)
            out.append(message)
    return out


def most(sent: list[Message]) -> int:
    """How many of these the customer got who got most of one template."""
    counts = Counter((message.customer_id, message.template) for message in sent)
    return max(counts.values(), default=0)


@pytest.fixture
def street(session: Session) -> list[Premises]:
    """Two premises of each of fifty customers, all fed by one transformer."""
    found = []
    for number in range(CUSTOMERS):
        owner = make_customer(session, name=f"客户{number}")
        found += [
            make_premises(
                session, customer=owner, feeder="太平线/1号台区", address=f"{number}号{n}栋"
            )
            for n in (1, 2)
        ]
    return found


def test_of_many_calls_about_one_outage_each_customer_hears_each_step_once(
    session: Session, street: list[Premises]
) -> None:
    early = CALLS // 2
    for number in range(early):
        call(session, street[number % len(street)])
    reported = send_all(session)
    notice = declare(session, feeders=["太平线"])
    for number in range(early, CALLS):
        call(session, street[number % len(street)])
    for later in (15, 16, 17):
        revise(session, notice, at(f"{later}:00"))
    estimated = send_all(session)
    restore(session, notice, at("13:00"))
    restored = send_all(session, at("13:01"))

    joined = session.exec(select(Request).where(Request.outage_id == notice.id)).all()
    assert len(joined) == CALLS, "one incident, and none of its calls is lost"
    assert incidents.counted(session, [notice.id]) == {notice.id: CALLS}
    assert Counter(one.template for one in reported) == {"outage_report": CUSTOMERS}
    assert Counter(one.template for one in estimated) == {"unplanned_outage": CUSTOMERS}
    assert Counter(one.template for one in restored) == {"restoration": CUSTOMERS}
    assert most(reported) == most(estimated) == most(restored) == 1
    assert all("17:00" in one.body for one in estimated), "the newest of four estimates"
    assert {one.status for one in joined} == {RequestStatus.RESOLVED}


def test_who_calls_about_a_known_outage_is_told_of_it_once_for_all_of_their_premises(
    session: Session, street: list[Premises]
) -> None:
    declare(session, feeders=["太平线"])

    for place in (*street[:2], *street[:2]):
        call(session, place)

    (message,) = told(session, "outage_report")
    assert "14:00" in message.body
    assert len(session.exec(select(Request).where(col(Request.outage_id).is_not(None))).all()) == 4


def test_what_is_told_of_the_outage_takes_the_place_of_a_report_that_still_waits(
    session: Session, street: list[Premises]
) -> None:
    reports = [call(session, place) for place in street[:2]]
    assert len(told(session, "outage_report")) == 1

    declare(session, feeders=["太平线"])
    sent = [one for one in send_all(session) if one.customer_id == street[0].customer_id]

    assert [one.template for one in sent] == ["unplanned_outage"]
    assert all(report.id in sent[0].body for report in reports), "the calls are not lost"
    assert {one.reason for one in told(session, "outage_report")} == {"superseded"}


def test_of_many_outages_at_once_each_customer_hears_the_newest_of_each(session: Session) -> None:
    owner = make_customer(session)
    lines = [f"{number}号线" for number in range(20)]
    for line in lines:
        make_premises(session, customer=owner, feeder=line)
    notices = [declare(session, feeders=[line]) for line in lines]
    for notice in notices:
        for later in (15, 16):
            revise(session, notice, at(f"{later}:00"))

    sent = send_all(session)

    assert len(told(session, "unplanned_outage")) == 3 * len(lines)
    assert Counter(one.subject_id for one in sent) == {notice.id: 1 for notice in notices}
    assert all("16:00" in one.body for one in sent)


def test_an_estimate_that_was_told_and_changed_is_told_anew_and_says_so(session: Session) -> None:
    place = make_premises(session, feeder="太平线")
    notice = declare(session, feeders=["太平线"])
    send_all(session)

    revise(session, notice, at("18:00"), NOW + minutes(30))

    (message,) = send_all(session, NOW + minutes(30))
    assert message.customer_id == place.customer_id
    assert "18:00" in message.body
    assert "预计恢复时间有变更" in message.body


def test_reports_from_two_lines_are_two_matters_until_one_outage_is_known(session: Session) -> None:
    owner = make_customer(session)
    places = [make_premises(session, customer=owner, feeder=f"{n}号线/1号台区") for n in (1, 2)]

    for place in places:
        call(session, place)

    assert len(told(session, "outage_report")) == 2


def test_another_fault_at_the_same_premises_later_is_another_matter(session: Session) -> None:
    place = make_premises(session)
    first = call(session, place)
    again = call(session, place, NOW + minutes(20))
    requests.move(session, first, "resolve", actor=DISPATCHER, now=NOW + minutes(30))
    requests.move(session, again, "resolve", actor=DISPATCHER, now=NOW + minutes(30))

    anew = call(session, place, NOW + minutes(40))

    assert [one.subject_id for one in told(session, "outage_report")] == [first.id, anew.id]


@pytest.mark.parametrize(
    ("kind", "received_at", "joins"),
    [
        (RequestKind.FAULT, at("09:40"), True),
        (RequestKind.FAULT, at("07:00"), False),
        (RequestKind.BILLING, at("09:40"), False),
    ],
)
def test_reports_of_a_fault_belong_to_the_outage_that_was_on_then(
    session: Session, kind: RequestKind, received_at: datetime, joins: bool
) -> None:
    place = make_premises(session, feeder="太平线")
    before = make_request(
        session, kind=kind, premises=place, received_at=received_at, actor=DISPATCHER, now=NOW
    )

    notice = declare(session, feeders=["太平线"])

    assert before.outage_id == (notice.id if joins else None)


def test_a_report_during_a_planned_outage_belongs_to_it_while_it_lasts(session: Session) -> None:
    place = make_premises(session)
    notice = declare(
        session, at("08:00"), unplanned=False, premises=[place.id], starts_at=at("09:00"), ends_at=at("12:00")
    )  # fmt: skip

    within, after = call(session, place, at("11:00")), call(session, place, at("12:30"))

    assert (within.outage_id, after.outage_id) == (notice.id, None)


def test_who_reported_is_told_that_supply_is_back_though_the_estimate_never_reached_them(
    session: Session,
) -> None:
    caller, silent = (make_premises(session, feeder="太平线") for _ in range(2))
    notice = declare(session, feeders=["太平线"])
    call(session, caller)

    restore(session, notice, at("11:00"))

    (message,) = told(session, "restoration")
    assert message.customer_id == caller.customer_id != silent.customer_id


def test_a_report_that_became_work_of_its_own_is_not_settled_with_the_outage(
    session: Session,
) -> None:
    place = make_premises(session, feeder="太平线")
    notice = declare(session, feeders=["太平线"])
    own, other = call(session, place), call(session, place)
    order = requests.make_order(session, own, work_type="LV-INV1", actor=DISPATCHER, now=NOW)
    orders.get(session, order.id)

    restore(session, notice, at("11:00"))

    assert (own.status, other.status) == (RequestStatus.IN_PROGRESS, RequestStatus.RESOLVED)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"starts_at": at("10:30")}, "starts_at"),
        ({"ends_at": at("09:50")}, "ends_at"),
        ({"feeders": ["北栅线"]}, "feeders"),
        ({"feeders": []}, "premises"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_its_field(
    session: Session, given: dict[str, Any], field: str
) -> None:
    make_premises(session, feeder="太平线/1号台区")

    with pytest.raises(BadOutage) as caught:
        declare(session, **{"feeders": ["太平线"], **given})

    assert caught.value.details["field"] == field


def test_of_an_outage_that_has_begun_the_end_alone_can_be_another(session: Session) -> None:
    make_premises(session, feeder="太平线")
    notice = declare(session, feeders=["太平线"])

    with pytest.raises(BadOutage) as caught:
        outages.move(
            session, notice_id=notice.id, starts_at=at("09:00"), ends_at=BACK, actor=DISPATCHER, now=NOW
        )  # fmt: skip

    assert caught.value.details["field"] == "starts_at"


def test_a_line_feeds_all_of_its_transformers_and_a_transformer_its_own(session: Session) -> None:
    line = make_premises(session, feeder="太平线")
    first, second = (make_premises(session, feeder=f"太平线/{n}号台区") for n in (1, 2))
    make_premises(session, feeder="太平线二回/1号台区")

    whole, part = declare(session, feeders=["太平线"]), declare(session, feeders=["太平线/2号台区"])

    assert whole.premises == sorted(one.id for one in (line, first, second))
    assert (part.premises, part.feeders) == ([second.id], ["太平线/2号台区"])


@pytest.mark.parametrize("action", MERGES)
def test_whose_request_is_merged_is_told_so_once_and_led_to_its_page(
    session: Session, action: str
) -> None:
    place = make_premises(session)
    first, second, third = (call(session, place) for _ in range(3))
    for request in (second, third):
        merging.merge(session, request, action, into=first.id, actor=DISPATCHER, now=NOW)
        react(session, f"request.{request.status.value}", request.id, reactions.on_merged)

    (message,) = told(session, "report_merged")
    assert second.id in message.body
    outgoing = messages.begin(
        session, message_id=message.id or 0, base_url="http://x", key=b"k" * 32, now=NOW
    )
    assert isinstance(outgoing, Outgoing)
    token = outgoing.body.split("/r/")[1].split()[0]
    link = links.read(session, b"k" * 32, token, purpose=links.REQUEST, now=NOW)
    assert link.subject_id == second.id


def test_a_report_that_was_merged_before_it_was_confirmed_is_not_confirmed_any_more(
    session: Session,
) -> None:
    first, second = (call(session, make_premises(session)) for _ in range(2))
    merging.merge(session, second, "merge", into=first.id, actor=DISPATCHER, now=NOW)
    _, confirmation = told(session, "outage_report")

    begun = messages.begin(
        session, message_id=confirmation.id or 0, base_url="http://x", key=b"k" * 32, now=NOW
    )

    assert begun == Settled(S.SUPPRESSED)


def test_what_was_merged_follows_to_where_its_request_goes_and_into_its_outage(
    session: Session,
) -> None:
    place = make_premises(session, feeder="太平线")
    elsewhere = [call(session, make_premises(session)) for _ in range(2)]
    merging.merge(session, elsewhere[0], "merge", into=elsewhere[1].id, actor=DISPATCHER, now=NOW)
    main = call(session, place)
    notice = declare(session, feeders=["太平线"])

    merging.merge(session, elsewhere[1], "merge", into=main.id, actor=DISPATCHER, now=NOW)

    for request in elsewhere:
        session.refresh(request)
        assert (request.merged_into, request.outage_id) == (main.id, notice.id)
        assert merging.goes_on(session, request).id == main.id


def test_who_reported_an_outage_from_premises_that_it_does_not_name_hears_of_it_too(
    session: Session,
) -> None:
    main, unknown = (
        call(session, make_premises(session, feeder="太平线")),
        call(session, make_premises(session)),
    )
    notice = declare(session, feeders=["太平线"])
    merging.merge(session, unknown, "merge", into=main.id, actor=DISPATCHER, now=NOW)

    revise(session, notice, at("16:00"))
    estimated = send_all(session)
    restore(session, notice, at("13:00"))
    restored = send_all(session, at("13:01"))

    for sent, template in ((estimated, "unplanned_outage"), (restored, "restoration")):
        heard = Counter(one.customer_id for one in sent if one.template == template)
        assert heard == {main.customer_id: 1, unknown.customer_id: 1}


@pytest.mark.parametrize("wrong", ["nothing", "unknown", "itself", "its own part", "ended"])
def test_a_request_is_merged_only_into_another_that_goes_on(session: Session, wrong: str) -> None:
    one, other = (call(session, make_premises(session)) for _ in range(2))
    into: str | None = other.id
    if wrong == "nothing":
        into = None
    elif wrong == "unknown":
        into = "R-999999"
    elif wrong == "itself":
        into = one.id
    elif wrong == "its own part":
        merging.merge(session, other, "merge", into=one.id, actor=DISPATCHER, now=NOW)
    else:
        requests.move(session, other, "reject", actor=DISPATCHER, now=NOW)

    with pytest.raises(BadMerge):
        merging.merge(session, one, "merge", into=into, actor=DISPATCHER, now=NOW + timedelta(0))

    assert one.status is RequestStatus.RECEIVED
