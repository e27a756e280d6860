"""How compiled functions are made, and the making of all of them as the last installation step.

A kernel names its signature, so it is compiled when its module is imported and never again while
the cache holds it (`NUMBA_CACHE_DIR`, else beside the source). `python -m optimizer.kernels` fills
the cache, so that no planner ever waits for the compiler.
"""

import hashlib
import importlib
import os
import pkgutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numba.extending

import optimizer

P = ParamSpec("P")
R = TypeVar("R")


def _sources() -> str:
    """A word for what the kernels are made of: numba itself looks only at the file of each one."""
    digest = hashlib.sha256()
    for path in sorted(Path(optimizer.__path__[0]).rglob("*.py")):
        text = path.read_bytes()
        if b"optimizer.kernels import" in text or path.name == "layout.py":
            digest.update(text)
    return digest.hexdigest()[:16]


_config: Any = numba.config
# Not numba's own setting: this module may run twice in a process, as `python -m` and when it is imported.
_base = os.environ.get("NUMBA_CACHE_DIR") or str(
    Path(optimizer.__path__[0]) / "__pycache__" / "kernels"
)
_config.CACHE_DIR = str(Path(_base) / _sources())


_njit: Any = numba.njit
"""The same without its declared options: `_nrt` is none of them."""


def compiled(signature: object) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a function for one signature, such as `float64(float64, int64[::1])`.

    The function does not hold the GIL and is kept in the cache; division by zero gives infinity
    or NaN, as in numpy.
    """
    make = _njit(signature, cache=True, nogil=True, error_model="numpy")
    return cast("Callable[[Callable[P, R]], Callable[P, R]]", make)


def lean(signature: object) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """As `compiled`, for a function that makes no array: it counts no references.

    Counting them costs more than the arithmetic where arrays come in tuples.
    """
    make = _njit(signature, cache=True, nogil=True, error_model="numpy", _nrt=False)
    return cast("Callable[[Callable[P, R]], Callable[P, R]]", make)


def part(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function with the lean ones that call it; it has no life of its own."""
    return cast("Callable[P, R]", _njit(error_model="numpy", _nrt=False)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """As `part`, written out where it is called."""
    make = _njit(error_model="numpy", _nrt=False, inline="always")
    return cast("Callable[P, R]", make(function))


_intrinsic: Any = numba.extending.intrinsic


def _plus(_typing: Any, _a: Any, _b: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.add(*arguments)

    return numba.types.int32(numba.types.int32, numba.types.int32), generate


plus = cast("Callable[[int, int], int]", _intrinsic(_plus))
"""The sum of two numbers of 32 bits in 32 bits: the compiler's own has 64, and half the speed."""


LONG = (
    "optimizer.search.filling",
    "optimizer.search.loading",
    "optimizer.search.annealing",
    "optimizer.exact.labelling",
)
"""Modules that take long to compile, the longest first; none of them loads another."""


def compile_all() -> None:
    """Compile every kernel of the optimizer into the cache; seconds when it is there already."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as processes:
        list(processes.map(_load, LONG))
    for module in pkgutil.walk_packages(optimizer.__path__, "optimizer."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _load(module: str) -> None:
    importlib.import_module(module)


if __name__ == "__main__":
    compile_all()
