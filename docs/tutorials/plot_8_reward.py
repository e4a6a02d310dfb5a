"""
8. Learning from a reward
=========================

No teacher says here what is right. An environment gives a reward, often late. Two tiles of cells
learn from it: an actor that chooses, and a critic that expects.
"""

# %%
# A maze
# ------
# A rat swims in a pool and looks for a platform under the water. A wall is in its way. The reward
# comes only when it finds the platform.

from synarray.report.play_figures import figures_of_plays
from synarray.run.playing import load_task, play

task = load_task("water-maze", {"episodes": 600, "tests": 50})
played = play(task, compare=False)
found = played.summary()
print(f"{found['episodes']} episodes, {found['pulses']:,} pulses")
print(f"{found['weights']:,} weights of the actor and the critic")
path = found["test"]["median_path"]
print(f"test: the median path is {path:.2f} times the shortest")

# %%
# The returns while it learns. A return is 1 when the platform is found in time.

figures = figures_of_plays(task, [found])
figure = figures["return"]
figure

# %%
# Paths of the test, after learning:

figure = figures["paths"]
figure

# %%
# These weights are ideal. ``load_task("water-maze", {"learning.device": "pcm"})`` puts them in
# the cells of a device. Every pulse on a cell is then counted and priced, as in any other
# training. The page of rewards says how well devices do.
#
# ``synarray play cartpole --seeds 3`` balances a pole. ``synarray play my-task.toml`` takes an
# environment of yours.
