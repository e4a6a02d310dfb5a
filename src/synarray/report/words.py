"""Numbers as people read them."""

from __future__ import annotations

from synarray.units import format_quantity

__all__ = ["percent", "quantity", "times"]


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """Write a value with so many digits and the prefix that suits it; without a unit, as a plain number.

    Examples
    --------
    >>> quantity(1.23456e-6, "S"), quantity(1234.5, "")
    ('1.23 uS', '1,234.5')
    """
    if not unit:
        return f"{value:,.1f}".removesuffix(".0")
    return format_quantity(float(f"{value:.{digits}g}"), unit)


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
