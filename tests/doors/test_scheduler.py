"""A Dask scheduler that is not there: one message within seconds, whatever stands at the address; nothing else is said."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import Command, four_parts, process

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))
from slowness import times_slower

pytest.importorskip("distributed")

_WITHIN = 10.0
"""Seconds in which the message must come where the processor is not throttled; the start of the process comes on top."""


@contextlib.contextmanager
def listening(answer: bytes | None) -> Iterator[str]:
    """Listen on loopback, and answer everybody with the same words, or with nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        heard: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    heard.append(server.accept()[0])
                    if answer is not None:
                        heard[-1].sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
    for each in heard:
        each.close()


def refused(folder: Path, address: str) -> dict[str, str]:
    """Run a study there, and check that it is refused in time and without noise."""
    (folder / "a.toml").write_text("set = { epochs = 1 }\n", "utf-8")
    empty = time.monotonic()
    subprocess.run([sys.executable, "-c", "import distributed"], check=True)
    start = time.monotonic()
    done = process("study", "run", "a.toml", "--dask", address, folder=folder)
    taken = time.monotonic() - start
    assert taken < _WITHIN * times_slower() + 2 * (start - empty)
    assert len(done.err.splitlines()) == 1, done.err
    message = four_parts(done)
    assert message["rule"].startswith("the Dask scheduler must be reachable")
    assert [path.name for path in folder.iterdir()] == ["a.toml"]
    return message.groupdict()


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "http://127.0.0.1:8786", "tcp://127.0.0.1", "tcp://127.0.0.1:0", "tcp://127.0.0.1:99999", "tcp://:8786"],
)  # fmt: skip
def test_what_is_no_address_is_told_with_one(command: Command, tmp_path: Path, address: str) -> None:
    (tmp_path / "a.toml").write_text("set = { epochs = 1 }\n", "utf-8")
    done = command("study", "run", "a.toml", "--dask", address)
    message = four_parts(done)
    assert len(done.err.splitlines()) == 1
    assert message["rule"].startswith("the Dask scheduler must be reachable")
    assert message["got"] == repr(address)
    assert "tcp://HOST:PORT" in message["do"]


@pytest.mark.parametrize("answer", [None, b"HTTP/1.0 400 Bad request\r\n\r\n", b"\x00" * 4096, b"\x01" + b"\x00" * 30])
def test_what_is_no_scheduler_is_told_in_time(tmp_path: Path, answer: bytes | None) -> None:
    with listening(answer) as address:
        assert "no scheduler" in refused(tmp_path, address)["got"]


def test_a_server_of_pages_is_no_scheduler(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "pages").mkdir()
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"], cwd=tmp_path / "pages",
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(1000):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.01)
        (tmp_path / "study").mkdir()
        assert "no scheduler" in refused(tmp_path / "study", f"tcp://127.0.0.1:{port}")["got"]
    finally:
        server.kill()
        server.wait()


def test_a_name_that_is_never_found_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from synarray.errors import RunError
    from synarray.study import scheduler

    found = threading.Event()
    never: Callable[..., None] = lambda *_, **__: found.wait(60)  # noqa: E731
    monkeypatch.setattr(scheduler, "_identity", never)
    start = time.monotonic()
    with pytest.raises(RunError, match="no answer"):
        scheduler.connect("tcp://somewhere:8786")
    taken = time.monotonic() - start
    assert taken < _WITHIN * times_slower()
    found.set()
