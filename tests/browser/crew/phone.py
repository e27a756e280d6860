"""A telephone with the crew's page open, as a crew uses it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from api.pages.built import BUNDLE
from tests.browser.crew.office import Office

AXE = BUNDLE.parent / "node_modules" / "axe-core" / "axe.min.js"


@dataclass
class Phone:
    """The page; its clock is that of the office. `asked` and `troubles` are what it asked for and complained of."""

    office: Office
    context: BrowserContext
    page: Page
    asked: list[str]
    troubles: list[str]

    def forward(self, minutes: int) -> None:
        """Time passes, on the telephone and at the office."""
        self.office.clock.forward(minutes=minutes)
        self.page.clock.fast_forward(minutes * 60_000)

    def step(self, action: str) -> None:
        """Press a button at the visit at hand, and wait until the visit is beyond it."""
        self.page.locator(f".next [data-step={action}]").click()
        self.page.wait_for_function(
            "action => !document.querySelector(`.next [data-step=${action}]`)", arg=action
        )

    def to_work(self) -> None:
        """From the day's first look to the work at the first customer."""
        for action in ("accept", "en_route", "arrived", "start"):
            self.step(action)
            self.forward(2)

    def offline(self) -> None:
        """Lose the network."""
        self.context.set_offline(True)
        self.page.wait_for_selector("[data-network=away]")

    def online(self) -> None:
        """Find it again, and wait until everything is sent and the day is loaded."""
        self.context.set_offline(False)
        self.settled()

    def settled(self) -> None:
        """Wait until nothing waits and the network is there."""
        self.page.wait_for_selector("[data-network=good][data-waiting='0'][data-busy=false]")

    def fill_in(self, photo: Path, *, sign: bool = True) -> None:
        """Everything that finishing a meter exchange asks for, in the form that is open."""
        page = self.page
        page.wait_for_selector("dialog form")
        for box in page.locator("dialog fieldset input[type=checkbox]").all():
            box.check()
        for code, value in (("old", "12345.6"), ("new", "0")):
            page.locator(f"#reading-reading_{code}").fill(value)
        page.locator("#reading-voltage_after").fill("229")
        page.set_input_files("dialog input[type=file]", photo)
        page.wait_for_selector("dialog img")
        if sign:
            self.sign()
        page.locator("dialog select").last.select_option("exchanged")

    def sign(self) -> None:
        """Draw a signature with the finger."""
        canvas = self.page.locator("canvas")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None
        left, middle = box["x"] + 40, box["y"] + box["height"] / 2
        self.page.mouse.move(left, middle)
        self.page.mouse.down()
        for number in range(40):
            self.page.mouse.move(left + 5 * number, middle + 25 * math.sin(number / 4))
        self.page.mouse.up()
        self.page.wait_for_selector("canvas ~ p", state="detached")  # the hint goes once it is kept

    def send_form(self) -> None:
        """Send the form that is open, and wait until it is gone."""
        self.page.locator("dialog .button.huge").click()
        self.page.wait_for_selector("dialog", state="detached")

    def kept(self, name: str) -> list[dict[str, Any]]:
        """What the page keeps on the telephone under this name."""
        found: list[dict[str, Any]] = self.page.evaluate(
            """async (name) => {
              const open = indexedDB.open("gridcrew-crew");
              const db = await new Promise((done) => (open.onsuccess = () => done(open.result)));
              const asked = db.transaction(name).objectStore(name).getAll();
              const all = await new Promise((done) => (asked.onsuccess = () => done(asked.result)));
              db.close();
              return all;
            }""",
            name,
        )
        return found

    def complaints(self) -> list[str]:
        """What the page threw or its content policy refused; that a network is missing is no fault of the page."""
        return [said for said in self.troubles if "net::ERR_INTERNET_DISCONNECTED" not in said]

    def axe(self) -> list[str]:
        """What axe finds serious or critical, each with the elements at fault."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
        return [
            f"{one['id']}: {[node['html'][:120] for node in one['nodes']][:3]}"
            for one in found["violations"]
            if one["impact"] in {"serious", "critical"}
        ]
