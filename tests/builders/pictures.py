"""Pictures for tests, as telephones take them: with everything that must not be kept."""

import io

from PIL import Image, PngImagePlugin

PLACE = b"22.8167N"
MAKER = "Canary Phone 7"


def jpeg(
    width: int = 48, height: int = 32, *, orientation: int = 1, progressive: bool = False
) -> bytes:
    """A JPEG with an Exif block (maker, place, orientation), a comment and something behind its end."""
    exif = Image.Exif()
    exif[0x010F] = MAKER
    exif[0x0112] = orientation
    exif.get_ifd(0x8825)[1] = PLACE.decode()
    picture = Image.effect_noise((width, height), 40).convert("RGB")
    out = io.BytesIO()
    picture.save(
        out, "JPEG", exif=exif, comment=b"taken by " + MAKER.encode(), progressive=progressive
    )
    return out.getvalue() + b"behind the end: " + PLACE


def png(width: int = 48, height: int = 32) -> bytes:
    """A PNG with a text and an Exif block."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", MAKER)
    exif = Image.Exif()
    exif[0x010F] = MAKER
    out = io.BytesIO()
    Image.new("RGBA", (width, height), (0, 0, 0, 0)).save(out, "PNG", pnginfo=info, exif=exif)
    return out.getvalue() + PLACE
