from datetime import time, timedelta

import pytest
from sqlmodel import Session

from dispatch.core.db import Database, transaction
from dispatch.core.pages import BadCursor, BadPageSize
from dispatch.registry import queries, shifts
from dispatch.registry.hours import Break
from tests.builders.registry import (
    DISPATCHER,
    make_account,
    make_crew,
    make_customer,
    make_premises,
    make_shift,
)
from tests.instants import DAY, NOW
from tests.statements import counted


def test_pages_show_every_customer_once_and_in_order(session: Session) -> None:
    made = [make_customer(session).id for _ in range(7)]

    seen, cursor = [], None
    while True:
        found = queries.find_customers(session, cursor=cursor, limit=3)
        seen += [customer.id for customer in found.items]
        cursor = found.next
        if cursor is None:
            break

    assert seen == made


def test_a_page_that_ends_with_the_list_names_no_next(session: Session) -> None:
    for _ in range(3):
        make_customer(session)

    assert queries.find_customers(session, limit=3).next is None


def test_rows_added_before_the_cursor_shift_nothing(session: Session) -> None:
    for name in "BCD":
        make_customer(session, id=name)
    first = queries.find_customers(session, limit=2)

    make_customer(session, id="A")

    second = queries.find_customers(session, cursor=first.next, limit=2)
    assert [customer.id for customer in second.items] == ["D"]


@pytest.mark.parametrize("cursor", ["%%%", "é", "abc$", "_w"])
def test_a_damaged_cursor_is_refused(session: Session, cursor: str) -> None:
    with pytest.raises(BadCursor):
        queries.find_customers(session, cursor=cursor)


@pytest.mark.parametrize("limit", [0, 201, -1])
def test_a_page_size_out_of_range_is_refused(session: Session, limit: int) -> None:
    with pytest.raises(BadPageSize):
        queries.find_customers(session, limit=limit)


@pytest.mark.parametrize("text", ["王大", "5550 0177", "金洲", "c-wang", "  王大 "])
def test_a_customer_is_found_by_name_number_or_address(session: Session, text: str) -> None:
    wang = make_customer(session, id="C-WANG", name="王大明", phone="+86 769 5550 0177")
    make_premises(session, customer=wang, address="虎门镇金洲社区银龙路8号")
    make_premises(session)

    found = queries.find_customers(session, text=text)

    assert [customer.id for customer in found.items] == ["C-WANG"]


@pytest.mark.parametrize("text", ["%", "_", "\\"])
def test_signs_of_the_database_are_searched_as_they_are(session: Session, text: str) -> None:
    make_customer(session)

    assert queries.find_customers(session, text=text).items == []


def test_customers_are_listed_by_territory(session: Session) -> None:
    here = make_premises(session).customer_id
    make_premises(session, territory_id="there")

    found = queries.find_customers(session, territory_id="humen")

    assert [customer.id for customer in found.items] == [here]


def test_premises_without_a_position_are_listed(session: Session) -> None:
    make_premises(session)
    lost = make_premises(session, lat=None, lon=None)

    found = queries.find_premises(session, territory_id="humen", without_position=True)

    assert found.items == [lost]
    assert len(queries.find_premises(session, territory_id="humen").items) == 2


def test_accounts_are_listed(session: Session) -> None:
    assert make_account(session) in (queries.accounts(session).items)


def test_the_day_shows_each_shift_with_crew_members_breaks_skills_and_stock(
    session: Session,
) -> None:
    crew = make_crew(session, id="K1", skills={"LV": 2}, stock={"fuse": 3})
    shift = make_shift(session, crew=crew, breaks=[Break(time(12), time(13), 60)])
    make_shift(session, crew=crew, day=DAY + timedelta(days=1))
    make_shift(session, crew=make_crew(session, depot_id="d2", territory_id="there"))

    (found,) = queries.crews_of_day(session, territory_id="humen", day=DAY)

    assert (found.crew, found.shift) == (crew, shift)
    assert [member.id for member in found.members] == ["K1-M1", "K1-M2"]
    assert [rest.duration_s for rest in found.breaks] == [3600]
    assert (found.skills.skills, found.skills.members) == ({"LV": 2}, 2)
    assert found.stock == {"fuse": 3}


def test_an_absent_crew_stays_on_the_day(session: Session) -> None:
    shift = make_shift(session)
    shifts.mark_absent(session, shift_id=shift.id, reason="ill", actor=DISPATCHER, now=NOW)

    assert queries.crews_of_day(session, territory_id="humen", day=DAY)[0].shift.absent


def test_a_day_takes_the_same_number_of_queries_however_many_crews(database: Database) -> None:
    asked = []
    for _ in range(2):
        with transaction(database) as session:
            for _ in range(4):
                make_shift(session)
        with database.reading() as session, counted(database) as statements:
            queries.crews_of_day(session, territory_id="humen", day=DAY)
        asked.append(len(statements))

    assert asked[0] == asked[1] <= 6


def test_certificates_about_to_expire_are_listed_the_oldest_first(session: Session) -> None:
    make_crew(session, id="K1", valid_until=DAY + timedelta(days=20))
    make_crew(session, id="K2", valid_until=DAY - timedelta(days=1))
    make_crew(session, id="K3", valid_until=DAY + timedelta(days=200))

    found = queries.expiring_certificates(
        session, territory_id="humen", until=DAY + timedelta(days=30)
    )

    assert [row.member.crew_id for row in found] == ["K2", "K1"]
