"""`./run bench --suite console`: whether the dispatcher's console stays fluid on a large day, measured in Chromium.

A branch's database is made up, its day planned and published, and the web server started on it. The same machine
runs the browser, the server and the optimizer that answers while a visit is dragged.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks import office, questions
from benchmarks.questions import NOBODY, Office, free_port, planned, serving
from dispatch.core.config import Settings

SUITE = "console"
VISITS = 1000
LOADS = 5
MOVES = 60
UPDATES, DRAFTS = 10, 2
SETTLED_MS = 1500
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A graphics card is not asked for: the map is drawn by the processor, which is the slowest way.
ARGUMENTS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]

WATCHED = """
window.seen = { board: null, moves: [] };
const painted = (then) => requestAnimationFrame(() => {
  const line = new MessageChannel();
  line.port1.onmessage = then;
  line.port2.postMessage(0);
});
(function look() {
  if (document.querySelector("[data-visit]")) painted(() => { window.seen.board = performance.now(); });
  else requestAnimationFrame(look);
})();
addEventListener("pointermove", (event) => {
  const at = event.timeStamp;
  painted(() => window.seen.moves.push(performance.now() - at));
}, true);
"""
"""When the first visit was painted; how long after each movement of the hand the page was painted anew."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure of the console, measured several times, in milliseconds; `limit` is what it should stay under."""

    what: str
    took: tuple[float, ...]
    limit: int | None = None


def run(*, visits: int, shifts: int) -> str:
    """Make the office, open its console, and measure; the figures as a Markdown table."""
    with tempfile.TemporaryDirectory(prefix="gridcrew-bench-") as folder:
        settings = Settings(
            data_dir=Path(folder), port=free_port(), database_url="", redis_url=NOBODY
        )
        found = planned(settings, visits=visits, shifts=shifts)
        with serving(settings, found) as (_, client), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_chromium(), args=ARGUMENTS)
            rows = _measured(browser, settings, found, client)
            browser.close()
        found.database.close()
    return printed(rows, visits=visits, shifts=shifts)


def printed(rows: Sequence[Measured], *, visits: int, shifts: int) -> str:
    """The rows as a Markdown table."""
    lines = [
        f"### The console on {visits:,} visits and {shifts} crews, milliseconds",
        "",
        "| what | times | median | worst | should stay under |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.what} | {len(row.took)} | {median(row.took):,.0f} | {max(row.took):,.0f} | "
        f"{f'{row.limit:,}' if row.limit else ''} |"
        for row in rows
    ]
    return "\n".join([*lines, ""])


def _chromium() -> str:
    named = os.environ.get("GRIDCREW_TEST_CHROMIUM")
    found = named or next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        raise SystemExit("No Chromium was found. On Debian or Ubuntu: apt-get install chromium")
    return found


def _measured(
    browser: Browser, settings: Settings, found: Office, client: questions.Client
) -> list[Measured]:
    def opened() -> Page:
        context = browser.new_context(
            base_url=settings.base_url, viewport={"width": 1440, "height": 900}
        )
        context.add_cookies([{"name": "gridcrew", "value": client.token, "url": settings.base_url}])
        context.add_init_script(WATCHED)
        page = context.new_page()
        page.goto(f"/console?lang=en&territory={office.TERRITORY}&day={found.day}")
        page.wait_for_function("() => window.seen.board !== null")
        return page

    paints, boards = [], []
    for _ in range(LOADS):
        page = opened()
        first = "performance.getEntriesByName('first-contentful-paint')"
        page.wait_for_function(f"() => {first}.length > 0")
        paints.append(page.evaluate(f"() => {first}[0].startTime"))
        boards.append(page.evaluate("() => window.seen.board"))
        page.context.close()
    page = opened()
    page.wait_for_selector(".live.live", state="attached")
    page.wait_for_timeout(SETTLED_MS)
    return [
        Measured("first paint, nothing cached", tuple(paints), 2000),
        Measured("the board is painted, nothing cached", tuple(boards), 2000),
        *_dragged(page),
        *_updated(page, found),
    ]


def _dragged(page: Page) -> list[Measured]:
    """A visit in the hand: how soon each movement shows, and how soon every crew has said what it says."""
    blocks = page.locator("button.block.movable")
    answers, moves = [], []
    for number in range(3):
        block = blocks.nth(2 + 5 * number).bounding_box()
        assert block is not None, "the board shows movable visits"
        x, y = block["x"] + block["width"] / 2, block["y"] + block["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        began = page.evaluate("() => performance.now()")
        page.mouse.move(x + 8, y)
        page.wait_for_selector(".verdict")
        answers.append(page.evaluate("() => performance.now()") - began)
        page.evaluate("() => { window.seen.moves = []; }")
        for step in range(MOVES // 3):
            page.mouse.move(x + 8 + 4 * step, 200 + 25 * step)
        page.wait_for_timeout(200)
        moves += page.evaluate("() => window.seen.moves")
        page.keyboard.press("Escape")
        page.mouse.up()
    return [
        Measured("a movement of a dragged visit shows", tuple(moves), 100),
        Measured("every crew says whether and at what cost it takes the visit", tuple(answers)),
    ]


def _updated(page: Page, found: Office) -> list[Measured]:
    """What somebody else does: how soon it shows, and what that costs the page's main thread."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    names = page.locator("button.block.movable").evaluate_all(
        "all => all.map(e => e.dataset.visit)"
    )
    locks = (partial(_lock, page, found, visit) for visit in names)
    rows = []
    for what, deeds, times in (
        ("a lock", locks, UPDATES),
        ("a draft", _moves(page, found, names), DRAFTS),
    ):
        work = tuple(_work(page, session, deed) for deed in islice(deeds, times))
        rows.append(Measured(f"{what} by somebody else, work of the main thread", work, 50))
        shown = tuple(_shown(page, deed) for deed in islice(deeds, times))
        rows.append(Measured(f"{what} by somebody else shows, from the press", shown, 1000))
    return rows


def _shown(page: Page, act: Callable[[], str]) -> float:
    """Do it: how long until what it answers with, a selector, is there."""
    page.wait_for_timeout(SETTLED_MS)
    began = page.evaluate("() => performance.now()")
    page.wait_for_selector(act(), state="attached")
    return float(page.evaluate("() => performance.now()")) - float(began)


def _work(page: Page, session: CDPSession, act: Callable[[], str]) -> float:
    """Do it, looking away: what the page worked until it was at rest, less what it works at rest."""
    page.wait_for_timeout(SETTLED_MS)
    before = _busy(session)
    page.wait_for_timeout(SETTLED_MS)
    at_rest = _busy(session) - before
    before = _busy(session)
    act()
    page.wait_for_timeout(SETTLED_MS)
    return max(0.0, _busy(session) - before - at_rest)


def _lock(page: Page, found: Office, visit: str) -> str:
    version = page.request.get(f"/api/v1/visits/{visit}").json()["version"]
    _send(
        page,
        "PUT",
        f"/api/v1/plans/{found.plan_id}/locks/{visit}",
        {"crew": True, "time": False},
        version,
    )
    return f'[data-visit="{visit}"] svg'


def _moves(page: Page, found: Office, visits: Iterable[str]) -> Iterator[Callable[[], str]]:
    """Visits put with another crew, each in the draft that the one before made, where it costs the least."""
    plan = page.request.get(f"/api/v1/plans/{found.plan_id}").json()
    for visit in visits:
        tried = page.request.get(f"/api/v1/plans/{plan['id']}/visits/{visit}/trials").json()
        here = page.request.get(f"/api/v1/visits/{visit}").json()["shift_id"]
        able = [row for row in tried if row["reason"] is None and row["shift_id"] != here]
        if able:
            shift = min(able, key=lambda row: int(row["cost"]))["shift_id"]
            body = {"visit_id": visit, "shift_id": shift, "version": plan["version"]}
            yield partial(_move, page, plan["id"], body)
            newest = page.request.get(
                f"/api/v1/territories/{office.TERRITORY}/days/{found.day}/board?draft=true"
            )
            plan = newest.json()["plan"]


def _move(page: Page, plan: int, body: dict[str, Any]) -> str:
    made = _send(page, "POST", f"/api/v1/plans/{plan}/moves", body, body["version"])
    return f'.state h2:has-text("Draft {made["number"]}")'


def _send(page: Page, method: str, path: str, body: dict[str, Any], version: int) -> Any:
    headers = {
        "If-Match": f'"{version}"',
        "Idempotency-Key": uuid.uuid4().hex,
        "Sec-Fetch-Site": "same-origin",
    }
    answer = page.request.fetch(path, method=method, headers=headers, data=body)
    assert answer.ok, answer.text()
    return answer.json()


def _busy(session: CDPSession) -> float:
    """What the page's main thread has worked so far, milliseconds of its processor time.

    Not TaskDuration: that goes on while a task waits for a processor that the server or the browser's others have.
    """
    metrics: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    return 1000 * float(next(each["value"] for each in metrics if each["name"] == "ThreadTime"))
