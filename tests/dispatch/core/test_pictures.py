"""What is kept of a picture."""

import io
import random
import struct
import zlib

import pytest
from PIL import Image

from dispatch.core.pictures import MOST_BYTES, NotAPicture, PictureTooLarge, cleaned
from tests.builders.pictures import MAKER, PLACE, jpeg, png


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


@pytest.mark.parametrize("sent", [jpeg(), jpeg(progressive=True), png()])
def test_a_picture_keeps_its_pixels_and_nothing_else(sent: bytes) -> None:
    kept = cleaned(sent)

    assert (kept.width, kept.height) == (48, 32)
    assert opened(kept.content).tobytes() == opened(sent).tobytes()
    for trace in (MAKER.encode(), PLACE, b"Exif", b"behind"):
        assert trace in sent or trace == b"behind" or trace == b"Exif"
        assert trace not in kept.content
    assert cleaned(kept.content).content == kept.content


def test_a_picture_stays_turned_as_it_was() -> None:
    kept = cleaned(jpeg(orientation=6))

    assert dict(opened(kept.content).getexif()) == {0x0112: 6}
    assert MAKER.encode() not in kept.content


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GIF89a" + bytes(40),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xff\xd8\xff\xd9",
        b"%PDF-1.7",
    ],
)
def test_what_is_no_jpeg_or_png_is_refused(sent: bytes) -> None:
    with pytest.raises(NotAPicture):
        cleaned(sent)


def test_a_picture_that_claims_more_pixels_than_anybody_needs_is_refused() -> None:
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n"
    for name, body in ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")):
        check = struct.pack(">I", zlib.crc32(name + body))
        bomb += struct.pack(">I", len(body)) + name + body + check

    with pytest.raises(PictureTooLarge):
        cleaned(bomb)
    with pytest.raises(PictureTooLarge):
        cleaned(jpeg() + bytes(MOST_BYTES))


@pytest.mark.parametrize("sent", [jpeg(), png()])
def test_a_cut_or_damaged_picture_is_refused_or_kept_whole_and_never_breaks(sent: bytes) -> None:
    chance = random.Random(7)
    for end in range(len(sent) - 60):
        with pytest.raises(NotAPicture):
            cleaned(sent[:end])
    for _ in range(500):
        broken = bytearray(sent)
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        try:
            cleaned(bytes(broken))
        except (NotAPicture, PictureTooLarge):
            continue
