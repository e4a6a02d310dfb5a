"""
Paths through a maze
====================

A rat looks for a platform under water, and a wall is in its way. The reward came only at the
platform. After 600 episodes most paths lead around the wall; from some starts the rat still fails.

The command: ``synarray play water-maze``
"""

from synarray.report.play_figures import figures_of_plays
from synarray.run.playing import load_task, play

task = load_task("water-maze", {"episodes": 600, "tests": 50})
played = play(task, compare=False)
figure = figures_of_plays(task, [played.summary()])["paths"]
figure
