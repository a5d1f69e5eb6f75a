"""Settings as TOML files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from chainrule.errors import DataError, MissingFileError, SettingError
from chainrule.files.record import encode_record
from chainrule.files.writing import as_path, write_text_atomic

__all__ = ["read_toml", "toml_text", "write_toml"]


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The settings of a TOML file.

    Raises:
        MissingFileError: there is no such file.
        SettingError: it is a folder, cannot be read, or is not valid TOML (names line and column).

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_toml(pathlib.Path(folder) / "c.toml", {"epochs": 3, "mlp": {"hidden": [8, 4]}})
    ...     read_toml(pathlib.Path(folder) / "c.toml")
    {'epochs': 3, 'mlp': {'hidden': [8, 4]}}
    """
    import tomllib

    place = as_path(path)
    try:
        text = place.read_bytes().decode("utf-8-sig")
        return tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"{place}: there is no such file. Check the path."
        raise MissingFileError(message) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"{place}: the settings cannot be read ({reason}). Name a readable TOML file."
        raise SettingError(message) from error
    except UnicodeDecodeError as error:
        message = f"{place}: byte {error.start} is not UTF-8. Save the settings as UTF-8 text."
        raise SettingError(message) from error
    except (ValueError, RecursionError) as error:
        message = f"{place}: not valid TOML ({str(error).rstrip('.')}). {_remedy(text, str(error))}"
        raise SettingError(message) from error


def _remedy(text: str, said: str) -> str:
    """What to do about it, with the line that it stands in."""
    place = re.search(r"at line (\d+)", said)
    lines = text.splitlines()
    if place is None or int(place[1]) > len(lines):
        return "Correct the file."
    line = lines[int(place[1]) - 1].strip()
    comma = re.search(r"(?<==)\s*[-+]?\d+,\d+|\d+,0\d+", line)
    point = f"; a decimal has a point: {comma[0].strip().replace(',', '.')}" if comma else ""
    shown = line if len(line) <= 60 else f"{line[:60]}..."
    return f"Correct the line {shown!r}{point}."


def write_toml(path: str | os.PathLike[str], settings: Mapping[str, Any]) -> None:
    """Writes settings as a TOML file, whole or not at all.

    TOML has no word for None: such a setting is left out, which means its default.

    Args:
        path: the file; its folder must exist.
        settings: plain values, nested in dictionaries; no None inside a list.

    Raises:
        InputTypeError: a value is not plain.
        DataError: None in a list, or an integer beyond 64 bits.
        WriteError: the place cannot be written.
    """
    write_text_atomic(path, toml_text(settings))


def toml_text(settings: Mapping[str, Any]) -> str:
    """Settings as TOML; raises as `write_toml` does.

    >>> print(toml_text({"units": [8, 16], "rate": {"low": 0.1}}), end="")
    units = [
        8,
        16,
    ]
    <BLANKLINE>
    [rate]
    low = 0.1
    """
    import tomli_w

    encode_record(settings, "settings")
    return tomli_w.dumps(_table(settings, "settings"))


def _table(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {
        key: _value(value, f"{name}.{key}") for key, value in settings.items() if value is not None
    }


def _value(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return _table(value, name)
    if isinstance(value, list):
        return [_value(item, f"{name}[{index}]") for index, item in enumerate(value)]
    if value is None:
        message = f"{name} is None, which a TOML list cannot hold. Leave it out."
        raise DataError(message)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _integer(int(value), name)
    if isinstance(value, float):
        return float(value)
    return str.__str__(value)


def _integer(value: int, name: str) -> int:
    if not -(2**63) <= value < 2**63:
        message = f"{name} is {value}, beyond the 64 bits of a TOML integer. Write it as text."
        raise DataError(message)
    return value
