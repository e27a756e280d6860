"""Logging of every process: structured, in UTC, with people's data masked before anything is written."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

SECRET_KEYS = frozenset(
    {"password", "secret", "token", "authorization", "cookie", "phone", "email", "recipient"}
    | {"address", "body", "text"}
)
"""Values logged under these names are never shown."""

_PATTERNS = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[email]"),
    (re.compile(r"(?<![\w.])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\w)"), "[phone]"),
    (re.compile(r"(?<![\w.-])0\d{2,3}-\d{7,8}(?![\w-])"), "[phone]"),
    (re.compile(r"(?<!\w)\+\d[\d -]{7,14}\d(?!\w)"), "[phone]"),
    (re.compile(r"(?<=/[vcnr]/)[\w.~-]+"), "[token]"),
    (re.compile(r"(/callbacks/[\w-]+/)[\w.~-]+"), r"\1[token]"),
    (re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"), "[password]"),
    (
        re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{20,}(?:\.[\w-]+){1,3}"),
        "[token]",
    ),
    (
        re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{32,}"),
        "[token]",
    ),
)  # fmt: skip


def mask(text: str) -> str:
    """The text without email addresses, telephone numbers, passwords in addresses and tokens, on one line each."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def mask_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The structlog step that masks every value of an event, however deep."""
    for key, value in event.items():
        event[key] = "[hidden]" if key.lower() in SECRET_KEYS and value else _masked(value)
    return event


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {
            key: "[hidden]" if str(key).lower() in SECRET_KEYS and inner else _masked(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask(str(value))


def set_up(
    level: str = "INFO", *, as_json: bool | None = None, stream: TextIO | None = None
) -> None:
    """Send the logs of this process, those of its libraries too, to `stream` (standard error by default).

    `as_json` left out: JSON lines, unless the stream is a terminal.
    """
    stream = stream or sys.stderr
    plain = stream.isatty() if as_json is None else not as_json
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty())
        if plain
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("dramatiq", "aiosmtplib", "apprise", "asyncio", "httpx", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
