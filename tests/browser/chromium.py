"""Chromium and a font with Chinese letters: found on this machine, or installed where that is possible."""

import os
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",  # tests often run as root in a container, where the sandbox cannot start
    "--use-gl=angle",
    "--use-angle=swiftshader",  # the map's WebGL without a graphics card
    "--enable-unsafe-swiftshader",
    # Pages themselves are drawn as anywhere without a graphics card, which costs a sixth of imitating one.
    "--disable-gpu-compositing",
    "--disable-gpu-rasterization",
]


def executable() -> str:
    """The path of Chromium. Without one the test is skipped with one line that says what to do, and fails in CI."""
    found = _found()
    if found is None or not _has_chinese_letters():
        _install()
        found = _found()
    if found is None:
        _without(
            "No Chromium was found. On Debian or Ubuntu: apt-get install chromium fonts-noto-cjk"
        )
    return str(found)


def _found() -> str | None:
    named = os.environ.get("GRIDCREW_TEST_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


def _has_chinese_letters() -> bool:
    if shutil.which("fc-list") is None:
        return True
    listed = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=False)
    return bool(listed.stdout.strip())


def _install() -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        [
            "apt-get",
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "chromium",
            "fonts-noto-cjk",
        ],
    ):
        subprocess.run(command, env=environment, check=False, capture_output=True, timeout=600)


def _without(said: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)
