"""
The return of CartPole
======================

Steps until the pole falls, mean of twenty episodes. The point at the end is the greedy test. The
command plays until the return comes near 500; this training ends after 400 episodes.

The command: ``synarray play cartpole``
"""

from synarray.report.play_figures import figures_of_plays
from synarray.run.playing import load_task, play

task = load_task("cartpole", {"episodes": 400, "tests": 20})
played = play(task, compare=False)
figure = figures_of_plays(task, [played.summary()])["return"]
figure
