"""What customers think, over HTTP."""

import csv
import io

import pytest

from dispatch.core.db import Database, transaction
from tests.api.conftest import SignIn
from tests.dispatch.insight.test_satisfaction import answered
from tests.instants import at

SPAN = {"first": "2026-03-10", "last": "2026-03-10"}
HUMEN = "/api/v1/territories/humen"


@pytest.fixture
def visits(database: Database) -> list[str]:
    """Two answers about C1's visits, the first one bad."""
    with transaction(database) as session:
        return [answered(session, score, now=at("15:00")).visit_id for score in (1, 5)]


def test_figures_are_counted_by_the_group_that_is_asked_for(
    sign_in: SignIn, visits: list[str]
) -> None:
    client = sign_in("dispatcher")

    (row,) = client.get(f"{HUMEN}/satisfaction", params={**SPAN, "by": "crew"}).json()
    assert (row["key"], row["answered"], row["satisfied"], row["mean"]) == ("C1", 2, 1, 3.0)

    sheet = client.get(f"{HUMEN}/satisfaction.csv", params={**SPAN, "by": "crew"})
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    (line,) = csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff")))
    assert (line["crew"], line["bad"]) == ("C1", "1")


def test_behind_a_figure_stand_the_answers_with_their_words(
    sign_in: SignIn, visits: list[str]
) -> None:
    client = sign_in("dispatcher")

    rows = client.get(f"{HUMEN}/surveys", params={**SPAN, "bad_only": True}).json()
    assert [(row["visit_id"], row["score"], row["comment"]) for row in rows] == [
        (visits[0], 1, "=1+1")
    ]
    assert client.get(f"/api/v1/visits/{visits[1]}/survey").json()["score"] == 5


def test_the_days_report_has_the_figures_too(sign_in: SignIn, visits: list[str]) -> None:
    report = sign_in("dispatcher").get(f"{HUMEN}/days/2026-03-10/report").json()

    assert report["satisfaction"]["answered"] == 2


@pytest.mark.parametrize(
    ("params", "status", "field"),
    [
        ({"by": "moon"}, 422, "by"),
        ({"first": "2026-03-11", "last": "2026-03-10"}, 422, "last"),
        ({"first": "2020-01-01", "last": "2026-03-10"}, 422, "first"),
    ],
)
def test_a_question_that_is_none_is_refused_by_its_field(
    sign_in: SignIn, visits: list[str], params: dict[str, str], status: int, field: str
) -> None:
    answer = sign_in("dispatcher").get(f"{HUMEN}/satisfaction", params=params)

    assert (answer.status_code, answer.json()["field"]) == (status, field)


def test_a_visit_that_nobody_judged_has_no_survey(sign_in: SignIn) -> None:
    answer = sign_in("dispatcher").get("/api/v1/visits/V-9/survey")

    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_survey")


def test_crews_do_not_read_what_customers_say(sign_in: SignIn, crew_a: str) -> None:
    client = sign_in("crew", crew_id=crew_a)

    for path in ("satisfaction", "satisfaction.csv", "surveys"):
        assert client.get(f"{HUMEN}/{path}").status_code == 403
