"""Records: plain values (dict, list, text, numbers, booleans, None) as JSON and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from chainrule.errors import DataError, InputTypeError

__all__ = ["decode_record", "encode_record", "strict_json"]

DEEPEST = 100
WIDEST_INTEGER_BITS = 1024
NOT_FINITE_KEY = "$float"


def encode_record(record: Mapping[str, Any], name: str = "record") -> str:
    """The JSON text (ASCII, one line, strict) of a record, from which the same values come back.

    Finite floats are written with their shortest exact spelling and come back to the bit. JSON
    has no word for the others: they stand as `{"$float": "nan"}`, `"inf"` or `"-inf"` (a
    dictionary whose one key is `$float` gets a `$` more). Subclasses (`numpy.float64`,
    `numpy.str_`, an `IntEnum`) come back as the plain type. Tuples, sets, arrays and objects are
    refused.

    Args:
        record: names to plain values, nested at most 100 deep.
        name: what a sentence calls the record.

    Raises:
        InputTypeError: a value or a key is not plain.
        DataError: a record that is nested too deep (or in itself), or an integer of more
            than 1,024 bits.

    >>> encode_record({"rate": 0.1, "best": float("inf"), "units": [3, None]})
    '{"rate":0.1,"best":{"$float":"inf"},"units":[3,null]}'
    """
    plain = _plain(record, name, 0, exact=True)
    return json.dumps(plain, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def decode_record(text: str) -> dict[str, Any]:
    """The record of a text written by `encode_record`.

    Raises:
        DataError: the text is not the JSON of a record.

    >>> decode_record('{"best":{"$float":"-inf"}}')
    {'best': -inf}
    """
    try:
        value = json.loads(text, object_hook=_number_again, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        message = f"the record is not valid JSON ({type(error).__name__}: {error})."
        raise DataError(message) from error
    if not isinstance(value, dict):
        message = f"the record must be a JSON object, got {type(value).__name__}."
        raise DataError(message)
    return value


def strict_json(record: Any, *, indent: int | None = None, name: str = "record") -> str:
    """JSON for other programs: plain values, with null where a number is not finite.

    >>> strict_json({"roc_auc": float("nan"), "label": "\u00e9"})
    '{"roc_auc": null, "label": "\u00e9"}'
    """
    plain = _plain(record, name, 0, exact=False)
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=indent)
    # A lone surrogate cannot be written as UTF-8; escaped, it can.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: Any, name: str, depth: int, *, exact: bool) -> Any:
    """The value with what JSON cannot say replaced; refuses what is not plain."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return _checked_integer(int(value), name)
    if isinstance(value, float):
        return _checked_float(float(value), exact=exact)
    if depth >= DEEPEST:
        message = f"{name[:60]}...: nested more than {DEEPEST} deep. Use a flatter record."
        raise DataError(message)
    if isinstance(value, list):
        return [
            _plain(item, f"{name}[{index}]", depth + 1, exact=exact)
            for index, item in enumerate(value)
        ]
    if isinstance(value, Mapping):
        return _plain_mapping(value, name, depth, exact=exact)
    message = (
        f"{name} is a {type(value).__module__}.{type(value).__qualname__}; records hold only dict, "
        "list, str, int, float, bool and None. Convert it first (arrays go in arrays=)."
    )
    raise InputTypeError(message)


def _plain_mapping(
    mapping: Mapping[Any, Any], name: str, depth: int, *, exact: bool
) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in mapping.items():
        if not isinstance(key, str):
            message = f"{name}: the key {key!r} is a {type(key).__name__}, not text. Use str keys."
            raise InputTypeError(message)
        plain[str.__str__(key)] = _plain(item, f"{name}.{key}", depth + 1, exact=exact)
    if exact and _looks_like_number(plain):
        return {f"${key}": item for key, item in plain.items()}
    return plain


def _checked_integer(value: int, name: str) -> int:
    if value.bit_length() > WIDEST_INTEGER_BITS:
        message = f"{name} is an integer of {value.bit_length()} bits; at most 1,024 are kept."
        raise DataError(message)
    return value


def _checked_float(value: float, *, exact: bool) -> Any:
    if math.isfinite(value):
        return value
    return {NOT_FINITE_KEY: repr(value)} if exact else None


def _looks_like_number(mapping: dict[str, Any]) -> bool:
    """Whether the one key is `$float`, or that with more `$` before it."""
    return len(mapping) == 1 and all(
        key.endswith(NOT_FINITE_KEY) and key.lstrip("$") == "float" for key in mapping
    )


def _number_again(mapping: dict[str, Any]) -> Any:
    if not _looks_like_number(mapping):
        return mapping
    if NOT_FINITE_KEY not in mapping:
        return {key[1:]: item for key, item in mapping.items()}
    spelling = mapping[NOT_FINITE_KEY]
    if spelling not in ("nan", "inf", "-inf"):
        message = f"{NOT_FINITE_KEY} must be nan, inf or -inf, got {spelling!r}"
        raise ValueError(message)
    return float(spelling)


def _refuse_constant(word: str) -> float:
    message = f"the word {word} is not JSON"
    raise ValueError(message)
