"""Files that are not what they should be: reported in words, never a crash, nothing half taken."""

import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from sqlmodel import select

from dispatch.core.db import Database
from dispatch.exchange import sources, workbook
from dispatch.exchange.mapping import Profile, read_profile
from dispatch.exchange.report import Ending, Report
from dispatch.registry.tables import Customer
from tests.builders.importing import csv_file, imported, make_town
from tests.builders.importing import workbook as make_workbook

HEADER = ["id", "name", "phone"]


@pytest.fixture
def town(database: Database, tmp_path: Path) -> Database:
    make_town(database, tmp_path)
    return database


def customers(database: Database) -> dict[str, tuple[str, str | None]]:
    """The imported ones."""
    with database.reading() as session:
        found = session.exec(select(Customer).where(~sa.column("id").startswith("HM")))
        return {row.id: (row.name, row.phone) for row in found}


def of(town: Database, path: Path, profile: str = "", *, skip_bad: bool = False) -> Report:
    chosen = read_profile(profile) if profile else Profile({})
    return imported(town, (path, "customers"), profile=chosen, skip_bad=skip_bad)


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gbk", "gb18030"), ("gb2312", "gb18030"),
        ("gb18030", "gb18030"), ("utf-16", "utf-16"),
    ],
)  # fmt: skip
def test_chinese_files_are_read_in_the_encodings_that_spreadsheets_write(
    town: Database, tmp_path: Path, encoding: str, told: str
) -> None:
    path = csv_file(
        tmp_path, "客户.csv", "户号,户名,联系电话", "A1,陈大文,13800138000", encoding=encoding
    )

    report = of(town, path)

    assert (report.ending, report.files[0].encoding) == (Ending.IMPORTED, told)
    assert customers(town) == {"A1": ("陈大文", "13800138000")}


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_understood(town: Database, tmp_path: Path, separator: str) -> None:
    of(
        town,
        csv_file(tmp_path, "a.csv", separator.join(HEADER), separator.join(["A1", "甲, 乙", ""])),
    )

    assert customers(town) == {"A1": ("甲, 乙", None)}


def test_columns_of_ones_own_are_mapped_by_a_profile(town: Database, tmp_path: Path) -> None:
    path = csv_file(
        tmp_path, "a.csv", "客户一览,,", "编码,单位,级,备注", "A1,甲厂,重要,x", "A2,乙,,"
    )
    profile = """
        [customers]
        header_row = 2
        columns = { id = "编码", name = "单位", customer_class = "级" }
        values.customer_class = { "重要" = "A" }
        defaults = { customer_class = "C", wants_messages = "no" }
    """

    report = of(town, path, profile)

    assert report.problems == []
    assert report.files[0].ignored == ["备注"]
    with town.reading() as session:
        both = [session.get_one(Customer, id) for id in ("A1", "A2")]
    assert [(row.name, row.customer_class, row.wants_messages) for row in both] == [
        ("甲厂", "A", False),
        ("乙", "C", False),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"\r\n\r\n", "row 1, where the header should be, is empty"),
        (b"id,phone\nA1,1\n", "the column name / 户名"),
        (b"id,name,name\nA1,a,b\n", "the column name is there twice"),
        (b'id,name\nA1,"a\nA2,b\n', "Is a quotation mark missing"),
        (b'id,name\nA1,"a"b\nA2,b\n', "Is a quotation mark missing"),
        (b"id,name\nA1," + b"a" * 40_000 + b"\n", "field larger than"),
        (b"id,name" + b",x" * 300 + b"\n", "302 columns; 200 is the most"),
        (b"id,name\nA1,\xff\xff\xff\n", "line 2 is not utf-8, line 2 is not gb18030"),
        (b"\xef\xbb\xbfid,name\nA1,\xc4\xe3\n", "line 2 is not utf-8-sig"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel file (xls) or has a password"),
        (b"\n <html><table><tr><td>id</td></tr></table></html>", "a web page or XML"),
        (b'<?xml version="1.0"?><Workbook/>', "a web page or XML"),
        (b"%PDF-1.7\n", "neither CSV nor an Excel workbook"),
        (b"PK\x03\x04" + bytes(100), "damaged or no Excel workbook"),
        (bytes(1000), "row 1, the header, holds NUL bytes"),
        ("id,name\nA1,甲\n".encode("utf-16-le"), "UTF-16 without a mark"),
        ("id,name\nA1,甲\n".encode("utf-32"), "UTF-16 without a mark"),
        (b"\xff\xfe" + b"i\x00d", ""),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_as_a_whole_is_refused_even_when_bad_rows_may_be_passed_over(
    town: Database, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "a.csv").write_bytes(content)

    report = of(town, tmp_path / "a.csv", skip_bad=True)

    assert report.ending is Ending.REFUSED
    assert report.problem_count == 1
    assert said in report.problems[0].wrong
    assert customers(town) == {}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("A2,乙", "2 cells and the header 3: is a separator missing"),
        ("A2,乙,,more", "4 cells and the header 3: is a cell with a comma not in"),
        ("A2,乙,1.38E+10", "no telephone number"),
        ("A2,\x00,", "cannot be printed"),
    ],
)
def test_a_bad_line_of_a_csv_file_is_one_bad_row(
    town: Database, tmp_path: Path, line: str, said: str
) -> None:
    report = of(town, csv_file(tmp_path, "a.csv", "id,name,phone", "A1,甲,", line), skip_bad=True)

    (problem,) = report.problems
    assert problem.row == 3
    assert said in problem.wrong
    assert list(customers(town)) == ["A1"]


def test_numbers_and_days_that_other_programs_bent_are_read_as_meant(
    town: Database, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, "a.csv", "id,name,phone", "319001.0,甲,13800138000.0")
    skills = csv_file(
        tmp_path, "b.csv", "member_id,skill,level,valid_from,valid_until",
        "K1-1,HV,2.0,2026/3/1,2027年12月31日", "K1-2,HV,1,20260301,2027-12-31 00:00:00",
    )  # fmt: skip

    report = imported(town, (path, "customers"), (skills, "skills"))

    assert report.problems == []
    assert customers(town) == {"319001": ("甲", "13800138000")}


def test_chinese_words_are_understood(town: Database, tmp_path: Path) -> None:
    path = csv_file(tmp_path, "a.csv", "户号,户名,语言,接收通知", "A1,甲,英文,否")

    assert of(town, path).problems == []
    with town.reading() as session:
        customer = session.get_one(Customer, "A1")
        assert (customer.language, customer.wants_messages) == ("en", False)


def test_a_missing_file_is_reported(town: Database, tmp_path: Path) -> None:
    assert "no such file" in of(town, tmp_path / "none.csv").problems[0].wrong


def test_what_is_no_file_is_said_to_be_none_and_is_not_waited_for(
    town: Database, tmp_path: Path
) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")

    for name in ("folder.csv", "pipe.csv"):
        assert of(town, tmp_path / name).problems[0].wrong == "it is a folder or a device, no file."


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("klingon", "is no encoding such as"),
        ("hex", "is no encoding such as"),
        ("base64", "is no encoding such as"),
        ("zlib", "is no encoding such as"),
        ("rot13", "is no encoding such as"),
        ("utf-8\\u0000", "is no encoding such as"),
        ("undefined", "line 1 is not undefined"),
        ("utf-16", "line 1 is not utf-16"),
        ("utf-32", "line 1 is not utf-32"),
    ],
)
def test_an_encoding_that_the_file_cannot_be_in_is_reported(
    town: Database, tmp_path: Path, encoding: str, said: str
) -> None:
    path = csv_file(tmp_path, "a.csv", "id,name", "A1,a")

    report = of(town, path, f'[customers]\nencoding = "{encoding}"')

    assert report.ending is Ending.REFUSED
    assert said in report.problems[0].wrong
    assert report.problems[0].wrong_zh


def test_a_file_that_the_system_does_not_open_is_reported(
    town: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = csv_file(tmp_path, "a.csv", "id,name", "A1,a")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)

    assert of(town, path).problems[0].wrong == "it cannot be read: Permission denied."


def test_merged_cells_are_named_and_the_rows_they_cover_refused(
    town: Database, tmp_path: Path
) -> None:
    rows = [
        ["客户一览"],
        HEADER,
        ["A1", "甲", ""],
        ["A2", "乙", ""],
        ["A3", "", ""],
        ["A4", "丁", ""],
    ]
    path = make_workbook(tmp_path, "a.xlsx", *rows, merged=["A1:C1", "B4:B5"])
    profile = "[customers]\nheader_row = 2"

    report = of(town, path, profile, skip_bad=True)

    assert [problem.row for problem in report.problems] == [4, 5]
    assert "the cells B4:B5 are merged: unmerge them" in report.problems[0].wrong
    assert list(customers(town)) == ["A1", "A4"]
    assert "row 1, the header: the cells A1:C1 are merged" in of(town, path).problems[0].wrong


def test_a_formula_counts_by_its_stored_result_and_is_reported_without_one(
    town: Database, tmp_path: Path
) -> None:
    path = make_workbook(
        tmp_path, "a.xlsx", HEADER, ["A1", "甲", ""], ["A2", '=CONCAT("a","b")', ""]
    )

    (problem,) = of(town, path).problems
    assert (problem.row, problem.column) == (3, "name")
    assert "a formula without a stored result" in problem.wrong

    stored = tmp_path / "stored.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(stored, "w") as new:
        for part in old.infolist():
            content = old.read(part)
            if part.filename.startswith("xl/worksheets/"):
                content = content.replace(b"</f><v />", b"</f><v>ab</v>").replace(
                    b"</f><v/>", b"</f><v>ab</v>"
                )
                content = content.replace(b'r="B3"', b'r="B3" t="str"')
            new.writestr(part, content)

    assert of(town, stored).problems == []
    assert customers(town)["A2"] == ("ab", None)


def test_error_cells_long_numbers_and_days_in_a_workbook(town: Database, tmp_path: Path) -> None:
    path = make_workbook(
        tmp_path, "a.xlsx", HEADER, ["A1", "#N/A", ""], [1234567890123456789, "乙", ""], ["A3", True, 1.5]
    )  # fmt: skip

    report = of(town, path)

    assert [(problem.row, problem.column) for problem in report.problems] == [
        (2, "name"), (3, "id"), (4, "phone"),
    ]  # fmt: skip
    assert "the error #N/A" in report.problems[0].wrong
    assert "more than 15 digits" in report.problems[1].wrong


def test_the_worksheet_is_the_only_one_with_data_or_the_profiles(
    town: Database, tmp_path: Path
) -> None:
    path = make_workbook(tmp_path, "a.xlsx", HEADER, ["A1", "甲", ""], title="客户")
    book = openpyxl.load_workbook(path)
    book.create_sheet("空")
    book.create_sheet("说明").append(["read me"])
    book.save(path)

    assert "several worksheets hold data (客户, 说明)" in of(town, path).problems[0].wrong
    assert "no worksheet '别'" in of(town, path, '[customers]\nsheet = "别"').problems[0].wrong
    assert of(town, path, '[customers]\nsheet = "客户"').ending is Ending.IMPORTED


def packed(path: Path, parts: dict[str, bytes | Callable[[], bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content if isinstance(content, bytes) else content())
    return path


def test_zip_files_that_are_no_workbooks_are_refused(town: Database, tmp_path: Path) -> None:
    cases = {
        "it is a zip file, but no Excel workbook": {"a.txt": b"hello"},
        "OpenDocument spreadsheet (ods)": {"mimetype": b"application/vnd", "content.xml": b"<x/>"},
        "binary workbook (xlsb)": {"xl/workbook.bin": b""},
        "damaged or no Excel workbook": {"xl/workbook.xml": b"<workbook", "[Content_Types].xml": b"<x/>"},
    }  # fmt: skip
    for number, (said, parts) in enumerate(cases.items()):
        path = packed(tmp_path / f"{number}.xlsx", dict(parts))
        assert said in of(town, path).problems[0].wrong


def test_a_workbook_that_unpacks_to_more_than_it_may_is_refused_before_it_is_opened(
    town: Database, tmp_path: Path
) -> None:
    part = bytes(workbook.MAX_PART + 1)
    bombs = [
        {"xl/workbook.xml": b"", "xl/styles.xml": part},
        {"xl/workbook.xml": part},
        {"xl/workbook.xml": b"", **{f"xl/media/{n}.xml": b"" for n in range(workbook.MAX_ENTRIES)}},
    ]
    for number, parts in enumerate(bombs):
        path = packed(tmp_path / f"{number}.xlsx", dict(parts))
        assert path.stat().st_size < 1_000_000
        assert "more than a workbook may" in of(town, path).problems[0].wrong


def test_a_row_that_unpacks_to_more_than_a_row_may_is_refused_before_it_is_read(
    town: Database, tmp_path: Path
) -> None:
    path = make_workbook(tmp_path, "a.xlsx", HEADER, ["A1", "甲", ""])
    with zipfile.ZipFile(path) as old:
        parts = {part.filename: old.read(part) for part in old.infolist()}
    sheet = "xl/worksheets/sheet1.xml"
    for filling in (
        b"<c/>" * 2_000_000,
        b"<c t='inlineStr'><is><t>" + b"a" * 8_000_000 + b"</t></is></c>",
    ):
        bomb = parts[sheet].replace(b"</row>", filling + b"</row>")
        path = packed(tmp_path / "bomb.xlsx", {**parts, sheet: bomb})

        assert path.stat().st_size < 100_000
        assert "a row of it is larger than any" in of(town, path).problems[0].wrong


def test_entities_in_a_worksheet_are_refused(town: Database, tmp_path: Path) -> None:
    path = make_workbook(tmp_path, "a.xlsx", HEADER, ["A1", "甲", ""])
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(bomb, "w") as new:
        for part in old.infolist():
            content = old.read(part)
            if part.filename.startswith("xl/worksheets/"):
                content = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>' + content
            new.writestr(part, content)

    report = of(town, bomb)

    assert report.problem_count == 1
    assert report.ending is Ending.REFUSED


def test_a_workbook_cut_or_bent_anywhere_is_reported_or_read_and_never_crashes(
    town: Database, tmp_path: Path
) -> None:
    rows = [[f"A{n}", f"客户{n}", 13800000000 + n] for n in range(30)]
    whole = make_workbook(tmp_path, "a.xlsx", HEADER, *rows).read_bytes()
    chance = random.Random(7)
    path = tmp_path / "bent.xlsx"
    refused = 0
    for turn in range(120):
        bent = bytearray(whole)
        if turn % 3 == 0:
            bent = bent[: chance.randrange(4, len(whole))]
        else:
            for _ in range(chance.randrange(1, 20)):
                bent[chance.randrange(4, len(bent))] = chance.randrange(256)
        path.write_bytes(bent)
        report = imported(town, (path, "customers"), dry_run=True)
        refused += report.ending is Ending.REFUSED
    assert refused > 60
    assert customers(town) == {}


def test_parts_of_a_workbook_bent_inside_are_reported_or_read_and_never_crash(
    town: Database, tmp_path: Path
) -> None:
    whole = make_workbook(tmp_path, "a.xlsx", HEADER, *[[f"A{n}", "甲", n] for n in range(5)])
    chance = random.Random(11)
    with zipfile.ZipFile(whole) as old:
        parts = {part.filename: old.read(part) for part in old.infolist()}
    for turn in range(120):
        name = chance.choice(sorted(parts))
        content = bytearray(parts[name])
        begin = chance.randrange(len(content))
        content[begin : begin + chance.randrange(1, 30)] = chance.choice(
            (b"", b'"', b"<", b"-1", b"99999999999", b"nan", bytes(3), "户".encode())
        )
        path = packed(tmp_path / f"{turn % 2}.xlsx", {**parts, name: bytes(content)})
        report = imported(town, (path, "customers"), dry_run=True)
        assert report.problems or report.files[0].rows
    assert customers(town) == {}


def test_csv_files_of_chance_bytes_never_crash(town: Database, tmp_path: Path) -> None:
    chance = random.Random(3)
    alphabet = [
        b"id",
        b"name",
        b",",
        b'"',
        b"\r",
        b"\n",
        b"\x00",
        b"\xff",
        "户".encode(),
        b"=1",
        b";",
        b"'",
    ]
    for _ in range(200):
        content = b"".join(chance.choices(alphabet, k=chance.randrange(60)))
        (tmp_path / "a.csv").write_bytes(
            b"id,name\n" + content if chance.random() < 0.7 else content
        )
        report = imported(town, (tmp_path / "a.csv", "customers"), dry_run=True)
        assert report.ending in Ending
    assert customers(town) == {}


def test_a_file_that_is_too_large_is_refused_unread(
    town: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_FILE_BYTES", 10)

    report = of(town, csv_file(tmp_path, "a.csv", "id,name", "A1,a"))

    assert "it is larger than" in report.problems[0].wrong


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("customers = [", "is no TOML"),
        ("[clients]\n", "there is no such kind"),
        ("[customers]\ncolumns = { ids = 'x' }", "customers.columns.ids: the columns are id, name"),
        ("[customers]\nheader_row = 0", "customers.header_row"),
        ("[customers]\ncolour = 'red'", "customers.colour"),
        ("customers = 3", "customers"),
    ],
)
def test_a_profile_that_cannot_be_used_says_where(text: str, said: str) -> None:
    with pytest.raises(sources.BadFile.__mro__[1], match=said.replace(".", r"\.")):
        read_profile(text)


def test_a_workbook_told_wrong_about_its_own_size_is_read_whole(
    town: Database, tmp_path: Path
) -> None:
    path = make_workbook(tmp_path, "a.xlsx", HEADER, ["A1", "甲", ""], ["A2", "乙", ""])
    wrong = tmp_path / "wrong.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(wrong, "w") as new:
        for part in old.infolist():
            content = old.read(part).replace(b'<dimension ref="A1:C3"', b'<dimension ref="A1"')
            new.writestr(part, content)

    of(town, wrong)

    assert list(customers(town)) == ["A1", "A2"]
