"""The console as a person uses it, and its API from the same browser."""

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

Json = dict[str, Any]
OPEN = {"planned", "published", "dispatched", "accepted"}


@dataclass
class Console:
    """A page that shows the console."""

    page: Page
    date: str
    territory: str = "humen"

    def open(self, **query: str) -> None:
        """Load the console, and wait for the board and for the line that tells of changes."""
        where = {"lang": "en", "territory": self.territory, "day": self.date, **query}
        self.page.goto("/console?" + "&".join(f"{key}={value}" for key, value in where.items()))
        self.page.wait_for_selector("[data-visit]")
        expect(self.page.locator(".live.live")).to_be_attached()

    @property
    def day(self) -> str:
        """The day's part of the API's addresses."""
        return f"/api/v1/territories/{self.territory}/days/{self.date}"

    def get(self, path: str) -> Any:
        """What the API answers."""
        answer = self.page.request.get(path)
        assert answer.ok, f"{path}: {answer.status} {answer.text()}"
        return answer.json()

    def send(
        self, method: str, path: str, body: Json | None = None, version: int | None = None
    ) -> Any:
        """Change something over the API, as a page of ours does."""
        headers = self._headers()
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        answer = self.page.request.fetch(path, method=method, headers=headers, data=body)
        assert answer.ok, f"{method} {path}: {answer.status} {answer.text()}"
        return answer.json() if answer.text() else None

    def board(self, *, draft: bool = True) -> Json:
        """The board as the API has it."""
        found: Json = self.get(f"{self.day}/board?draft={'true' if draft else 'false'}")
        return found

    def start_afresh(self) -> None:
        """Drop every run, draft, branch and lock, so that the day is as it was published."""
        end = time.monotonic() + 60
        board = self.board(draft=False)
        while self._stop_runs(board) and time.monotonic() < end:
            time.sleep(0.3)
            board = self.board(draft=False)
        for plan in board["plans"]:
            if plan["status"] == "proposed":
                path = f"/api/v1/plans/{plan['id']}/{'drop' if plan['branch'] else 'discard'}"
                self.send("POST", path, {"version": plan["version"]})
        for stop in stops(board):
            visit = stop["visit"]
            if visit["locked_crew"] or visit["locked_start_at"]:
                self.send("DELETE", f"/api/v1/visits/{visit['id']}/lock", version=visit["version"])

    def _stop_runs(self, board: Json) -> bool:
        """Whether a plan of the day is being made; it is told to end."""
        making = [row for row in board["plans"] if row["status"] in {"draft", "solving"}]
        for plan in making:
            self.page.request.post(f"/api/v1/plans/{plan['id']}/stop", headers=self._headers())
        return bool(making)

    @staticmethod
    def _headers() -> dict[str, str]:
        return {"Idempotency-Key": uuid.uuid4().hex, "Sec-Fetch-Site": "same-origin"}

    def block(self, visit: str) -> Locator:
        """The visit's block on the board."""
        return self.page.locator(f'button.block[data-visit="{visit}"]')

    def lane(self, shift: str) -> Locator:
        """The lane of a shift."""
        return self.page.locator(f'.lane[data-shift="{shift}"]')

    def choose(self, visit: str) -> Locator:
        """Press the block; what the side shows of it."""
        self.block(visit).click()
        shown = self.page.locator(f'[data-panel="{visit}"]')
        expect(shown).to_be_visible()
        return shown

    def trials(self, visit: str) -> list[Json]:
        """What every shift says to the visit on the plan shown."""
        plan = self.board()["plan"]["id"]
        found: list[Json] = self.get(f"/api/v1/plans/{plan}/visits/{visit}/trials")
        return found

    def movable(self) -> tuple[Json, str, list[Json]]:
        """A visit that another crew in view can take and a third cannot: its stop, its shift, the trials."""
        shown = set(self.page.locator(".lane").evaluate_all("all => all.map(e => e.dataset.shift)"))
        board = self.board()
        for crew in board["crews"]:
            for stop in crew["stops"]:
                visit = stop["visit"]
                if (
                    visit["status"] not in OPEN
                    or crew["shift_id"] not in shown
                    or visit["duration_s"] < 1800
                ):
                    continue
                tried = [row for row in self.trials(visit["id"]) if row["shift_id"] in shown]
                able = [r for r in tried if r["reason"] is None and r["crew_id"] != crew["crew_id"]]
                if able and any(row["reason"] for row in tried):
                    return stop, crew["shift_id"], tried
        raise AssertionError("no visit of the day can go to another crew")

    def take(self, visit: str) -> tuple[float, float]:
        """Take the visit's block in the hand, until every crew has said what it says; where it was held."""
        block = self.block(visit)
        block.scroll_into_view_if_needed()
        grip = self.middle(block)
        self.page.mouse.move(*grip)
        self.page.mouse.down()
        self.page.mouse.move(grip[0] + 6, grip[1] + 3)
        self.page.wait_for_selector(".verdict")
        return grip

    def drag(self, visit: str, shift: str, *, drop: bool = True) -> None:
        """Carry the visit's block to the shift: to its best place there, or where it is."""
        grip = self.take(visit)
        left = (self.block(visit).bounding_box() or {"x": grip[0]})["x"]
        best = self.lane(shift).locator(".best")
        place = best.bounding_box() if best.count() else None
        x = grip[0] if place is None else place["x"] + grip[0] - left
        self.page.mouse.move(x, self.middle(self.lane(shift))[1], steps=6)
        if drop:
            self.page.mouse.up()

    def asked_for(self, work_type: str, text: str, photos: Sequence[Path]) -> str:
        """Let a customer report a fault on the public form, and make work of it for the day; its visit."""
        form = self.page.context.new_page()
        form.goto("/ask?kind=fault&lang=en")
        fields = {"text": text, "address": "7 Liansheng Road, Boyong", "name": "Huang Shufen"}
        for name, value in {**fields, "phone": "0769 5550 0142"}.items():
            form.fill(f"#{name}", value)
        form.set_input_files("#photos", list(photos))
        form.locator("[data-do=ask]").click()
        form.wait_for_url("**/r/*")
        form.close()
        request = self.get("/api/v1/requests?open_only=true&limit=200")["items"]
        newest = max(request, key=lambda row: str(row["id"]))
        body = {"work_type": work_type, "earliest_day": self.date, "version": newest["version"]}
        order = self.send("POST", f"/api/v1/requests/{newest['id']}/work-orders", body)
        queue = self.board()["queue"]
        (visit,) = (r["visit"] for r in queue if r["visit"]["work_order_id"] == order["id"])
        return str(visit["id"])

    @property
    def state(self) -> Locator:
        """What the console says of the plan shown."""
        return self.page.locator(".state h2")

    def stop(self, visit: str) -> Json:
        """The visit's stop on the board."""
        return next(row for row in stops(self.board()) if row["visit"]["id"] == visit)

    @staticmethod
    def middle(locator: Locator) -> tuple[float, float]:
        """The middle of what is shown."""
        box = locator.bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def stops(board: Json) -> Iterable[Json]:
    """Every stop of the board."""
    return (stop for crew in board["crews"] for stop in crew["stops"])


def instant(text: str) -> datetime:
    """What the API wrote, in whatever zone."""
    return datetime.fromisoformat(text)
