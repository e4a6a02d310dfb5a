"""
3. Energy: from counts to joules
================================

A training counts what happened: pulses, reads, conversions. Prices turn the counts into joules
and seconds. No price acts on the learning.
"""

# %%
# Counts
# ------

import synarray

settings = {"images": 5000, "epochs": 1, "device": "subquantum-cbram"}
result = synarray.train("local-fields", settings=settings)
print(f"{result.accuracy:.2%} correct")
for name, count in result.events.items():
    if count:
        print(f"{name:28} {count:>12,}")

# %%
# Joules
# ------
# Every row is a count times the price of one action. The total is the sum of the rows, and
# nothing else.

cost = result.energy()
for row in cost.rows:
    if row.energy:
        print(
            f"{row.component:8} {row.action:31} {row.energy * 1e9:6.1f} nJ"
        )
print(f"total {cost.total * 1e9:.1f} nJ")
print(
    f"rows and columns in parallel: {cost.seconds['row-parallel'] * 1e3:.2f} ms"
)

# %%
# By component:

import matplotlib.pyplot as plt

parts: dict[str, float] = {}
for row in cost.rows:
    parts[row.component] = (
        parts.get(row.component, 0.0) + 1e9 * row.energy
    )
figure, axis = plt.subplots(figsize=(6, 2.5), layout="constrained")
axis.barh(list(parts), list(parts.values()))
axis.invert_yaxis()
axis.set(xlabel="energy of the training (nJ)")
figure

# %%
# The same counts in cells of another device. The learning is not repeated: this asks what the
# same pulses would cost there.

for name in ("subquantum-cbram", "metal-filament-cbram", "taox-hfox"):
    print(
        f"{name:22} {synarray.price(result, name).total * 1e6:10.3f} uJ"
    )

# %%
# What the article claims
# -----------------------
# The article states that its device saves energy 10 to 100 times, its algorithm another 10 times,
# and both 100 to 1000 times. Soft pruning saves pulses, so it saves energy in the cells. Here is
# a small version of that claim.

settings["n_neurons"] = 100
unpruned = synarray.train("full-field", settings=settings)
pruned = synarray.train("soft-pruned", settings=settings)
ratio = (
    unpruned.energy().ledger.programming
    / pruned.energy().ledger.programming
)
print(f"unpruned {unpruned.accuracy:.1%}, pruned {pruned.accuracy:.1%}")
print(f"programming energy: {ratio:.1f} times less")

# %%
# ``synarray reproduce`` derives every claim this way, from full trainings. It gives each factor
# with its ends over seeds and over all prices, and a verdict. Prices that are not published are
# choices, and are marked:

print(len(cost.notes), "notes, the first:", cost.notes[0])
