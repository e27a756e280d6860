"""A folder's requests, orders, promises and ties, by the operations that people use."""

from collections.abc import Mapping
from datetime import timedelta

from dispatch.desk import requests
from dispatch.desk.tables import Request, RequestKind
from dispatch.exchange.sheets import Row
from dispatch.exchange.writing import Writing, instant, visits_of
from dispatch.work import orders, promises
from dispatch.work.tables import Priority, Visit, VisitRelation, WorkOrder
from dispatch.work.visits import NoSuchVisit

JUST_BEFORE = timedelta(minutes=2)
"""Nothing of a folder was received later than this before it is loaded."""
RELATIONS = ("after", "together", "same_crew", "different_crew")


def write_requests(writing: Writing) -> dict[str, Request]:
    """Take the requests in, the earliest first; those of each `ref`."""
    rows = writing.folder.sheets["requests.csv"]
    moments = {row.text("ref"): instant(row, "received", writing.day, writing.zone) for row in rows}
    latest = max(moments.values(), default=writing.now)
    earlier = max(timedelta(0), latest - (writing.now - JUST_BEFORE))
    received: dict[str, Request] = {}
    for row in sorted(rows, key=lambda row: moments[row.text("ref")]):
        ref = row.text("ref")
        with row.located(otherwise="ref"):
            received[ref] = requests.receive(
                writing.session,
                territory_id=writing.territory_id,
                kind=row.choice("kind", RequestKind),
                customer_id=row.text("customer_id"),
                premises_id=row.optional("premises_id"),
                subject=row.text("subject", most=200),
                text=row.optional("text", most=4000) or "",
                channel=row.text("channel", most=16),
                actor=writing.actor,
                received_at=moments[ref] - earlier,
                now=writing.now,
            )
    writing.tell("requests.csv", len(rows), len(rows))
    return received


def write_orders(writing: Writing, received: Mapping[str, Request]) -> int:
    """Make the orders, from their requests or of the branch's own; how many."""
    rows = writing.folder.sheets["orders.csv"]
    made: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        with row.located({"due_at": "due"}, otherwise="ref"):
            made[row.text("ref")] = _order(writing, row, received).id
        if number % 20 == 0 or number == len(rows):
            writing.tell("orders.csv", number, len(rows))
    writing.visits.update(visits_of(writing.session, made))
    return len(rows)


def _order(writing: Writing, row: Row, received: Mapping[str, Request]) -> WorkOrder:
    ref = row.optional("request")
    due = instant(row, "due", writing.day, writing.zone) if row.optional("due") else None
    priority = row.choice("priority", Priority) if row.optional("priority") else None
    if ref is None:
        return orders.create(
            writing.session,
            territory_id=writing.territory_id,
            work_type=row.text("work_type"),
            customer_id=row.text("customer_id"),
            premises_id=row.text("premises_id"),
            owner=row.text("owner"),
            priority=priority,
            description=row.optional("description", most=1000) or "",
            earliest_day=writing.day,
            due_at=due,
            preferred_crews=row.several("preferred_crews"),
            actor=writing.actor,
            now=writing.now,
        )
    return requests.make_order(
        writing.session,
        received[ref],
        work_type=row.text("work_type"),
        priority=priority,
        description=row.optional("description", most=1000) or "",
        earliest_day=writing.day,
        due_at=due,
        preferred_crews=tuple(row.several("preferred_crews")),
        actor=writing.actor,
        now=writing.now,
    )


def write_promises(writing: Writing) -> int:
    """Promise the windows; how many."""
    count = 0
    for row in writing.folder.sheets["promises.csv"]:
        visit = _visit(writing, row, "order", row.text("order"))
        if visit is None:
            continue
        starts, ends = (
            instant(row, "starts", writing.day, writing.zone),
            instant(row, "ends", writing.day, writing.zone),
        )
        with row.located({"start_at": "starts", "end_at": "ends"}, otherwise="starts"):
            promises.book(
                writing.session,
                visit,
                start_at=starts,
                end_at=ends,
                actor=writing.actor,
                now=writing.now,
            )
        count += 1
    return count


def write_relations(writing: Writing) -> int:
    """Tie the visits; how many ties."""
    count = 0
    for row in writing.folder.sheets["relations.csv"]:
        kind = row.text("type")
        if kind not in RELATIONS:
            raise row.wrong("type", f"{kind!r} is not one of {', '.join(RELATIONS)}.")
        tied = [_visit(writing, row, "orders", name) for name in row.several("orders")]
        if None in tied:
            continue
        least = row.whole("min_gap_minutes", most=14_400) if row.optional("min_gap_minutes") else 0
        most = (
            row.whole("max_gap_minutes", most=14_400) if row.optional("max_gap_minutes") else None
        )
        if most is not None and most < least:
            raise row.wrong("max_gap_minutes", f"{most} is less than min_gap_minutes, {least}.")
        if kind == "after" and len(tied) != 2:
            raise row.wrong("orders", "after names two orders, the first and the second.")
        writing.session.add(
            VisitRelation(
                territory_id=writing.territory_id,
                type=kind,
                visits=[visit.id for visit in tied if visit is not None],
                min_gap_s=60 * least,
                max_gap_s=None if most is None else 60 * most,
            )
        )
        count += 1
    writing.session.flush()
    return count


def _visit(writing: Writing, row: Row, column: str, name: str) -> Visit | None:
    """The visit of an order or series; None for a series that does not fall due on the day."""
    visit = writing.visits.get(name)
    if visit is None and name not in writing.not_due:
        with row.located(otherwise=column):
            raise NoSuchVisit(f"{name} is done by telephone and has no visit.", field=column)
    return visit
