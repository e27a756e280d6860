"""Parts used come off the vehicle, and planning knows."""

from sqlmodel import Session, select

from dispatch.core.alerts import open_alerts
from dispatch.field.day import crew_day
from dispatch.planning import fingerprint
from dispatch.planning.reading import read_board
from dispatch.registry import crews
from dispatch.registry.tables import Stock
from dispatch.work import visits
from dispatch.work.tables import PartUse, Visit
from tests.builders.field import act, proof
from tests.builders.registry import DISPATCHER
from tests.builders.work import make_visit
from tests.instants import DAY, NOW, at


def working(session: Session, *, meters: int = 5, seals: int = 10) -> Visit:
    """A meter exchange (1 meter, 2 seals) being worked on, and so many on the vehicle."""
    visit = make_visit(session, status="working", work_type="MTR-XCH")
    for part, quantity in (("meter", meters), ("seal", seals)):
        crews.set_stock(
            session, crew_id="C1", part=part, quantity=quantity, actor=DISPATCHER, now=NOW
        )
    return visit


def stock(session: Session) -> dict[str, int]:
    return {row.part: row.quantity for row in session.exec(select(Stock))}


def finish(session: Session, visit: Visit, **parts: int) -> None:
    given = proof(session, visit)
    act(session, visit, "done", data={**given, "parts": given["parts"] | parts})


def test_what_was_used_is_no_longer_on_the_vehicle(session: Session) -> None:
    visit = working(session)

    finish(session, visit, seal=3)

    assert stock(session) == {"meter": 4, "seal": 7}
    assert crew_day(session, crew_id="C1", day=DAY, now=at("09:00")).stock == stock(session)


def test_a_visit_finished_once_more_takes_only_the_difference(session: Session) -> None:
    visit = working(session)
    finish(session, visit, seal=4)

    visits.act(session, visit, "reopen", actor=DISPATCHER, now=at("09:10"))
    finish(session, visit, meter=0, seal=5)

    assert stock(session) == {"meter": 5, "seal": 5}


def test_what_the_books_do_not_have_asks_for_a_count(session: Session) -> None:
    visit = working(session, meters=0, seals=1)

    finish(session, visit)

    assert stock(session) == {"meter": 0, "seal": 0}
    short = {row.part: row.short for row in session.exec(select(PartUse))}
    assert short == {"meter": 1, "seal": 1}
    assert [alert.key for alert in open_alerts(session)] == ["stock:C1"]
    crews.set_stock(session, crew_id="C1", part="seal", quantity=9, actor=DISPATCHER, now=NOW)
    assert open_alerts(session) == []


def test_a_visit_that_used_what_was_foreseen_does_not_move_the_board(session: Session) -> None:
    visit = working(session)
    before = fingerprint.parts(read_board(session, territory_id="humen", day=DAY))["stock"]

    finish(session, visit)
    assert fingerprint.parts(read_board(session, territory_id="humen", day=DAY))["stock"] == before

    visits.act(session, visit, "reopen", actor=DISPATCHER, now=at("09:10"))
    finish(session, visit, seal=9)
    board = read_board(session, territory_id="humen", day=DAY)
    assert fingerprint.parts(board)["stock"] != before
    assert board.stock["C1"] == {"meter": 5, "seal": 1 + 2}
