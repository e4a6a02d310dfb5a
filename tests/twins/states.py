"""Fingerprints of trained networks: every packaged experiment on 3,000 images, one epoch, ideal and in cells of devices.

    python tests/twins/states.py > tests/twins/states.json

``states.json`` was printed by the code of 26 November 2026 (commit be2f445), before the project's parts were moved to where
they are now; cases that came later, by the code they came with. ``test_states.py`` holds today's code to it. Numbers change only
with a line in CHANGELOG.md.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

import numpy as np

import synarray
from synarray.events import NetworkEvent

IMAGES, TESTED = 3000, 200
DEVICES = ("taox-tio2", "pcm", "hzo-fefet", "sram", "stt-mram", "epiram", "ecram")
OTHER_DATA = ("conv-taught-fashion", "series")
"""Experiments that are not made for digits."""
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in synarray.experiment_names() if name not in OTHER_DATA},
    "cbram-everything": ("cbram-everything", {"array.thermal_noise": False}),  # came later
    **{f"local-fields in {device}": ("local-fields", {"device": device}) for device in DEVICES},
    **{f"soft-pruned in {device}": ("soft-pruned", {"device": device}) for device in ("pcm", "sram", "taox-tio2")},
    "pairs": ("local-fields", {"device": "pcm", "synapse.scheme": "pair", "synapse.refresh_every": 20}),
    "compounds": ("local-fields", {"device": "stt-mram", "synapse.scheme": "compound"}),
    "state-blind": ("local-fields", {"device": "taox-tio2", "stdp.verify": False}),
    "worn": ("local-fields", {"device": "taox-tio2", "array.wear": True, "device.endurance": 300.0}),
    "removed": ("full-field", {"pruning.mode": "conventional", "pruning.fraction": 0.4}),
    "removed at the end": ("full-field", {"pruning.mode": "after", "pruning.fraction": 0.4, "pruning.rebalance": 500}),
    "random": ("full-field", {"pruning.mode": "random", "pruning.fraction": 0.4, "device": "pcm"}),
    "mature": ("local-fields", {"pruning.mode": "soft", "pruning.fraction": 0.0, "pruning.maturity": 8}),
    "short": ("local-fields", {"neuron.homeostasis_travel": 0.34}),
    "sliding in cells": ("shi2018", {"device": "subquantum-cbram", "n_neurons": 60, "device.sigma_read": 0.05}),
}
"""Name: (packaged experiment, overrides)."""
FIXED = {"neuron.homeostasis_travel": 0.0}
"""Threshold steps as the experiments have them for all images, in a training this short too; but for the case "short"."""


def fingerprint(case: str) -> dict[str, str]:
    """Train one case; return fingerprints of its state, its counted events, and what it reads."""
    name, changes = CASES[case]
    spec = synarray.load_experiment(name, {**FIXED, **changes, "images": IMAGES, "epochs": 1})
    data = synarray.load_dataset("mnist")
    result = synarray.train(
        spec, data.x_train[:IMAGES], data.y_train[:IMAGES], data.x_test[:TESTED], data.y_test[:TESTED]
    )
    then = result.machine.network_events[: NetworkEvent.COLUMN_CLIPPED]  # what was counted when they were recorded
    events = hashlib.sha256(result.machine.neuron_events.tobytes() + then.tobytes())
    votes = hashlib.sha256(np.ascontiguousarray(result.predict(data.x_test[:TESTED]).astype(np.int64)).tobytes())
    return {"state": result.state_sha256, "events": events.hexdigest(), "read": votes.hexdigest()}


if __name__ == "__main__":
    wanted = sys.argv[1:] or list(CASES)
    json.dump({case: fingerprint(case) for case in wanted}, sys.stdout, indent=1)
    print()
