"""Where compiled functions are kept."""

import os
import subprocess
import sys
from pathlib import Path


def test_what_the_installation_compiles_is_where_planners_look_for_it(tmp_path: Path) -> None:
    # `python -m optimizer.kernels` runs the module under another name, and every kernel imports it again.
    code = (
        "import runpy, numba, optimizer.kernels as kernels; kernels.compile_all = lambda: None\n"
        "looked_for = numba.config.CACHE_DIR\n"
        "runpy.run_module('optimizer.kernels', run_name='again')\n"
        "print(looked_for, numba.config.CACHE_DIR, sep='\\n')"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip

    looked_for, written_to = run.stdout.splitlines()
    assert looked_for == written_to
    assert Path(looked_for).parent == tmp_path
