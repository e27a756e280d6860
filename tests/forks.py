"""One process that has imported the product, of which tests make copies in milliseconds.

The standard library's fork server is that process. Its copies are processes like any others: they are killed,
stopped and restarted, and have their own connections.
"""

import multiprocessing
from importlib import import_module

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "tests.faults.worker",
        "tests.faults.office",
        "tests.faults.processes",
        "tests.api.cli.commands",
    ]
)  # all of them here: there is one such server in a process, and the last list given to it counts


def call(module: str, name: str, *arguments: object) -> None:
    """Call a function of a module that only the copy shall import."""
    getattr(import_module(module), name)(*arguments)
