"""How compiled functions are made, and the making of all of them as the last installation step.

A kernel names its signature, so it is compiled when its module is imported and never again while
the cache holds it (`NUMBA_CACHE_DIR`, else beside the source). `python -m optimizer.kernels` fills
the cache, so that no planner ever waits for the compiler.
"""

import importlib
import pkgutil
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

import optimizer

P = ParamSpec("P")
R = TypeVar("R")


def compiled(signature: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a function for one signature, such as `float64(float64, int64[::1])`.

    The function does not hold the GIL and is kept in the cache; division by zero gives infinity
    or NaN, as in numpy.
    """
    make = numba.njit(signature, cache=True, nogil=True, error_model="numpy")
    return cast("Callable[[Callable[P, R]], Callable[P, R]]", make)


def compile_all() -> None:
    """Compile every kernel of the optimizer into the cache; seconds when it is there already."""
    for module in pkgutil.walk_packages(optimizer.__path__, "optimizer."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


if __name__ == "__main__":
    compile_all()
