"""Messages of the release before keep their fate, and are sent on."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from dispatch.contact import messages, queries, tellings
from dispatch.contact.channels import Channel
from dispatch.contact.messages import Outgoing
from dispatch.contact.tables import Message, MessageClass, MessageStatus, Telling
from dispatch.core.alerts import open_alerts
from dispatch.core.db import Database, transaction
from dispatch.core.migrate import migrate
from dispatch.core.tables import TaskClass
from dispatch.model import missing
from tests.builders.contact import make_told_visit
from tests.builders.revisions import copied, upgraded
from tests.conftest import NewDatabase
from tests.instants import at

EVE = at("10:00") - timedelta(days=1)

OLD_MESSAGE = sa.text(
    "INSERT INTO message (version, customer_id, recipient, channel, template, language, subject_id, "
    "subject_version, told_start_at, told_end_at, message_class, status, reason, subject, body, message_id, "
    "send_after, expires_at, created_at, sends, error) VALUES (1, :customer, 'chen@example.com', 'email', "
    ":template, 'en', :visit, :number, :told_start, :told_end, :task_class, :status, '', 'Your visit', "
    "'See [[link]] and [[code]]', :name, :moment, :stale, :moment, 0, '')"
).bindparams(
    *(
        sa.bindparam(name, type_=sa.DateTime(timezone=True))
        for name in ("told_start", "told_end", "moment", "stale")
    )
)


@pytest.fixture
def old(new_database: NewDatabase) -> Iterator[Database]:
    """A database of the release before, without rows."""
    with new_database(bare=True) as database:
        yield upgraded(database, "0012")


def test_messages_of_the_release_before_are_kept_and_sent_on(
    database: Database, old: Database
) -> None:
    with transaction(database) as session:
        visit = make_told_visit(session, window=(at("09:00"), at("11:00")), language="en")
        urgent = make_told_visit(session)
        ids = {one.id: tellings.locked(session, [one.id])[0].customer.id for one in (visit, urgent)}
    copied(database, old)
    naive = old.is_sqlite
    times = {
        "told_start": at("09:00"), "told_end": at("11:00"), "moment": EVE, "stale": at("11:00"),
    }  # fmt: skip
    if naive:
        times = {name: moment.replace(tzinfo=None) for name, moment in times.items()}
    with old.engine.begin() as connection:
        for number, (visit_id, template, task_class, status) in enumerate(
            [
                (visit.id, "booked", "courtesy", "pending"),
                (urgent.id, "on_the_way", "safety", "sent"),
            ],
            start=1,
        ):
            connection.execute(
                OLD_MESSAGE,
                {
                    **times,
                    "visit": visit_id,
                    "customer": ids[visit_id],
                    "template": template,
                    "task_class": task_class,
                    "status": status,
                    "number": "1",
                    "name": f"<{number}@gridcrew>",
                },
            )

    migrate(old)

    assert missing(old) == []
    with transaction(old) as session:
        waiting, sent = session.exec(select(Message).order_by(sa.text("id"))).all()
        assert (waiting.message_class, waiting.task_class) == (
            MessageClass.SERVICE,
            TaskClass.COURTESY,
        )
        assert (sent.message_class, sent.task_class) == (
            MessageClass.SERVICE_URGENT,
            TaskClass.SAFETY,
        )
        assert (waiting.territory_id, sent.status) == ("humen", MessageStatus.SENT)
        telling = session.exec(select(Telling).where(Telling.visit_id == visit.id)).one()
        assert (telling.version, telling.told_start_at) == ("1", at("09:00"))
        assert queries.of_visit(session, visit_id=visit.id) == [waiting]
        assert tellings.tell_booked(session, visit_ids=[visit.id], now=EVE) == [], "told already"
        outgoing = messages.begin(
            session,
            message_id=waiting.id or 0,
            base_url="http://x",
            key=b"k" * 32,
            sender="a@example.com",
            now=EVE,
        )
        assert isinstance(outgoing, Outgoing)
        assert "[[" not in outgoing.body
        assert "METHOD:REQUEST" in outgoing.calendars[0]
        everything = {"channels": frozenset(Channel), "now": EVE}
        number = waiting.id or 0
        messages.fail(session, message_id=number, error="550", final=True, **everything)
        assert len(session.exec(select(Message)).all()) == 2, (
            "nothing is left to write it anew from"
        )
        assert [alert.key for alert in open_alerts(session)] == ["message.failed"]
