"""Hostile input, by the thousand: damaged files against the real commands (the fixed corpus is in tests/fuzz).

    python scripts/fuzz.py [N] [--from FIRST] [--kinds experiment,device,data,idx,run,resume] [--keep FOLDER] [--workers W]

Default: 10,000 cases. A case is its number: the same number makes the same files. What goes wrong is printed with its number and
kept in FOLDER. Exits 1 when anything went wrong.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "fuzz"))

from cases import KINDS, Seeds, make_case, make_seeds
from harness import Runner, Verdict


def main() -> int:
    """Run the cases and print a summary."""
    parser = argparse.ArgumentParser(description="Damaged files against the commands.")
    parser.add_argument("n", nargs="?", type=int, default=10_000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    kinds, start = tuple(asked.kinds.split(",")), time.perf_counter()
    outcomes: Counter[tuple[str, str]] = Counter()
    most = {"seconds": 0.0, "address": 0}
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="synarray-fuzz-") as place:
        (Path(place) / "seeds").mkdir()
        seeds = make_seeds(Path(place) / "seeds")
        shares = [range(asked.first + i, asked.first + asked.n, asked.workers) for i in range(asked.workers)]
        with ThreadPoolExecutor(asked.workers) as pool:
            for found in pool.map(lambda share: _run(share, seeds, Path(place), kinds, asked.keep), shares):
                for kind, outcome, verdict in found:
                    outcomes[kind, outcome] += 1
                    wrong += outcome == "wrong"
                    if outcome in ("result", "refused"):
                        most["seconds"] = max(most["seconds"], verdict.seconds)
                        most["address"] = max(most["address"], verdict.address)
    for kind in kinds:
        print(kind, *(f"{outcome} {n:,}" for (of, outcome), n in sorted(outcomes.items()) if of == kind), sep="\t")
    print(
        f"{asked.n:,} cases in {time.perf_counter() - start:.0f} s: {wrong} wrong; "
        f"at most {most['seconds']:.1f} s and {most['address'] / 2**20:,.0f} MB of address space"
    )
    return 1 if wrong else 0


def _run(
    numbers: range, seeds: Seeds, place: Path, kinds: tuple[str, ...], keep: Path | None
) -> list[tuple[str, str, Verdict]]:
    """Run a share of the cases in one process, one after the other."""
    found = []
    with Runner() as runner:
        for number in numbers:
            folder = place / f"case-{number}"
            folder.mkdir()
            kind, case = make_case(number, seeds, folder, kinds)
            verdict = runner.run(folder, *case.arguments, slow=case.slow, spent=case.spent)
            outcome = {0: "result", 2: "refused"}.get(verdict.status, "stopped while computing")
            if verdict.problems:
                outcome = "wrong"
                print(
                    f"WRONG {number} {kind}: {'; '.join(verdict.problems)}\n    {' '.join(case.arguments)}", flush=True
                )
                if keep:
                    shutil.copytree(folder, keep / f"{number}-{kind}", dirs_exist_ok=True)
                    (keep / f"{number}-{kind}.err").write_text(verdict.err, "utf-8")
            found.append((kind, outcome, verdict))
            shutil.rmtree(folder)
    return found


if __name__ == "__main__":
    sys.exit(main())
