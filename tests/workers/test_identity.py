"""Whose lease it is, and whether its process still lives."""

import os
import subprocess
import sys

from workers.identity import is_gone, machine, owner_name


def test_a_living_process_is_not_gone() -> None:
    assert not is_gone(owner_name())
    assert len(owner_name()) <= 96


def test_a_process_of_this_machine_that_ended_is_gone() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from workers.identity import owner_name; print(owner_name())"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert is_gone(ended.stdout.strip())


def test_a_number_that_another_process_has_now_is_gone() -> None:
    assert is_gone(f"{machine()}:{os.getpid()}.1")


def test_a_process_of_another_machine_is_never_taken_for_gone() -> None:
    assert not is_gone("elsewhere/12345678.4026531836:1.1")
    assert not is_gone("drain")
