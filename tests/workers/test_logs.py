"""What processes write down, and what they never do."""

import io
import json
import logging

import pytest
import structlog

from workers import logs


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("sent to chen.wei@example.cn", "chen.wei@example.cn"),
        ("call 13800138000 back", "13800138000"),
        ("call +86 138 0013 8000 back", "138 0013 8000"),
        ("office 0769-85112345", "0769-85112345"),
        ("abroad +44 20 7946 0958", "7946"),
        ("smtp://user:hunter2@mail:25 is away", "hunter2"),
        ("GET /v/eyJ2Ijoi.ZxYw12.kM9dQ2xK7sAb0", "eyJ2Ijoi.ZxYw12"),
        ("link eyJ2IjoiV08tMDAwMTIzLTEifQ.ZxYw12.kM9dQ2xK7sAb0", "eyJ2IjoiV08tMDAwMTIzLTEifQ"),
        ("session Zk3vQ9xT7bLw2mNc8rYp5sHd1fGj4kAe", "Zk3vQ9xT7bLw2mNc8rYp5sHd1fGj4kAe"),
    ],
)
def test_addresses_numbers_and_tokens_are_masked(text: str, hidden: str) -> None:
    assert hidden not in logs.mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T10:40:00+08:00 took 1700000000000 us",
        "visit WO-000123-1 of crew HM-C07",
        "in test_a_crew_cannot_accept_another_crews_visit_of_that_day",
        "dispatch.core.migrations.versions.0001_initial_schema_of_the_product",
    ],
)
def test_times_ids_and_names_of_code_stay_readable(text: str) -> None:
    assert logs.mask(text) == text


def test_a_log_line_is_json_with_nested_values_and_tracebacks_masked() -> None:
    stream = io.StringIO()
    _with_logging_restored(stream)
    line = json.loads(stream.getvalue().splitlines()[0])

    assert line["event"] == "mail [email]"
    assert line["level"] == "error"
    assert line["phone"] == "[hidden]"
    assert line["deep"] == {"list": ["[email]"], "token": "[hidden]"}
    assert "13800138000" not in stream.getvalue()
    assert line["timestamp"].endswith("Z")


def test_the_lines_of_libraries_are_masked_too() -> None:
    stream = io.StringIO()
    _with_logging_restored(stream)

    assert json.loads(stream.getvalue().splitlines()[1])["event"] == "server said [email]"


def _with_logging_restored(stream: io.StringIO) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    config = structlog.get_config()
    try:
        logs.set_up("INFO", as_json=True, stream=stream)
        try:
            int("customer 13800138000")
        except ValueError:
            structlog.get_logger("x").exception(
                "mail a@b.cn", phone="123", deep={"list": ["c@d.cn"], "token": "abc"}
            )
        logging.getLogger("library").warning("server said %s", "e@f.cn")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**config)
