"""Numbers as people read them."""

from __future__ import annotations

import math

from synarray.units import quantity

__all__ = ["counted", "measure", "percent", "times", "unit_of"]


def counted(n: int, what: str) -> str:
    """Write how many there are of something.

    Examples
    --------
    >>> counted(1, "run"), counted(2000, "run")
    ('1 run', '2,000 runs')
    """
    return f"{n:,} {what}{'s' * (n != 1)}"


def percent(value: float | None, digits: int = 2) -> str:
    """Write a share in percent; a dash where there is none.

    Examples
    --------
    >>> percent(0.9342), percent(None)
    ('93.42 %', '-')
    """
    return "-" if value is None else f"{100 * value:.{digits}f} %"


def times(factor: float) -> str:
    """Write a factor.

    Examples
    --------
    >>> times(1.234), times(46800.0)
    ('1.23x', '46,800x')
    """
    return f"{factor:.3g}x" if factor < 1000 else f"{float(f'{factor:.3g}'):,.0f}x"


_UNITS = {
    "energy": "J",
    "energy_programming": "J",
    "energy_conversions": "J",
    "time_sequential": "s",
    "time_row_parallel": "s",
    "bytes_moved": "B",
}


def unit_of(name: str) -> str:
    """Return the unit in which a column of results is drawn.

    Examples
    --------
    >>> unit_of("accuracy"), unit_of("energy"), unit_of("pulses")
    ('%', 'J', '')
    """
    if name.startswith(("accuracy", "class_accuracy")) or name in ("pruned_fraction", "spared_fraction"):
        return "%"
    return _UNITS.get(name, "")


def measure(value: float, name: str, spread: float = math.nan) -> str:
    """Write a value of a column of results, and how much it spreads; a dash where there is none.

    Examples
    --------
    >>> measure(0.9342, "accuracy", 0.001), measure(1.5e-6, "energy"), measure(1234567.0, "pulses", 1000.0)
    ('93.42 % +- 0.10', '1.5 uJ', '1,234,567 +- 1,000')
    """
    if math.isnan(value):
        return "-"
    known, unit = not math.isnan(spread), unit_of(name)
    if unit == "%":
        return f"{100 * value:.2f} %" + (f" +- {100 * spread:.2f}" if known else "")
    if unit:
        return quantity(value, unit) + (f" +- {100 * spread / value:.1f} %" if known and value else "")
    digits = "{:,.0f}" if abs(value) >= 1000 else "{:.4g}"
    return digits.format(value) + (" +- " + digits.format(spread) if known else "")
