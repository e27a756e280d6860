"""Messages that reached nobody are listed until somebody sees to them, or nobody waits for them."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from dispatch.contact import unreached
from dispatch.contact.tables import Message, MessageClass, MessageStatus, SubjectKind
from dispatch.contact.unreached import LISTED_FOR, NeedsNobody
from dispatch.core.alerts import open_alerts, raise_alert
from dispatch.desk.tables import RequestStatus
from dispatch.work.tables import Visit, VisitStatus
from tests.builders.contact import make_message, make_told_visit
from tests.builders.desk import make_request
from tests.builders.registry import DISPATCHER
from tests.instants import NOW

S = MessageStatus


def failed(session: Session, visit: Visit, template: str = "booked", reason: str = "") -> Message:
    """A message about the visit that reached nobody: it bounced, or for this reason it was not tried."""
    message = make_message(session, visit=visit)
    message.template = template
    message.status = S.SUPPRESSED if reason else S.BOUNCED
    message.reason = reason
    session.flush()
    return message


def listed(session: Session) -> list[Message]:
    return unreached.need_a_person(session, territory_id="humen", now=NOW)


@pytest.mark.parametrize(
    ("template", "status"),
    [
        ("cancelled", VisitStatus.CANCELLED),
        ("could_not", VisitStatus.NOT_DONE),
        ("done", VisitStatus.DONE),
        ("booked", VisitStatus.PUBLISHED),
    ],
)
def test_what_did_not_arrive_is_listed_whether_the_visit_still_comes_or_not(
    session: Session, template: str, status: VisitStatus
) -> None:
    visit = make_told_visit(session)
    message = failed(session, visit, template)
    visit.status = status
    session.flush()

    assert listed(session) == [message]
    assert unreached.counted(session, territory_id="humen", now=NOW) == {template: 1}


@pytest.mark.parametrize(
    ("kind", "template"),
    [
        (SubjectKind.REQUEST, "outage_report"),
        (SubjectKind.OUTAGE, "restoration"),
        (SubjectKind.CUSTOMER, "follow_up_call"),
    ],
)
def test_messages_about_no_visit_are_listed_while_they_matter(
    session: Session, kind: SubjectKind, template: str
) -> None:
    request = make_request(session)
    message = failed(session, make_told_visit(session), template)
    message.subject_kind, message.subject_id = kind, request.id
    message.expires_at = NOW + timedelta(hours=1)
    session.flush()
    assert listed(session) == [message]

    request.status = RequestStatus.CLOSED
    message.expires_at = NOW
    session.flush()
    assert listed(session) == ([message] if kind is SubjectKind.OUTAGE else [])


@pytest.mark.parametrize("reason", ["no_address", "bad_address", "no_mobile", "no_channel"])
def test_what_had_no_way_to_go_is_listed(session: Session, reason: str) -> None:
    message = failed(session, make_told_visit(session), reason=reason)

    assert listed(session) == [message]


@pytest.mark.parametrize("reason", ["stopped", "no_consent", "superseded", "cap"])
def test_what_was_kept_back_for_a_good_reason_is_not(session: Session, reason: str) -> None:
    failed(session, make_told_visit(session), reason=reason)

    assert listed(session) == []


def test_a_time_that_was_not_told_matters_until_the_visit_or_a_newer_telling_comes(
    session: Session,
) -> None:
    visit = make_told_visit(session)
    failed(session, visit)
    newest = failed(session, visit, "changed")
    assert listed(session) == [newest], "of one visit the newest"

    sent = make_message(session, visit=visit)
    assert listed(session) == [newest], "what only waits has told nobody anything"
    sent.status = S.SENT
    session.flush()
    assert listed(session) == []

    sent.status, visit.status = S.FAILED, VisitStatus.DONE
    session.flush()
    assert listed(session) == []


def test_surveys_and_what_is_old_need_nobody(session: Session) -> None:
    survey = failed(session, make_told_visit(session))
    survey.message_class = MessageClass.SURVEY
    old = failed(session, make_told_visit(session))
    old.created_at = NOW - LISTED_FOR
    session.flush()

    assert listed(session) == []


def test_who_has_called_the_customer_takes_the_message_off_the_list(session: Session) -> None:
    message = failed(session, make_told_visit(session))
    other = failed(session, make_told_visit(session))
    for key in unreached.ALERTS:
        raise_alert(session, key, "…", now=NOW)

    def see_to(one: Message) -> None:
        unreached.see_to(session, message_id=one.id or 0, actor=DISPATCHER, now=NOW)

    see_to(message)
    assert listed(session) == [other]
    assert len(open_alerts(session)) == 2
    with pytest.raises(NeedsNobody):
        see_to(message)
    see_to(other)
    assert listed(session) == []
    assert open_alerts(session) == [], "nothing is left to be seen to"
