import json
from pathlib import Path

import pytest

from dispatch.exchange.folder import BOUNDARY, COLUMNS, OPTIONAL, read_folder
from dispatch.exchange.sheets import BadFile
from tests.builders.exchange import make_folder


def test_a_whole_folder_is_read(tmp_path: Path) -> None:
    folder = read_folder(make_folder(tmp_path))

    assert folder.territory.text("id") == "town"
    assert folder.boundary["type"] == "Polygon"
    assert len(folder.sheets["premises.csv"]) == 3


def test_what_may_be_missing_may_be_missing(tmp_path: Path) -> None:
    make_folder(tmp_path)
    for file in OPTIONAL:
        (tmp_path / file).unlink()

    assert read_folder(tmp_path).sheets["orders.csv"] == []


@pytest.mark.parametrize("file", sorted(set(COLUMNS) - OPTIONAL))
def test_what_must_be_there_is_named_when_it_is_not(tmp_path: Path, file: str) -> None:
    make_folder(tmp_path)
    (tmp_path / file).unlink()

    with pytest.raises(BadFile, match=f"{file} is missing"):
        read_folder(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="There is no folder"):
        read_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("file", "row", "column", "value", "said"),
    [
        ("crews", 2, "depot_id", "south", "south is not in depots.csv"),
        ("crews", 3, "id", "K1", "K1 is already in row 2"),
        ("members", 4, "crew_id", "K9", "K9 is not in crews.csv"),
        ("certificates", 2, "member_id", "K9-1", "K9-1 is not in members.csv"),
        ("organisations", 2, "parent_id", "branch", "branch must stand above its parts"),
        ("premises", 2, "customer_id", "HM9", "HM9 is not in customers.csv"),
        ("contacts", 2, "customer_id", "HM9", "HM9 is not in customers.csv"),
        ("requests", 2, "premises_id", "HM2-1", "HM2-1 is of HM2, not of HM1"),
        ("series", 2, "premises_id", "HM3-1", "HM3-1 is of HM3, not of HM1"),
        ("orders", 2, "request", "R9", "R9 is not in requests.csv"),
        ("orders", 2, "ref", "S1", "S1 is also the ref of a series"),
        ("orders", 3, "ref", "", "it is empty"),
        ("orders", 3, "owner", "", "names the counter that owns it"),
        ("orders", 3, "owner", "post", "post is not in counters.csv"),
        ("series", 3, "owner", "post", "post is not in counters.csv"),
        ("promises", 2, "order", "V9", "V9 is neither an order nor a series"),
        ("relations", 2, "orders", "V2", "at least two different orders"),
        ("relations", 2, "orders", "V2;V2", "at least two different orders"),
        ("relations", 3, "orders", "V1;V9", "V9 is neither an order nor a series"),
    ],
)
def test_what_does_not_fit_together_is_refused_with_file_row_and_column(
    tmp_path: Path, file: str, row: int, column: str, value: str, said: str
) -> None:
    make_folder(tmp_path, **{file: {(row, column): value}})

    with pytest.raises(BadFile) as refusal:
        read_folder(tmp_path)

    assert refusal.value.message.startswith(f"{file}.csv, row {row}, column {column}: ")
    assert said in refusal.value.message


def test_a_folder_holds_one_territory(tmp_path: Path) -> None:
    make_folder(tmp_path)
    with (tmp_path / "territory.csv").open("a", encoding="utf-8") as file:
        file.write("city,branch,市,City,Asia/Shanghai\n")

    with pytest.raises(BadFile, match="exactly one territory"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "{", "[1]", '"x"', '{"type": "Feature", "geometry": null}']
)
def test_a_boundary_that_is_no_geojson_is_refused(tmp_path: Path, content: str) -> None:
    make_folder(tmp_path)
    (tmp_path / BOUNDARY).write_text(content, encoding="utf-8")

    with pytest.raises(BadFile, match=BOUNDARY):
        read_folder(tmp_path)


def test_the_checksum_tells_a_changed_folder(tmp_path: Path) -> None:
    same = [read_folder(make_folder(tmp_path / name)).checksum for name in ("a", "b")]
    other = read_folder(make_folder(tmp_path / "c", stock={(2, "quantity"): "5"})).checksum

    assert same[0] == same[1] != other


def test_a_plain_geometry_will_do(tmp_path: Path) -> None:
    make_folder(tmp_path)
    path = tmp_path / BOUNDARY
    geometry = json.loads(path.read_text(encoding="utf-8"))["geometry"]
    path.write_text(json.dumps(geometry), encoding="utf-8")

    assert read_folder(tmp_path).boundary == geometry


def test_a_folder_of_before_there_were_feeders_is_read(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a")
    sheet = folder / "premises.csv"
    lines = [line.rsplit(",", 1)[0] for line in sheet.read_text(encoding="utf-8").splitlines()]
    sheet.write_text("\n".join(lines) + "\n", encoding="utf-8")

    rows = read_folder(folder).sheets["premises.csv"]

    assert {row.cells["feeder"] for row in rows} == {""}
