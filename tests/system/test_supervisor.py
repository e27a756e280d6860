"""`up`'s processes: kept alive, stopped in time, and none outlives its parent, however that ends."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dispatch.core.config import Settings
from tests.system.servers import environment, eventually, free_port, process, python
from workers import startup
from workers.installation import optimizer_is_ready, running
from workers.redis_server import answers
from workers.startup import DataDirUnusable
from workers.supervisor import (
    Child,
    ChildFailed,
    DataDirInUse,
    PortInUse,
    Supervisor,
    check_port,
    data_dir_lock,
)

pytestmark = pytest.mark.system

SLEEPS = "import time; time.sleep(3600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
WEB = (
    "import http.server, os\n"
    "address = (os.environ['GRIDCREW_HOST'], int(os.environ['GRIDCREW_PORT']))\n"
    "http.server.HTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()"
)


@pytest.fixture
def said() -> list[str]:
    """What a person was told."""
    return []


@pytest.fixture
def supervised(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    """A supervisor with nothing to do yet."""
    keeper = Supervisor(logs=tmp_path / "logs", say=said.append)
    yield keeper
    keeper.stop()


def test_a_child_that_dies_is_said_to_and_started_again(
    supervised: Supervisor, said: list[str]
) -> None:
    supervised.start(Child("web", python("-c", SLEEPS)))
    first = supervised.pids()["web"]

    os.kill(first, signal.SIGKILL)

    eventually(lambda: supervised.pids().get("web", first) != first)
    assert said == [line for line in said if line.startswith("web was killed (SIGKILL); starting")]
    assert len(said) == 1


def test_a_child_that_keeps_dying_is_started_ever_more_slowly(
    supervised: Supervisor, said: list[str]
) -> None:
    supervised.start(Child("web", ["sh", "-c", "exit 3"]))

    eventually(lambda: len(said) >= 3, what="the third death")

    pauses = [line.split("starting it again in ")[1].split(" (log: ")[0] for line in said[:3]]
    assert pauses == ["0.5 s", "1 s", "2 s"]
    assert said[0].startswith("web ended (exit code 3); starting it again in 0.5 s (log: ")


def test_a_child_that_does_not_become_ready_is_told_with_its_last_words(
    supervised: Supervisor,
) -> None:
    supervised.start(Child("web", ["sh", "-c", "echo 'port is taken'; exit 1"]))

    with pytest.raises(ChildFailed, match="web ended at once: port is taken"):
        supervised.wait_ready("web", lambda: False, seconds=10)


def test_stopping_takes_less_than_ten_seconds_whatever_the_children_do(
    supervised: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, code in (("polite", SLEEPS), ("stubborn", STUBBORN), ("other", STUBBORN)):
        supervised.start(Child(name, python("-c", code), last=name == "other"))
    processes = [psutil.Process(pid) for pid in supervised.pids().values()]
    time.sleep(0.5)
    began = time.monotonic()

    supervised.stop()

    assert time.monotonic() - began < 10
    assert not any(one.is_running() for one in processes)


def test_a_child_is_asked_to_stop_once(supervised: Supervisor, tmp_path: Path) -> None:
    counter = tmp_path / "count"
    code = (
        "import signal, sys, time\n"
        f"def hear(*_): open({str(counter)!r}, 'a').write('x')\n"
        "signal.signal(signal.SIGTERM, hear)\n"
        f"open({str(counter)!r}, 'a').write('r')\n"
        "end = time.monotonic() + 2\n"
        "while time.monotonic() < end or not open({!r}).read().endswith('x'): time.sleep(0.1)"
    ).replace("{!r}", repr(str(counter)))
    supervised.start(Child("worker", python("-c", code)))
    eventually(counter.exists)

    supervised.stop()

    assert counter.read_text() == "rx"


def test_a_port_in_use_is_refused_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(PortInUse, match=rf"Port {port} .* GRIDCREW_PORT"):
            check_port("127.0.0.1", port)


def test_a_second_up_on_the_same_data_directory_is_refused(settings: Settings) -> None:
    refused = pytest.raises(DataDirInUse, match=f"process {os.getpid()}")
    with data_dir_lock(settings), refused, data_dir_lock(settings):
        pass
    with data_dir_lock(settings):  # and it is free afterwards
        pass


def test_the_lock_of_a_killed_up_is_free(settings: Settings, tmp_path: Path) -> None:
    code = (
        "import time\nfrom dispatch.core.config import Settings\n"
        "from workers.supervisor import data_dir_lock\n"
        "with data_dir_lock(Settings()): print('held', flush=True); time.sleep(3600)"
    )
    log = tmp_path / "log"
    with process(python("-c", code), env=environment(settings), log=log) as holder:
        eventually(lambda: "held" in log.read_text())
        with pytest.raises(DataDirInUse), data_dir_lock(settings):
            pass
        holder.kill()
        holder.wait()

    with data_dir_lock(settings):
        pass


def test_a_data_directory_that_cannot_be_written_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DataDirUnusable, match=r"cannot be written: .*GRIDCREW_DATA_DIR"):
        startup.check_data_dir(Settings(data_dir=tmp_path / "file" / "below"))


def test_a_redis_that_cannot_start_is_told_with_its_last_words(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "redis-server"
    fake.parent.mkdir()
    fake.write_text(
        "#!/bin/sh\n"
        'case "$1" in --version) echo "Redis server v=7.0.1 sha=0";; *) echo "out of memory"; exit 1;; esac\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    alone = settings.model_copy(update={"port": free_port()})

    failed = pytest.raises(ChildFailed, match="redis ended at once: out of memory")
    with failed, running(alone, api=python("-c", SLEEPS), say=lambda _line: None):
        pass


def test_everything_of_an_installation_comes_up_and_goes_down(
    settings: Settings, said: list[str]
) -> None:
    alone = settings.model_copy(update={"port": free_port()})
    with running(alone, api=python("-c", WEB), say=said.append) as installation:
        installation.wait_for("api", lambda: _listens(alone.port))
        installation.wait_for("optimizer", lambda: optimizer_is_ready(alone))
        assert answers(alone.redis)
        pids = installation.supervisor.pids()
        processes = [psutil.Process(pid) for pid in pids.values()]
        began = time.monotonic()

    assert time.monotonic() - began < 10
    assert set(pids) == {"redis", "api", "worker", "worker-solve", "worker-safety", "optimizer"}
    assert not any(one.is_running() for one in processes)
    assert said == []


def test_nothing_is_left_when_up_is_killed(settings: Settings, tmp_path: Path) -> None:
    up = _up(settings)
    log = tmp_path / "up.log"
    with process(python("-c", up), env=environment(settings), log=log) as parent:
        eventually(lambda: "up" in log.read_text(), what="the installation", seconds=30)
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) >= 6
        parent.kill()
        parent.wait()

    _gone, alive = psutil.wait_procs(family, timeout=3)
    assert alive == []


def test_without_the_parent_death_signal_children_would_be_left(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEPS!r}], start_new_session=True)\n"
        "print('child', child.pid, flush=True); time.sleep(3600)"
    )
    log = tmp_path / "log"
    with process(python("-c", code), env={}, log=log) as parent:
        eventually(lambda: log.read_text().endswith("\n") and "child" in log.read_text())
        orphan = psutil.Process(int(log.read_text().split()[1]))
        parent.kill()
        parent.wait()
    time.sleep(0.5)

    assert orphan.is_running()
    orphan.kill()


def test_ctrl_c_stops_everything_within_ten_seconds(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    with process(python("-c", _up(settings)), env=environment(settings), log=log) as parent:
        eventually(lambda: "up" in log.read_text(), what="the installation", seconds=30)
        family = psutil.Process(parent.pid).children(recursive=True)
        began = time.monotonic()
        parent.send_signal(signal.SIGINT)
        parent.wait(timeout=10)

    assert time.monotonic() - began < 10
    _gone, alive = psutil.wait_procs(family, timeout=1)
    assert alive == []


def _up(settings: Settings) -> str:
    port = free_port()
    return (
        "import sys, time\n"
        "from dispatch.core.config import Settings\n"
        "from workers.installation import running, optimizer_is_ready\n"
        f"settings = Settings(port={port})\n"
        f"api = [sys.executable, '-c', {WEB!r}]\n"
        "try:\n"
        "    with running(settings, api=api, say=print) as installation:\n"
        "        installation.wait_for('optimizer', lambda: optimizer_is_ready(settings))\n"
        "        print('up', flush=True)\n"
        "        time.sleep(3600)\n"
        "except KeyboardInterrupt:\n"
        "    pass\n"
    )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
