"""Pictures as files: each is named by the SHA-256 of its content, so that the same picture is kept once."""

import hashlib
import os
import tempfile
from pathlib import Path

from dispatch.core.errors import NotFoundError
from dispatch.core.pictures import Picture

SUFFIX = {"image/jpeg": "jpg", "image/png": "png"}


class PictureLost(NotFoundError):
    """A row names the picture and its file is not there: it was not restored, or lies on another machine."""

    code = "picture_lost"


def keep(folder: Path, picture: Picture) -> str:
    """Write the picture, unless it is there already; its SHA-256, by which it is read again.

    To be called before the row that names it commits: a failure leaves at most a file that no row names.
    """
    kept = hashlib.sha256(picture.content).hexdigest()
    path = path_of(folder, kept, picture.media_type)
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(picture.content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    return kept


def read(folder: Path, *, kept: str, media_type: str) -> bytes:
    """The picture's bytes, as they were written; raises PictureLost."""
    try:
        content = path_of(folder, kept, media_type).read_bytes()
    except FileNotFoundError:
        content = b""
    if hashlib.sha256(content).hexdigest() != kept:
        raise PictureLost(
            "The picture's file is missing or damaged here. Restore the folder of attachments; several machines "
            "need the same one (GRIDCREW_ATTACHMENTS_DIR)."
        )
    return content


def path_of(folder: Path, kept: str, media_type: str) -> Path:
    """Where a picture's file lies."""
    return folder / kept[:2] / f"{kept}.{SUFFIX[media_type]}"
