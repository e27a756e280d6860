"""What a customer does on the page of a link, and what scanners, strangers and doubles cannot."""

import logging
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from icalendar import Calendar
from starlette.testclient import TestClient

from dispatch.contact import links, preferences, revoking, surveys
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Event
from dispatch.field import positions
from dispatch.field.positions import Position
from dispatch.registry.tables import Crew, Customer
from dispatch.work import promises, visits
from dispatch.work.tables import Visit, WorkOrder
from tests.api.conftest import SignIn, VirtualClock
from tests.builders import planning as day_of
from tests.builders.contact import work_off
from tests.builders.registry import ADMIN, DISPATCHER, make_shift
from tests.builders.work import go
from tests.instants import DAY, NOW, at

HTML = {"Accept": "text/html"}
TOMORROW = DAY + timedelta(days=1)
ACTIONS = ("confirm", "window", "cancel", "uncancel", "note", "call")
EVENING = timedelta(hours=-10)
"""From NOW to the evening before, when a cancellation can still be taken back."""


@pytest.fixture
def visit_id(database: Database) -> str:
    """A published visit of crew K01, promised for 08:00 to 10:00; the crew works tomorrow too."""
    with transaction(database) as session:
        day_of.crew_on(session, "K01")
        make_shift(session, crew=session.get_one(Crew, "K01"), day=TOMORROW)
        visit = day_of.job(session)
        promises.book(
            session, visit, start_at=at("08:00"), end_at=at("10:00"), actor=DISPATCHER, now=NOW
        )
        day_of.published(session)
        return visit.id


@pytest.fixture
def link(visit_id: str, settings: Settings, database: Database) -> str:
    with transaction(database) as session:
        visit = session.get_one(Visit, visit_id)
        return "/v/" + links.for_visit(session, settings.key, visit, now=NOW)


def nonce_of(client: TestClient, address: str) -> str:
    found = re.search(r'name="nonce" value="([^"]+)"', client.get(address, headers=HTML).text)
    assert found, "the page has a form"
    return found[1]


def post(client: TestClient, address: str, **form: str) -> int:
    """Send the form as a browser without a script does; the status of the answer itself."""
    answer = client.post(
        address,
        content=urlencode(form),
        headers={**HTML, "Content-Type": "application/x-www-form-urlencoded"},
        follow_redirects=False,
    )
    return answer.status_code


def press(client: TestClient, link: str, what: str, **form: str) -> str:
    """Open the page, press the button; what the page says then."""
    answer = client.post(
        f"{link}/{what}",
        content=urlencode({"nonce": nonce_of(client, link), **form}),
        headers={**HTML, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 200, answer.text
    found = re.search(r'<p class="notice[^>]*>.*?<span>(.*?)</span>', answer.text, re.DOTALL)
    return found[1] if found else ""


def trail(database: Database, visit_id: str) -> list[str]:
    with database.reading() as session:
        return list(
            session.execute(
                sa.select(Event.type)  # type: ignore[call-overload]
                .where(Event.entity_id == visit_id, Event.role == "customer")
                .order_by(Event.id)
            ).scalars()
        )


def tables(database: Database) -> dict[str, str]:
    with database.engine.connect() as connection:
        return {
            name: str(sorted(map(str, connection.exec_driver_sql(f'SELECT * FROM "{name}"'))))
            for name in sa.inspect(connection).get_table_names()
        }


def test_a_scanner_that_opens_every_link_of_the_page_changes_nothing(
    anonymous: TestClient, link: str, database: Database
) -> None:
    before = tables(database)

    for _ in range(5):
        page = anonymous.get(link, headers=HTML).text
        addresses = set(re.findall(r'(?:href|src|action)="([^"]+)"', page))
        for address in addresses:
            assert address.startswith(("/", "#")), "nothing of another site"
            anonymous.get(address, headers=HTML)
            anonymous.head(address)

    assert tables(database) == before


@pytest.mark.parametrize("what", ACTIONS)
def test_a_form_without_the_pages_nonce_does_nothing(
    anonymous: TestClient, link: str, database: Database, what: str
) -> None:
    before = tables(database)
    stale = nonce_of(anonymous, link)

    for nonce in ("", "x", stale[:-1] + ("A" if stale[-1] != "A" else "B"), stale.swapcase()):
        assert post(anonymous, f"{link}/{what}", nonce=nonce) == 403

    assert tables(database) == before


def test_a_nonce_is_of_its_link_alone_and_for_twelve_hours(
    anonymous: TestClient,
    link: str,
    visit_id: str,
    settings: Settings,
    database: Database,
    clock: VirtualClock,
) -> None:
    nonce = nonce_of(anonymous, link)
    with transaction(database) as session:
        visit = session.get_one(Visit, visit_id)
        other = "/v/" + links.for_visit(session, settings.key, visit, now=NOW)

    assert post(anonymous, f"{other}/confirm", nonce=nonce) == 403
    clock.forward(hours=12, minutes=2)
    assert post(anonymous, f"{link}/confirm", nonce=nonce) == 403


def test_json_and_files_are_no_form(anonymous: TestClient, link: str) -> None:
    nonce = nonce_of(anonymous, link)

    as_json = anonymous.post(f"{link}/confirm", json={"nonce": nonce})
    as_file = anonymous.post(f"{link}/confirm", data={"nonce": nonce}, files={"x": b"x"})

    assert (as_json.status_code, as_file.status_code) == (415, 415)


def test_a_form_of_another_sites_page_is_refused_even_with_a_nonce(
    anonymous: TestClient, link: str
) -> None:
    body = urlencode({"nonce": nonce_of(anonymous, link)})
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    for told in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        answer = anonymous.post(f"{link}/confirm", content=body, headers={**form, **told})
        assert answer.status_code == 403

    own = anonymous.post(
        f"{link}/confirm", content=body, headers={**form, "Origin": "null"}, follow_redirects=False
    )
    assert own.status_code == 303, "a page that tells its address to nobody has no origin"


def test_a_form_that_is_sent_twice_has_one_effect(
    anonymous: TestClient, link: str, database: Database, visit_id: str
) -> None:
    nonce = nonce_of(anonymous, link)
    span = f"{at('14:00').isoformat()}/{at('16:00').isoformat()}"

    statuses = [
        post(anonymous, f"{link}/{what}", nonce=nonce, **form)
        for what, form in (
            ("confirm", {}), ("confirm", {}), ("window", {"window": span}), ("window", {"window": span}),
            ("note", {"note": "请按门铃"}), ("note", {"note": "请按门铃"}), ("call", {}), ("call", {}),
        )
    ]  # fmt: skip

    assert statuses == [303] * 8
    assert trail(database, visit_id) == [
        "promise.confirmed", "visit.customer_confirmed", "promise.rescheduled", "promise.booked",
        "visit.booked", "visit.customer_chose", "visit.customer_noted", "visit.customer_wants_call",
    ]  # fmt: skip


def test_every_button_says_what_became_of_it(
    anonymous: TestClient, link: str, clock: VirtualClock
) -> None:
    clock.now += EVENING
    span = f"{at('14:00').isoformat()}/{at('16:00').isoformat()}"
    link_en = link

    said = [
        press(anonymous, link_en, what, lang="en", **form)
        for what, form in (
            ("confirm", {}), ("window", {"window": span}), ("note", {"note": "Ring twice"}),
            ("call", {}), ("cancel", {}), ("uncancel", {}),
        )
    ]  # fmt: skip

    assert said == [
        "Thank you. We have noted that the time suits you.", "Your new time is booked.",
        "Saved. The crew will see it.", "We will call you.", "The appointment is cancelled.",
        "The appointment stands again.",
    ]  # fmt: skip
    assert "2:00 – 4:00 PM" in anonymous.get(link, params={"lang": "en"}, headers=HTML).text


def test_a_window_that_is_gone_is_said_beside_those_that_are_left(
    anonymous: TestClient, link: str, database: Database, visit_id: str
) -> None:
    nonce = nonce_of(anonymous, f"{link}/windows")
    gone = f"{at('03:00').isoformat()}/{at('05:00').isoformat()}"

    answer = anonymous.post(
        f"{link}/window",
        content=urlencode({"nonce": nonce, "window": gone, "day": DAY.isoformat(), "lang": "en"}),
        headers={**HTML, "Content-Type": "application/x-www-form-urlencoded"},
    )

    assert "Somebody else has just taken that time." in answer.text
    assert 'name="window"' in answer.text
    assert trail(database, visit_id) == []


@pytest.mark.parametrize("window", ["", "soon", "2026-03-10T09:00/2026-03-10T11:00", "a/b/c"])
def test_a_window_that_is_none_is_refused(anonymous: TestClient, link: str, window: str) -> None:
    nonce = nonce_of(anonymous, link)
    answer = anonymous.post(
        f"{link}/window",
        content=urlencode({"nonce": nonce, "window": window}),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert (answer.status_code, answer.json()["field"]) == (422, "window")


def test_who_changed_the_appointment_goes_on_with_the_link_and_every_other_one_ends(
    anonymous: TestClient, link: str, database: Database, settings: Settings, visit_id: str
) -> None:
    with transaction(database) as session:
        visit = session.get_one(Visit, visit_id)
        older = "/v/" + links.for_visit(session, settings.key, visit, now=NOW)
    span = f"{at('14:00').isoformat()}/{at('16:00').isoformat()}"

    press(anonymous, link, "window", window=span)

    assert anonymous.get(link, headers=HTML).status_code == 200
    ended = anonymous.get(older, headers=HTML)
    assert ended.status_code == 410
    assert "链接已失效" in ended.text


def test_a_new_appointment_an_opt_out_and_taking_back_end_a_link(
    anonymous: TestClient, link: str, database: Database, settings: Settings, visit_id: str
) -> None:
    def status() -> int:
        return anonymous.get(link, headers=HTML).status_code

    with transaction(database) as session:
        customer_id = session.execute(sa.select(Customer.id)).scalars().first()  # type: ignore[call-overload]
        session.get_one(Customer, customer_id).wants_messages = False
    assert status() == 410
    with transaction(database) as session:
        session.get_one(Customer, customer_id).wants_messages = True
    assert status() == 200
    for change in (preferences.stop, preferences.resume):
        with transaction(database) as session:
            change(session, customer_id=customer_id, actor=ADMIN, now=NOW)
        assert status() == (410 if change is preferences.stop else 200)
    with transaction(database) as session:
        promises.reschedule(
            session,
            visits.get(session, visit_id),
            start_at=at("12:00"),
            end_at=at("14:00"),
            actor=DISPATCHER,
            now=NOW,
        )
    assert status() == 410
    with transaction(database) as session:
        visit = session.get_one(Visit, visit_id)
        newer = "/v/" + links.for_visit(session, settings.key, visit, now=NOW)
    assert anonymous.get(newer).status_code == 200
    with transaction(database) as session:
        revoking.revoke_of_subject(session, subject=visit_id, actor=ADMIN, now=NOW)
    assert anonymous.get(newer).status_code == 410


def test_the_page_does_not_show_the_window_that_was_put_off(
    anonymous: TestClient, link: str, visit_id: str, database: Database
) -> None:
    with transaction(database) as session:
        session.exec(sa.update(Customer).values(email="chen@example.com"))
        work_off(session, now=at("08:00"))
        visits.act(
            session, visits.get(session, visit_id), "withdraw", actor=DISPATCHER, now=at("08:00")
        )
        work_off(session, now=at("08:00"))
    waiting = anonymous.get(link, headers=HTML).text
    with transaction(database) as session:
        work_off(session, now=at("08:30"))
    put_off = anonymous.get(link, headers=HTML).text

    assert "08:00" in waiting
    assert "已延期" not in waiting
    assert "08:00" not in put_off
    assert "已延期" in put_off


def test_the_crew_is_on_the_map_only_while_it_is_on_its_way_and_only_about(
    anonymous: TestClient, link: str, database: Database, visit_id: str, clock: VirtualClock
) -> None:
    def has_map() -> bool:
        return 'class="map"' in anonymous.get(link, headers=HTML).text

    with transaction(database) as session:
        here = Position(lat=22.8151234, lon=113.6741234, device_at=clock())
        positions.report(session, crew_id="K01", positions=[here], now=clock())
    assert not has_map()
    clock.forward(minutes=30)
    with transaction(database) as session:
        visit = visits.get(session, visit_id)
        go(session, visit, "dispatch") if "dispatch" in visits.allowed(visit) else None
        for action in ("accept", "depart"):
            visits.act(session, visit, action, actor=DISPATCHER, now=clock())
    assert not has_map(), "where it was before it left for this customer is not shown"
    clock.forward(minutes=1)
    with transaction(database) as session:
        here = Position(lat=22.8171234, lon=113.6751234, device_at=clock())
        positions.report(session, crew_id="K01", positions=[here], now=clock())
    assert has_map()
    assert "1234" not in re.sub(r'"[^"]{60,}"', "", anonymous.get(link).text)
    with transaction(database) as session:
        visits.act(session, visits.get(session, visit_id), "arrive", actor=DISPATCHER, now=clock())
    assert not has_map()


def test_the_calendar_file_is_the_window_and_holds_no_secret(
    anonymous: TestClient, link: str
) -> None:
    page = anonymous.get(link, headers=HTML).text
    answer = anonymous.get(f"{link}/appointment.ics")

    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert answer.headers["content-type"].startswith("text/calendar")
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (at("08:00"), at("10:00"))
    assert event["status"] == "CONFIRMED"
    number = re.search(r'class="digits"[^>]*>(\d{4})<', page)
    assert number
    assert number[1] not in answer.text
    assert link.removeprefix("/v/") not in answer.text


def test_the_office_sees_the_page_and_cannot_press_for_the_customer(
    sign_in: SignIn, visit_id: str, database: Database
) -> None:
    client = sign_in("dispatcher")
    client.get("/api/v1/me")
    before = tables(database)

    page = client.get(f"/customer-page/{visit_id}", headers=HTML)

    assert page.status_code == 200
    assert "<form" not in page.text
    assert "<button" not in page.text
    assert tables(database) == before


def test_no_log_line_holds_a_token(
    anonymous: TestClient,
    link: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    token = link.removeprefix("/v/")
    caplog.set_level(logging.DEBUG)

    anonymous.get(link, headers=HTML)
    anonymous.get(f"{link}/windows")
    post(anonymous, f"{link}/confirm", nonce="none")
    anonymous.get(f"/v/{token[:-1]}/nothing")
    anonymous.get(f"/api/v1/customer-visits/{token}")

    ours = [one for one in caplog.records if not one.name.startswith(("httpx", "httpcore"))]
    said = "".join(one.getMessage() + str(one.__dict__) for one in ours) + "".join(
        capsys.readouterr()
    )
    assert "request" in said, "there are lines to look at"
    assert token[:-1] not in said


def test_pages_of_links_keep_to_themselves(anonymous: TestClient, link: str) -> None:
    for address in (link, f"{link}/windows", f"{link}/appointment.ics", "/v/" + "x" * 48):
        headers = anonymous.get(address, headers=HTML).headers
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "form-action 'self'" in headers["content-security-policy"]


def test_a_finished_visit_asks_two_questions_whose_answers_may_be_changed(
    anonymous: TestClient, link: str, database: Database, visit_id: str, clock: VirtualClock
) -> None:
    nonce = nonce_of(anonymous, link)
    early = post(anonymous, f"{link}/answer", nonce=nonce, score="5", solved="yes")
    assert early == 303
    with transaction(database) as session:
        visit = visits.get(session, visit_id)
        actions = ("dispatch", "accept", "depart", "arrive", "start", "finish")
        for action in actions[0 if "dispatch" in visits.allowed(visit) else 1 :]:
            visits.act(session, visit, action, actor=DISPATCHER, now=clock())

    said = press(anonymous, link, "answer", score="2", solved="no", comment="太慢 <b>", lang="en")
    press(anonymous, link, "answer", score="4", solved="yes", comment="好")

    assert said == "Thank you for your answer."
    with database.reading() as session:
        kept = surveys.get(session, visit_id)
    assert (kept.score, kept.solved, kept.comment) == (4, True, "好")
    page = anonymous.get(link, headers=HTML).text
    assert re.search(r'name="score" value="4" required checked', page)
    for wrong in ("", "0", "6", "x", "9" * 40):
        assert post(anonymous, f"{link}/answer", nonce=nonce_of(anonymous, link), score=wrong) in {
            404,
            422,
        }
    with transaction(database) as session:
        surveys.get(session, visit_id).answered_at = clock() - timedelta(days=8)
    late = press(anonymous, link, "answer", score="1", solved="no", lang="en")
    assert late.startswith("You answered more than a week ago")
    clock.forward(hours=80)
    assert anonymous.get(link).status_code == 410


# -- which messages the customer wants ------------------------------------------------------------------------


def wished(database: Database, visit_id: str) -> tuple[set[str], bool]:
    """What the visit's customer has stopped, and whether they want offers."""
    with database.reading() as session:
        customer_id = session.get_one(WorkOrder, session.get_one(Visit, visit_id).work_order_id)
        found = preferences.get(session, customer_id=customer_id.customer_id)
        return set(found.stopped), found.wants_marketing


def choices_of(database: Database, settings: Settings, visit_id: str) -> str:
    """The link that an email to the visit's customer has."""
    with transaction(database) as session:
        order = session.get_one(WorkOrder, session.get_one(Visit, visit_id).work_order_id)
        return "/c/" + links.for_choices(session, settings.key, [order.customer_id], now=NOW)[0]


@pytest.mark.parametrize("by_email", [False, True])
def test_the_customer_chooses_which_messages_come_and_reads_which_always_do(
    anonymous: TestClient,
    link: str,
    visit_id: str,
    settings: Settings,
    database: Database,
    by_email: bool,
) -> None:
    address = choices_of(database, settings, visit_id) if by_email else link
    page = f"{address}/choices"
    text = anonymous.get(f"{page}?lang=en", headers=HTML).text
    assert "Notices of danger" in text
    assert re.findall(r'name="(\w+)" value="yes" checked', text) == ["service", "survey"]
    assert wished(database, visit_id) == (set(), False), "looking changes nothing"

    assert post(anonymous, page, nonce="x", service="yes") == 403
    nonce = nonce_of(anonymous, page)
    assert post(anonymous, page, nonce=nonce, service="yes", marketing="yes") == 303
    assert wished(database, visit_id) == ({"survey"}, True)
    assert post(anonymous, page, nonce=nonce) == 303
    stopped, wants_offers = wished(database, visit_id)
    assert (stopped, wants_offers) == ({"marketing", "service", "service_urgent", "survey"}, False)
    assert anonymous.get(page, headers=HTML).status_code == 200, "the link goes on with the choice"


def test_the_one_press_of_a_mail_program_stops_the_emails_class_and_a_look_stops_nothing(
    anonymous: TestClient, visit_id: str, settings: Settings, database: Database, link: str
) -> None:
    address = choices_of(database, settings, visit_id) + "?class=survey"

    assert anonymous.get(address, headers=HTML).status_code == 200
    assert post(anonymous, address) == 303, "not what RFC 8058 sends"
    assert wished(database, visit_id) == (set(), False)
    pressed = {"List-Unsubscribe": "One-Click"}
    assert post(anonymous, address, **pressed) == 204
    in_parts = anonymous.post(
        address, files={name: (None, value) for name, value in pressed.items()}
    )
    assert in_parts.status_code == 204, "as mail programs should send it"
    assert wished(database, visit_id) == ({"survey"}, False)
    assert anonymous.get(address.replace("/c/", "/v/"), headers=HTML).status_code == 403
    assert anonymous.get(link.replace("/v/", "/c/"), headers=HTML).status_code == 403


def naming_of(
    database: Database, settings: Settings, visit_id: str, email: str = "son@example.com"
) -> str:
    """Name somebody to be told instead of the visit's customer; the link that emails to this address have."""
    with transaction(database) as session:
        order = session.get_one(WorkOrder, session.get_one(Visit, visit_id).work_order_id)
        preferences.put(
            session, customer_id=order.customer_id, actor=DISPATCHER, now=NOW,
            values={"nominee_name": "陈小华", "nominee_email": "son@example.com", "nominee_instead": True},
        )  # fmt: skip
        named = [(order.customer_id, email)]
        return "/n/" + links.for_namings(session, settings.key, named, now=NOW)[0]


def named(database: Database, visit_id: str) -> str | None:
    with transaction(database) as session:
        order = session.get_one(WorkOrder, session.get_one(Visit, visit_id).work_order_id)
        return preferences.get(session, customer_id=order.customer_id).nominee_email


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Tell me nothing more", "You get no more")),
        ("zh-CN", ("不再通知我", "您不会再收到")),
    ],
)
def test_whom_a_customer_named_ends_that_with_a_button_and_not_by_looking(
    anonymous: TestClient,
    visit_id: str,
    settings: Settings,
    database: Database,
    language: str,
    words: tuple[str, str],
) -> None:
    page = naming_of(database, settings, visit_id)

    assert words[0] in anonymous.get(f"{page}?lang={language}", headers=HTML).text
    assert post(anonymous, page, nonce="x") == 403
    assert named(database, visit_id) == "son@example.com"

    assert post(anonymous, page, nonce=nonce_of(anonymous, page)) == 303
    assert named(database, visit_id) is None
    after = anonymous.get(f"{page}?lang={language}", headers=HTML).text
    assert words[1] in after
    assert words[0] not in after


def test_the_one_press_of_a_mail_program_ends_the_naming_of_its_own_reader_alone(
    anonymous: TestClient, visit_id: str, settings: Settings, database: Database
) -> None:
    pressed = {"List-Unsubscribe": "One-Click"}
    other = naming_of(database, settings, visit_id, email="daughter@example.com")
    assert post(anonymous, other, **pressed) == 204
    assert named(database, visit_id) == "son@example.com"

    address = naming_of(database, settings, visit_id)
    in_parts = anonymous.post(
        address, files={name: (None, value) for name, value in pressed.items()}
    )
    assert in_parts.status_code == 204
    assert named(database, visit_id) is None
    assert post(anonymous, address, **pressed) == 204, "again it changes nothing"
    assert anonymous.get(address.replace("/n/", "/c/"), headers=HTML).status_code == 403
