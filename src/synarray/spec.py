"""What a specification is: a frozen, validated, serialisable value. Each ``*Spec`` lives beside its physics.

A value that is not allowed raises :class:`synarray.errors.SpecError` in four parts, whether it came from Python or from
a file.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from synarray.errors import SpecError, nearest

__all__ = ["Spec"]


class Spec(BaseModel):
    """Base of every specification: immutable, and nothing but its own fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise spec_error(type(self), error, where="Python") from None

    @classmethod
    def read(cls, values: dict[str, Any], where: str) -> Self:
        """Validate what a file said; quantities must carry their unit.

        Raises
        ------
        SpecError
            Naming the file, the key, what came and what is allowed.
        """
        try:
            return cls.model_validate(values, context={"from_file": True})
        except ValidationError as error:
            raise spec_error(cls, error, where=where) from None


def spec_error(kind: type[BaseModel], error: ValidationError, where: str) -> SpecError:
    """Turn the first of pydantic's complaints into a four-part error."""
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join(path) or kind.__name__
    got = repr(first["input"])
    got = got if len(got) <= 80 else got[:77] + "..."
    more = error.error_count() - 1
    also = f" ({more} more like this.)" if more else ""
    if first["type"] == "extra_forbidden":
        known = _fields_at(kind, path[:-1])
        return SpecError(
            f'"{key}" is not a key of this {"table" if len(path) > 1 else "file"}',
            got=f"{key} = {got}", where=where, do=nearest(path[-1], known) + also,
        )  # fmt: skip
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    rule = f"{key} should be {message}" if first["msg"].startswith("Input should be") else f"{key} {message}"
    return SpecError(rule, got=got, where=f"{where}, key {key}", do=f"Correct {key}.{also}")


def _fields_at(kind: type[BaseModel], path: list[str]) -> list[str]:
    """Return the names that are allowed in the table at this path."""
    for part in path:
        field = kind.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return []
        kind = field.annotation
    return list(kind.model_fields)
