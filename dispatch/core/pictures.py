"""Pictures as they are kept: JPEG and PNG taken apart and written again with nothing but the picture.

Where and when it was taken, with which telephone, thumbnails, comments and whatever follows the picture are left
out; how it is turned stays. The pixels themselves are not decoded, so that no picture can harm who stores it.
Sources: ITU-T T.81 annex B, JFIF 1.02, PNG third edition, CIPA DC-008 (Exif) 4.6.
"""

import struct
import zlib
from dataclasses import dataclass

from dispatch.core.errors import InvalidError

MOST_BYTES = 1_000_000
MOST_PIXELS = 50_000_000

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB"})
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TABLES = frozenset({0xC4, 0xDB, 0xDD})
_SOS, _EOI, _APP0, _APP1, _APP2, _APP14 = 0xDA, 0xD9, 0xE0, 0xE1, 0xE2, 0xEE


class NotAPicture(InvalidError):
    """The bytes are no whole JPEG or PNG."""

    code = "not_a_picture"


class PictureTooLarge(InvalidError):
    """The picture has more bytes or pixels than are kept."""

    code = "picture_too_large"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture without anything around it; sizes are pixels as they are stored."""

    media_type: str
    width: int
    height: int
    content: bytes


def cleaned(content: bytes) -> Picture:
    """The picture alone; raises NotAPicture and PictureTooLarge."""
    if len(content) > MOST_BYTES:
        raise PictureTooLarge(
            f"A picture has at most {MOST_BYTES:,} bytes; make it smaller.", limit=MOST_BYTES
        )
    try:
        if content.startswith(_PNG):
            found = _png(content)
        elif content.startswith(b"\xff\xd8\xff"):
            found = _jpeg(content)
        else:
            raise NotAPicture("Pictures are JPEG or PNG.")
    except (IndexError, struct.error) as error:
        raise NotAPicture("The picture ends too early; send it again.") from error
    if not 0 < found.width * found.height <= MOST_PIXELS:
        raise PictureTooLarge(
            f"A picture has at most {MOST_PIXELS:,} pixels; make it smaller.", limit=MOST_PIXELS
        )
    return found


def _png(content: bytes) -> Picture:
    kept, at = [_PNG], len(_PNG)
    width = height = 0
    pixels = False
    while True:
        (length,) = struct.unpack_from(">I", content, at)
        name, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        (check,) = struct.unpack_from(">I", content, at + 8 + length)
        if zlib.crc32(name + body) != check:
            raise NotAPicture("The picture is damaged; send it again.")
        if (name == b"IHDR") != (at == len(_PNG)):
            raise NotAPicture("The picture does not begin as a PNG does.")
        if name == b"IHDR":
            width, height = struct.unpack_from(">II", body)
        if name in _PNG_KEPT:
            kept.append(content[at : at + 12 + length])
        pixels = pixels or name == b"IDAT"
        at += 12 + length
        if name == b"IEND":
            break
    if not pixels:
        raise NotAPicture("The picture has no pixels.")
    return Picture("image/png", width, height, b"".join(kept))


def _jpeg(content: bytes) -> Picture:
    kept, at = [b"\xff\xd8"], 2
    width = height = 0
    turned = 1
    scanned = False
    while True:
        if content[at] != 0xFF:
            raise NotAPicture("The picture is damaged; send it again.")
        while content[at] == 0xFF:  # any number of them may stand before a marker
            at += 1
        marker = content[at]
        at += 1
        if marker == _EOI:
            break
        (length,) = struct.unpack_from(">H", content, at)
        body = content[at + 2 : at + length]
        if length < 2 or len(body) != length - 2:
            raise NotAPicture("The picture ends too early; send it again.")
        at += length
        if marker in _SOF:
            height, width = struct.unpack_from(">HH", body, 1)
        if marker == _APP1 and body.startswith(b"Exif\x00\x00"):
            turned = _orientation(body[6:])
        if marker in _SOF or marker in _TABLES or marker == _SOS or _is_needed(marker, body):
            kept.append(struct.pack(">BBH", 0xFF, marker, length) + body)
        if marker == _SOS:
            end = _end_of_scan(content, at)
            kept.append(content[at:end])
            at, scanned = end, True
    if not scanned or not width:
        raise NotAPicture("The picture has no pixels.")
    if turned != 1:
        kept.insert(1, _exif(turned))
    return Picture("image/jpeg", width, height, b"".join([*kept, b"\xff\xd9"]))


def _is_needed(marker: int, body: bytes) -> bool:
    """What says how the colours are meant: JFIF's head without a thumbnail, Adobe's mark, a colour profile."""
    return (
        (marker == _APP0 and body.startswith(b"JFIF\x00") and body[12:14] == b"\x00\x00")
        or (marker == _APP14 and body.startswith(b"Adobe"))
        or (marker == _APP2 and body.startswith(b"ICC_PROFILE\x00"))
    )


def _end_of_scan(content: bytes, at: int) -> int:
    """Where the compressed pixels end: at the first marker that is no restart."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0:
            raise NotAPicture("The picture ends too early; send it again.")
        after = content[at + 1]
        if after == 0x00 or 0xD0 <= after <= 0xD7:
            at += 2
        elif after == 0xFF:
            at += 1
        else:
            return at


def _orientation(tiff: bytes) -> int:
    """How the picture is turned, 1 to 8; 1 when the Exif block does not say or is broken."""
    try:
        order = {b"II": "<", b"MM": ">"}[tiff[:2]]
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for number in range(min(count, 100)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * number)
            if tag == 0x0112 and kind == 3 and 1 <= value <= 8:
                return int(value)
    except (KeyError, struct.error):
        return 1
    return 1


def _exif(orientation: int) -> bytes:
    """An Exif block that says how the picture is turned, and nothing else."""
    tiff = b"MM\x00\x2a" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\x00\x00" + tiff
    return struct.pack(">BBH", 0xFF, _APP1, len(body) + 2) + body
