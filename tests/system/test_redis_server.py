"""The embedded Redis: found, guarded, and replaceable at any time."""

import json
import subprocess
from pathlib import Path

import pytest

from dispatch.core.config import Settings
from tests.system.servers import Redis
from workers import redis_server
from workers.redis_server import Binary, RedisUnusable

pytestmark = pytest.mark.system


def binary(kind: str, *version: int) -> Binary:
    return Binary(redis_server.find().path, kind, version)


def test_a_server_is_found_and_says_its_version() -> None:
    found = redis_server.find()

    assert found.kind in {"redis", "valkey"}
    assert found.version >= (6, 2)


def test_without_any_server_the_refusal_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(redis_server.sysconfig, "get_paths", lambda: {"platlib": "/nonexistent"})

    with pytest.raises(RedisUnusable, match="apt-get install redis-server"):
        redis_server.find()


def test_it_answers_on_a_socket_that_only_its_owner_can_reach(
    settings: Settings, redis: Redis
) -> None:
    folder = settings.data_dir / "redis"

    assert redis_server.answers(settings.redis)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "redis.sock").stat().st_mode & 0o077 == 0
    assert not redis_server.answers("redis://127.0.0.1:6379")  # it opens no port


def test_what_is_rung_survives_a_restart(settings: Settings, redis: Redis) -> None:
    client = redis_server.connect(settings.redis, patience=2)
    client.set("a", "1")
    client.close()
    redis.kill()
    redis.start()

    client = redis_server.connect(settings.redis, patience=2)
    assert client.get("a") == b"1"
    client.close()


def test_the_remains_of_a_killed_server_do_not_hinder_the_next(
    settings: Settings, redis: Redis
) -> None:
    redis.kill()
    assert (settings.data_dir / "redis" / "redis.sock").exists()

    redis.start()

    assert redis_server.answers(settings.redis)


def test_a_server_that_outlived_its_supervisor_is_ended_first(
    settings: Settings, redis: Redis
) -> None:
    leftover = redis.process
    assert leftover is not None
    redis.start()

    assert leftover.wait(5) is not None
    assert redis_server.answers(settings.redis)


def test_a_server_that_does_not_answer_is_named(settings: Settings, redis: Redis) -> None:
    assert redis.process is not None
    number = redis.process.pid
    subprocess.run(["kill", "-STOP", str(number)], check=True)
    try:
        with pytest.raises(RedisUnusable, match=f"process {number}"):
            redis_server.prepare(settings)
    finally:
        subprocess.run(["kill", "-CONT", str(number)], check=True)


def test_an_older_server_refuses_a_newer_ones_folder(settings: Settings) -> None:
    redis_server.prepare(settings, binary=binary("redis", 7, 2, 4))

    redis_server.prepare(settings, binary=binary("redis", 7, 2, 5))
    with pytest.raises(RedisUnusable, match="nothing is lost"):
        redis_server.prepare(settings, binary=binary("redis", 6, 2, 14))
    with pytest.raises(RedisUnusable, match=r"written by redis 7\.2\.5"):
        redis_server.prepare(settings, binary=binary("redis", 7, 0))


def test_valkey_takes_over_from_redis_but_not_the_other_way(settings: Settings) -> None:
    redis_server.prepare(settings, binary=binary("redis", 6, 2, 14))
    redis_server.prepare(settings, binary=binary("valkey", 8, 0, 1))

    with pytest.raises(RedisUnusable, match="valkey 8"):
        redis_server.prepare(settings, binary=binary("redis", 7, 2, 4))
    record = json.loads((settings.data_dir / "redis" / "server.json").read_text())
    assert record["kind"] == "valkey"


def test_a_data_directory_too_deep_for_a_socket_is_a_clear_refusal(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)

    with pytest.raises(RedisUnusable, match="GRIDCREW_DATA_DIR to a shorter path"):
        redis_server.prepare(Settings(data_dir=deep))


def test_a_path_with_spaces_and_quotes_is_no_trouble(tmp_path: Path) -> None:
    odd = Redis(Settings(data_dir=tmp_path / 'a "b" 虎门'))
    odd.start()
    odd.kill()
