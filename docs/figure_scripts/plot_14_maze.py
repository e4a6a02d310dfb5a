"""
Paths through a maze
====================

A rat looks for a platform under water, and a wall is in its way. After 600 episodes it swims around
the wall. The reward came only at the platform.

The command: ``synarray play water-maze``
"""

from synarray.report.play_figures import figures_of_plays
from synarray.run.playing import load_task, play

task = load_task("water-maze", {"episodes": 600, "tests": 50})
played = play(task, compare=False)
figure = figures_of_plays(task, [played.summary()])["paths"]
figure
