"""Tracking over HTTP."""

import pytest

from dispatch.core.db import Database, transaction
from dispatch.planning import learning
from tests.api.conftest import SignIn
from tests.builders.planning import crew_on, finish, job, published
from tests.instants import at

V1 = "/api/v1"


def test_what_was_learnt_is_shown_with_what_it_comes_to(
    database: Database, sign_in: SignIn
) -> None:
    with transaction(database) as session:
        crew_on(session, "C1")
        visit = job(session, minutes=60)
        published(session, orders={"C1-20260310": [visit.id]})
        finish(session, visit, began=at("09:00"), now=at("11:00"))
        learning.relearn(session, territory_id="humen", now=at("23:00"))
    client = sign_in("dispatcher")

    rows = client.get(f"{V1}/territories/humen/spreads").json()

    by_part = {(row["measure"], row["part"]): row for row in rows}
    work = by_part["service", "work_type"]
    assert (work["key"], work["visits"], work["mid"]) == ("SAFE-DIS", 1, pytest.approx(2.0))
    assert work["weight"] == pytest.approx(1 / 21, abs=1e-3)
    assert work["applied_low"] < work["applied_mid"] < work["mid"]
    assert by_part["service", "hour"]["key"] == "9", "of the local day"
    assert client.get(f"{V1}/territories/nowhere/spreads").status_code == 404
    assert sign_in("intake").get(f"{V1}/territories/humen/spreads").status_code == 403
