"""Pages from templates: escaped, in the person's language, without inline scripts or styles."""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages.texts import LANGUAGES, Words, problems

HERE = Path(__file__).parent
STATIC = HERE / "static"
LANGUAGE_COOKIE = "gridcrew_language"
YEAR = 365 * 24 * 3600


def words_for(
    request: Request, language: str | None, zone: ZoneInfo, *, default: str | None = None
) -> Words:
    """The words in the language that the person chose, else their account's, else their browser's."""
    asked = request.query_params.get("lang")
    chosen = asked or default or request.cookies.get(LANGUAGE_COOKIE)
    if chosen not in LANGUAGES:
        chosen = language or _of_browser(request)
    return Words(chosen if chosen in LANGUAGES else "zh-CN", zone)


def lead_to(address: str, form: Mapping[str, str], **asked: str) -> RedirectResponse:
    """To the page that follows a form that was sent, in the language in which the form was read."""
    if form.get("lang") in LANGUAGES:
        asked["lang"] = form["lang"]
    query = f"?{urlencode(asked)}" if asked else ""
    return RedirectResponse(f"{address}{query}", status_code=303)


def render(
    request: Request,
    template: str,
    words: Words,
    *,
    status: int = 200,
    caller: Any = None,
    **values: Any,
) -> HTMLResponse:
    """The page; a language chosen by `?lang=` is remembered in a cookie."""
    html = (
        environment()
        .get_template(template)
        .render(
            t=words,
            caller=caller,
            asset=asset,
            problems=json.dumps(problems(words.language), ensure_ascii=False),
            here=request.url.path,
            asked=request.query_params.get("lang", ""),
            switch=_with_language(request, words.other),
            **values,
        )
    )
    answer = HTMLResponse(html, status_code=status)
    if request.query_params.get("lang") in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, words.language, max_age=YEAR, samesite="lax")
    answer.headers["Content-Language"] = words.language
    return answer


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates; a name that a template misspells is an error, and every value is escaped."""
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=64)
def asset(name: str) -> str:
    """The address of a static file, which changes with its content so that browsers may keep it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


def _of_browser(request: Request) -> str:
    wanted = request.headers.get("accept-language", "").lower()
    return "en" if wanted.startswith("en") else "zh-CN"


def _with_language(request: Request, language: str) -> str:
    kept = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
    return f"{request.url.path}?{urlencode([*kept, ('lang', language)])}"
