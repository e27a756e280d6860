"""Draws docs/life-cycles.md from the tables of moves: `python -m tests.life_cycles > docs/life-cycles.md`."""

import sys
from typing import Any

from dispatch.contact.lifecycle import MESSAGES
from dispatch.core.lifecycle import Machine
from dispatch.desk.lifecycle import REQUESTS
from dispatch.exchange.lifecycle import IMPORTS
from dispatch.geo.lifecycle import GEOCODINGS
from dispatch.planning.lifecycle import OUTLOOKS, PLANS
from dispatch.registry.lifecycle import SHIFTS
from dispatch.webhooks.lifecycle import DELIVERIES, WEBHOOKS
from dispatch.work.lifecycle import PROMISES, SERIES, VISITS, WORK_ORDERS

MACHINES: tuple[Machine[Any], ...] = (
    REQUESTS, WORK_ORDERS, VISITS, PROMISES, PLANS, OUTLOOKS, MESSAGES, SHIFTS, SERIES, IMPORTS,
    GEOCODINGS, WEBHOOKS, DELIVERIES,
)  # fmt: skip


def page() -> str:
    """The whole page."""
    head = (
        "# Life cycles\n\nDrawn from the tables of moves in the code; a test compares. An arrow is an action; "
        "the tables below each drawing say who may do it.\n"
    )
    return head + "".join(_section(machine) for machine in MACHINES)


def _section(machine: Machine[Any]) -> str:
    arrows = [
        f"    {source} --> {row.target}: {row.action}"
        for row in machine.moves
        for source in sorted(row.sources)
    ]
    roles = dict.fromkeys((row.action, ", ".join(sorted(row.roles))) for row in machine.moves)
    table = [f"| {action} | {who} |" for action, who in roles]
    return "\n".join(
        [f"\n## {machine.name}\n", "```mermaid", "stateDiagram-v2", *arrows, "```", "",
         "| action | who |", "| --- | --- |", *table, ""]
    )  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(page())
