"""Links: good until they end, never when a character was changed, and taken back one by one or all at once."""

import random
import string
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from dispatch.contact import links, revoking
from dispatch.contact.appointment import appointment_of
from dispatch.contact.links import LENGTH, LinkExpired, LinkInvalid, Opening, issue, read
from dispatch.contact.tables import Link
from dispatch.registry.tables import Customer
from dispatch.work import promises
from dispatch.work.tables import WorkOrder
from tests.builders.contact import make_told_visit
from tests.builders.registry import ADMIN, DISPATCHER
from tests.instants import NOW, at

KEY = b"k" * 32
ALPHABET = string.ascii_letters + string.digits + "-_"
HOUR = timedelta(hours=1)
ON_ONE_SESSION = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def a_token(session: Session, *, subject: str = "V-000007-1", purpose: str = links.VISIT) -> str:
    opening = Opening(purpose, subject, "1.1", NOW + HOUR)
    return issue(session, KEY, [opening], now=NOW)[0]


def opens(session: Session, token: str, *, now: datetime = NOW) -> str:
    return read(session, KEY, token, purpose=links.VISIT, now=now).subject_id


def test_a_link_names_its_subject_until_it_ends(session: Session) -> None:
    token = a_token(session)

    assert opens(session, token) == "V-000007-1"
    assert len("/v/" + token) <= 60

    with pytest.raises(LinkExpired):
        opens(session, token, now=NOW + HOUR)


def test_only_a_hash_of_the_random_part_is_kept(session: Session) -> None:
    token = a_token(session)
    row = session.execute(sa.text("SELECT * FROM link")).mappings().one()

    kept = " ".join(str(value) for value in row.values())

    assert all(token[start : start + 8] not in kept for start in range(LENGTH - 8))


def test_a_link_for_one_purpose_does_not_open_another(session: Session) -> None:
    with pytest.raises(LinkInvalid):
        opens(session, a_token(session, purpose="confirm"))


def test_a_link_of_another_installation_is_refused(session: Session) -> None:
    with pytest.raises(LinkInvalid):
        read(session, b"x" * 32, a_token(session), purpose=links.VISIT, now=NOW)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("subject_id", "V-000008-1"),
        ("purpose", "request"),
        ("subject_version", "2.1"),
        ("expires_at", "2027-01-01 00:00:00+00"),
    ],
)
def test_a_row_that_was_changed_behind_our_back_opens_nothing(
    session: Session, column: str, value: str
) -> None:
    token = a_token(session)
    session.execute(sa.text(f"UPDATE link SET {column} = :value"), {"value": value})
    session.expire_all()

    for purpose in (links.VISIT, links.REQUEST):
        with pytest.raises(LinkInvalid):
            read(session, KEY, token, purpose=purpose, now=NOW)


@ON_ONE_SESSION
@given(text=st.text(max_size=80) | st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH))
def test_any_text_is_refused_without_another_error(session: Session, text: str) -> None:
    with pytest.raises(LinkInvalid):
        opens(session, text)


def test_no_token_of_a_hundred_thousand_that_were_tampered_with_is_accepted(
    session: Session,
) -> None:
    tokens = [a_token(session, subject=f"V-{number:06d}-1") for number in range(50)]
    session.expunge_all()
    chance = random.Random(16)
    accepted = []
    for number in range(100_000):
        forged = _tampered(tokens, number, chance)
        while forged in tokens:  # two halves that happened to be of one token
            forged = _tampered(tokens, number, chance)
        try:
            opens(session, forged)
        except LinkInvalid:
            continue
        accepted.append(forged)

    assert accepted == []
    assert [opens(session, token) for token in tokens] == [
        f"V-{number:06d}-1" for number in range(50)
    ]


def _tampered(tokens: list[str], number: int, chance: random.Random) -> str:
    """A token with a character changed, two changed, a half of another, cut, lengthened, or of chance alone."""
    token, other = chance.sample(tokens, 2)
    way = number % 8
    if way == 6:
        cut = chance.randrange(1, LENGTH)
        return token[:cut] + other[cut:]
    if way == 7:
        return chance.choice([token[:-1], token + "A", token[1:], token.swapcase()])
    if way == 5:
        return "".join(chance.choices(ALPHABET, k=LENGTH))
    signs = list(token)
    for place in chance.sample(range(LENGTH), 1 if way < 3 else 2):
        signs[place] = chance.choice(ALPHABET.replace(signs[place], ""))
    return "".join(signs)


def test_one_link_is_taken_back_and_the_others_of_its_subject_go_on(session: Session) -> None:
    first, second = a_token(session), a_token(session)
    newest, oldest = revoking.of_subject(session, subject="V-000007-1")

    for _ in range(2):
        revoking.revoke(session, link_id=oldest.id or 0, actor=ADMIN, now=NOW)

    with pytest.raises(LinkExpired):
        opens(session, first)
    assert opens(session, second) == newest.subject_id
    with pytest.raises(revoking.NoSuchLink):
        revoking.revoke(session, link_id=999, actor=ADMIN, now=NOW)


def test_all_links_of_a_customer_are_taken_back(session: Session) -> None:
    visit, neighbours = make_told_visit(session), make_told_visit(session, name="李四")
    order = session.get_one(WorkOrder, visit.work_order_id)
    token = links.for_visit(session, KEY, visit, now=NOW)
    other = links.for_visit(session, KEY, neighbours, now=NOW)

    taken = [
        revoking.revoke_of_customer(session, customer_id=order.customer_id, actor=ADMIN, now=NOW)
        for _ in range(2)
    ]

    assert taken == [1, 0]
    with pytest.raises(LinkExpired):
        opens(session, token)
    assert opens(session, other) == neighbours.id


def test_a_new_key_leaves_the_one_before_in_use_and_retires_the_one_before_that(
    session: Session,
) -> None:
    first = a_token(session)
    revoking.rotate(session, actor=ADMIN, now=NOW)
    second = a_token(session)
    assert (opens(session, first), opens(session, second)) == ("V-000007-1", "V-000007-1")

    revoking.rotate(session, actor=ADMIN, now=NOW)

    with pytest.raises(LinkExpired):
        opens(session, first)
    assert opens(session, second)


def test_all_links_of_a_key_end_with_it(session: Session) -> None:
    token = a_token(session)
    (key,) = revoking.keys(session)

    revoking.retire(session, key_id=key.id or 0, actor=ADMIN, now=NOW)

    with pytest.raises(LinkExpired):
        opens(session, token)
    assert opens(session, a_token(session)), "the next link makes itself a new key"


def test_the_appointment_is_another_one_by_a_new_window_or_an_opt_out_and_not_by_a_new_plan(
    session: Session,
) -> None:
    visit = make_told_visit(session)
    order = session.get_one(WorkOrder, visit.work_order_id)
    customer = session.get_one(Customer, order.customer_id)
    seen = [appointment_of(session, visit, customer)]

    assert visit.planned_start_at is not None
    visit.planned_start_at += timedelta(minutes=20)
    seen.append(appointment_of(session, visit, customer))
    promises.book(
        session, visit, start_at=at("09:00"), end_at=at("11:00"), actor=DISPATCHER, now=NOW
    )
    seen.append(appointment_of(session, visit, customer))
    promises.reschedule(
        session, visit, start_at=at("13:00"), end_at=at("15:00"), actor=DISPATCHER, now=NOW
    )
    seen.append(appointment_of(session, visit, customer))
    customer.wants_messages = False
    seen.append(appointment_of(session, visit, customer))

    assert seen == ["0.1", "0.1", "1.1", "2.1", "2.0"]


def test_a_visits_link_ends_72_hours_after_the_visit(session: Session) -> None:
    visit = make_told_visit(session)
    assert visit.planned_end_at is not None
    ends = visit.planned_end_at + timedelta(hours=72)
    token = links.for_visit(session, KEY, visit, now=NOW)

    assert opens(session, token, now=ends - timedelta(seconds=1)) == visit.id
    with pytest.raises(LinkExpired):
        opens(session, token, now=ends)


def test_links_are_forgotten_90_days_after_they_ended(session: Session) -> None:
    a_token(session)
    ended = NOW + HOUR

    assert revoking.forget(session, now=ended + timedelta(days=90)) == 0
    assert revoking.forget(session, now=ended + timedelta(days=90, seconds=1)) == 1
    assert session.exec(sa.select(sa.func.count(Link.id))).scalar() == 0  # type: ignore[call-overload, arg-type]
