"""The verdict on a device: accuracy, energy and life, and what each imperfection costs.

``synarray.judge`` is the name of this room and of its verb: the room can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    """A room that judges when it is called."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Judge a device; see ``synarray.judge.judge.judge``."""
        from synarray.judge.judge import judge

        return judge(*given, **named)


sys.modules[__name__].__class__ = _Room
