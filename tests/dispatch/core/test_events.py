"""Events: what is recorded stays, and tampering shows."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from dispatch.core import events
from dispatch.core.db import Database, transaction
from dispatch.core.reactions import REACTIONS
from dispatch.core.tables import Event, Task
from tests.builders.tampering import unguarded
from tests.instants import NOW

KEY = b"a key of this test"


def record_some(database: Database, count: int) -> None:
    with transaction(database) as session:
        for number in range(count):
            events.record(
                session,
                "visit.arrived",
                entity="visit",
                entity_id=f"V-{number}",
                actor=events.SYSTEM,
                now=NOW,
                data={"号": number},
            )


def test_an_event_is_not_changed_afterwards(session: Session) -> None:
    events.record(session, "a.b", entity="a", entity_id="1", actor=events.SYSTEM, now=NOW)
    session.flush()

    with pytest.raises(sa.exc.DBAPIError, match="append-only"), session.begin_nested():
        session.execute(sa.update(Event).values(type="other"))


def test_an_event_is_not_deleted(session: Session) -> None:
    events.record(session, "a.b", entity="a", entity_id="1", actor=events.SYSTEM, now=NOW)
    session.flush()

    with pytest.raises(sa.exc.DBAPIError, match="append-only"), session.begin_nested():
        session.execute(sa.delete(Event))


def test_a_sealed_event_is_not_sealed_again(database: Database) -> None:
    record_some(database, 1)
    events.seal(database, KEY)

    with (
        transaction(database) as session,
        pytest.raises(sa.exc.DBAPIError, match="append-only"),
    ):
        session.execute(sa.update(Event).values(position=7))


def test_sealing_numbers_all_events_in_order_over_several_batches(database: Database) -> None:
    record_some(database, 25)

    assert events.seal(database, KEY, batch=10) == 25
    with database.reading() as session:
        positions = session.exec(select(Event.position).order_by(Event.id)).all()  # type: ignore[arg-type]
        assert positions == list(range(1, 26))
        assert events.verify(session, KEY) is None
        assert events.verify(session, KEY, last=3) is None
    assert events.seal(database, KEY) == 0


@pytest.mark.parametrize("column", ["actor", "happened_at", "data", "hash"])
def test_verification_names_the_event_that_was_tampered_with(
    database: Database, column: str
) -> None:
    record_some(database, 5)
    events.seal(database, KEY)
    forged = {"happened_at": NOW - timedelta(days=1), "data": {}}.get(column, "forged")
    with unguarded(database) as connection:
        connection.execute(sa.update(Event).where(Event.position == 3).values({column: forged}))  # type: ignore[arg-type]

    with database.reading() as session:
        broken = events.verify(session, KEY)
    assert broken is not None
    assert broken.position == 3


def test_verification_names_the_gap_where_an_event_was_removed(database: Database) -> None:
    record_some(database, 5)
    events.seal(database, KEY)
    with unguarded(database) as connection:
        connection.execute(sa.delete(Event).where(Event.position == 2))  # type: ignore[arg-type]

    with database.reading() as session:
        broken = events.verify(session, KEY)
    assert broken is not None
    assert broken.position == 2


def test_whoever_lacks_the_key_cannot_forge_the_chain(database: Database) -> None:
    record_some(database, 2)
    events.seal(database, b"another key")

    with database.reading() as session:
        assert events.verify(session, KEY) is not None


def test_an_event_brings_its_reactions_about_in_the_same_transaction(database: Database) -> None:
    with pytest.raises(RuntimeError), transaction(database) as session:
        record_reacting(session)
        raise RuntimeError("the business code fails after recording")
    with database.reading() as session:
        assert session.exec(select(Task)).all() == []
        assert session.exec(select(Event)).all() == []

    with transaction(database) as session:
        record_reacting(session)
    with database.reading() as session:
        kinds = {task.kind for task in session.exec(select(Task))}
        assert kinds == set(REACTIONS["visit.done"])


def record_reacting(session: Session) -> None:
    events.record(
        session, "visit.done", entity="visit", entity_id="V-1", actor=events.SYSTEM, now=NOW
    )
