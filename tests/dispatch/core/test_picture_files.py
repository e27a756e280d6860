"""Pictures as files."""

from pathlib import Path

import pytest

from dispatch.core import picture_files
from dispatch.core.picture_files import PictureLost
from dispatch.core.pictures import cleaned
from tests.builders.pictures import jpeg


def test_the_same_picture_is_kept_once_and_read_as_it_was_written(tmp_path: Path) -> None:
    picture = cleaned(jpeg())

    kept = {picture_files.keep(tmp_path, picture) for _ in range(2)}

    (name,) = kept
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files] == [f"{name}.jpg"]
    assert picture_files.read(tmp_path, kept=name, media_type="image/jpeg") == picture.content


def test_a_lost_or_damaged_file_is_said_and_never_shown(tmp_path: Path) -> None:
    kept = picture_files.keep(tmp_path, cleaned(jpeg()))
    path = picture_files.path_of(tmp_path, kept, "image/jpeg")

    path.write_bytes(b"something else")
    with pytest.raises(PictureLost):
        picture_files.read(tmp_path, kept=kept, media_type="image/jpeg")
    path.unlink()
    with pytest.raises(PictureLost, match="GRIDCREW_ATTACHMENTS_DIR"):
        picture_files.read(tmp_path, kept=kept, media_type="image/jpeg")
