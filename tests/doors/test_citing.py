"""BibTeX of exactly what a run used: every source in the library and the prices comes out, and every entry can be read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from command import Command, four_parts

from synarray.cost.prices import load_periphery
from synarray.device.library import device_names, load_device
from synarray.report import citing
from synarray.report.citing import bibliography, cite_runs
from synarray.report.device_tables import acting
from synarray.run.experiment import experiment_names, load_experiment

_PLAIN = {r"\textbackslash{}": "\\", r"\textbraceleft{}": "{", r"\textbraceright{}": "}", r"\textasciitilde{}": "~",
          r"\textasciicircum{}": "^", **{f"\\{c}": c for c in "&%$#_"}}  # fmt: skip


def parse(text: str) -> dict[str, dict[str, str]]:
    """Read BibTeX as its grammar is: @kind{key, name = {value}, ...}; values nest braces; nothing stands between entries."""
    entries: dict[str, dict[str, str]] = {}
    at = 0
    while text[at:].strip():
        head = re.compile(r"\s*@([a-z]+)\{([A-Za-z0-9.-]+),").match(text, at)
        assert head, text[at : at + 80]
        at, fields = head.end(), {"type": head[1]}
        while field := re.compile(r"\s*([a-z]+) = \{").match(text, at):
            begin, depth, at = field.end(), 1, field.end()
            while depth:
                depth += {"{": 1, "}": -1}.get(text[at], 0)
                at += 1
            assert field[1] not in fields
            fields[field[1]] = text[begin : at - 1]
            assert text[at] == ","
            at += 1
        tail = re.compile(r"\s*\}\n").match(text, at)
        assert tail, text[at : at + 80]
        at = tail.end()
        assert head[2] not in entries, head[2]
        entries[head[2]] = fields
    return entries


def plain(words: str) -> str:
    """Undo what makes words harmless to LaTeX."""
    for safe, meant in _PLAIN.items():
        words = words.replace(safe, meant)
    return words


def in_cells(device: str) -> str:
    """BibTeX of the paper's network in cells of a device."""
    return cite_runs([load_experiment("soft-pruned", {"device": device})]).bibtex


@pytest.mark.parametrize("name", device_names())
def test_every_source_of_a_device_and_of_the_prices_comes_out(name: str) -> None:
    entries = parse(in_cells(name))
    notes = " ".join(plain(entry.get("note", "")) for entry in entries.values())
    device, prices = load_device(name), load_periphery(None)
    sources = [(device.sources[number], f"{number} of {name}") for number in acting(device) if number in device.sources]
    sources += [(source, f"{number} of prices") for number, source in prices.sources.items()]
    assert len(sources) > 10
    for source, what in sources:
        quoted = " ".join(source.source.split()) in notes
        assert source.cite or quoted, source
        assert source.confirmed or quoted, source  # a choice is always quoted in its own words
        for key in source.cite or ():
            assert what in plain(entries[key]["annote"])


def test_every_known_work_is_named_by_something_and_holds_what_bibtex_needs() -> None:
    named = {key for name in device_names() for key in parse(in_cells(name))}
    for pruning in ("none", "conventional", "random"):
        fraction = 0.0 if pruning == "none" else 0.5
        spec = load_experiment("full-field", {"pruning.mode": pruning, "pruning.fraction": fraction})
        named |= set(parse(cite_runs([spec]).bibtex))
    compound = load_experiment("full-field", {"device": "stt-mram", "synapse.scheme": "compound"})
    named |= set(parse(cite_runs([compound]).bibtex))
    assert set(bibliography()) <= named
    for entry in bibliography().values():
        assert entry.fields.get("title") or entry.fields.get("doi")
        assert entry.fields.get("title") or entry.fields.get("author")
        assert re.fullmatch(r"10\.\d{4,}/\S+", entry.fields.get("doi", "10.1000/x"))


def test_dois_are_those_that_the_sources_themselves_name() -> None:
    """A DOI in a source text must be that of a known work, or stand in the words that are quoted."""
    known = {entry.fields.get("doi") for entry in bibliography().values()}
    named = set()
    for name in device_names():
        quoted = " ".join(plain(entry.get("note", "")) for entry in parse(in_cells(name)).values())
        for source in load_device(name).sources.values():
            dois = {doi.rstrip(".,;)") for doi in re.findall(r"doi (10\.\S+)", source.source)}
            assert all(doi in known or doi in quoted for doi in dois), source.source
            named |= dois
    assert named & known


def test_a_run_cites_its_own_rules_and_devices_and_no_others() -> None:
    ideal = set(parse(cite_runs([load_experiment("full-field")]).bibtex))
    assert ideal == {"synarray", "SHI18", "NES13", "SAL11", "LEC98"}
    assert {"SHI19"} == set(parse(cite_runs([load_experiment("soft-pruned")]).bibtex)) - ideal
    assert "LEC98" not in parse(cite_runs([load_experiment("full-field", {"data": "other.npz"})]).bibtex)
    assert {"AIHW", "NVMX"} <= set(parse(in_cells("pcm")))
    assert "SUR11" in parse(in_cells("pcm"))  # pairs of cells
    assert not {"JER17", "ECR23", "SUR11"} & set(parse(in_cells("stt-mram")))
    assert "JER17" in parse(in_cells("hzo-fefet"))


def test_all_packaged_experiments_can_be_cited_together() -> None:
    entries = parse(cite_runs(load_experiment(name) for name in experiment_names()).bibtex)
    assert {"synarray", "SHI18", "choices-subquantum-cbram", "choices-prices"} <= set(entries)


@pytest.mark.parametrize(
    "hostile",
    ["}, evil = {1}}\n@article{x,", "a{b", "a}b", 'a "quoted" \\input{/x}', "50 % & #1 $x_1^2$ ~", "p. 12 @ my lab\n\nbook"],
)  # fmt: skip
def test_words_of_others_stay_words(hostile: str) -> None:
    device = {"base": "ideal", "law": "linear", "n_levels_ltp": 9, "n_levels_ltd": 9}
    device["g_max"] = {"value": "9 uS", "source": hostile, "confirmed": True}  # type: ignore[assignment]
    entries = parse(cite_runs([load_experiment("full-field", {"device": device})]).bibtex)
    quoted = [plain(entry["note"]) for key, entry in entries.items() if key.startswith("source-")]
    assert " ".join(hostile.split()).replace('"', "''") in quoted


def test_the_command_prints_bibtex(command: Command, finished_run: Path) -> None:
    done = command("cite", str(finished_run))
    assert done.status == 0
    assert {"synarray", "SHI18", "NES13", "SAL11"} == set(parse(done.out))
    told = command("cite", str(finished_run), "--json").json
    assert told["bibtex"] == done.out
    assert [entry["key"] for entry in told["entries"]] == list(parse(done.out))
    assert four_parts(command("cite", "nowhere"))["got"] == "no such folder"


def test_the_bibliography_is_plain_toml() -> None:
    text = (Path(citing.__file__).parent / "bibliography.toml").read_text("utf-8")
    assert all("type" in values for values in tomllib.loads(text).values())


NAMES = {
    "SHI18": ("Shi et al. 2018", "s41467-018-07682-0"),
    "SHI19": ("Shi et al. 2019", "fnins.2019.00405"),
    "SUR11": ("Suri et al., IEDM 2011", "IEDM.2011.6131488"),
    "JAM16": ("Jameson and Kamalanathan",),
    "TCAD18": ("Chen, Peng, Yu", "TCAD.2018.2789723", "Chen et al., TCAD 37(12), 2018"),
    "JER17": ("Jerry et al.", "IEDM.2017.8268338"),
    "NSM3": ("MLP_NeuroSim_V3.0", "MLP NeuroSim V3.0"),
    "NSD2": ("DNN_NeuroSim_V2.1", "DNN NeuroSim V2.1", "DNN+NeuroSim V2.1"),
    "MELISO": ("MELISO+",),
    "AIHW": ("IBM/aihwkit", "aihwkit presets"),
    "NVMX": ("NVMExplorer",),
    "ECR23": ("s41467-023-41958-4",),
    "YSS13": ("Yang, Strukov, Stewart",),
    "EIE": ("arXiv 1602.01528", "45 nm (same)"),
    "HOR14": ("Horowitz, ISSCC 2014", "45 nm (same)"),
    "ISAAC": ("ISAAC",),
    "CACTI7": ("CACTI 7",),
    "MUR23": ("Murmann",),
    "SHA14": ("Shao et al., ISCA 2014",),
    "BES24": ("arXiv 2408.07734",),
    "NSD1": ("DNN NeuroSim V1.3",),
}
"""Words by which the sources in the library and the prices name works."""


def test_a_source_that_names_a_work_carries_its_key_and_no_other() -> None:
    sources = [source for name in device_names() for source in load_device(name).sources.values()]
    sources += list(load_periphery().sources.values())
    for source in sources:
        named = {key for key, words in NAMES.items() if any(word in source.source for word in words)}
        assert set(source.cite or ()) == named, source
    assert {key for source in sources for key in source.cite or ()} <= set(bibliography())


def test_a_key_that_is_not_known_is_quoted_in_its_own_words() -> None:
    device = {"base": "ideal", "law": "linear", "n_levels_ltp": 9, "n_levels_ltd": 9}
    device["g_max"] = {"value": "9 uS", "source": "my lab book", "cite": ["MINE"]}  # type: ignore[assignment]
    entries = parse(cite_runs([load_experiment("full-field", {"device": device})]).bibtex)
    assert "my lab book" in [entry.get("note") for entry in entries.values()]
    assert "MINE" not in entries
