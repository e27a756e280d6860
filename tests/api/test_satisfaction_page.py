"""What customers think as a page, in both languages."""

import re

import pytest

from dispatch.core.db import Database, transaction
from dispatch.registry.tables import CustomerClass
from tests.api.conftest import SignIn
from tests.dispatch.insight.test_satisfaction import answered
from tests.instants import at

HTML = {"Accept": "text/html"}
PAGE = "/console/satisfaction?territory=humen&first=2026-03-10&last=2026-03-10"


@pytest.fixture
def visits(database: Database) -> list[str]:
    """Two answers: a bad one about C1, a good one about C2."""
    with transaction(database) as session:
        return [
            answered(session, score, crew=crew, customer_class=kind, now=at("15:00")).visit_id
            for score, crew, kind in ((1, "C1", CustomerClass.A), (5, "C2", CustomerClass.C))
        ]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("satisfied (4, 5)", "Customer class")), ("zh-CN", ("满意（4、5 分）", "客户类别"))],
)
@pytest.mark.parametrize("by", ["crew", "work_type", "customer_class", "week"])
def test_figures_stand_by_each_group(
    sign_in: SignIn, visits: list[str], language: str, words: tuple[str, ...], by: str
) -> None:
    page = sign_in("dispatcher").get(f"{PAGE}&by={by}&lang={language}", headers=HTML)

    assert page.status_code == 200
    assert all(word in page.text for word in words)
    rows = re.findall(r'<th scope="row">', page.text)
    assert len(rows) == (1 if by in {"work_type", "week"} else 3), "two groups and all of them"
    assert all(visit in page.text for visit in visits)


def test_a_figure_leads_to_the_answers_behind_it(sign_in: SignIn, visits: list[str]) -> None:
    client = sign_in("auditor")

    def behind(address: str) -> list[bool]:
        page = client.get(address, headers=HTML).text
        return [visit in page for visit in visits]

    link = re.search(r'href="([^"]*crew=C1)#answers"', client.get(PAGE, headers=HTML).text)
    assert link is not None
    assert behind(link[1].replace("&amp;", "&")) == [True, False]
    assert behind(f"{PAGE}&by=customer_class&customer_class=C") == [False, True]
    assert behind(f"{PAGE}&bad=true") == [True, False]
    assert behind("/console/satisfaction?territory=humen&first=&last=") == [True, True]


def test_days_without_answers_say_so_and_impossible_days_are_refused(
    sign_in: SignIn, visits: list[str]
) -> None:
    client = sign_in("dispatcher")

    before = "/console/satisfaction?territory=humen&last=2026-03-09&lang=en"
    assert "Nobody was asked" in client.get(before, headers=HTML).text
    wrong = "/console/satisfaction?territory=humen&first=2026-03-11&last=2026-03-10"
    assert client.get(wrong).json()["code"] == "bad_span"
    assert sign_in("intake").get(PAGE, headers=HTML).status_code == 403
