"""Which event is told to whom, once; what becomes of it; and sending it again."""

import json
from datetime import timedelta

import pytest
from sqlmodel import Session, select
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from dispatch.core import events
from dispatch.core.db import Database, transaction
from dispatch.core.lifecycle import IllegalMove
from dispatch.core.tables import Alert, Event, Task
from dispatch.registry.territories import NoSuchTerritory
from dispatch.webhooks import cloud_events, deliveries, fanning, subscribers
from dispatch.webhooks.deliveries import BadReplay, NoSuchDelivery, Outgoing, Resting
from dispatch.webhooks.secrets import headers, secret_of
from dispatch.webhooks.subscribers import DISABLED_AFTER, OLD_SECRET_FOR, RESTS, BadWebhook
from dispatch.webhooks.tables import DeliveryStatus, Webhook, WebhookDelivery, WebhookStatus
from tests.builders.registry import ADMIN, make_territory
from tests.builders.webhooks import KEY, deliveries_of, happen, make_webhook, tell
from tests.instants import NOW, minutes
from tests.racing import at_once

SOURCE = "https://gridcrew.example"


def started(database: Database, **values: object) -> str:
    """A subscriber; the events before it are sealed."""
    events.seal(database, KEY)
    with transaction(database) as session:
        return make_webhook(session, **values).id  # type: ignore[arg-type]


def one_waiting(database: Database) -> tuple[str, int]:
    """A subscriber and its one delivery."""
    webhook_id = started(database)
    with transaction(database) as session:
        happen(session, "visit.moved")
    assert tell(database) == 1
    with database.reading() as session:
        return webhook_id, deliveries_of(session, webhook_id)[0].id or 0


def begin(session: Session, number: int, **values: object) -> Outgoing | Resting | None:
    return deliveries.begin(
        session,
        delivery_id=number,
        key=KEY,
        source=SOURCE,
        now=NOW,
        **values,  # type: ignore[arg-type]
    )


def fail(session: Session, number: int, **values: object) -> DeliveryStatus | None:
    said = {"code": 500, "error": "answered 500", "final": False, "now": NOW, **values}
    return deliveries.fail(session, delivery_id=number, **said)  # type: ignore[arg-type]


# -- who is told -----------------------------------------------------------------------------------


def test_a_subscriber_is_told_of_what_it_asked_for_from_then_on(database: Database) -> None:
    with transaction(database) as session:
        make_territory(session)
        happen(session, "visit.moved", territory_id="humen")
    webhook_id = started(database, event_types=("visit.*", "plan.made"), territories=("humen",))
    with transaction(database) as session:
        happen(session, "visit.moved", "plan.made", "plan.other", "visitor.x", territory_id="humen")
        happen(session, "visit.moved")

    assert tell(database) == 2
    assert tell(database) == 0
    with database.reading() as session:
        rows = deliveries_of(session, webhook_id)
        assert [row.type for row in rows] == ["visit.moved", "plan.made"]
        tasks = session.exec(select(Task).where(Task.kind == "webhook.deliver")).all()
        assert [task.payload["delivery_id"] for task in tasks] == [row.id for row in rows]
        assert {task.max_attempts for task in tasks} == {7}


def test_each_event_is_told_once_however_many_sweepers_there_are(database: Database) -> None:
    webhook_id = started(database)
    with transaction(database) as session:
        happen(session, *["visit.moved"] * 20)
    events.seal(database, KEY)

    def sweep() -> None:
        with transaction(database) as session:
            fanning.fan_out(session, [webhook_id], now=NOW)

    assert at_once(sweep, sweep, sweep) == ["done"] * 3
    with database.reading() as session:
        assert len(deliveries_of(session, webhook_id)) == 20


def test_what_a_subscriber_does_not_take_waits_in_the_trail(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanning, "MOST_WAITING", 3)
    webhook_id = started(database)
    with transaction(database) as session:
        happen(session, *["visit.moved"] * 5)

    assert [tell(database), tell(database)] == [3, 0]
    with transaction(database) as session:
        for row in deliveries_of(session, webhook_id):
            deliveries.succeed(session, delivery_id=row.id or 0, code=204, now=NOW)
    assert tell(database) == 2


def test_a_filter_that_is_none_is_refused_by_its_place(session: Session) -> None:
    for types, field in (
        ((), "event_types"),
        (("visit.done", "Visit.*"), "event_types.1"),
        (("*.done",), "event_types.0"),
        (("visit.*",) * 51, "event_types"),
    ):
        with pytest.raises(BadWebhook) as refused:
            make_webhook(session, event_types=types)
        assert refused.value.details["field"] == field
    with pytest.raises(NoSuchTerritory):
        make_webhook(session, territories=("atlantis",))


# -- what is sent ----------------------------------------------------------------------------------


def test_an_event_is_a_cloud_event_of_ids_and_states_and_nothing_else(session: Session) -> None:
    event = events.record(
        session,
        "visit.not_done",
        entity="visit",
        entity_id="W-000001-1",
        actor=ADMIN,
        now=NOW,
        from_status="arrived",
        to_status="not_done",
        territory_id="humen",
        happened_at=NOW - minutes(1),
        data={
            "crew_id": "K01",
            "note": "陈小明不在家",
            "customer": "陈小明",
            "visit_ids": ["a", 1],
        },
    )
    session.flush()

    told = json.loads(cloud_events.body_of(event, source=SOURCE))

    assert {"specversion", "id", "source", "type"} <= set(told), "what CloudEvents 1.0 requires"
    assert told["specversion"] == "1.0"
    assert told["type"] == "gridcrew.visit.not_done"
    assert told["source"] == f"{SOURCE}/territories/humen"
    assert told["subject"] == "visit/W-000001-1"
    assert told["time"] == "2026-03-09T22:59:00Z"
    assert told["data"]["to_status"] == "not_done"
    assert told["data"]["crew_id"] == "K01"
    assert told["data"]["visit_ids"] == ["a", 1]
    assert "陈小明" not in json.dumps(told, ensure_ascii=False)


def test_an_attempt_is_signed_so_that_the_library_verifies_it(database: Database) -> None:
    webhook_id, number = one_waiting(database)

    with transaction(database) as session:
        step = begin(session, number)

    assert isinstance(step, Outgoing)
    secret = secret_of(KEY, webhook_id, 1)
    signed = Verifier(secret).sign(step.headers["webhook-id"], NOW, step.body)
    assert step.headers["webhook-signature"] == signed
    assert step.headers["content-type"].startswith("application/cloudevents+json")
    assert len(secret) == len("whsec_") + 44


def test_nothing_secret_is_in_the_database(database: Database) -> None:
    webhook_id, _ = one_waiting(database)
    secret = secret_of(KEY, webhook_id, 1).removeprefix("whsec_")

    with database.reading() as session:
        rows = [*session.exec(select(Webhook)), *session.exec(select(Event))]
    assert secret not in str([row.model_dump() for row in rows])
    assert secret_of(b"another key" * 4, webhook_id, 1) != secret_of(KEY, webhook_id, 1)
    assert secret_of(KEY, "H-000002", 1) != secret_of(KEY, webhook_id, 1)


def test_for_a_day_after_a_new_secret_both_are_signed_with(session: Session) -> None:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    webhook = make_webhook(session, now=now)
    subscribers.renew_secret(session, webhook, actor=ADMIN, now=now)
    old, new = secret_of(KEY, webhook.id, 1), secret_of(KEY, webhook.id, 2)

    during = headers(KEY, webhook, message_id="m", body="{}", now=now)
    for secret in (old, new):
        Verifier(secret).verify("{}", during)

    webhook.old_secret_until = now - timedelta(seconds=1)
    after = headers(KEY, webhook, message_id="m", body="{}", now=now)
    Verifier(new).verify("{}", after)
    with pytest.raises(WebhookVerificationError):
        Verifier(old).verify("{}", after)
    assert timedelta(hours=24) == OLD_SECRET_FOR


# -- what becomes of it ----------------------------------------------------------------------------


def test_a_delivery_that_was_taken_is_not_sent_again(database: Database) -> None:
    webhook_id, number = one_waiting(database)
    with transaction(database) as session:
        begin(session, number)
        fail(session, number)
    with transaction(database) as session:
        session.get_one(Webhook, webhook_id).rests_until = None
        begin(session, number)
        deliveries.succeed(session, delivery_id=number, code=202, now=NOW + minutes(1))

    with transaction(database) as session:
        row = session.get_one(WebhookDelivery, number)
        assert (row.status, row.attempts, row.response_code) == (DeliveryStatus.DELIVERED, 2, 202)
        assert begin(session, number) is None
        webhook = session.get_one(Webhook, webhook_id)
        assert (webhook.failures, webhook.failing_since) == (0, None)


def test_a_subscriber_that_is_away_is_left_alone_longer_and_longer(database: Database) -> None:
    webhook_id, number = one_waiting(database)
    now, rests = NOW, []
    for _ in range(4):
        with transaction(database) as session:
            fail(session, number, code=None, error="ConnectError", now=now)
            fail(session, number, code=503, now=now)  # together with another one
            webhook = session.get_one(Webhook, webhook_id, populate_existing=True)
            assert webhook.rests_until is not None
            rests.append((webhook.rests_until - now).total_seconds())
            held = deliveries.begin(session, delivery_id=number, key=KEY, source=SOURCE, now=now)
            assert held == Resting(webhook.rests_until)
            now = webhook.rests_until

    assert rests == [*RESTS, RESTS[-1]]


def test_a_subscriber_that_asks_for_a_pause_gets_it(database: Database) -> None:
    webhook_id, number = one_waiting(database)

    with transaction(database) as session:
        fail(session, number, code=429, pause=timedelta(seconds=77))

    with database.reading() as session:
        assert session.get_one(Webhook, webhook_id).rests_until == NOW + timedelta(seconds=77)


def test_one_event_that_is_not_taken_holds_up_no_other(database: Database) -> None:
    webhook_id, number = one_waiting(database)

    with transaction(database) as session:
        assert fail(session, number, code=400) is DeliveryStatus.WAITING
        webhook = session.get_one(Webhook, webhook_id, populate_existing=True)
        assert (webhook.rests_until, webhook.failing_since) == (None, NOW)
        assert fail(session, number, code=400, final=True) is DeliveryStatus.FAILED


def test_a_subscriber_that_fails_for_days_is_told_no_more_until_somebody_enables_it(
    database: Database,
) -> None:
    webhook_id, number = one_waiting(database)
    later = NOW + DISABLED_AFTER
    with transaction(database) as session:
        fail(session, number)
        assert fail(session, number, now=later - minutes(1)) is DeliveryStatus.WAITING
        assert fail(session, number, now=later) is DeliveryStatus.FAILED
        webhook = session.get_one(Webhook, webhook_id, populate_existing=True)
        assert (webhook.status, webhook.reason) == (WebhookStatus.DISABLED, "failing")
        assert session.get_one(Alert, f"webhook.disabled:{webhook_id}").resolved_at is None
        happen(session, "visit.moved")
    assert tell(database) == 0

    with transaction(database) as session:
        webhook = subscribers.get(session, webhook_id)
        subscribers.enable(session, webhook, skip_missed=False, actor=ADMIN, now=later)
        assert session.get_one(Alert, f"webhook.disabled:{webhook_id}").resolved_at == later
    assert tell(database) == 1, "what it missed"


def test_what_was_missed_can_be_skipped(database: Database) -> None:
    webhook_id = started(database)
    with transaction(database) as session:
        webhook = subscribers.get(session, webhook_id)
        subscribers.disable(session, webhook, reason="by_hand", actor=ADMIN, now=NOW)
        happen(session, "visit.moved")
    assert tell(database) == 0
    with transaction(database) as session:
        webhook = subscribers.get(session, webhook_id)
        subscribers.enable(session, webhook, skip_missed=True, actor=ADMIN, now=NOW)

    assert tell(database) == 0


def test_a_subscriber_that_is_gone_is_disabled_at_once(database: Database) -> None:
    webhook_id, number = one_waiting(database)

    with transaction(database) as session:
        assert fail(session, number, code=410) is DeliveryStatus.FAILED

    with database.reading() as session:
        assert session.get_one(Webhook, webhook_id).reason == "gone"


# -- again -----------------------------------------------------------------------------------------


def test_a_replay_is_sent_with_the_same_id_and_body(database: Database) -> None:
    webhook_id, number = one_waiting(database)
    with transaction(database) as session:
        first = begin(session, number)
        deliveries.succeed(session, delivery_id=number, code=204, now=NOW)
    with transaction(database) as session:
        webhook = subscribers.get(session, webhook_id)
        deliveries.replay(session, webhook, delivery_id=number, actor=ADMIN, now=NOW)

    with transaction(database) as session:
        again = begin(session, number)
        tasks = session.exec(select(Task).where(Task.kind == "webhook.deliver")).all()
    assert isinstance(first, Outgoing)
    assert isinstance(again, Outgoing)
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert again.body == first.body
    assert len(tasks) == 2


def test_a_span_is_replayed_all_or_what_failed(database: Database) -> None:
    webhook_id = started(database)
    with transaction(database) as session:
        happen(session, *["visit.moved"] * 4)
    tell(database)
    with transaction(database) as session:
        numbers = [row.id or 0 for row in deliveries_of(session, webhook_id)]
        deliveries.succeed(session, delivery_id=numbers[0], code=204, now=NOW)
        fail(session, numbers[1], code=400, final=True)
        fail(session, numbers[2], code=400, final=True)
        webhook = subscribers.get(session, webhook_id)

        def replayed(**which: object) -> list[int | None]:
            found = deliveries.replay(session, webhook, actor=ADMIN, now=NOW, **which)  # type: ignore[arg-type]
            return [row.id for row in found]

        span = {"begin_at": NOW, "end_at": NOW + minutes(1)}
        assert replayed(**span, status=DeliveryStatus.FAILED) == numbers[1:3]
        assert replayed(**span) == numbers[:1], "what waits is left to wait"
        assert replayed(begin_at=NOW - minutes(1), end_at=NOW) == []
        with pytest.raises(IllegalMove):
            replayed(delivery_id=numbers[3])
        with pytest.raises(NoSuchDelivery):
            replayed(delivery_id=999)
        for which in ({}, {"begin_at": NOW}, {"delivery_id": 1, **span}):
            with pytest.raises(BadReplay):
                replayed(**which)


def test_too_many_to_replay_are_refused_by_the_end_of_the_span(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "MOST_REPLAYED", 1)
    webhook_id = started(database)
    with transaction(database) as session:
        happen(session, *["visit.moved"] * 2)
    tell(database)
    with transaction(database) as session:
        for row in deliveries_of(session, webhook_id):
            fail(session, row.id or 0, code=400, final=True)
        webhook = subscribers.get(session, webhook_id)

        with pytest.raises(BadReplay) as caught:
            deliveries.replay(
                session,
                webhook,
                begin_at=NOW,
                end_at=NOW + minutes(1),
                actor=ADMIN,
                now=NOW,
            )

    assert caught.value.details["field"] == "end_at"


def test_a_test_is_sent_to_a_subscriber_that_is_disabled_too(database: Database) -> None:
    webhook_id = started(database)
    with transaction(database) as session:
        webhook = subscribers.get(session, webhook_id)
        subscribers.disable(session, webhook, reason="by_hand", actor=ADMIN, now=NOW)
        made = deliveries.send_test(session, webhook, actor=ADMIN, now=NOW)
        step = begin(session, made.id or 0)

    assert isinstance(step, Outgoing)
    assert json.loads(step.body)["type"] == "gridcrew.webhook.test"


def test_deliveries_are_forgotten_after_ninety_days_but_not_what_waits(database: Database) -> None:
    webhook_id = started(database)
    with transaction(database) as session:
        happen(session, "visit.moved", "visit.moved")
    tell(database)
    with transaction(database) as session:
        first, second = deliveries_of(session, webhook_id)
        deliveries.succeed(session, delivery_id=first.id or 0, code=204, now=NOW)
        assert deliveries.forget(session, now=NOW + timedelta(days=90)) == 0
        assert deliveries.forget(session, now=NOW + timedelta(days=91)) == 1
        assert [row.id for row in deliveries_of(session, webhook_id)] == [second.id]


def test_who_is_removed_is_told_nothing_more(database: Database) -> None:
    webhook_id, number = one_waiting(database)

    with transaction(database) as session:
        webhook = subscribers.get(session, webhook_id)
        subscribers.remove(session, webhook, actor=ADMIN, now=NOW)

    with transaction(database) as session:
        assert begin(session, number) is None
        assert session.exec(select(Event).where(Event.type == "webhook.removed")).one()
