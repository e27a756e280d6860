"""Whatever a solver does, the worker lives on, answers in time and leaves no process behind."""

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from sqlmodel import select

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Task
from dispatch.planning import plans
from dispatch.work.tables import Visit
from tests.builders.planning import crew_on, job, published, request, visits_on
from tests.faults.counts import FULL
from tests.instants import DAY, NOW
from workers import solver, watching
from workers.execution import Outcome, execute
from workers.handlers import HANDLERS
from workers.solver import SolverFailed, run_solver

pytestmark = pytest.mark.faults

SETTINGS = Settings(solve_memory_mb=1024)
GOOD = "import sys, json; problem = json.load(sys.stdin); print(json.dumps({'saw': problem}))"
SLACK = 1.0 if FULL else 2.0


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    if not FULL:
        monkeypatch.setattr(solver, "ASK_TO_STOP_AFTER", 0.4)
        monkeypatch.setattr(solver, "KILL_AFTER", 0.9)
        monkeypatch.setattr(solver, "BEGINS_WITHIN", 1.0)


def run(code: str, document: str = "{}", *, seconds: float = 1.0, **options: object) -> str:
    return run_solver(
        SETTINGS, document, seconds=seconds, seed=1, program=[sys.executable, "-c", code], **options
    )  # type: ignore[arg-type]


BEFORE: set[int] = set()


@pytest.fixture(autouse=True)
def _what_other_tests_run() -> None:
    """What ran before the test is not what a solver left."""
    BEFORE.clear()
    BEFORE.update(each.pid for each in psutil.Process().children(recursive=True))


def left_behind() -> list[psutil.Process]:
    """Python programs of `-c` that still run, but for the standard library's own, which other tests fork from."""
    alive = [
        each
        for each in psutil.Process().children(recursive=True)
        if each.status() != psutil.STATUS_ZOMBIE and each.pid not in BEFORE
    ]
    commands = [(each, each.cmdline()) for each in alive]
    return [
        each
        for each, command in commands
        if command[:1] == [sys.executable]
        and "-c" in command
        and not any("multiprocessing." in part for part in command)
    ]


MISFORTUNES = pytest.mark.parametrize(
    ("code", "how"),
    [
        ("import ctypes; ctypes.string_at(0)", "crashed"),
        ("import os; os.abort()", "crashed"),
        ("import time; time.sleep(3600)", "crashed"),  # SIGTERM ends it: no answer, but no hang either
        (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)",
            "timed_out",
        ),
        ("x = bytearray(10 * 2**30)", "crashed"),
        ("print('this is no plan')", "garbage"),
        ("print('[1, 2]')", "garbage"),
        ("print('[' * 10**6)", "garbage"),
        ("import sys; sys.stdout.buffer.write(bytes([255, 254]))", "garbage"),
        ("import sys; [sys.stdout.write('x' * 2**20) for _ in range(100)]", "too_large"),
        ("", "garbage"),
        ("import os; os.kill(os.getpid(), 40)", "crashed"),
        ("import sys; sys.stderr.write('visits[3].windows[0]: nonsense'); sys.exit(2)", "refused"),
    ],
    ids=[
        "segfault", "abort", "hang", "stubborn hang", "10 GB", "garbage", "no object",
        "1,000,000 deep", "no text", "100 MB", "nothing", "nameless signal", "refusal",
    ],
)  # fmt: skip


@MISFORTUNES
def test_every_misfortune_of_a_solver_is_told_apart_and_ends_in_time(code: str, how: str) -> None:
    began = time.monotonic()

    with pytest.raises(SolverFailed) as caught:
        run(code, json.dumps({"visits": ["x" * 1000] * 1000}))

    assert caught.value.details["how"] == how
    assert time.monotonic() - began < 1.0 + solver.KILL_AFTER + SLACK
    assert left_behind() == []


@MISFORTUNES
def test_the_plan_in_force_stays_whatever_becomes_of_the_next_ones_solver(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, how: str
) -> None:
    program = [sys.executable, "-c", code]
    monkeypatch.setattr(watching, "run_solver", partial(run_solver, program=program))
    settings = Settings(data_dir=tmp_path, solve_memory_mb=1024, solve_seconds=1.0)
    with transaction(database) as session:
        crew_on(session, "C1")
        visit = job(session).id
        before = published(session).id
        job(session, east=2.0)
        plan_id = request(session).id or 0
        task_id = session.exec(select(Task.id).where(Task.kind == "plan.solve")).all()[-1]

    outcome = execute(
        database, settings, task_id or 0, owner="w", handlers=HANDLERS, clock=lambda _: NOW
    )

    assert outcome is (Outcome.DONE if how == "refused" else Outcome.RETRY)
    with database.reading() as session:
        in_force = plans.in_force(session, territory_id="humen", day=DAY)
        assert in_force is not None
        assert in_force.id == before
        assert visits_on(session, in_force) == [visit]
        assert session.get_one(Visit, visit).crew_id == "C1"
        assert plans.get(session, plan_id).error
    assert left_behind() == []


@pytest.mark.parametrize(
    "code", ["import ctypes; ctypes.string_at(0)", "import os; os.abort()", "while True: pass"]
)
def test_in_the_workers_own_process_a_misfortune_would_be_the_workers(code: str) -> None:
    """The control: why a solve has a process of its own."""
    worker = subprocess.Popen(
        [sys.executable, "-c", f"exec({code!r})\nprint('alive')"], stdout=subprocess.PIPE
    )
    try:
        told, _ = worker.communicate(timeout=4)
    except subprocess.TimeoutExpired:
        told = b""
    finally:
        worker.kill()
        worker.communicate()

    assert told == b""


def test_a_good_answer_comes_back_as_it_was_written() -> None:
    document = json.dumps({"big": ["虎门"] * 200_000}, ensure_ascii=False)

    answer = run(GOOD, document, seconds=20)

    assert json.loads(answer) == {"saw": json.loads(document)}
    assert left_behind() == []


def test_what_a_refusal_says_names_the_path_in_the_problem() -> None:
    with pytest.raises(SolverFailed, match=r"visits\[3\].windows\[0\]"):
        run("import sys; sys.stderr.write('visits[3].windows[0]: nonsense'); sys.exit(2)")


def test_progress_is_told_while_the_solver_works() -> None:
    heard: list[dict[str, object]] = []
    code = (
        "import sys, time\n"
        "for i in range(3): print('{\"total\": %d}' % i, file=sys.stderr, flush=True)\n"
        "print('not json', file=sys.stderr)\n"
        "time.sleep(0.2); print('{}')"
    )

    run(code, on_progress=heard.append)

    assert heard == [{"total": 0}, {"total": 1}, {"total": 2}]


def test_a_solve_stopped_early_answers_with_the_best_so_far() -> None:
    code = (
        "import signal, sys, time\n"
        "def best(*_): print('{\"best\": 1}'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, best)\n"
        "print('{\"total\": 1}', file=sys.stderr, flush=True)\n"
        "time.sleep(3600)"
    )
    heard: list[object] = []
    began = time.monotonic()

    answer = run(code, seconds=600, on_progress=heard.append, should_stop=lambda: bool(heard))

    assert json.loads(answer) == {"best": 1}
    assert time.monotonic() - began < 10


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="only Linux tells it")
@pytest.mark.parametrize("counted", [False, True])
def test_who_waits_for_a_core_is_not_out_of_time(
    monkeypatch: pytest.MonkeyPatch, counted: bool
) -> None:
    """With waiting `counted`, the control, a busy machine's solver is stopped before it has begun."""
    for limit, seconds in (("ASK_TO_STOP_AFTER", 0.2), ("KILL_AFTER", 0.4), ("BEGINS_WITHIN", 0.1)):
        monkeypatch.setattr(solver, limit, seconds)
    if counted:
        monkeypatch.setattr(solver, "_waited", lambda _pid: 0.0)
    core = min(os.sched_getaffinity(0))
    alone = f"import os, time; os.sched_setaffinity(0, [{core}])\n"
    works = f"{alone}end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nprint('{{}}')"
    spins = f"{alone}os.nice(10)\nwhile True: pass"
    others = [
        subprocess.Popen([sys.executable, "-c", spins], start_new_session=True) for _ in range(4)
    ]
    try:
        if counted:
            with pytest.raises(SolverFailed):
                run(works, seconds=0.5)
        else:
            assert run(works, seconds=0.5) == "{}\n"
    finally:
        for each in others:
            each.kill()
            each.wait()


def test_what_the_solver_started_goes_with_it() -> None:
    code = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)'])\n"
        "print('{}')"
    )

    assert run(code) == "{}\n"
    _eventually(lambda: left_behind() == [])


def test_the_solver_knows_no_secret_and_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDCREW_DATABASE_URL", "postgresql://user:password@db/gridcrew")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/kernels")
    code = "import json, os; print(json.dumps({'env': dict(os.environ), 'nice': os.nice(0)}))"

    answer = json.loads(run(code))

    assert set(answer["env"]) <= {"NUMBA_CACHE_DIR", "LC_CTYPE"}  # Python adds the latter itself
    assert answer["nice"] == min(19, os.nice(0) + 10)


def test_the_solver_has_no_network_where_the_system_lets_us_take_it_away() -> None:
    links = (
        "import json, socket; print(json.dumps({'links': [n for _, n in socket.if_nameindex()]}))"
    )
    allowed = "import ctypes; print(ctypes.CDLL(None).unshare(0x10000000 | 0x40000000))"
    verdict = subprocess.run(
        [sys.executable, "-c", allowed], capture_output=True, text=True, check=True
    )

    has_none = json.loads(run(links))["links"] in ([], ["lo"])

    assert has_none or verdict.stdout.strip() != "0"


def test_the_solver_dies_within_two_seconds_of_its_worker(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    solving = (
        "import os, time, pathlib\n"
        f"pathlib.Path({str(marker)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(3600)"
    )
    worker = subprocess.Popen(
        [
            sys.executable, "-c",
            "import sys\nfrom dispatch.core.config import Settings\nfrom workers.solver import run_solver\n"
            f"run_solver(Settings(), '{{}}', seconds=600, seed=1, program=[sys.executable, '-c', {solving!r}])",
        ]
    )  # fmt: skip
    try:
        _eventually(lambda: marker.exists() and marker.read_text() != "")
        child = psutil.Process(int(marker.read_text()))
    finally:
        worker.kill()
        worker.wait()

    child.wait(timeout=2)


def _eventually(holds: object, *, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)
