"""The texts of messages are edited: drafts, proofs, versions."""

from typing import Any

import pytest
from sqlmodel import Session, select

from dispatch.contact import editing, tellings, trials
from dispatch.contact.editing import NoSuchTemplate
from dispatch.contact.kinds import KINDS
from dispatch.contact.placeholders import examples, placeholders
from dispatch.contact.proofing import BadTemplate, proof
from dispatch.contact.tables import Message, TextKind
from dispatch.contact.texts import LANGUAGES, shipped
from dispatch.core.tables import Task
from tests.builders.contact import make_told_visit
from tests.builders.registry import ADMIN
from tests.dispatch.contact.test_tellings import EVE
from tests.instants import NOW, at

EMAIL, SMS = TextKind.EMAIL, TextKind.SMS


def save(session: Session, subject: str, body: str, **given: Any) -> int:
    which = {"name": "booked", "kind": EMAIL, "language": "en", **given}
    return editing.save(session, subject=subject, body=body, actor=ADMIN, now=NOW, **which).number


def activate(session: Session, number: int) -> None:
    editing.activate(
        session, name="booked", kind=EMAIL, language="en", number=number, actor=ADMIN, now=NOW
    )


def body_told(session: Session) -> Message:
    visit = make_told_visit(session, language="en")
    (message,) = tellings.tell_booked(session, visit_ids=[visit.id], now=EVE)
    return message


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("kind", TextKind)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_texts_that_gridcrew_comes_with_pass_their_own_proof(
    name: str, kind: TextKind, language: str
) -> None:
    if editing.has_text(name, kind, language):
        proof(name, kind, shipped(name, language, kind))


def test_every_template_has_placeholders_with_examples_in_both_languages() -> None:
    for name in KINDS:
        for language in LANGUAGES:
            for values in examples(name, language):
                assert set(values) == set(placeholders(name))


def test_a_draft_changes_nothing_until_it_is_put_in_force(session: Session) -> None:
    number = save(session, "{{ company }}: come in", "Dear {{ reader }}, {{ day }}. [[link]]")

    before = body_told(session)
    activate(session, number)
    after = body_told(session)

    assert (before.template_version, after.template_version) == (0, 1)
    assert after.subject == "Branch: come in"
    assert after.body == "Dear 陈小明, Tuesday, March 10, 2026. [[link]]\n"
    assert "we have arranged" in before.body, "what is written keeps its words"


def test_an_earlier_version_can_be_put_back_and_so_can_the_shipped_one(session: Session) -> None:
    first = save(session, "one", "one")
    second = save(session, "two", "two")
    for number, word in ((first, "one"), (second, "two"), (first, "one"), (0, "we have arranged")):
        activate(session, number)
        assert word in body_told(session).body

    found = editing.versions(session, name="booked", kind=EMAIL, language="en")
    assert [(one.number, one.is_active, one.is_draft) for one in found] == [
        (2, False, False),
        (1, False, False),
        (0, True, False),
    ]


def test_other_languages_and_kinds_keep_their_texts(session: Session) -> None:
    activate(session, save(session, "one", "one"))

    (message,) = tellings.tell_booked(session, visit_ids=[make_told_visit(session).id], now=EVE)

    assert message.template_version == 0
    assert "我们已为您安排" in message.body


@pytest.mark.parametrize(
    ("subject", "body", "field", "line", "placeholder"),
    [
        ("x", "one\ntwo {{ custmer }}", "body", 2, "custmer"),
        ("{{ nam }}", "x", "subject", 1, "nam"),
        ("x", "{% if not promised %}\n{{ secret }}{% endif %}", "body", 2, "secret"),
        ("x", "{% for visit in visits %}\n\n{{ visit.nam }}{% endfor %}", "body", 3, None),
        ("x", "a\n{{ day", "body", 2, None),
        ("x", "{% if promised %}", "body", 1, None),
        ("x", "a\nb [[lnk]]", "body", 2, "[[lnk]]"),
        ("x", "{{ range(9) }}", "body", 1, "range"),
        ("x", "{{ day.__class__.__mro__ }}", "body", 1, None),
        ("x", "{{ 'x' * 999999999 }}", "body", 1, None),
        ("x", "{{ day | center(999999999) }}", "body", 1, None),
        ("x", "\n{{ 1 / 0 }}", "body", 2, None),
        ("x", "{% include 'passwords' %}", "body", 1, None),
        ("", "x", "subject", 1, None),
        ("a\nb", "x", "subject", 1, None),
        ("x", " ", "body", 1, None),
        ("x", "x" * 4001, "body", 1, None),
        ("{{ '' }}", "x", "subject", 1, None),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused_with_its_field_line_and_placeholder(
    session: Session, subject: str, body: str, field: str, line: int, placeholder: str | None
) -> None:
    with pytest.raises(BadTemplate) as caught:
        save(session, subject, body)

    details = caught.value.details
    assert (details["field"], details["line"]) == (field, line)
    assert details.get("placeholder") == placeholder


def test_an_sms_has_no_subject_and_is_short(session: Session) -> None:
    with pytest.raises(BadTemplate, match="no subject"):
        save(session, "x", "y", kind=SMS)
    with pytest.raises(BadTemplate, match="SMS"):
        save(session, "", "电" * 250, kind=SMS)

    assert save(session, "", "{{ day }} [[link]]", kind=SMS) == 1


def test_the_length_of_an_sms_counts_its_links_as_they_are_sent(session: Session) -> None:
    links_only = "{% for visit in visits %}{{ visit.link }}{% endfor %}"  # two of 72 in the example

    assert save(session, "", f"{links_only}{'电' * 57}", kind=SMS) == 1
    with pytest.raises(BadTemplate, match="4 SMS"):
        save(session, "", f"{links_only}{'电' * 58}", kind=SMS)


def test_a_text_that_is_not_about_a_visit_has_no_link(session: Session) -> None:
    with pytest.raises(BadTemplate) as caught:
        save(session, "x", "[[link]]", name="planned_outage")

    assert caught.value.details["placeholder"] == "[[link]]"


def test_a_preview_shows_an_example_or_a_real_visit_and_keeps_nothing(session: Session) -> None:
    visit = make_told_visit(session, language="en", window=(at("09:00"), at("11:00")))
    asked: dict[str, Any] = {
        "name": "booked", "kind": EMAIL, "language": "en", "subject": "s {{ span }}",
        "body": "{{ purpose }} for {{ reader }}",
    }  # fmt: skip

    example = editing.preview(session, **asked)
    real = editing.preview(session, **asked, visit_id=visit.id)

    assert example.body == "meter exchange for Chen Xiaoming\n"
    assert real.body == "meter exchange for 陈小明\n"
    assert real.subject == "s 9:00 – 11:00 AM"
    assert session.exec(select(Message)).all() == []


def test_a_preview_of_a_text_about_no_visit_takes_none(session: Session) -> None:
    with pytest.raises(BadTemplate) as caught:
        editing.preview(
            session,
            name="restoration",
            kind=EMAIL,
            language="en",
            subject="x",
            body="x",
            visit_id="W-1",
        )

    assert caught.value.details["field"] == "visit_id"


@pytest.mark.parametrize(
    ("name", "language", "number"), [("nothing", "en", 0), ("booked", "fr", 0), ("booked", "en", 7)]
)
def test_what_does_not_exist_is_not_put_in_force(
    session: Session, name: str, language: str, number: int
) -> None:
    with pytest.raises(NoSuchTemplate):
        editing.activate(
            session,
            name=name,
            kind=EMAIL,
            language=language,
            number=number,
            actor=ADMIN,
            now=NOW,
        )


@pytest.mark.parametrize(
    ("channel", "address", "field"),
    [("email", "nowhere", "address"), ("sms", "12", "address"), ("print", "x", "channel")],
)
def test_a_test_needs_an_address_that_the_channel_leads_to(
    session: Session, channel: str, address: str, field: str
) -> None:
    with pytest.raises(BadTemplate) as caught:
        trials.ask(
            session,
            name="booked",
            kind=EMAIL,
            language="en",
            number=0,
            channel=channel,
            address=address,
            actor=ADMIN,
            now=NOW,
        )

    assert caught.value.details["field"] == field
    assert session.exec(select(Task)).all() == []
