"""Notices on paper: four a sheet, in a font that is in the file, whatever the text."""

import base64
import re
import zlib
from datetime import date

import pytest
from fontTools.ttLib import TTFont

from dispatch.contact.print_list import Notice
from workers.channels import door_hangers
from workers.channels.door_hangers import sheets

DAY = date(2026, 3, 10)
LINK = "https://dispatch.example.com/v/abcdefghijklmnopqrstuvwxyz0123456789"


def notice(number: int = 1, **changes: str) -> Notice:
    given = {
        "name": "陈喆堃", "address": "虎门镇太沙路12号", "company": "虎门供电局", "subject": "停电通知",
        "body": f"您好：明天 8:00 至 12:00 停电。\n{LINK}\n", "language": "zh-CN", **changes,
    }  # fmt: skip
    return Notice(number, **given)


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


def streams(pdf: bytes) -> bytes:
    """What is drawn, uncompressed."""
    found = b""
    for raw in re.findall(
        rb"/ASCII85Decode /FlateDecode.*?stream\r?\n(.*?)endstream", pdf, re.DOTALL
    ):
        found += zlib.decompress(base64.a85decode(b"<~" + raw.strip(), adobe=True))
    return found


@pytest.mark.parametrize(("count", "expected"), [(0, 1), (1, 1), (4, 1), (5, 2), (9, 3)])
def test_four_notices_are_on_a_page(count: int, expected: int) -> None:
    assert pages(sheets([notice(number) for number in range(count)], day=DAY)) == expected


def test_the_font_is_in_the_file() -> None:
    pdf = sheets([notice()], day=DAY)

    assert b"/FontFile2" in pdf
    assert b"NotoSansSC" in pdf
    assert len(pdf) < 200_000, "only the characters that are used are embedded"


def test_the_same_notices_make_the_same_file() -> None:
    assert sheets([notice()], day=DAY) == sheets([notice()], day=DAY)


def test_the_font_has_the_characters_of_gbk_and_is_licensed() -> None:
    with TTFont(door_hangers._FILE, lazy=True) as font:
        known = font.getBestCmap()
    gbk = {
        sign
        for first in range(0x81, 0xFF)
        for second in range(0x40, 0xFF)
        for sign in bytes([first, second]).decode("gbk", "ignore")
        if "\u4e00" <= sign <= "\u9fff"
    }

    assert len(gbk) > 20_000
    assert [sign for sign in gbk if ord(sign) not in known] == []
    assert "Open Font License" in (door_hangers._FILE.parent / "OFL.txt").read_text()


def test_a_character_that_the_font_lacks_shows_as_such() -> None:
    door_hangers._register()

    assert door_hangers._known("a𠮷b\x00\n喆") == "a〓b\n喆"


@pytest.mark.parametrize(
    "changes",
    [
        {"body": "很长。" * 2000}, {"body": "word " * 2000, "language": "en"}, {"body": ""},
        {"body": "x" * 3000, "language": "en"}, {"subject": "一" * 200}, {"address": "地址" * 120},
        {"body": "<b>a & b</b> <font size=90>x</font> </para>"}, {"name": "<script>"},
    ],
)  # fmt: skip
def test_any_text_fits_in_its_quarter(changes: dict[str, str]) -> None:
    assert pages(sheets([notice(**changes), notice(2)], day=DAY)) == 1


def test_the_link_is_a_code_to_scan_and_is_not_written_out() -> None:
    with_link, without = sheets([notice()], day=DAY), sheets([notice(body="您好")], day=DAY)

    assert streams(with_link).count(b" re") > 200
    assert streams(without).count(b" re") < 20
