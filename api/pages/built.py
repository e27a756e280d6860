"""Pages that are built ahead (`api/web`): handed out with what the server knows of the caller."""

import json
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from api import permissions
from api.deps import Caller
from api.pages.errors import UTC_ZONE
from api.pages.rendering import LANGUAGE_COOKIE, YEAR, words_for
from api.pages.texts import LANGUAGES, problems
from api.schemas.accounts import AccountOut, Me
from dispatch.core.config import Settings
from dispatch.core.errors import DispatchError

BUNDLE = Path(__file__).parent.parent / "web" / "dist"
_LANGUAGE = '<html lang="en">'
_START = '<script type="application/json" id="start">{}</script>'


class PagesNotBuilt(DispatchError):
    """The bundle of the pages is missing from this copy of the sources."""

    code = "pages_not_built"
    status = 503


def built_page(
    request: Request, name: str, *, caller: Caller, settings: Settings, **more: Any
) -> HTMLResponse:
    """The page `name` of the bundle, in the caller's language; raises PagesNotBuilt.

    What it starts from is a block of JSON, which is data and never run: the caller and what they may do, the
    language, refusals in it, and what the page wants `more`.
    """
    language = words_for(request, caller.account.language, UTC_ZONE).language
    start = {
        "me": _me(caller).model_dump(mode="json"),
        "language": language,
        "problems": problems(language),
        "tiles": _tiles(settings),
        **more,
    }
    block = json.dumps(start, ensure_ascii=False).replace("<", "\\u003c")
    path = BUNDLE / f"{name}.html"
    if not path.is_file():
        raise PagesNotBuilt("The pages are not built here. `./run setup` builds them.")
    html = path.read_text(encoding="utf-8")
    html = html.replace(_LANGUAGE, f'<html lang="{language}">', 1)
    html = html.replace(_START, _START.replace("{}", block), 1)
    answer = HTMLResponse(html, headers={"Content-Language": language})
    if request.query_params.get("lang") in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR, samesite="lax")
    return answer


def _me(caller: Caller) -> Me:
    return Me(
        account=AccountOut.of(caller.account),
        permissions=sorted(permissions.PERMISSIONS[caller.account.role]),
    )


def _tiles(settings: Settings) -> dict[str, str] | None:
    if not settings.tiles_url:
        return None
    return {"url": settings.tiles_url, "attribution": settings.tiles_attribution}
