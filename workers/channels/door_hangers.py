"""Notices on paper: four door hangers a sheet, to be cut along the lines."""

import re
from collections.abc import Sequence
from datetime import date
from functools import cache
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph

from dispatch.contact.print_list import Notice

FONT = "NotoSansSC"
_FILE = Path(__file__).parent / "fonts" / "NotoSansSC-Regular.ttf"
_WIDTH, _HEIGHT = A4[0] / 2, A4[1] / 2
_EDGE = 9 * mm
_HOLE = 15 * mm
"""Radius of the hole that hangs over the handle."""
_CODE = 26 * mm
"""Side of the code that opens the customer's page."""
_SCAN = {"zh-CN": "扫码查看详情", "en": "Scan for details"}
_SMALLEST = 6.5
_LINK = re.compile(r"https?://\S+")
_GAP = re.compile(r"\n\s*\n\s*")
_UNKNOWN = "〓"
"""The printer's mark for a character that the font lacks: a gap would not be seen."""


def sheets(notices: Sequence[Notice], *, day: date) -> bytes:
    """A PDF (A4, four notices a page) of what is to be handed over on a day; when it is nothing, it says so."""
    _register()
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    canvas.setTitle(f"{day.isoformat()} ({len(notices)})")
    canvas.setAuthor(notices[0].company if notices else "Gridcrew")
    for place, notice in enumerate(notices):
        quarter = place % 4
        if place and not quarter:
            canvas.showPage()
        if not quarter:
            _draw_cuts(canvas)
        left, bottom = (quarter % 2) * _WIDTH, _HEIGHT * (1 - quarter // 2)
        _draw(canvas, notice, left, bottom, number=place + 1, of=len(notices), day=day)
    if not notices:
        canvas.setFont(FONT, 14)
        text = f"{day.isoformat()}  没有要张贴的通知  /  Nothing to hand over"
        canvas.drawCentredString(A4[0] / 2, A4[1] / 2, text)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


@cache
def _register() -> None:
    pdfmetrics.registerFont(TTFont(FONT, _FILE))


def _draw_cuts(canvas: Canvas) -> None:
    canvas.saveState()
    canvas.setDash(2, 3)
    canvas.setLineWidth(0.4)
    canvas.line(_WIDTH, 0, _WIDTH, A4[1])
    canvas.line(0, _HEIGHT, A4[0], _HEIGHT)
    canvas.restoreState()


def _draw(
    canvas: Canvas, notice: Notice, left: float, bottom: float, *, number: int, of: int, day: date
) -> None:
    middle, top = left + _WIDTH / 2, bottom + _HEIGHT
    canvas.saveState()
    canvas.setDash(2, 3)
    canvas.setLineWidth(0.4)
    canvas.circle(middle, top - _HOLE - 4 * mm, _HOLE)
    canvas.restoreState()
    room = _HEIGHT - 2 * _HOLE - 4 * mm - 2 * _EDGE
    link = _LINK.search(notice.body)
    if link:
        room -= _CODE
        _draw_code(canvas, link[0], left + _WIDTH - _EDGE - _CODE, bottom + _EDGE)
        canvas.setFont(FONT, 8)
        canvas.drawRightString(
            left + _WIDTH - _EDGE - _CODE - 2 * mm,
            bottom + _EDGE + _CODE / 2,
            _SCAN[notice.language],
        )
    width = _WIDTH - 2 * _EDGE
    y = top - 2 * _HOLE - 4 * mm - _EDGE / 2
    for part, height in _fitted(notice, width, room):
        part.drawOn(canvas, left + _EDGE, y - height)
        y -= height + 2 * mm
    canvas.setFont(FONT, 6.5)
    canvas.drawString(left + _EDGE, bottom + 4 * mm, day.isoformat())
    canvas.drawRightString(
        left + _WIDTH - _EDGE, bottom + 4 * mm, f"{notice.message_id} · {number}/{of}"
    )


def _draw_code(canvas: Canvas, link: str, left: float, bottom: float) -> None:
    """The customer's link to scan: nobody types it."""
    code = QrCodeWidget(link, barLevel="M", barWidth=_CODE, barHeight=_CODE, barBorder=0)
    drawing = Drawing(_CODE, _CODE)
    drawing.add(code)
    drawing.drawOn(canvas, left, bottom)


def _fitted(notice: Notice, width: float, room: float) -> list[tuple[Flowable, float]]:
    """The parts of a notice and their heights, in the largest letters in which they fit; a longer text is cut."""
    body, size = _GAP.sub("\n\n", _LINK.sub("", _known(notice.body))).strip(), 10.5
    while True:
        parts = [(part, part.wrap(width, room)[1]) for part in _parts(notice, body, size)]
        height = sum(height for _, height in parts) + 2 * mm * len(parts)
        if height <= room or not body:
            return parts
        if size > _SMALLEST:
            size -= 0.5
        else:
            body = f"{body[: int(len(body) * 0.9)].rstrip('…')}…"


def _parts(notice: Notice, body: str, size: float) -> list[Paragraph]:
    chinese = notice.language == "zh-CN"

    def style(by: float, **more: object) -> ParagraphStyle:
        return ParagraphStyle(
            "notice", fontName=FONT, fontSize=size * by, leading=size * by * 1.42,
            wordWrap="CJK" if chinese else None, splitLongWords=1, **more,
        )  # fmt: skip

    return [
        Paragraph(_marked(notice.company), style(0.85, alignment=TA_CENTER, textColor="#444444")),
        Paragraph(_marked(notice.subject), style(1.35, alignment=TA_CENTER)),
        Paragraph(_marked(f"{notice.name}\n{notice.address}"), style(0.95)),
        Paragraph(_marked(body), style(1.0)),
    ]


def _marked(text: str) -> str:
    return escape(_known(text)).replace("\n", "<br/>")


def _known(text: str) -> str:
    """The text with a mark for each character that the font lacks."""
    known = pdfmetrics.getFont(FONT).face.charToGlyph
    return "".join(
        sign if sign == "\n" or ord(sign) in known else ("" if not sign.isprintable() else _UNKNOWN)
        for sign in text
    )
