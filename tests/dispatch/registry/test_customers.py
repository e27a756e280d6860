import pytest
from sqlmodel import Session, select

from dispatch.core.db import StaleVersion
from dispatch.core.tables import Event
from dispatch.registry import customers
from dispatch.registry.customers import BadCustomer, NoSuchCustomer
from dispatch.registry.tables import Customer, CustomerClass
from dispatch.registry.territories import NoSuchTerritory
from tests.builders.registry import DISPATCHER, make_customer, make_premises
from tests.instants import NOW


def test_customers_are_numbered(session: Session) -> None:
    assert [make_customer(session).id for _ in range(2)] == ["C-000001", "C-000002"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "陈\r\nBcc: all@example.com"),
        ("name", "x" * 121),
        ("phone", "call me"),
        ("email", "nobody"),
        ("email", "a@example.com, b@example.com"),
        ("email", "a@example.com\nBcc: b@example.com"),
        ("language", "fr"),
    ],
)
def test_a_value_that_cannot_be_is_refused(session: Session, field: str, value: str) -> None:
    with pytest.raises(BadCustomer) as refusal:
        make_customer(session, **{field: value})  # type: ignore[arg-type]

    assert refusal.value.details["field"] == field


def change(
    session: Session, customer: Customer, expect: int | None = None, **values: object
) -> Customer:
    return customers.change(
        session, customer_id=customer.id, values=values, expect=expect, actor=DISPATCHER, now=NOW
    )


def test_a_change_is_recorded_without_the_values(session: Session) -> None:
    customer = make_customer(session)

    change(session, customer, phone="+86 769 5550 0199", customer_class=CustomerClass.A)

    told = session.exec(select(Event).where(Event.type == "customer.changed")).one()
    assert customer.phone == "+86 769 5550 0199"
    assert told.data == {"fields": ["customer_class", "phone"]}


def test_a_change_of_a_stale_version_is_refused(session: Session) -> None:
    customer = make_customer(session)
    change(session, customer, language="en")

    with pytest.raises(StaleVersion):
        change(session, customer, expect=1, language="zh-CN")


@pytest.mark.parametrize(("field", "value"), [("id", "C9"), ("version", 3), ("email", "nobody")])
def test_what_cannot_be_changed_is_refused(session: Session, field: str, value: object) -> None:
    with pytest.raises(BadCustomer) as refusal:
        change(session, make_customer(session), **{field: value})

    assert refusal.value.details["field"] == field


def test_an_unknown_customer_is_said_to_be_unknown(session: Session) -> None:
    with pytest.raises(NoSuchCustomer):
        customers.get(session, "C9")


def test_premises_without_a_position_are_kept(session: Session) -> None:
    customer = make_customer(session)

    row = make_premises(session, customer=customer, lat=None, lon=None)

    assert customers.premises_of(session, customer_id=customer.id) == [row]


def test_half_a_position_is_refused(session: Session) -> None:
    with pytest.raises(BadCustomer, match="or neither"):
        make_premises(session, lon=None)


def test_premises_need_an_address_and_a_territory(session: Session) -> None:
    for address in ("  ", "太平路1号\n二楼"):
        with pytest.raises(BadCustomer, match="address"):
            make_premises(session, address=address)
    with pytest.raises(NoSuchTerritory):
        customers.add_premises(
            session,
            customer_id=make_customer(session).id,
            territory_id="nowhere",
            address="x",
            district="x",
            actor=DISPATCHER,
            now=NOW,
        )
