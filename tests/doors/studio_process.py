"""A studio that runs as a process of its own, for tests: started, asked, stopped."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.sync import client

__all__ = ["Studio", "kill", "start", "stop"]


@dataclass
class Studio:
    """A studio that runs as a process of its own."""

    process: subprocess.Popen[str]
    address: str
    said: list[str]

    @property
    def port(self) -> int:
        return int(re.search(r":(\d+)/", self.address)[1])  # type: ignore[index]

    @property
    def token(self) -> str:
        return self.address.rstrip("/").rpartition("/")[2]

    @property
    def workers(self) -> list[int]:
        """Process numbers of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in children.split()]

    def get(self, path: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest("GET", path or f"/{self.token}/", skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        with contextlib.closing(connection), answer:
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def talk(self, origin: str | None = "", token: str = "") -> Any:
        where = f"ws://127.0.0.1:{self.port}/{token or self.token}/talk"
        mine = f"http://127.0.0.1:{self.port}" if origin == "" else origin
        return client.connect(where, origin=mine, open_timeout=60, max_size=None)


def start(*arguments: str, folder: Path) -> Studio:
    command = [sys.executable, "-m", "synarray", "studio", "--no-browser", *arguments]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = []
    while not (found := re.search(r"http://\S+", said[-1] if said else "")):
        line = process.stdout.readline()
        assert line, said
        said.append(line.strip())
    return Studio(process, found[0], said)


def stop(studio: Studio) -> str:
    studio.process.send_signal(signal.SIGINT)
    rest, _ = studio.process.communicate(timeout=60)
    return rest


def kill(studio: Studio) -> None:
    studio.process.kill()
    studio.process.communicate(timeout=60)
