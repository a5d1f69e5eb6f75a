"""Names and numbers as LaTeX writes them."""

from __future__ import annotations

import re
from typing import Any

from chainrule.tracing.equations import number_text
from chainrule.tracing.formula import Symbol

__all__ = ["escaped", "number_latex", "symbol_latex", "width_of"]

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu",
    "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "varphi",
    "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta",
    "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_\allowbreak{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    "·": r"\(\cdot\)", "/": r"/\allowbreak{}", "-": "{-}",
    "∂": r"\(\partial\)", "²": r"\({}^{2}\)",
}  # fmt: skip

ACCENTED = re.compile(r"(\\?[A-Za-z]+|\\(?:hat|tilde)\{.*?\}+)((?:_\{[^{}]*\})?)")
"""A letter, perhaps with accents, and what stands below it."""

INDEXED = re.compile(r"([^\W\d_])(²?)(\d*)\[([\d,]+)\]")
NUMBERED = re.compile(r"([^\W\d_])(²?)(?:(?<=[μ²])_)?((?:\d+(?:_\d+)*)?)")


def escaped(text: str) -> str:
    r"""Any text for LaTeX: special characters escaped, those that its fonts lack by their code.

    >>> print(escaped("50% of a_b"))
    50\% of a\_\allowbreak{}b
    """
    return "".join(_letter(letter) for letter in text)


def _letter(letter: str) -> str:
    if letter in SPECIAL:
        return SPECIAL[letter]
    if letter in GREEK:
        return rf"\(\{GREEK[letter]}\)"
    if " " <= letter <= "~" or ("À" <= letter <= "ÿ" and letter not in "×÷ÐÞðþ"):
        return letter
    return " " if letter.isspace() else f"[U+{ord(letter):04X}]"


def name_latex(name: str) -> str:
    r"""A name in a formula: numbers become subscripts.

    >>> print(name_latex("w46"), name_latex("W1[2,1]"), name_latex("h1_2"), name_latex("rate"))
    w_{46} W^{(1)}_{2,1} h_{1,2} \mathrm{rate}
    """
    if name[:1] == "Σ" and name[1:2].isalpha():
        return rf"\Sigma {name_latex(name[1:])}"
    found = INDEXED.fullmatch(name)
    if found is not None and _is_mathematical(found[1]):
        layer = rf"\,({found[3]})" if found[2] and found[3] else found[3] and f"({found[3]})"
        power = f"^{{{'2' if found[2] else ''}{layer}}}" if found[2] or layer else ""
        return f"{_mathematical(found[1])}{power}_{{{found[4]}}}"
    found = NUMBERED.fullmatch(name)
    if found is not None and _is_mathematical(found[1]):
        power = "^{2}" if found[2] else ""
        number = f"_{{{found[3].replace('_', ',')}}}" if found[3] else ""
        return f"{_mathematical(found[1])}{power}{number}"
    if name.isascii() and name.isalnum():
        return name if name.isdigit() else rf"\mathrm{{{name}}}"
    return rf"\text{{{escaped(name)}}}"


def _is_mathematical(letter: str) -> bool:
    return letter in GREEK or letter.isascii()


def _mathematical(letter: str) -> str:
    return rf"\{GREEK[letter]}" if letter in GREEK else letter


def symbol_latex(one: Symbol) -> str:
    """A symbol in a formula."""
    base = (
        rf"\text{{[{escaped(one.name)}]}}"
        if _in_brackets(one)
        else name_latex(one.letter or one.name)
    )
    for _ in range(one.mark.count("~")):
        base = _accented(base, "tilde")
    if one.head == "hat":
        base = _accented(base, "hat")
    elif one.head:
        base = f"{name_latex(one.head)}_{{{base}}}"
    for mark in one.mark.replace("~", ""):
        base = _raised(base, _mark(mark))
    if one.row is not None:
        base = _raised(base, f"({one.row})")
    if one.by is None:
        return base
    minus, sign = "-" if one.opposite else "", r"\mathrm{d}" if one.sign == "d" else r"\partial "
    return rf"{minus}\frac{{{sign}{symbol_latex(one.by)}}}{{{sign}{base}}}"


def _in_brackets(one: Symbol) -> bool:
    """Whether a name is put in brackets; below the line it stands alone."""
    return one.bracketed and one.head in ("", "hat")


def _accented(base: str, accent: str) -> str:
    """An accent on the letter alone, where there is one; over all that is longer."""
    found = ACCENTED.fullmatch(base)
    if found is None:
        return rf"\wide{accent}{{{base}}}"
    return rf"\{accent}{{{found[1]}}}{found[2]}"


def _raised(base: str, power: str) -> str:
    """Something raised at the end of a name: above what stands below it, where nothing is yet."""
    return f"{{{base}}}^{{{power}}}" if "^" in base else f"{base}^{{{power}}}"


def _mark(mark: str) -> str:
    return r"\prime" if mark == "'" else mark


def width_of(one: Symbol) -> float:
    """About how wide a symbol is, in digits."""
    written = one.letter or one.name
    short = INDEXED.fullmatch(written) or NUMBERED.fullmatch(written)
    name = (len(written) + 2 * _in_brackets(one)) * (
        0.75 if short or (one.head and one.name.isalnum()) else 1.1
    )
    base = (
        len(one.head.replace("hat", ""))
        + name
        + (2.2 if one.row is not None else 0.0)
        + 0.5 * len(one.mark)
    )
    if one.by is None:
        return base + 0.3
    return max(base, width_of(one.by)) + 1.8 + (1.5 if one.opposite else 0.0)


def number_latex(value: Any, digits: int) -> str:
    """A number in a formula, with a power of ten where it is very small or large."""
    shown = number_text(value, digits)
    if shown in ("nan", "inf", "-inf"):
        return {"nan": r"\mathrm{nan}", "inf": r"\infty", "-inf": r"-\infty"}[shown]
    mantissa, _, power = shown.partition("e")
    return rf"{mantissa}\cdot 10^{{{int(power)}}}" if power else shown
