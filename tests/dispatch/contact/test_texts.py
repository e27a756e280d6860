"""The texts of messages."""

import re
import tomllib
from pathlib import Path

import pytest

from dispatch.contact import texts
from dispatch.contact.kinds import KINDS
from dispatch.contact.placeholders import PLACES
from dispatch.contact.proofing import LINK
from dispatch.contact.tables import TextKind
from dispatch.work import catalogue
from tests.instants import HUMEN, at

CATALOGUE = tomllib.loads(catalogue.SHIPPED.read_text(encoding="utf-8"))
VISIT = {
    "address": "虎门镇解放路1号",
    "crew": "三班",
    "purpose": "电能表更换",
    "day": "2026年3月10日星期二",
    "span": "09:00–11:00",
    "promised": True,
    "code": "[[code]]",
    "link": "[[link]]",
}
VALUES = {
    **VISIT,
    "company": "虎门供电分局",
    "customer": "陈小明",
    "reader": "陈小明",
    "clock": "10:35",
    "outcome": "已完成",
    "again": False,
    "earlier": False,
    "window": "09:00–11:00",
    "why": "无法进入现场",
    "follows": True,
    "visits": [VISIT],
    "number": "N-2026-0001",
    "known": True,
    "outage": "N-000012",
    "unplanned": True,
    "reported": True,
    "reports": ["R-000034"],
    "what": ["上门服务消息", "满意度回访", "推广信息"],
    "cause": "线路检修",
    "begin": "2026年3月10日星期二 09:00",
    "end": "2026年3月10日星期二 17:00",
    "addresses": ["虎门镇解放路1号", "虎门镇解放路3号"],
}
ENGLISH = {
    "address": "1 Jiefang Road, Humen",
    "crew": "Crew 3",
    "purpose": "work on your metering equipment",
    "day": "Wednesday, September 30, 2026",
    "span": "9:00 AM – 12:30 PM",
    "promised": True,
    "code": "[[code]]",
    "link": "[[link]]",
}
VALUES_IN = {
    "zh-CN": VALUES,
    "en": {
        **VALUES,
        **ENGLISH,
        "company": "Humen Power Supply",
        "customer": "Chen Xiaoming",
        "reader": "Chen Xiaoming",
        "clock": "10:35 AM",
        "outcome": "repaired for the time being; lasting work will follow",
        "why": "we could not get in",
        "what": ["messages about visits", "surveys", "offers"],
        "visits": [ENGLISH],
        "cause": "line maintenance",
        "begin": "Wednesday, September 30, 2026 9:00 AM",
        "end": "Wednesday, September 30, 2026 5:00 PM",
        "addresses": ["1 Jiefang Road, Humen", "3 Jiefang Road, Humen"],
    },
}


@pytest.mark.parametrize("template", KINDS)
@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_kind_of_message_has_a_text_in_every_language(template: str, language: str) -> None:
    values = VALUES_IN[language]

    text = texts.render(template, language, values)

    assert str(values["company"]) in text.subject
    assert str(values["reader"]) in text.body
    assert (texts.LINK in text.body) == (texts.LINK in PLACES.get(KINDS[template].subject, ()))
    assert "{" not in text.body
    assert "\n\n\n" not in text.body, "no gap where a condition left a line out"
    assert all(len(line) < 120 for line in text.body.splitlines())


@pytest.mark.parametrize("template", KINDS)
@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_kind_of_message_has_an_sms_that_fits_in_two(template: str, language: str) -> None:
    values = VALUES_IN[language]

    text = texts.render(template, language, values, TextKind.SMS)

    assert text.subject == ""
    assert len(text.body.splitlines()) == 1
    assert str(values["company"]) in text.body
    assert texts.sms_parts(texts.filled(text.body, link=LINK, code="1234")) <= 2


@pytest.mark.parametrize(
    ("told", "zh", "en"),
    [
        ({}, "可能晚于约定的09:00-11:00", "we will probably miss the agreed time, 9:00 - 11:00 AM"),
        ({"again": True}, "还需再推迟", "needs still more time"),
        ({"again": True, "earlier": True}, "将提前上门", "earlier than we last wrote"),
    ],
)
def test_an_sms_of_another_arrival_says_whether_it_is_later_or_earlier(
    told: dict[str, bool], zh: str, en: str
) -> None:
    windows = {"zh-CN": "09:00–11:00", "en": "9:00 – 11:00 AM"}
    said = {
        language: texts.render(
            "delayed",
            language,
            {**VALUES_IN[language], "window": windows[language], **told},
            TextKind.SMS,
        ).body
        for language in texts.LANGUAGES
    }

    assert zh in said["zh-CN"]
    assert en in said["en"]
    assert ("sorry" in said["en"]) == ("抱歉" in said["zh-CN"]) == ("earlier" not in told)


@pytest.mark.parametrize("template", [name for name, kind in KINDS.items() if kind.merges])
@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_an_sms_of_several_visits_names_each_with_its_day_and_span(
    template: str, language: str
) -> None:
    values = VALUES_IN[language]
    first = values["visits"][0]  # type: ignore[index]
    day, span = ("2026年3月11日", "14:00-16:00")
    more = [{**first, "span": "12:00-13:00"}, {**first, "day": day, "span": span}]
    several = {**values, "visits": [first, *more]}

    one = texts.render(template, language, values, TextKind.SMS).body
    text = texts.render(template, language, several, TextKind.SMS).body

    assert text.count(str(first["purpose"])) == 3
    assert "12:00-13:00" in text
    assert f"{day}{'' if language == 'zh-CN' else ', '}{span}" in text or template == "day_before"
    assert text.count(str(first["day"])) == one.count(str(first["day"])), "a day is named once"
    assert text.count(texts.LINK) == 1
    assert text.count(texts.CODE) == (0 if template in ("put_off", "cancelled") else 3)


def test_an_sms_tells_an_expected_time_as_such() -> None:
    for template in ("booked", "changed", "day_before"):
        for language, word in (("zh-CN", "预计"), ("en", "(expected)")):
            values = VALUES_IN[language]
            expected = {**values["visits"][0], "promised": False}  # type: ignore[index]
            told = texts.render(template, language, values, TextKind.SMS).body
            guessed = texts.render(
                template, language, {**values, "visits": [expected]}, TextKind.SMS
            ).body
            assert (word in told, word in guessed) == (False, True)


def test_an_sms_of_a_planned_outage_says_where() -> None:
    for language, more in (("zh-CN", "等2处"), ("en", " and 1 more")):
        values = VALUES_IN[language]
        text = texts.render("planned_outage", language, values, TextKind.SMS).body
        assert f"{values['addresses'][0]}{more}" in text  # type: ignore[index]


def test_a_notice_that_replaces_another_says_so_and_fits_in_two_sms() -> None:
    for language, subject, sms in (("zh-CN", "时间变更", "改期"), ("en", "new times", "changed:")):
        values = {**VALUES_IN[language], "again": True}
        text = texts.render("planned_outage", language, values, TextKind.SMS).body
        assert subject in texts.render("planned_outage", language, values).subject
        assert sms in text
        assert texts.sms_parts(text) <= 2


def test_the_places_of_a_body_are_filled_whichever_visit_they_belong_to() -> None:
    body = "[[link]] [[code]] [[link 2]] [[code 10]] [[other]]"

    assert texts.filled(body, link="L", code="C") == "L C L C [[other]]"


def test_messages_that_announce_a_crew_tell_the_number_to_check_at_the_door() -> None:
    for template in ("booked", "changed", "day_before", "on_the_way", "delayed", "arrived"):
        for language in texts.LANGUAGES:
            for kind in TextKind:
                assert texts.CODE in texts.render(template, language, VALUES, kind).body


def test_no_template_is_without_a_kind_and_every_one_has_its_short_text() -> None:
    folder = Path(texts.__file__).parent / "templates"
    long = {f"{name}.{language}.txt" for name in KINDS for language in texts.LANGUAGES}
    short = {f"{name}.{language}.sms.txt" for name in KINDS for language in texts.LANGUAGES}

    assert {path.name for path in folder.iterdir()} == long | short


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x" * 160, 1), ("x" * 161, 2), ("x" * 306, 2), ("x" * 307, 3), ("[" * 81, 2),
        ("电" * 70, 1), ("电" * 71, 2), ("电" * 134, 2), ("电" * 135, 3), ("x" * 70 + "电", 2), ("", 1),
    ],
)  # fmt: skip
def test_an_sms_is_counted_as_operators_do(text: str, parts: int) -> None:
    assert texts.sms_parts(text) == parts


def test_a_name_cannot_forge_a_line_or_a_header() -> None:
    values = {**VALUES, "reader": "Eve\r\nBcc: all@example.com\x00\u2028x", "company": "A\nB: c"}
    text = texts.render("booked", "en", values)

    assert "\n" not in text.subject
    assert not re.search(r"^Bcc:", text.body, re.MULTILINE)
    assert "Eve Bcc: all@example.com x" in text.body


def test_a_name_that_looks_like_a_template_is_only_a_name() -> None:
    text = texts.render("booked", "en", {**VALUES, "reader": "{{ 7*7 }}"})

    assert "{{ 7*7 }}" in text.body


def test_dates_and_times_follow_the_language() -> None:
    start, end = at("09:00"), at("13:30")

    assert texts.day_text(start, HUMEN, "zh-CN") == "2026年3月10日星期二"
    assert texts.day_text(start, HUMEN, "en") == "Tuesday, March 10, 2026"
    assert texts.span_text(start, end, HUMEN, "zh-CN") == "09:00–13:30"
    assert texts.span_text(start, end, HUMEN, "en") == "9:00 AM – 1:30 PM"
    assert texts.clock_text(start, HUMEN, "en") == "9:00 AM"


@pytest.mark.parametrize("code", ["DIS-NP", "REC", "NOTICE", "CARE", "SOMETHING-NEW"])
def test_types_that_tell_of_arrears_or_health_are_not_named(code: str) -> None:
    assert texts.purpose(code, "zh-CN") == "现场用电服务"
    assert texts.purpose(code, "en") == "on-site electricity service"


def test_a_type_is_worded_like_the_longest_code_it_continues() -> None:
    assert texts.purpose("OUT-LV-2", "en") == "restoring your supply"
    assert texts.purpose("NC-ENE-HV", "en") == texts.purpose("NC-ENE", "en")
    assert texts.purpose("MTR-XCH", "zh-CN") == "电能表更换"


def test_a_theft_investigation_is_not_announced() -> None:
    assert texts.is_unannounced("INSP-TH")
    assert not texts.is_unannounced("INSP-U")


@pytest.mark.parametrize(
    ("wanted", "given"),
    [("zh-CN", "zh-CN"), ("zh-Hant-HK", "zh-CN"), ("en", "en"), ("en-GB", "en"), ("fr", "en")],
)
def test_every_reader_gets_a_language_of_ours(wanted: str, given: str) -> None:
    assert texts.language_for(wanted) == given


UNNAMED_TYPES = {"DIS-NP", "REC", "NOTICE", "CARE", "INSP-TH", "FU-TEL", "TRAIN"}
UNNAMED_OUTCOMES = {
    "disconnected", "paid_on_site", "not_allowed", "reconnected",  # arrears
    "founded", "unfounded",  # an investigation
    "delivered", "posted",  # notices
    "reached", "not_reached", "trained",  # no visits
}  # fmt: skip


def test_every_work_type_has_words_for_customers_or_is_unnamed_on_purpose() -> None:
    generic = texts.purpose("", "en")
    codes = {row["code"] for row in CATALOGUE["work_type"]}

    assert {code for code in codes if texts.purpose(code, "en") == generic} == UNNAMED_TYPES


def test_every_closing_code_has_words_for_customers_or_is_unnamed_on_purpose() -> None:
    generic = texts.outcome("", "en")
    codes = {code for row in CATALOGUE["work_type"] for code in row["closing"]}

    assert {code for code in codes if texts.outcome(code, "en") == generic} == UNNAMED_OUTCOMES
