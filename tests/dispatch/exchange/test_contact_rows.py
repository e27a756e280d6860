"""How customers want to be told, in a branch's folder."""

from pathlib import Path

import pytest

from dispatch.contact import preferences
from dispatch.contact.preferences import Preference
from dispatch.core.db import Database
from dispatch.exchange.loading import load_folder
from dispatch.exchange.sheets import BadFile
from tests.builders.exchange import make_folder
from tests.instants import NOW


def test_the_wishes_of_customers_are_loaded_with_them(database: Database, tmp_path: Path) -> None:
    load_folder(database, folder=make_folder(tmp_path), now=NOW)

    with database.reading() as session:
        found = [preferences.get(session, customer_id=name) for name in ("HM1", "HM2", "HM3")]
    assert found[0] == Preference(
        "HM1",
        channels=("email", "sms"),
        language="en",
        earliest_hour=9,
        latest_hour=20,
        nominee_name="陈太",
        nominee_email="family@example.com",
        stopped=("survey",),
        wants_marketing=True,
        version=1,
    )
    assert found[1] == Preference("HM2")
    assert found[2].do_not_contact == "asked so"


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("channels", "fax", "fax"),
        ("latest_hour", "8", "after the earliest"),
        ("earliest_hour", "nine", "nine"),
        ("nominee_email", "nowhere", "cannot be reached"),
        ("stopped", "emergency", "can be stopped"),
        ("nominee_instead", "perhaps", "neither yes nor no"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_its_row_and_column(
    database: Database, tmp_path: Path, column: str, value: str, why: str
) -> None:
    folder = make_folder(tmp_path, contacts={(2, column): value})

    with pytest.raises(BadFile, match=why) as caught:
        load_folder(database, folder=folder, now=NOW)

    assert caught.value.details["row"] == 2
    assert caught.value.details["column"] == column
