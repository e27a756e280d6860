"""The page on which the texts of messages are edited."""

import re

import pytest

from dispatch.contact.kinds import KINDS
from tests.api.conftest import SignIn

PAGE = "/console/templates"


@pytest.mark.parametrize(("language", "word"), [("zh-CN", "消息模板"), ("en", "Texts of messages")])
def test_every_template_opens_in_both_languages(sign_in: SignIn, language: str, word: str) -> None:
    client = sign_in("admin")
    for name in KINDS:
        answer = client.get(PAGE, params={"lang": language, "name": name})

        assert answer.status_code == 200
        assert word in answer.text
        assert f'data-at="/api/v1/templates/{name}/' in answer.text
        assert "messages.template." not in answer.text, "every template has a name"


def test_a_draft_is_opened_by_its_number_and_marked(sign_in: SignIn) -> None:
    client = sign_in("admin")
    client.post(
        "/api/v1/templates/booked/email/en/versions",
        json={"subject": "<s>", "body": "a </textarea> b"},
    )

    text = client.get(PAGE, params={"lang": "en", "language": "en", "version": 1}).text

    assert "Version 1 · draft" in text
    assert "Put version 1 in force" in text
    assert "a &lt;/textarea&gt; b" in text
    assert 'value="&lt;s&gt;"' in text


def test_who_may_not_edit_reads(sign_in: SignIn) -> None:
    text = sign_in("dispatcher").get(PAGE, params={"lang": "en"}).text

    assert "readonly" in text
    assert "data-do=" not in text


def test_the_page_has_no_script_or_style_of_its_own_and_asks_nobody_else(sign_in: SignIn) -> None:
    answer = sign_in("admin").get(PAGE)

    assert not re.search(r"<script(?![^>]*\bsrc=\"/static/)|\sstyle=|\son\w+=", answer.text)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", answer.text)
    assert "unsafe-inline" not in answer.headers["content-security-policy"]


def test_a_template_that_does_not_exist_is_not_found(sign_in: SignIn) -> None:
    assert sign_in("admin").get(PAGE, params={"name": "nothing"}).status_code == 404
