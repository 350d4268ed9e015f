"""A real Dask scheduler and two workers as processes of their own."""

import asyncio
import logging
import os
import re
import signal
import socket
import time
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("distributed", reason="dask is not installed")

from distributed import Client

from spikecast.core.errors import ClusterLostError, InputError
from spikecast.parallel import dask_cluster, executors
from spikecast.parallel.executors import open_executor, run_jobs
from spikecast.parallel.shared_data import SharedValue, share_value


def total(handle: SharedValue, n: int) -> tuple[float, int]:
    time.sleep(0.05)
    return float(handle.get()["x"].sum()) + n, os.getpid()


def test_a_worker_is_killed_and_another_joins(cluster):
    with (
        open_executor(40, engine=f"dask://{cluster.address}") as pool,
        share_value({"x": np.arange(10.0)}, pool) as handle,
    ):
        calls = {str(n): (total, (handle, n)) for n in range(40)}
        results = {}
        for job in run_jobs(calls, pool):
            results[job.name] = job.result()
            if len(results) == 5:
                cluster.workers[0].send_signal(signal.SIGKILL)
                cluster.add_worker()
    assert {name: value for name, (value, _) in results.items()} == {
        str(n): 45.0 + n for n in range(40)
    }


def slow(n: int) -> int:
    time.sleep(0.2)
    return n


@pytest.mark.slow
def test_a_worker_at_its_walltime_and_one_that_joins_late_lose_no_job(cluster):
    for worker in cluster.workers:
        worker.send_signal(signal.SIGTERM)  # what a queue sends first
    cluster.add_worker("--lifetime", "4s")
    with open_executor(40, engine=f"dask://{cluster.address}") as pool:
        results = {}
        for job in run_jobs({str(n): (slow, (n,)) for n in range(40)}, pool):
            results[job.name] = job.result()
            if len(results) == 10:
                cluster.add_worker()
    assert results == {str(n): n for n in range(40)}


def run_until_the_scheduler_is_killed(cluster):
    with open_executor(40, engine=f"dask://{cluster.address}") as pool:
        for job in run_jobs({str(n): (slow, (n,)) for n in range(40)}, pool):
            job.result()
            if job.name == "5":
                cluster.scheduler.kill()


@pytest.mark.slow  # Dask looks for a lost scheduler for half a minute
def test_a_scheduler_that_is_gone_is_an_interruption(cluster):
    with pytest.raises(ClusterLostError, match=r"the cluster is gone.*--resume"):
        run_until_the_scheduler_is_killed(cluster)


def test_only_while_a_cluster_is_used_are_its_own_messages_kept_away(cluster):
    client, loop = logging.getLogger("distributed.client"), logging.getLogger("tornado.application")
    client.setLevel(logging.WARNING)  # as the configuration of Dask has it
    with open_executor(1, engine=f"dask://{cluster.address}"):
        assert not client.isEnabledFor(logging.CRITICAL)
        assert not loop.isEnabledFor(logging.CRITICAL)
    assert client.getEffectiveLevel() == logging.WARNING
    assert loop.isEnabledFor(logging.CRITICAL)


@pytest.mark.parametrize(("n_lost", "is_there"), [(2, True), (1, False), (9, True)])
def test_a_worker_lost_as_all_are_reached_is_no_lost_scheduler(n_lost, is_there):
    asked = []

    async def register_plugin(plugin, name):
        asked.append(name)
        if len(asked) <= n_lost:
            raise OSError("Stream is closed")

    async def identity():
        if not is_there:
            raise OSError("Connection refused")

    async def unregister_worker_plugin(name):
        pass

    client = SimpleNamespace(
        register_plugin=register_plugin,
        unregister_worker_plugin=unregister_worker_plugin,
        scheduler=SimpleNamespace(identity=identity),
        sync=lambda call, callback_timeout: asyncio.run(call()),
    )
    if n_lost == 2:
        with dask_cluster.plugged(client, None, "check", 1.0):
            assert len(asked) == 3
        return
    with (
        pytest.raises(
            ClusterLostError, match=r"gone \(Stream" if is_there else r"gone \(Connection"
        ),
        dask_cluster.plugged(client, None, "check", 1.0),
    ):
        pass


@pytest.fixture
def other_version(tmp_path):
    """A folder that makes a worker take the package for another version."""
    folder = tmp_path / "other" / "spikecast-9.9.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: spikecast\nVersion: 9.9\n")
    return folder.parent


def wait_for(client, n_workers):
    client.wait_for_workers(n_workers, timeout=60)


@pytest.mark.slow
def test_a_worker_with_another_version_is_refused_by_name(cluster, other_version):
    engine = f"dask://{cluster.address}"
    own = version("spikecast")
    with open_executor(2, engine=engine) as pool:
        wait_for(pool._client, 2)
        late = cluster.add_worker(path=[str(other_version)])
        late.wait(timeout=60)  # it ends itself
        (job,) = run_jobs({"a": (slow, (1,))}, pool)
        assert job.result() == 1
    cluster.add_worker(path=[str(other_version)])
    with Client(cluster.address) as client:
        wait_for(client, 3)
    with (
        pytest.raises(InputError, match=rf"has spikecast 9\.9, this process {re.escape(own)};"),
        open_executor(2, engine=engine),
    ):
        pass


def test_dask_local():
    with open_executor(4, 2, "dask-local") as pool, share_value({"x": np.ones(2)}, pool) as handle:
        jobs = run_jobs({str(n): (total, (handle, n)) for n in range(4)}, pool)
        assert sorted(job.value[0] for job in jobs) == [2, 3, 4, 5]


def test_what_answers_nothing_is_no_scheduler(monkeypatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = f"dask://127.0.0.1:{silent.getsockname()[1]}"
        with (
            pytest.raises(InputError, match=r"no Dask scheduler answers at .* \(not in 0\.3 s\)"),
            open_executor(2, engine=engine),
        ):
            pass


@pytest.mark.slow
def test_a_cluster_without_workers_is_named_and_a_silent_scheduler_given_up(
    cluster, monkeypatch, caplog
):
    monkeypatch.setattr(executors, "LOOK", 0.2)
    monkeypatch.setattr(dask_cluster, "ANSWER_TIMEOUT", 3.0)
    with open_executor(2, engine=f"dask://{cluster.address}") as pool:
        for worker in cluster.workers:
            worker.kill()
            worker.wait()

        def stop_once_said() -> None:
            if "has no workers; waiting until one joins" in caplog.text:
                cluster.scheduler.send_signal(signal.SIGSTOP)

        with pytest.raises(ClusterLostError, match="does not answer any more"):
            list(run_jobs({"a": (slow, (1,))}, pool, while_waiting=stop_once_said))
    cluster.scheduler.send_signal(signal.SIGCONT)


@pytest.mark.slow
def test_a_worker_that_is_stopped_is_named(cluster, monkeypatch, caplog):
    monkeypatch.setattr(executors, "LOOK", 0.2)
    monkeypatch.setattr(dask_cluster, "SILENT_AFTER", 3.0)
    stopped, other = cluster.workers
    with open_executor(2, engine=f"dask://{cluster.address}") as pool:
        wait_for(pool._client, 2)
        other.kill()
        other.wait()
        stopped.send_signal(signal.SIGSTOP)

        def go_on_once_said() -> None:
            if "no sign of 1 of 1 workers (tcp://" in caplog.text:
                stopped.send_signal(signal.SIGCONT)

        (job,) = run_jobs({"a": (slow, (1,))}, pool, while_waiting=go_on_once_said)
    assert job.result() == 1


def test_a_worker_without_a_sign_is_named_and_one_that_gives_signs_is_not(monkeypatch):
    seconds = iter(range(0, 100, 10))
    times = iter(range(10))
    monkeypatch.setattr(dask_cluster.time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(
        dask_cluster,
        "_call",
        lambda *_: {"workers": {"tcp://a:1": {"last_seen": 5}, "b": {"last_seen": next(times)}}},
    )
    signs = {}
    client = SimpleNamespace(scheduler=SimpleNamespace(identity=None))
    said = [dask_cluster.describe_trouble(client, signs) for _ in range(5)]
    assert said[:4] == [""] * 4
    assert said[4].startswith("no sign of 1 of 2 workers (tcp://a:1); ")


@pytest.mark.parametrize(("other", "is_said"), [("paused", True), ("running", False)])
def test_workers_that_have_all_paused_are_said(monkeypatch, other, is_said):
    workers = {
        name: {"last_seen": 5, "status": status}
        for name, status in (("tcp://a:1", "paused"), ("tcp://b:1", other))
    }
    monkeypatch.setattr(dask_cluster, "_call", lambda *_: {"workers": workers})
    client = SimpleNamespace(scheduler=SimpleNamespace(identity=None))
    said = dask_cluster.describe_trouble(client, {})
    assert said.startswith("all workers have paused, as their memory is nearly full") == is_said


@pytest.mark.slow
def test_workers_of_an_executor_that_was_handed_over_are_checked(cluster, other_version):
    cluster.add_worker(path=[str(other_version)])
    with Client(cluster.address) as client:
        wait_for(client, 3)
        with (
            pytest.raises(InputError, match=r"has spikecast 9\.9, this process"),
            share_value(1, client.get_executor(pure=False)),
        ):
            pass
