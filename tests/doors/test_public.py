"""The public door: what the package offers by name, what each name says about itself, and what it costs to open."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.metadata
import inspect
import pickle
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

import synarray
from synarray.errors import SynarrayError
from synarray.run.experiment import DEFAULT, ExperimentSpec, experiment_names, load_experiment, task_images

HEAVY = {
    "numba",
    "sklearn",
    "matplotlib",
    "pandas",
    "scipy",
    "pydantic",
    "quantiphy",
    "rich",
    "typer",
    "jinja2",
    "tqdm",
}
LONGEST_LINE = 120


def modules() -> list[ModuleType]:
    """Every module of the package."""
    names = [name for _, name, _ in pkgutil.walk_packages(synarray.__path__, "synarray.")]
    return [synarray, *(importlib.import_module(name) for name in names if not name.endswith("__main__"))]


def public_objects() -> Iterator[tuple[str, Any]]:
    """Every function and class that a module declares public, and the public methods of those classes."""
    for module in modules():
        for name in getattr(module, "__all__", []):
            thing = getattr(module, name)
            if not (inspect.isclass(thing) or inspect.isfunction(thing)):
                continue
            yield f"{module.__name__}.{name}", thing
            for member, value in vars(thing).items() if inspect.isclass(thing) else ():
                if not member.startswith("_") and isinstance(value, property | classmethod | staticmethod):
                    inner = value.fget if isinstance(value, property) else value.__func__
                    yield f"{module.__name__}.{name}.{member}", inner
                elif not member.startswith("_") and inspect.isfunction(value):
                    yield f"{module.__name__}.{name}.{member}", value


OBJECTS = dict(public_objects())


def at_home(name: str) -> Any:
    """Return the object behind a public name of the package, from where it is defined."""
    return getattr(importlib.import_module(f"synarray.{synarray._HOMES[name]}"), name)


# The package


def test_all_is_what_the_package_shows() -> None:
    shown = {name for name in dir(synarray) if not name.startswith("_")}
    assert shown == set(synarray.__all__)
    assert synarray.__all__ == sorted(synarray.__all__)


def test_every_public_name_is_there_and_explains_itself() -> None:
    for name in synarray.__all__:
        assert inspect.getdoc(at_home(name)), name


def test_type_checkers_see_the_same_names() -> None:
    """The names imported for type checkers, which do not run the lazy lookup, are those that the lookup finds."""
    tree = ast.parse(Path(synarray.__file__).read_text("utf-8"))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.name: node.module for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert sorted(imported) == synarray.__all__
    for name, module in imported.items():
        assert module == f"synarray.{synarray._HOMES[name]}"
        assert name == "judge" or at_home(name) is getattr(synarray, name)


@pytest.mark.parametrize("first", ["synarray.judge", "import synarray.judge.question", "import synarray.judge.judge"])
def test_the_room_called_judge_is_the_verb_too(first: str) -> None:
    """Python names a package's room on the package itself, so the room must be callable wherever it was imported first."""
    program = f"import synarray\n{first}\nsynarray.judge('pmc')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert 'Did you mean "pcm"' in done.stderr


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = synarray.no_such_name
    assert not hasattr(synarray, "np")


def test_star_import_brings_the_public_names() -> None:
    found: dict[str, Any] = {}
    exec("from synarray import *", found)
    assert set(found) - {"__builtins__"} == set(synarray.__all__)


def test_import_is_light() -> None:
    program = "import sys, synarray; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & HEAVY == set()


def test_networks_need_no_scikit_learn_and_no_matplotlib() -> None:
    program = "import sys, synarray; synarray.train, synarray.load_experiment; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"sklearn", "matplotlib", "pandas", "jinja2"} == set()


WITHOUT = """
import sys
sys.modules[{package!r}] = None  # as if it were not installed
import synarray
{program}
"""


@pytest.mark.parametrize(
    ("package", "extra", "program"),
    [
        ("sklearn", "sklearn", "synarray.SpikingClassifier()"),
        ("sklearn", "sklearn", "from synarray import SpikingClassifier"),
        ("matplotlib", "report", "synarray.train(settings={'images': 60, 'epochs': 1, 'n_neurons': 6}).plot()"),
        ("pandas", "studies", "synarray.load_table('somewhere')"),
    ],
)
def test_a_missing_extra_says_how_to_install_it(package: str, extra: str, program: str) -> None:
    text = WITHOUT.format(package=package, program=program)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert f"pip install 'synarray[{extra}]'" in done.stderr
    assert "ModuleNotFoundError" not in done.stderr.splitlines()[-1]


def test_a_missing_extra_is_an_import_error_of_the_package() -> None:
    error = pickle.loads(pickle.dumps(synarray.MissingExtraError("figures", "matplotlib", extra="report")))
    assert isinstance(error, ImportError | SynarrayError)
    assert str(error).endswith("pip install 'synarray[report]'")


def test_the_package_is_typed_and_its_version_is_the_distributions() -> None:
    assert (resources.files("synarray") / "py.typed").is_file()
    assert importlib.metadata.version("synarray") == synarray.__version__


# What the names say. Each test collects every fault, so that one run names them all.


def test_modules_open_with_a_sentence_and_name_what_is_public() -> None:
    faults = []
    for module in modules():
        lines = (module.__doc__ or "").strip().splitlines()
        if not lines or (len(lines) == 1 and lines[0].rstrip()[-1] not in ".,:;"):
            faults.append(f"{module.__name__}: no sentence")
        names = getattr(module, "__all__", None) or []
        if not names and Path(str(module.__file__)).name != "__init__.py":
            faults.append(f"{module.__name__}: no __all__")
        faults += [f"{module.__name__}.{name}: private" for name in names if name.startswith("_")]
        faults += [f"{module.__name__}.{name}: missing" for name in names if not hasattr(module, name)]
        if len(set(names)) < len(names):
            faults.append(f"{module.__name__}: a name twice")
    assert faults == []


def test_public_things_open_with_one_sentence() -> None:
    faults = []
    for name, thing in OBJECTS.items():
        first, *rest = (thing.__doc__ or "").splitlines() or [""]
        if not first.endswith(".") or first != first.strip() or len(first) > LONGEST_LINE or (rest and rest[0].strip()):
            faults.append(f"{name}: {first!r}")
    assert faults == []


def test_public_functions_annotate_everything() -> None:
    faults = []
    for name, function in OBJECTS.items():
        if not inspect.isfunction(function) or "kernels." in name:  # compiled: numba types them
            continue
        signature = inspect.signature(function)
        bare = [p.name for p in signature.parameters.values() if p.annotation is inspect.Parameter.empty]
        if set(bare) - {"self", "cls"} or signature.return_annotation is inspect.Signature.empty:
            faults.append(f"{name}: {bare}")
    assert faults == []


def test_documented_parameters_are_the_functions() -> None:
    faults = []
    for name, thing in OBJECTS.items():
        doc = inspect.getdoc(thing) or ""
        if "\nParameters\n" not in doc:
            continue
        section = re.split(r"\n\n\w+\n-{3,}\n", doc.partition("\nParameters\n")[2])[0]
        heads = [line.partition(" : ")[0] for line in section.splitlines()[1:] if line and not line.startswith(" ")]
        documented = [part.strip().lstrip("*") for head in heads for part in head.split(",")]
        taken = [p for p in inspect.signature(thing).parameters if p not in ("self", "cls")]
        if sorted(documented) != sorted(taken):
            faults.append(f"{name}: {documented} are documented, {taken} are taken")
    assert faults == []


def test_every_public_name_of_the_package_has_an_example_that_runs() -> None:
    """The suite runs doctests of the whole package: here it is only seen that there is one."""
    parser = doctest.DocTestParser()
    without = []
    for name in synarray.__all__:
        examples = parser.get_examples(inspect.getdoc(at_home(name)) or "")
        if not any(doctest.SKIP not in example.options for example in examples):
            without.append(name)
    assert without == []


def test_specs_are_frozen_and_closed() -> None:
    for name, kind in OBJECTS.items():
        if not (inspect.isclass(kind) and issubclass(kind, BaseModel)):
            continue
        assert kind.model_config["frozen"], name
        assert kind.model_config["extra"] == "forbid", name
        made = kind()
        assert made == kind(**dict(made)), name  # the defaults obey the rules themselves
        assert hash(made) == hash(kind()), name
        with pytest.raises(ValueError, match="frozen"):
            setattr(made, next(iter(kind.model_fields), "anything"), 1)


def test_events_and_streams_are_numbered_without_gaps_or_doubles() -> None:
    for name, kind in OBJECTS.items():
        if inspect.isclass(kind) and issubclass(kind, Enum):
            values = [member.value for member in kind]
            assert values == list(range(min(values), min(values) + len(values))), name
            assert len(kind.__members__) == len(values), name


def test_every_error_of_the_package_is_in_its_tree() -> None:
    for name, thing in OBJECTS.items():
        if inspect.isclass(thing) and issubclass(thing, BaseException):
            assert issubclass(thing, SynarrayError), name


# The experiments that travel with it


def test_the_default_experiment_travels_with_the_package() -> None:
    assert DEFAULT in experiment_names()
    assert load_experiment() == load_experiment(DEFAULT)


def test_a_packaged_experiment_is_named_as_its_file() -> None:
    for name in experiment_names():
        spec = load_experiment(name)
        assert isinstance(spec, ExperimentSpec)
        data = "fashion-mnist" if name.endswith("-fashion") else "mnist"
        assert (spec.name, spec.data, spec.start) == (name, data, "")
        assert spec.validation == 0  # results are of the test set


def test_packaged_experiments_differ_in_what_decides() -> None:
    identities = [load_experiment(name).identity for name in experiment_names()]
    assert len(set(identities)) == len(identities)


def test_a_name_or_note_decides_nothing() -> None:
    plain = load_experiment(DEFAULT)
    assert load_experiment(DEFAULT, {"name": "x", "note": "y"}).identity == plain.identity
    assert load_experiment(DEFAULT, {"seed": 1}).identity != plain.identity


def test_a_task_has_as_many_images_as_were_asked_for() -> None:
    spec = load_experiment(None, {"images": 50, "validation": 20})
    _, x, y, x_test, y_test = task_images(spec)
    assert (len(x), len(y), len(x_test), len(y_test)) == (50, 50, 20, 20)
