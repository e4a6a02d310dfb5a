"""What a release is made of agrees with itself: versions, the recipe's ranges, a workflow that keeps no secret."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import synarray

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_one_version_everywhere() -> None:
    assert synarray.__version__ == PROJECT["version"]
    assert re.findall(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.M) == [PROJECT["version"]]
    recipe = (ROOT / "packaging" / "conda" / "recipe.yaml").read_text("utf-8")
    assert re.findall(r'^  version: "(.+)"$', recipe, re.M) == [PROJECT["version"]]


def test_the_recipe_asks_for_what_the_package_asks_for() -> None:
    recipe = (ROOT / "packaging" / "conda" / "recipe.yaml").read_text("utf-8")
    run = recipe.partition("  run:\n")[2].partition("\n\n")[0]
    asked = [line.strip().removeprefix("- ").replace(" ", "") for line in run.splitlines()]
    assert asked == [f"python{PROJECT['requires-python']}", *PROJECT["dependencies"]]


def test_the_release_workflow_keeps_no_secret_and_publishes_only_what_was_tried() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    assert "secrets." not in text
    assert "password" not in text.replace("no password", "")
    jobs = dict(re.findall(r"^  (\w+):\n(.*?)(?=^  \w|\Z)", text.partition("jobs:\n")[2], re.M | re.S))
    assert list(jobs) == ["build", "try", "publish"]
    assert [name for name, job in jobs.items() if "id-token: write" in job] == ["publish"]
    assert "needs: try" in jobs["publish"]
    assert "attestations: true" in jobs["publish"]
    assert "twine check --strict" in jobs["build"]


def test_people_find_how_to_report() -> None:
    assert "Do not open a public issue" in (ROOT / "SECURITY.md").read_text("utf-8")
    templates = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert len(templates) >= 3
    for template in templates:
        text = template.read_text("utf-8")
        assert {"name", "description", "body"} <= set(re.findall(r"^(\w+):", text, re.M)), template.name
