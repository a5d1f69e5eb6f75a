"""How a reader writes networks: which way matrices stand, what units and weights are called."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, cast

from chainrule.errors import SettingError, ShapeError, listing, nearest
from chainrule.settings import check_count, check_flag

__all__ = ["FORMS", "Names", "Notation", "as_notation", "check_digits", "default_units"]

FORMS = ("rows", "columns", "theta")
LOSS = "L"
TARGET = re.compile(r"t\d*")
"""What targets are called."""
MANY = 2000
MOST_DIGITS = 17
"""No float64 has more."""
FIELDS = {
    "weights": ("layer", "from", "to", "i", "j", "n"),
    "biases": ("layer", "to", "j", "n"),
}


@dataclass(frozen=True)
class Notation:
    """A reader's notation.

    form
        "rows": a row of units times a matrix, z = a W + b, W (inputs, units). "columns": a matrix
        times a column, z = W a + b, W (units, inputs). "theta": z = Theta a with a unit of 1 put
        before a, Theta (units, 1 + inputs), the bias in its first column.
    first_layer
        What the inputs are counted as: layer 0 or layer 1.
    units
        Names: those of the inputs, then those of the units of each layer that has weights; None
        names x1, x2 ..., h1, h2 ... and o1, o2 ...
    weights, biases
        What they are called, a pattern of {from} and {to} (names of the units), {i} and {j} (their
        numbers from 1), {layer} (the number of the layer led to; in "theta" of the one led from),
        {n} (the weights counted through all layers, unit by unit; biases likewise): "w{n}" gives
        w1, w2 ..., "w{from}{to}" gives w46.
    loss
        What the loss is called.
    errors
        Whether errors are shown in place of deltas: Err = -delta, and weights move by
        + rate * Err * a.
    digits
        How many digits after the point.

    Raises `SettingError` for what is not allowed.

    >>> Notation(weights="w{from}{to}").names([["1", "2"], ["4"]]).weight(0, 1, 0)
    'w24'
    """

    form: str = "rows"
    first_layer: int = 0
    units: Sequence[Sequence[str]] | None = None
    weights: str | None = None
    biases: str | None = None
    loss: str = LOSS
    errors: bool = False
    digits: int = 6

    def __post_init__(self) -> None:
        _check_form("form", self.form)
        check_digits(self.digits)
        first, loss = cast("Any", self.first_layer), cast("Any", self.loss)
        if isinstance(first, bool | float) or first not in (0, 1):
            message = f"trace: first_layer must be 0 or 1, got {first!r}."
            raise SettingError(message)
        if not isinstance(loss, str) or not loss.strip():
            message = f"trace: loss must be a name such as 'E', got {loss!r}."
            raise SettingError(message)
        check_flag("trace", "errors", self.errors)
        for setting, known in FIELDS.items():
            _check_pattern(setting, getattr(self, setting), known)
        if self.units is not None:
            object.__setattr__(self, "units", _checked_units(self.units))

    @property
    def weight_pattern(self) -> str:
        """The pattern of weights' names; where none is given that of the form."""
        if self.weights is not None:
            return self.weights
        letter = "Θ" if self.form == "theta" else "W"
        return letter + ("{layer}[{i},{j}]" if self.form == "rows" else "{layer}[{j},{i}]")

    def names(self, default: Sequence[Sequence[str]], widths: Sequence[int] | None = None) -> Names:
        """The names of a network's units and weights.

        default
            What units are called where the notation does not say it; it says also how many there
            are: those of the inputs, then those of each layer with weights.
        widths
            How many columns each layer with weights is given, where another layer before it makes
            more or fewer of its units.

        Raises `ShapeError` where the notation has another number of names.
        """
        units = default if self.units is None else self.units
        wanted, given = [len(one) for one in default], [len(one) for one in units]
        if wanted != given:
            message = (
                f"trace: units must name {wanted} units (inputs first, then layer by layer), "
                f"got {given}."
            )
            raise ShapeError(message)
        named = tuple(tuple(one) for one in units)
        for one in named:
            twice = [name for name in one if one.count(name) > 1] if len(one) < MANY else []
            if twice:
                message = f"trace: two units of a layer are called {twice[0]!r}; give each a name."
                raise SettingError(message)
        widths = wanted[:-1] if widths is None else widths
        sources = tuple(
            one if len(one) == width else tuple(f"v{place}_{n + 1}" for n in range(width))
            for place, (one, width) in enumerate(zip(named[:-1], widths, strict=True), start=1)
        )
        names = Names(self, named, sources)
        names.check_weights()
        names.check_names()
        return names


@dataclass(frozen=True)
class Names:
    """What the units, weights and layers of one network are called.

    units
        Of the inputs, then of each layer with weights. Layers with weights are counted from 0 in
        all methods; unit and input numbers too.
    sources
        What the columns that each layer is given are called: mostly the units before it.
    """

    notation: Notation
    units: tuple[tuple[str, ...], ...]
    sources: tuple[tuple[str, ...], ...]

    def check_weights(self) -> None:
        """Raise where a pattern calls several weights the same; of large networks not all are."""
        pattern = self.notation.weights
        if pattern is None or self._is_large:
            return
        called = self._all_weights()
        twice = next((name for name in called if called.count(name) > 1), None)
        if twice is not None:
            message = (
                f"trace: weights={pattern!r} calls several weights {twice!r}; tell them apart by "
                "{n}, or by {layer} with {i} and {j}."
            )
            raise SettingError(message)

    def check_names(self) -> None:
        """Raise where a reader gives one name to two things."""
        own = self.notation
        if self._is_large:
            return
        units = [name for layer in self.units for name in layer]
        weights, biases = set(self._all_weights()), set(self._all_biases())
        targets = {name for name in (*units, own.loss) if TARGET.fullmatch(name)}
        named = bool(own.units)
        for both, is_own, names in (
            ("units of two layers", named, {one for one in units if units.count(one) > 1}),
            ("a unit and a weight", named or own.weights, weights & set(units)),
            ("a unit and a bias", named or own.biases, biases & set(units)),
            ("a weight and a bias", own.weights or own.biases, weights & biases),
            ("a unit and the loss", named or own.loss != LOSS, {own.loss} & set(units)),
            ("a weight and the loss", own.loss != LOSS, {own.loss} & (weights | biases)),
            ("a unit and a target", named, targets & set(units)),
            ("a target and the loss", own.loss != LOSS, targets & {own.loss}),
        ):
            if is_own and names:
                message = f"trace: {both} are called {min(names)!r}; give each a name of its own."
                raise SettingError(message)

    @property
    def _is_large(self) -> bool:
        sizes = [len(a) * len(b) for a, b in zip(self.sources, self.units[1:], strict=False)]
        return sum(sizes) > MANY

    def _all_weights(self) -> list[str]:
        return [
            self.weight(place, source, unit)
            for place, before in enumerate(self.sources)
            for unit in range(len(self.units[place + 1]))
            for source in range(len(before))
        ]

    def _all_biases(self) -> list[str]:
        places = range(len(self.sources))
        return [
            self.bias(place, unit) for place in places for unit in range(len(self.units[place + 1]))
        ]

    def layer(self, place: int) -> int:
        """The number of a layer with weights, as the reader counts."""
        return self.notation.first_layer + place + 1

    def matrix_number(self, place: int) -> int:
        """The number of the matrix that leads to a layer; in theta of the layer it leads from."""
        return self.layer(place) - (self.notation.form == "theta")

    def weight(self, place: int, source: int, unit: int) -> str:
        """The name of the weight from a source (input or unit before) to a unit of a layer."""
        before = sum(len(self.sources[k]) * len(self.units[k + 1]) for k in range(place))
        return self.notation.weight_pattern.format(**{
            "layer": self.matrix_number(place), "i": source + 1, "j": unit + 1,
            "from": self.sources[place][source], "to": self.units[place + 1][unit],
            "n": before + unit * len(self.sources[place]) + source + 1,
        })  # fmt: skip

    def bias(self, place: int, unit: int) -> str:
        """The name of the bias of a unit of a layer."""
        pattern = self.notation.biases
        if pattern is None:
            pattern = "Θ{layer}[{j},0]" if self.notation.form == "theta" else "b{layer}[{j}]"
        return pattern.format(**{
            "layer": self.matrix_number(place), "j": unit + 1,
            "to": self.units[place + 1][unit],
            "n": sum(map(len, self.units[1 : place + 1])) + unit + 1,
        })  # fmt: skip

    def named_weight(self, layer: str, source: int, unit: int) -> str:
        """The name of a weight of a layer that is not counted, by the layer's name."""
        if self.notation.form == "rows":
            return f"W_{layer}[{source + 1},{unit + 1}]"
        letter = "Θ" if self.notation.form == "theta" else "W"
        return f"{letter}_{layer}[{unit + 1},{source + 1}]"

    def named_bias(self, layer: str, unit: int) -> str:
        """The name of a bias of such a layer."""
        theta = self.notation.form == "theta"
        return f"Θ_{layer}[{unit + 1},0]" if theta else f"b_{layer}[{unit + 1}]"


def check_digits(digits: Any) -> int:
    """How many digits after the point, or a sentence."""
    if check_count("trace", "digits", digits, least=0) > MOST_DIGITS:
        message = f"trace: digits must be at most {MOST_DIGITS}, got {digits}."
        raise SettingError(message)
    return int(digits)


def _check_form(setting: str, form: Any) -> None:
    """Raise for what is no form, by the name of the setting that the reader gave it in."""
    if form not in FORMS:
        message = f"trace: {setting} must be {listing(FORMS)}, got {form!r}."
        raise SettingError(message)


def _checked_units(units: Any) -> tuple[tuple[str, ...], ...]:
    listed = isinstance(units, list | tuple)
    if not listed or not all(isinstance(layer, list | tuple) for layer in units):
        message = (
            f'trace: units must be lists of names, such as [["x1", "x2"], ["h1"]], got {units!r}.'
        )
        raise SettingError(message)
    named = tuple(tuple(str(name) for name in layer) for layer in units)
    if not all(name.strip() for layer in named for name in layer):
        message = "trace: units must have names; one is empty."
        raise SettingError(message)
    return named


def _check_pattern(setting: str, pattern: Any, fields_of: Sequence[str]) -> None:
    if pattern is None:
        return
    try:
        parsed = list(string.Formatter().parse(pattern))
        found = [name for _, name, _, _ in parsed if name is not None]
        if not pattern.strip() or any(kind or turned for _, _, kind, turned in parsed):
            raise ValueError(pattern)
    except (ValueError, TypeError) as error:
        message = f"trace: {setting} must be a pattern such as 'w{{n}}', got {pattern!r}."
        raise SettingError(message) from error
    unknown = [name for name in found if name not in fields_of]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in fields_of)
        message = (
            f"trace: {setting} has {{{unknown[0]}}}, which is not known in {pattern!r}; known: "
            f"{known}."
        )
        raise SettingError(message)


def default_units(inputs: int, layers: Sequence[int]) -> list[list[str]]:
    """x1, x2 ... for inputs, h1 ... for hidden units, o1 ... for outputs.

    >>> default_units(2, [2, 1]), default_units(1, [1, 1, 1])
    ([['x1', 'x2'], ['h1', 'h2'], ['o']], [['x'], ['h1_1'], ['h2_1'], ['o']])
    """
    hidden = len(layers) - 1
    found = [_numbered("x", inputs)]
    for place, count in enumerate(layers[:-1], start=1):
        base = "h" if hidden == 1 else f"h{place}_"
        found.append([f"{base}{unit + 1}" for unit in range(count)])
    return [*found, _numbered("o", layers[-1])] if layers else found


def _numbered(base: str, count: int) -> list[str]:
    return [base] if count == 1 else [f"{base}{number + 1}" for number in range(count)]


def as_notation(
    given: str | Notation,
    settings: Mapping[str, Any],
    others: Sequence[str] = (),
    form: str | None = None,
) -> Notation:
    """A notation by the word of its form, or one that is made, with settings of it.

    others
        What the caller takes beside them, for the sentence about a setting that there is not.
    form
        The word of another form than that of one that is made.

    Raises `SettingError` for a setting that there is not.

    >>> as_notation("columns", {"digits": 3}).digits
    3
    """
    known = [one.name for one in fields(Notation)]
    made = given if isinstance(given, Notation) else Notation()
    if not isinstance(given, Notation):
        known[known.index("form")], form = "notation", given
    for name in settings:
        if name == "form" and name not in known:
            message = f"trace: the form is called notation; write notation={settings[name]!r}."
            raise SettingError(message)
        if name not in known:
            message = f"trace: there is no setting {name!r}; {nearest(name, [*known, *others])}"
            raise SettingError(message)
    if form is not None:
        _check_form("notation", form)
        settings = {**settings, "form": form}
    return replace(made, **settings)
