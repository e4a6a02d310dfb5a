"""What a specification is: a frozen, validated, serialisable value. Each ``*Spec`` lives beside its physics.

A value that is not allowed raises :class:`synarray.errors.SpecError` in four parts, whether it came from Python or from
a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args, get_origin

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from synarray.errors import SpecError, nearest

__all__ = ["Name", "Sourced", "Spec", "Text", "one_of"]


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be text that UTF-8 can hold") from None
    return text


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""What a file or folder can be called everywhere."""
Text = Annotated[str, AfterValidator(_encodable)]
"""Text that a file can keep; names of files that are no UTF-8 are none."""


def one_of(known: Mapping[str, object], *also: str) -> AfterValidator:
    """Allow only words of a registry, as it is at the time of asking, and some others.

    Examples
    --------
    >>> class Drink(Spec):
    ...     kind: Annotated[str, one_of({"tea": 1, "coffee": 2})]
    >>> Drink(kind="milk")
    Traceback (most recent call last):
    synarray.errors.SpecError: kind should be 'tea' or 'coffee': got 'milk' (Python, key kind). Correct kind.
    """

    def check(word: str) -> str:
        if word not in known and word not in also:
            *first, last = (f"'{name}'" for name in (*also, *known))
            raise ValueError(f"should be {', '.join(first)} or {last}")
        return word

    return AfterValidator(check)


class Spec(BaseModel):
    """Base of every specification: immutable, and nothing but its own fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise spec_error(type(self), error, where="Python") from None

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # validation of files and of inner specs passes it by

    @model_validator(mode="before")
    @classmethod
    def _without_numpy(cls, values: Any) -> Any:
        return {key: _plain(value) for key, value in values.items()} if isinstance(values, dict) else values

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


class Source(Spec):
    """Where a number comes from."""

    source: Annotated[Text, Field(min_length=3)]
    confirmed: bool = True
    """False: from memory, a guess or a choice; reports say so."""
    low: float | Text | None = None
    """The least the number may be, written as the number is; none: no range is known."""
    high: float | Text | None = None
    """The most it may be."""
    year: int | None = None
    """When the source was published."""
    node: Text | None = None
    """Technology node that the source speaks of, such as "45 nm"."""
    same_as: Name | None = None
    """A device whose number of the same name this one was taken from: whatever that one really is, this one is too."""
    cite: Annotated[tuple[Name, ...] | None, Field(strict=False)] = None
    """Works of the bibliography that it comes from, by their keys."""

    @model_validator(mode="after")
    def _both_ends(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high must be given together")
        return self


class Sourced(Spec):
    """A specification whose numbers may have their sources beside them: ``key = { value = ..., source = "..." }``."""

    sources: Annotated[dict[str, Source], Field(default_factory=dict)]
    """Where each number comes from, by its name."""

    @model_validator(mode="before")
    @classmethod
    def _split_sources(cls, values: Any) -> Any:
        """Take a number apart from its source."""
        if not isinstance(values, dict) or not isinstance(values.get("sources", {}), dict):
            return values
        plain, sources = {}, dict(values.get("sources", {}))
        for key, value in values.items():
            if isinstance(value, dict) and "value" in value:
                sources[key] = {name: part for name, part in value.items() if name != "value"}
                value = value["value"]
            plain[key] = value
        return plain | {"sources": sources}

    @model_validator(mode="after")
    def _name_known(self) -> Self:
        unknown = sorted(set(self.sources) - set(type(self).model_fields))
        if unknown:
            raise ValueError(f"sources must name keys of the table, not {unknown[0]}")
        return self

    def __hash__(self) -> int:
        """Hash by the plain numbers and names; tables, such as that of the sources, have no hash of their own."""
        return hash(tuple(value for value in dict(self).values() if isinstance(value, int | float | str)))

    @property
    def unconfirmed(self) -> list[str]:
        """Names of the numbers that are unconfirmed."""
        return [name for name, source in self.sources.items() if not source.confirmed]

    @property
    def ranged(self) -> list[str]:
        """Names of the numbers that have a range."""
        return [name for name, source in self.sources.items() if source.low is not None]

    def at(self, ends: Mapping[str, Literal["low", "high"]]) -> Self:
        """Return the same with some numbers at an end of their range.

        Raises
        ------
        SpecError
            When an end is not a value the number may have.
        """
        moved = {name: getattr(self.sources[name], end) for name, end in ends.items()}
        return type(self)(**{**dict(self), **moved})


def _plain(value: Any) -> Any:
    """Return what NumPy holds as Python's own numbers, texts and lists; anything else as it is."""
    if type(value) in (list, tuple):
        return type(value)(item.tolist() if isinstance(item, np.generic) else item for item in value)
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def spec_error(kind: type[BaseModel], error: ValidationError, where: str) -> SpecError:
    """Turn the first of pydantic's complaints into a four-part error."""
    first = error.errors(include_url=False)[0]
    inner = first.get("ctx", {}).get("error")
    if isinstance(inner, SpecError):  # said in four parts already
        return inner
    path = _path(kind, first["loc"], extra=first["type"] == "extra_forbidden")
    key = ".".join(path) if path else "the whole"
    got = _shortened(first["input"])
    more = error.error_count() - 1
    also = f" ({more} more like this.)" if more else ""
    if first["type"] == "extra_forbidden":
        known = _fields_at(kind, path[:-1]) or []
        return SpecError(
            f'"{key}" is not a key of this {"table" if len(path) > 1 else "file"}',
            got=f"{key} = {got}", where=where, do=nearest(path[-1], known) + also,
        )  # fmt: skip
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] in ("model_type", "model_attributes_type", "dict_type"):
        message = "should be a table of keys"
    elif first["type"] == "tuple_type" and _fields_at(kind, path):
        message = f"should be a list of tables, [[{key}]]"
    elif first["type"] == "missing":
        message = "must be given"
    elif _fields_at(kind, path):  # a rule between the keys of a table: it begins with the name of one
        name, _, message = message.partition(" ")
        key = ".".join([*path, name])
        if isinstance(first["input"], dict) and name in (_fields_at(kind, path) or []):  # not the whole table
            got = _shortened(first["input"][name]) if name in first["input"] else "none, so its default"
    message = re.sub("^(Input|String|Tuple|Value) should", "should", message)
    return SpecError(f"{key} {message}", got=got, where=f"{where}, key {key}", do=f"Correct {key}.{also}")


def _shortened(value: Any) -> str:
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        return f"a {type(value).__name__} too large to print"
    return text if len(text) <= 80 else text[:77] + "..."


def _path(kind: type[BaseModel], location: tuple[int | str, ...], extra: bool) -> list[str]:
    """Return the keys that lead to a value, without what pydantic adds about the alternatives it tried."""
    path: list[str] = []
    for part in location:
        known = _fields_at(kind, path)
        if isinstance(part, int) and known:  # one of a list of tables, counted from 1
            path.append(str(part + 1))
            continue
        if isinstance(part, str) and known is not None and part not in known and not (extra and known):
            break
        path.append(str(part))
    return path


def _fields_at(kind: type[BaseModel], path: list[str]) -> list[str] | None:
    """Return the names that are allowed in the table at this path; none where no table is, None where any name is."""
    table: Any = kind
    for part in path:
        if part.isdecimal() and table is not None and get_origin(table) is not dict:
            continue  # one of a list of such tables
        if get_origin(table) is dict:
            table = _table(get_args(table)[1])
        elif table is not None and part in table.model_fields:
            table = _table(table.model_fields[part].annotation)
        else:
            return []
    if get_origin(table) is dict:
        return None
    return [] if table is None else list(table.model_fields)


def _table(annotation: Any) -> Any:
    """Return the specification, or the dict of them, among the types a key may have."""
    if get_origin(annotation) is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return annotation
    return next((found for part in get_args(annotation) if (found := _table(part)) is not None), None)
