"""Small data with structure, made on the spot: bars of light on a dark ground, four classes."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest


def bars(n: int, size: int = 12, seed: int = 0) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Images with one bright bar (horizontal or vertical, upper/left or lower/right half) and noise; four classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n)
    x = rng.integers(0, 60, (n, size, size))
    for image, kind in zip(x, y, strict=True):
        at = int(rng.integers(0, size // 2 - 1)) + (kind // 2) * (size // 2)
        if kind % 2:
            image[at : at + 2] += 190
        else:
            image[:, at : at + 2] += 190
    return x.astype(np.uint8), y.astype(np.int64)


SLOWEST = [
    "twins/test_reference.py", "doors/test_faults.py", "doors/test_studio.py", "twins/test_same_bits.py", "fuzz/test_corpus.py",
    "twins/test_layer_twins.py", "doors/test_resume.py", "doors/test_docs.py", "doors/test_layers.py",
    "laws/test_independent_fits.py", "doors/test_commands.py", "doors/test_studies.py", "doors/test_measured_rows.py",
    "doors/test_studio_page.py", "doors/test_export_c.py", "twins/test_c_layers.py", "laws/test_fitting.py",
    "doors/test_classifier.py", "laws/test_attribution.py", "doors/test_judge.py", "twins/test_c_learner.py",
    "doors/test_scheduler.py", "published/test_shi2018.py", "twins/test_c_targets.py", "twins/test_rewarded.py",
    "doors/test_report_page.py", "doors/test_study_figures.py", "doors/test_portable.py", "twins/test_states.py",
    "published/test_mnist_checksums.py", "twins/test_engines.py",
]  # fmt: skip
"""Files of more than 10 s of processor time; those that compile the same kernels not beside each other at the beginning."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: else one core ends with them while the other is idle."""
    here = Path(__file__).parent
    rank = {here / name: i for i, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


def pytest_collection_finish() -> None:
    """Look for unreachable objects more rarely: by default that is a fifth of the time in which kernels are compiled."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(scope="session")
def bar_images() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """600 training images of bars and their classes."""
    return bars(600)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may be skipped (``SYNARRAY_TESTS_MAY_NOT_SKIP``), a test skipped for want of a system package fails."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    wanting = [report.nodeid for report in skipped if "apt-get install" in str(report.longrepr)]
    if os.environ.get("SYNARRAY_TESTS_MAY_NOT_SKIP") and wanting:
        reporter.write_line(f"Skipped, but may not be: {', '.join(wanting)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
