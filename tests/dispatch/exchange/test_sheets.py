from enum import StrEnum
from pathlib import Path

import pytest

from dispatch.core.errors import InvalidError
from dispatch.exchange.sheets import MAX_BYTES, BadFile, Row, read, write


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


def sheet(folder: Path, content: str | bytes) -> list[Row]:
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "a.csv").write_bytes(data)
    return read(folder, "a.csv", ("id", "name"))


def row(**cells: str) -> Row:
    return Row("a.csv", 7, cells)


def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    rows = sheet(tmp_path, "id,name\n1,one\n\n2,two\n")

    assert [(found.number, found.cells) for found in rows] == [
        (2, {"id": "1", "name": "one"}),
        (4, {"id": "2", "name": "two"}),
    ]


@pytest.mark.parametrize(
    "content",
    ["id,name\r\n1,一\r\n", "\ufeffid,name\n1,一\n", " name , id \n一,1\n", 'id,name\n1,"一"'],
)
def test_line_ends_byte_order_marks_and_the_order_of_columns_do_not_matter(
    tmp_path: Path, content: str
) -> None:
    assert sheet(tmp_path, content)[0].cells == {"id": "1", "name": "一"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id\n1\n", "the column name is missing"),
        ("id,name,colour\n1,one,red\n", "there is no column 'colour'; the columns are id, name"),
        ("id,name,name\n1,one,one\n", "the column name is there twice"),
        ("", "the column id is missing"),
        ("id,name\n1\n", "row 2: it has 1 cells and the header 2"),
        ("id,name\n1,one,more\n", "row 2: it has 3 cells"),
        ('id,name\n1,"one\n', "unexpected end of data"),
        ("id,name\n1,电表\n".encode("gb18030"), "line 2: it is not UTF-8. In a spreadsheet"),
        ("id,name\n1,\x00\n", "a.csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_place(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    with pytest.raises(BadFile) as refusal:
        for found in sheet(tmp_path, content):
            found.text("name")

    assert said in refusal.value.message
    assert refusal.value.details["file"] == "a.csv"


def test_a_missing_file_is_refused_unless_it_may_be_missing(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"b\.csv is missing"):
        read(tmp_path, "b.csv", ("id",))

    assert read(tmp_path, "b.csv", ("id",), required=False) == []


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(MAX_BYTES + 1)

    with pytest.raises(BadFile, match="larger than 64 MiB"):
        read(tmp_path, "a.csv", ("id",))


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_cell_is_refused_where_something_must_be(value: str) -> None:
    with pytest.raises(BadFile, match=r"a\.csv, row 7, column x: it is empty"):
        row(x=value).text("x")

    assert row(x=value).optional("x") is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x" * 11, "11 characters; 10 is the most"),
        ("a\nb", "line break"),
        ("a\x1bb", "cannot be printed"),
    ],
)
def test_a_text_is_one_line_and_not_too_long(value: str, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        row(x=value).text("x", most=10)


@pytest.mark.parametrize(
    ("value", "said"),
    [("1.5", "no whole number"), ("one", "no whole"), ("-1", "not in 0..9"), ("10", "not in")],
)
def test_a_whole_number_is_one_within_bounds(value: str, said: str) -> None:
    assert row(x=" 4 ").whole("x") == 4
    with pytest.raises(BadFile, match=said):
        row(x=value).whole("x", most=9)


def test_a_decimal_number_has_a_point() -> None:
    assert row(x="22.5").number_or_none("x") == 22.5
    assert row(x="").number_or_none("x") is None
    with pytest.raises(BadFile, match=r"'22,5' is no number such as"):
        row(x="22,5").number_or_none("x")


def test_a_flag_is_yes_or_no() -> None:
    assert row(x="Yes").flag("x") is True
    assert row(x="no").flag("x") is False
    with pytest.raises(BadFile, match="neither yes nor no"):
        row(x="1").flag("x")


def test_a_choice_names_what_there_is() -> None:
    assert row(x="red").choice("x", Colour) is Colour.RED
    with pytest.raises(BadFile, match="'blue' is not one of red, green"):
        row(x="blue").choice("x", Colour)


def test_several_values_are_separated_by_semicolons() -> None:
    assert row(x="a; b;;c").several("x") == ["a", "b", "c"]
    assert row(x="").several("x") == []


class Refused(InvalidError):
    code = "refused_for_a_test"


@pytest.mark.parametrize(
    ("field", "column"), [("x", "x"), ("known_elsewhere", "y"), ("nowhere", "z"), ("", "z")]
)
def test_a_refusal_of_an_operation_is_located(field: str, column: str) -> None:
    with (
        pytest.raises(
            BadFile, match=rf"row 7, column {column}: Not so\. \[refused_for_a_test\]"
        ) as refusal,
        row(x="1", y="2", z="3").located({"known_elsewhere": "y"}, otherwise="z"),
    ):
        raise Refused("Not so.", field=field)

    assert refusal.value.details["row"] == 7
    assert isinstance(refusal.value.__cause__, Refused)


FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(\"http://example.com\")", "\t=1", "\r=1", "+86 769 0000 0001",
    "-2+3", "=cmd|' /C calc'!A0", "@x", "'=1",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_that_is_written_is_a_formula_and_all_read_back_as_they_were(
    tmp_path: Path, text: str
) -> None:
    write(tmp_path / "a.csv", ("id", "name"), [("1", text)])

    raw = (tmp_path / "a.csv").read_bytes().partition(b"\r\n1,")[2]
    assert raw.lstrip(b'"').startswith(b"'")
    assert read(tmp_path, "a.csv", ("id", "name"))[0].cells["name"] == text


def test_numbers_flags_and_nothing_are_written_plainly(tmp_path: Path) -> None:
    count = write(tmp_path / "a.csv", ("a", "b", "c", "d", "e"), [(-1, 22.5, True, None, "it's")])

    assert count == 1
    assert (tmp_path / "a.csv").read_bytes() == b"a,b,c,d,e\r\n-1,22.5,yes,,it's\r\n"
