"""The counters' queues and what waits longest."""

from datetime import timedelta
from typing import Any

from sqlmodel import Session

from dispatch.desk import queries, requests
from dispatch.desk.tables import RequestKind, RequestStatus
from tests.builders.desk import CLERK, make_counters, make_request
from tests.instants import NOW


def test_each_counter_shows_its_backlog(session: Session) -> None:
    make_request(session, kind=RequestKind.BILLING, received_at=NOW - timedelta(hours=3))
    answered = make_request(session, kind=RequestKind.BILLING)
    requests.answer(session, answered, text="好", actor=CLERK, now=NOW, resolves=False)
    ended = make_request(session, kind=RequestKind.BILLING, received_at=NOW - timedelta(days=9))
    requests.answer(session, ended, text="好", actor=CLERK, now=NOW)

    queues = {queue.counter.id: queue for queue in queries.counters(session, territory_id="humen")}

    billing = queues["billing"]
    assert (billing.open, billing.unanswered) == (2, 1)
    assert billing.oldest_at == NOW - timedelta(hours=3)
    assert (queues["fault"].open, queues["fault"].oldest_at) == (0, None)
    assert len(queues) == len(RequestKind)


def test_what_waits_longest_comes_first_and_what_ended_not_at_all(session: Session) -> None:
    young = make_request(session)
    old = make_request(session, received_at=NOW - timedelta(days=2))
    ended = make_request(session, received_at=NOW - timedelta(days=3))
    requests.answer(session, ended, text="好", actor=CLERK, now=NOW)

    waiting = queries.oldest_open(session, territory_id="humen")

    assert [request.id for request in waiting] == [old.id, young.id]


def test_requests_come_in_pages_and_are_narrowed(session: Session) -> None:
    make_counters(session)
    made = [make_request(session).id for _ in range(4)]
    fault = make_request(session, kind=RequestKind.FAULT)
    requests.move(session, fault, "cancel", actor=CLERK, now=NOW)

    first = queries.requests(session, counter_id="consultation", limit=3)
    rest = queries.requests(session, counter_id="consultation", limit=3, cursor=first.next)

    assert [request.id for request in [*first.items, *rest.items]] == made
    assert [row.id for row in queries.requests(session, kind=RequestKind.FAULT).items] == [fault.id]
    assert queries.requests(session, kind=RequestKind.FAULT, open_only=True).items == []
    assert [row.id for row in queries.requests(session, status=RequestStatus.CANCELLED).items] == [
        fault.id
    ]


def test_requests_of_one_channel_are_listed_the_newest_first_with_when_they_moved_on(
    session: Session,
) -> None:
    day = timedelta(days=1)
    old = make_request(session, channel="open311", received_at=NOW - 2 * day)
    fault = make_request(session, channel="open311", kind=RequestKind.FAULT)
    make_request(session, channel="phone")
    requests.answer(session, old, text="好", actor=CLERK, now=NOW + day)

    def reported(**asked: Any) -> list[str]:
        found = queries.reported(session, territory_id="humen", channel="open311", **asked)
        return [request.id for request in found]

    assert reported() == [fault.id, old.id]
    assert reported(numbers=[old.id, "R-999999"]) == [old.id]
    assert reported(kinds=[RequestKind.FAULT]) == [fault.id]
    assert reported(statuses=[RequestStatus.RESOLVED]) == [old.id]
    assert reported(span=(NOW - 2 * day, NOW - day)) == [old.id]
    changed = queries.changed_at(session, [old.id, fault.id])
    assert changed == {old.id: NOW + day, fault.id: NOW}
