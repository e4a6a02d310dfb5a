"""The studio as a program meets it: who is let in, what is answered, what survives; its numbers are those of the command."""

from __future__ import annotations

import json
import os
import pickle
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from studio_process import Studio, kill, start, stop
from websockets.exceptions import ConnectionClosed, InvalidStatus

import synarray
from synarray.cost.prices import load_periphery
from synarray.run.layered_energy import bill_of_layers
from synarray.run.lifetime import lifetime_of
from synarray.studio.web import MOST_BYTES

JSON = dict[str, Any]


def until(talk: Any, *kinds: str, number: int | None = None) -> JSON:
    """Wait for an answer of one of these kinds."""
    while True:
        answer: JSON = json.loads(talk.recv(timeout=120))
        if answer["t"] in kinds and (number is None or answer["id"] == number):
            return answer


def ask(talk: Any, number: int, asked: JSON) -> None:
    talk.send(json.dumps({"t": "train", "id": number, "asked": asked}))


# ---- who is let in -------------------------------------------------------------------------------------------------------


def test_the_page_is_served_to_those_who_have_the_address_and_asks_for_nothing_elsewhere(studio: Studio) -> None:
    status, headers, body = studio.get()
    assert status == 200
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
    assert b"http:" not in body
    assert b"https:" not in body
    for name in re.findall(rb'(?:href|src)="([^"#:]+)"', body):
        assert studio.get(f"/{studio.token}/{name.decode()}")[0] == 200, name


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}), ("/wrong-token/", {}), ("/wrong-token/studio.js", {}), ("//", {}), ("/%00/", {}),
        ("", {"Host": "studio.example.com"}), ("", {"Host": "127.0.0.1:1"}), ("", {"Host": ""}),
        ("", {"Origin": "http://example.com"}), ("", {"Origin": "null"}), ("", {"Origin": "http://127.0.0.1:1"}),
    ],
)  # fmt: skip
def test_everyone_else_is_refused(studio: Studio, path: str, headers: dict[str, str]) -> None:
    status, answered, body = studio.get(path, **headers)
    assert status in (400, 403)
    assert studio.token.encode() not in body
    assert status == 400 or "content-security-policy" in answered


@pytest.mark.parametrize(
    "name", ["nothing.js", "../server.py", "..%2fserver.py", "%2e%2e/%2e%2e/glossary.toml", "talk", ".", "%00"]
)
def test_no_other_file_is_served(studio: Studio, name: str) -> None:
    assert studio.get(f"/{studio.token}/{name}")[0] in (404, 405)


@pytest.mark.parametrize("origin", ["http://example.com", None, "null"])
def test_a_foreign_page_cannot_talk(studio: Studio, origin: str | None) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        studio.talk(origin)
    with pytest.raises(InvalidStatus, match="403"):
        studio.talk(token="wrong")


# ---- what is answered ----------------------------------------------------------------------------------------------------------


def test_the_numbers_are_those_of_the_copied_command(studio: Studio, tmp_path: Path) -> None:
    with studio.talk() as talk:
        hello = until(talk, "hello")
        assert "device" in hello["asked"]["set"]
        changes = {
            "device.g_max": 4.2e-6,
            "device.sigma_c2c": 0.05,
            "device.nonlinearity_ltd": -2.0,
            "n_neurons": 18.0,
            "seed": 3,
        }
        ask(talk, 1, {"base": hello["asked"]["base"], "set": hello["asked"]["set"] | changes})
        begun, done = until(talk, "begin", number=1), until(talk, "done", number=1)
    words = shlex.split(begun["command"])
    assert words[:2] == ["synarray", "train"]
    train = subprocess.run(
        [sys.executable, "-m", *words, "--out", "run", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    metrics = json.loads(train.stdout)
    bill = done["bill"]
    for key in ("accuracy", "accuracy_low", "accuracy_high", "pulses", "state_sha256", "n_cells"):
        assert bill[key] == metrics[key], key
    said = {
        name: json.loads(
            subprocess.check_output([sys.executable, "-m", "synarray", name, "run", "--json"], cwd=tmp_path, text=True)
        )
        for name in ("energy", "lifetime")
    }
    assert bill["price"]["total"] == pytest.approx(said["energy"]["total"], rel=1e-12)
    assert bill["life"]["trainings"] == pytest.approx(said["lifetime"]["trainings_left"], rel=1e-12)
    scope: JSON = {}
    exec(begun["python"], scope)
    assert scope["result"].state_sha256 == bill["state_sha256"]
    (tmp_path / "saved.toml").write_text(begun["toml"])
    assert synarray.train(tmp_path / "saved.toml", progress=False).state_sha256 == bill["state_sha256"]


def test_layers_learn_one_after_the_other(studio: Studio, bars_file: Path) -> None:
    layers = [
        {"kind": "convolution", "n_neurons": 8, "kernel": 3, "pool": 2, "places": 4, "windows": 1},
        {"kind": "full", "n_neurons": 12, "windows": 2, "teacher": "contrast", "device": "taox-tio2"},
    ]
    changes = {"data": str(bars_file), "layers": layers, "epochs": 2, "inputs.select": "all", "encoding.channels": 2}
    changes["device"] = "pcm"
    asked = {"base": "local-fields", "set": changes}
    with studio.talk() as talk:
        until(talk, "hello")
        ask(talk, 1, asked)
        seen = [json.loads(talk.recv(timeout=120))]
        while seen[-1]["t"] not in ("done", "error"):
            seen.append(json.loads(talk.recv(timeout=120)))
        assert seen[-1]["t"] == "done", seen[-1]
        placed = [answer for answer in seen if "places" in answer]
        assert [answer["layer"] for answer in placed] == [1, 2]
        assert [len(answer["places"]["places"][0]) for answer in placed] == [18, 200]
        assert [answer["taught"] for answer in placed] == [False, True]
        second = seen.index(placed[1])
        assert {point[1] for answer in seen[second:] for point in answer.get("points", [])} == {None}
        result = synarray.train("local-fields", settings=changes, progress=False)
        assert seen[-1]["bill"]["state_sha256"] == result.state_sha256
        bill, ledgers = seen[-1]["bill"], bill_of_layers(result.stored()).costs(load_periphery())
        assert bill["price"]["total"] == pytest.approx(sum(cost.ledger.total for cost in ledgers), rel=1e-12)
        lives = [lifetime_of(layer, 0.01, load_periphery()).trainings for layer in result.stored().by_layer()]
        assert bill["life"]["trainings"] == pytest.approx(min(lives), rel=1e-12)


def test_a_newer_request_ends_the_older_one(studio: Studio) -> None:
    with studio.talk() as talk:
        asked = until(talk, "hello")["asked"]
        long = {"base": asked["base"], "set": asked["set"] | {"epochs": 20, "n_neurons": 400}}
        ask(talk, 1, long)
        until(talk, "frame", number=1)
        ask(talk, 2, asked)
        seen = []
        while not seen or seen[-1]["t"] != "done":
            seen.append(json.loads(talk.recv(timeout=120)))
        begun = next(i for i, answer in enumerate(seen) if answer["id"] == 2)
        assert seen[begun]["t"] == "begin"
        assert all(answer["id"] == 2 for answer in seen[begun:])
        assert not [answer for answer in seen[:begun] if answer["t"] == "done"]
        verdict = until(talk, "verdict", number=2)
        assert {"levels", "c2c"} & {cost["property"] for cost in verdict["costs"]} or verdict["done"] == 2


def test_two_pages_do_not_disturb_each_other_and_a_fifth_is_refused(studio: Studio) -> None:
    with studio.talk() as one, studio.talk() as two:
        asked = until(one, "hello")["asked"]
        until(two, "hello")
        ask(two, 7, asked)
        for number in range(5):
            ask(one, number, {"base": asked["base"], "set": asked["set"] | {"seed": number}})
        there = until(two, "done", number=7)["bill"]
        ask(one, 9, asked)
        assert until(one, "done", number=9)["bill"]["state_sha256"] == there["state_sha256"]
        with studio.talk() as three, studio.talk() as four:
            until(three, "hello")
            until(four, "hello")
            with studio.talk() as five:
                assert until(five, "full", "hello")["t"] == "full"


REFUSED = [
    (None, "a request must name"), ("text", "a request must name"), ({"base": "no-such"}, "a request must name"),
    ({"base": "/etc/passwd"}, "a request must name"), ({"set": {"data": "/etc/passwd"}}, "data must be"),
    ({"set": {"data": ["mnist"]}}, "data must be"), ({"set": {"device": "/tmp/x.toml"}}, "device must be"),
    ({"set": {"device": {"base": "x.toml"}}}, "device must be"), ({"set": {"device.base": "../x.toml"}}, "device must be"),
    ({"set": {"device": {"base": {"base": "x.toml"}}}}, "device must be"), ({"set": {"start": "0" * 64}}, "a page may set"),
    ({"set": {"checkpoint.seconds": "1 s"}}, "a page may set"), ({"set": {"n_neurons": 50_000}}, "n_neurons must be at most"),
    ({"set": {"epochs": 5000}}, "epochs must be at most"), ({"set": {"images": 10**7}}, "images must not exceed"),
    ({"set": {"device": "pcm", "device.g_min": 1.0}}, "must exceed g_min"), ({"set": {"no_such": 1}}, "no_such"),
    ({"set": {"device": "pcm", "device.law": "no-law"}}, "law"), ({"set": {"seed": 1e400}}, ""),
    ({"set": {"epochs": {"a": 1}}}, ""), ({"set": {"layers": [{"device": "/tmp/x.toml"}]}}, "device must be"),
    ({"set": {"layers.1.device": "/tmp/x.toml"}}, "device must be"),
    ({"set": {"layers": [{"device": {"base": "x.toml"}}]}}, "device must be"),
    ({"set": {"array": {"count": 90_000}}}, "array.count must be at most"),
]  # fmt: skip


def test_what_a_page_may_not_have_is_refused_in_four_parts(studio: Studio) -> None:
    with studio.talk() as talk:
        until(talk, "hello")
        for number, (asked, rule) in enumerate(REFUSED, start=1):
            talk.send(json.dumps({"t": "train", "id": number, "asked": asked}))
            answer = until(talk, "error", "done", number=number)
            assert answer["t"] == "error", asked
            assert rule in answer["rule"] + answer["got"], answer
            assert all(answer[part] for part in ("rule", "got", "where", "do"))
            assert "Traceback" not in str(answer)


def test_a_thousand_random_messages_break_nothing(studio: Studio) -> None:
    rng = random.Random(18)
    pieces = [
        "{",
        "}",
        "[",
        "]",
        '"t"',
        ":",
        ",",
        "train",
        '"asked"',
        "\n",
        "\0",
        "\ud7ff",
        "1e999",
        "-",
        "null",
        '"set"',
        " ",
    ]
    with studio.talk() as talk:
        asked = until(talk, "hello")["asked"]
        for _ in range(1000):
            kind = rng.randrange(5)
            if kind == 0:
                talk.send(rng.randbytes(rng.randrange(200)))
            elif kind == 1:
                talk.send("".join(rng.choices(pieces, k=rng.randrange(40))))
            elif kind == 2:
                talk.send("[" * rng.randrange(100_000))
            elif kind == 3:
                what = rng.choice(
                    ["hello", "train", "cancel", "file", "content", "opened", "watch", "exit", 5, None, {}]
                )
                talk.send(
                    json.dumps(
                        {"t": what, "id": rng.choice([0, -1, 10**30, "x", None, 2.5]), "asked": rng.choice([{}, [], 5])}
                    )
                )
            else:
                talk.send(
                    json.dumps(
                        {"t": "train", "id": 1, "asked": {"set": {rng.choice(["seed", "epochs", "a.b"]): rng.random()}}}
                    )
                )
        ask(talk, 4711, asked)
        assert until(talk, "done", number=4711)["bill"]["accuracy"] > 0.2


HOSTILE = {
    "empty.csv": b"", "../../escape.csv": b"G_S,polarity\n", "pickle.npz": pickle.dumps(print), "nul\0.csv": b"\0" * 1000,
    "sheet.xlsx": b"PK\x03\x04" + b"\0" * 100, "words.csv": b"once upon a time\n" * 50, "wide.csv": b"," * 100_000,
    "nan.csv": b"G_S,polarity\n" + b"nan,1\n" * 20, "x" * 150 + ".csv": b"G_S,polarity\n1e-6,1\n",
}  # fmt: skip


def test_hostile_files_are_answered_in_words(studio: Studio) -> None:
    with studio.talk() as talk:
        until(talk, "hello")
        for name, content in HOSTILE.items():
            talk.send(json.dumps({"t": "file", "name": name}))
            talk.send(content)
            answer = until(talk, "error", "file")
            assert answer["t"] == "error", name
            assert answer["rule"]
            assert answer["do"]
    assert not list(Path("/tmp").glob("**/escape.csv"))


def test_a_file_of_pulses_is_read_and_fitted(studio: Studio, tmp_path: Path) -> None:
    synth = ["device", "synth", "pcmo", "-o", "p.csv", "--devices", "3", "--cycles", "2"]
    subprocess.run([sys.executable, "-m", "synarray", *synth], cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(
        [sys.executable, "-m", "synarray", "device", "fit", "p.csv", "-o", "p.toml"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    fitted = synarray.load_device(tmp_path / "p.toml")
    with studio.talk() as talk:
        asked = until(talk, "hello")["asked"]
        talk.send(json.dumps({"t": "file", "name": "p.csv"}))
        talk.send((tmp_path / "p.csv").read_bytes())
        found = until(talk, "file", "error")
        assert found["t"] == "file", found
        columns = {name: meaning for name, meaning, *_ in found["columns"]}
        assert columns["G_S"] == "G_S"
        kept = {key: value for key, value in asked["set"].items() if not key.startswith("device")}
        ask(talk, 5, {"base": asked["base"], "set": kept | {"device": found["device"]}})
        begun = until(talk, "begin", number=5)
    device = tomllib.loads(begun["toml"])["device"]
    assert device["g_max"] == tomllib.loads((tmp_path / "p.toml").read_text())["g_max"]["value"]
    assert device["nonlinearity_ltp"] == fitted.nonlinearity_ltp


# ---- what survives -------------------------------------------------------------------------------------------------------------


def test_an_oversized_message_ends_its_connection_only(studio: Studio) -> None:
    with studio.talk() as other:
        asked = until(other, "hello")["asked"]
        with pytest.raises(ConnectionClosed) as closed, studio.talk() as talk:
            until(talk, "hello")
            talk.send(b"x" * (MOST_BYTES + 1))
            while True:
                talk.recv(timeout=30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        ask(other, 1, asked)
        assert until(other, "done", number=1)
        other.send(json.dumps({"t": "train", "id": 2, "junk": "x" * 300_000}))
        assert "300," in until(other, "error")["got"]


def test_a_killed_worker_is_replaced(studio: Studio) -> None:
    with studio.talk() as talk:
        asked = until(talk, "hello")["asked"]
        for worker in studio.workers:
            os.kill(worker, signal.SIGKILL)
        assert until(talk, "lost")["again"]
        assert until(talk, "hello")["asked"] == asked
        ask(talk, 1, asked)
        assert until(talk, "done", number=1)["bill"]["accuracy"] > 0.2


def test_the_next_port_is_taken_and_ctrl_c_ends_everything(studio_file: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = start(str(studio_file), "--port", str(port), folder=studio_file.parent)
    try:
        assert running.port != port
        assert running.said[0] == f"Port {port} is in use; the studio is at port {running.port}."
        with running.talk() as talk:
            asked = until(talk, "hello")["asked"]
            ask(talk, 1, {"base": asked["base"], "set": asked["set"] | {"epochs": 20}})
            until(talk, "begin")
            workers = running.workers
            assert workers
            assert stop(running).strip() == "The studio has ended."
        assert running.process.returncode == 0
        assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
    finally:
        kill(running)


def test_no_worker_outlives_a_killed_server(studio_file: Path) -> None:
    running = start(str(studio_file), "--port", "0", folder=studio_file.parent)
    workers = running.workers
    kill(running)
    until_then = time.monotonic() + 20
    while any(Path(f"/proc/{worker}/status").exists() for worker in workers):
        assert time.monotonic() < until_then
        time.sleep(0.1)


@pytest.mark.parametrize("arguments", [["no-such-device"], ["--watch"], ["--watch", "nowhere"], ["empty.toml"]])
def test_what_cannot_be_opened_is_refused_before_anything_is_served(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("")
    command = [sys.executable, "-m", "synarray", "studio", "--no-browser", "--port", "0", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"synarray: .+: got .+ \(.+\)\. .+\n", done.stderr)
