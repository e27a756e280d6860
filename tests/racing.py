"""Calls that begin together, in threads."""

import threading
from collections.abc import Callable

from dispatch.core.errors import DispatchError


def at_once(*calls: Callable[[], None]) -> list[str]:
    """Run the calls in threads that begin together; how each ended: done, or the refusal's code."""
    ends: list[str] = []
    errors: list[BaseException] = []
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], None]) -> None:
        gate.wait(60)
        try:
            call()
            ends.append("done")
        except DispatchError as refused:
            ends.append(refused.code)
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return ends
