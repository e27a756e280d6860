"""Every alert that the code raises has its Chinese words, and they are shown."""

import ast
import re
from pathlib import Path

import pytest

from api.alert_words import in_chinese
from dispatch.core.alerts import raise_alert
from dispatch.core.db import Database, transaction
from tests.api.conftest import SignIn
from tests.builders.registry import make_territory
from tests.instants import NOW

ROOT = Path(__file__).parents[2]
LETTERS = (
    "Letters of humen have to be handed over within a day: print the list of them (gridcrew print-list humen) and "
    "say which hang."
)


def said(node: ast.expr) -> str | None:
    """The sentence that an expression makes, its values replaced by 7; None when it is no sentence."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (str(p.value) if isinstance(p, ast.Constant) else "7" for p in node.values)
        return "".join(parts)
    return None


def alerts_in_the_code() -> list[str]:
    """Each sentence that a function of the product gives to `raise_alert`, itself or by the name `text`."""
    found = []
    for path in sorted(p for name in ("dispatch", "workers") for p in (ROOT / name).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "raise_alert(" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "text":
                found.append(said(node.value))
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("raise_alert"):
                found.append(said(node.args[2]))
    return [re.sub(r"^7(?= could|:| has)", "Plan 7 of 7", text) for text in found if text]


def test_the_alerts_of_the_code_are_found() -> None:
    assert len(alerts_in_the_code()) >= 14
    assert any(text.startswith("Letters of 7 have") for text in alerts_in_the_code())


@pytest.mark.parametrize("text", alerts_in_the_code())
def test_an_alert_has_its_chinese_words(text: str) -> None:
    text = text.replace("limit 7 7", "limit has passed 7")

    words = in_chinese(text)

    assert words != text
    assert words.count("7") == text.count("7")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "have to be handed over"), ("zh-CN", "有信函须在一天内送达")]
)
def test_letters_that_wait_are_told_in_the_readers_language_on_the_page_and_in_the_console(
    sign_in: SignIn, database: Database, language: str, words: str
) -> None:
    with transaction(database) as session:
        make_territory(session)
        raise_alert(session, "print_list.urgent:humen", LETTERS, now=NOW)
    client = sign_in("admin")

    page = client.get(
        f"/console/alerts?territory=humen&lang={language}", headers={"Accept": "text/html"}
    )
    watched = client.get(
        "/api/v1/territories/humen/watch-list", params={"language": language}
    ).json()

    assert words in page.text
    assert [words in item["text"] for item in watched["items"] if item["kind"] == "alert"] == [True]
    assert words in watched["alerts"][0]["text"]


def test_an_alert_of_another_shape_stays_as_it_is() -> None:
    assert in_chinese("Ask the control room.") == "Ask the control room."
