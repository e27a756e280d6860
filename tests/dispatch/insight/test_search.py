"""Anything is found by a few characters, quickly, in its own territory only."""

from functools import partial

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from dispatch.core.db import Database, transaction
from dispatch.insight import search
from dispatch.insight.search import SearchTooShort
from tests.builders.desk import make_request
from tests.builders.planning import crew_on
from tests.builders.registry import make_customer, make_depot, make_premises, make_territory
from tests.builders.work import first_visit, make_catalogue, make_order
from tests.pace import quickest


def found(session: Session, text: str, territory_id: str = "humen") -> list[tuple[str, str]]:
    hits = search.find(session, territory_id=territory_id, text=text)
    return [(hit.kind, hit.id) for hit in hits]


def test_a_customer_is_found_by_name_number_and_the_end_of_the_telephone(session: Session) -> None:
    customer = make_customer(session, id="C7001", name="欧阳小明", phone="138 0013-8000")
    make_premises(session, customer=customer)

    for text in ("欧阳", "阳小", "C7001", "c70", "7001", "8000", "138000", "13800138000"):
        assert ("customer", "C7001") in found(session, text), text
    assert found(session, "张三") == []


def test_an_address_a_work_order_its_request_and_a_crew_are_found_with_their_visits(
    session: Session,
) -> None:
    make_catalogue(session)
    crew_on(session, "K09")
    premises = make_premises(session, address="虎门镇太沙路88号")
    request = make_request(session, premises=premises)
    order = make_order(session, premises=premises, request_id=request.id)
    visit = first_visit(session, order)

    by_address = search.find(session, territory_id="humen", text="太沙路88")
    assert [(hit.kind, hit.id, hit.visits) for hit in by_address] == [
        ("premises", premises.id, (visit.id,))
    ]
    assert ("work_order", order.id) in found(session, order.id.lower())
    assert ("work_order", order.id) in found(session, order.id[-6:])
    (hit,) = [
        h
        for h in search.find(session, territory_id="humen", text=request.id)
        if h.kind == "request"
    ]
    assert (hit.id, hit.visits) == (request.id, (visit.id,))
    assert found(session, "k09") == [("crew", "K09")]


def test_another_territorys_things_are_not_found(session: Session) -> None:
    make_premises(session, customer=make_customer(session, id="C7001", name="欧阳小明"))
    make_territory(session, id="changan")

    assert found(session, "欧阳", territory_id="changan") == []


def test_signs_with_a_meaning_to_the_database_have_none(session: Session) -> None:
    make_premises(session, customer=make_customer(session, id="C7001", name="欧阳小明"))

    assert found(session, "%%") == found(session, "__") == found(session, "C7%1") == []


@pytest.mark.parametrize("text", ["", " ", "明", "12", "+1 2"])
def test_too_little_to_search_by_is_refused(session: Session, text: str) -> None:
    make_territory(session)

    with pytest.raises(SearchTooShort):
        search.find(session, territory_id="humen", text=text)


def test_telephones_can_be_masked(session: Session) -> None:
    make_premises(session, customer=make_customer(session, id="C7001", phone="13800138000"))

    (hit,) = search.masked(search.find(session, territory_id="humen", text="C7001"))
    assert hit.phone == "*******8000"


def make_town_of(session: Session, customers: int) -> None:
    """So many customers with premises, written by the database itself."""
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT CAST(:first AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i < :last) "
        "SELECT 'C' || CAST(100000 + i AS TEXT)"
    )
    for first in range(0, customers, 10_000):
        some = {"first": first, "last": first + 9_999}
        session.execute(
            sa.text(
                "INSERT INTO customer (id, name, phone, customer_class, language, wants_messages, version) "
                f"{numbers}, '用户' || CAST(i AS TEXT), '138' || CAST(10000000 + i AS TEXT), 'D', 'zh-CN', true, 1 "
                "FROM n"
            ),
            some,
        )
        session.execute(
            sa.text(
                "INSERT INTO premises (id, customer_id, territory_id, address, district, area_class, "
                f"site_class, access_notes, version) {numbers}, 'C' || CAST(100000 + i AS TEXT), 'humen', "
                "'虎门镇太沙路' || CAST(i AS TEXT) || '号', '', 'urban', 'ordinary', '', 1 FROM n"
            ),
            some,
        )


def test_among_a_hundred_thousand_customers_it_takes_less_than_a_fifth_of_a_second(
    database: Database,
) -> None:
    with transaction(database) as session:
        make_depot(session)
        make_town_of(session, 100_000)

    with database.reading() as session:
        for text in ("用户99999", "没有此人", "99999", "C19999", "nobody", "虎门镇", "00099999"):
            took = quickest(partial(search.find, session, territory_id="humen", text=text), times=3)
            assert took < 0.2, text
