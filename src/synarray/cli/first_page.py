"""What ``synarray`` says on its own, and its help in groups."""

from __future__ import annotations

from typing import Any

import typer.core

__all__ = ["FIRST_PAGE", "GROUPS", "GroupedHelp"]

FIRST_PAGE = """\
synarray: train a spiking network inside a simulated array of memory devices.

What people come for:

  judge a device         synarray device judge pulses.csv
      from measured pulses to accuracy, joules and what each imperfection costs
      (no data yet? synarray device synth pcmo -o pulses.csv)
  train a network        synarray train --device pcm --epochs 1
      in the cells of any device; then synarray show RUN, synarray energy RUN
  reproduce the paper    synarray reproduce
      Shi et al., Nature Communications 2018, with a verdict on each claim
  ask one question       synarray study run pruning
      many runs, one table, one page; synarray study list
  watch it learn         synarray studio
      in the browser: move a slider of the device, and see what it changes

See also: synarray experiments, synarray devices list, synarray runs
All commands: synarray --help
"""

GROUPS = {
    "Judge a device": ("device", "devices"),
    "Train": ("train", "play", "data", "resume", "experiments", "runs", "show", "studio"),
    "What it costs, and where it is": ("energy", "lifetime", "array"),
    "Many runs, and the paper": ("study", "continual", "reproduce", "bench"),
    "Tell others": ("report", "cite", "export"),
}
"""Commands by what they are for; a command that is in none comes last."""


class GroupedHelp(typer.core.TyperGroup):
    """A group of commands whose help lists them by purpose."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under their headings."""
        names = self.list_commands(ctx)
        named = [name for group in GROUPS.values() for name in group]
        others = [name for name in names if name not in named]
        for title, group in [*GROUPS.items(), ("Other commands", others)]:
            commands = [(name, self.get_command(ctx, name)) for name in group if name in names]
            lines = [(name, each.get_short_help_str(100)) for name, each in commands if each and not each.hidden]
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)
