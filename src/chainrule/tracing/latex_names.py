"""Names and numbers as LaTeX writes them."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from chainrule.tracing.equations import number_text
from chainrule.tracing.formula import Symbol

__all__ = ["escaped", "fonts_of", "number_latex", "symbol_latex", "width_of"]

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu",
    "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "varphi",
    "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta",
    "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
LETTERS = GREEK | {"ℓ": "ell", "µ": "mu"}
"""What LaTeX calls the letters of formulas that ASCII lacks."""
WORDS = {name.removeprefix("var"): rf"\{name}" for name in GREEK.values()}
ACCENTS = {
    "\u0300": "grave", "\u0301": "acute", "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar",
    "\u0305": "bar", "\u0306": "breve", "\u0307": "dot", "\u0308": "ddot", "\u030a": "mathring",
    "\u030c": "check", "\u20d7": "vec",
}  # fmt: skip
"""What LaTeX calls the signs that Unicode puts over the letter before them."""
TEXT_ACCENTS = {
    "\u030b": "H", "\u0323": "d", "\u0326": "textcommabelow", "\u0327": "c", "\u0328": "k",
    "\u0331": "b",
}  # fmt: skip
"""What it calls signs that formulas lack: double acute accents, and what hangs below a letter."""
LATIN = {
    "ł": "l", "Ł": "L", "œ": "oe", "Œ": "OE", "ı": "i", "ȷ": "j", "đ": "dj", "Đ": "DJ",
    "ð": "dh", "Ð": "DH", "þ": "th", "Þ": "TH", "ŋ": "ng", "Ŋ": "NG",
}  # fmt: skip
"""What it calls Latin letters that are none with an accent."""
DOTLESS = {"i": "ı", "j": "ȷ"}
"""Under an accent."""
OF_LATIN_FONT = {"k", "dj", "DJ", "dh", "DH", "th", "TH", "ng", "NG"}
"""Those of them that only fonts of the encoding T1 have."""
LATIN_FONT = r"""\input{t1enc.def}
\newcommand{\latin}[1]{{\fontencoding{T1}\fontfamily{lmr}\selectfont #1}}
"""
"""What a document needs that has letters of such fonts."""
SIGNS_OF_FORMULAS = {
    "→": "rightarrow", "←": "leftarrow", "↔": "leftrightarrow", "↑": "uparrow", "↓": "downarrow",
    "⇒": "Rightarrow", "⇔": "Leftrightarrow", "×": "times", "÷": "div", "±": "pm", "∓": "mp",
    "≤": "le", "≥": "ge", "≠": "ne", "≈": "approx", "≡": "equiv", "∞": "infty", "∂": "partial",
    "∇": "nabla", "∈": "in", "∑": "textstyle\\sum", "√": "surd", "−": "mathord-", "¬": "neg",
    "·": "cdot", "∆": "Delta", "⋅": "cdot", "′": "prime",
}  # fmt: skip
SIGNS_OF_TEXT = {
    "°": r"\({}^{\circ}\)", "€": r"\texteuro{}", "£": r"\pounds{}", "§": r"\S{}",
    "©": r"\copyright{}", "–": "--", "—": "---", "…": r"\dots{}", "‘": "`", "’": "'", "“": "``",
    "”": "''", "•": r"\(\bullet\)", "½": r"\(\tfrac{1}{2}\)", "¼": r"\(\tfrac{1}{4}\)",
    "¾": r"\(\tfrac{3}{4}\)",
}  # fmt: skip
"""What LaTeX calls common signs that ASCII lacks: those of formulas, and those of text."""
LOWERED, RAISED, DIGITS = "₀₁₂₃₄₅₆₇₈₉", "⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_\allowbreak{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    "/": r"/\allowbreak{}", "-": "{-}",
    **SIGNS_OF_TEXT,
    **{sign: rf"\(\{name}\)" for sign, name in (LETTERS | SIGNS_OF_FORMULAS).items()},
    **{letter: rf"\({{}}_{{{digit}}}\)" for letter, digit in zip(LOWERED, DIGITS, strict=True)},
    **{letter: rf"\({{}}^{{{digit}}}\)" for letter, digit in zip(RAISED, DIGITS, strict=True)},
}  # fmt: skip
PRINTED = {*map(chr, (*range(0x20, 0x7F), *range(0xC0, 0x100)))} - {*"×÷ÐÞðþ"}
"""What LaTeX's fonts have as it is."""

ACCENTED = re.compile(
    rf"(\\?[A-Za-z]+|\\(?:{'|'.join(ACCENTS.values())})\{{.*?\}}+)((?:_\{{.*\}})?)"
)
"""A letter, perhaps with accents, and what stands below it."""

OVER = f"[{''.join(ACCENTS)}]*"
SIGNS = f"[{''.join(ACCENTS | TEXT_ACCENTS)}]*"
LETTER = f"((?:{'|'.join(WORDS)}|[A-Za-z{''.join(LETTERS)}]){OVER})([{RAISED}]*)"
INDEXED = re.compile(rf"{LETTER}(?:([0-9]*)|_(\w+))\[([0-9,]+)\]")
NUMBERED = re.compile(rf"{LETTER}(?:_?([0-9]+(?:_[0-9]+)*)|_((?:\w{OVER})+))?([{RAISED}]*)")
"""The page's rule for names: a letter or the word of a Greek one, what follows below the line."""


def escaped(text: str) -> str:
    r"""Any text for LaTeX: special characters escaped, those that its fonts lack by their code.

    >>> print(escaped("50% of a_b"), escaped("ŷ"))
    50\% of a\_\allowbreak{}b \(\hat{\mathrm{y}}\)
    """
    whole = unicodedata.normalize("NFC", text)
    return "".join(_letter(found) for found in re.findall(f".{SIGNS}", whole, re.DOTALL))


def _letter(letter: str) -> str:
    """A letter with the accents that follow it, outside of formulas."""
    if letter in SPECIAL:
        return SPECIAL[letter]
    if letter in PRINTED:
        return letter
    if letter in LATIN:
        return _latin(LATIN[letter])
    whole = unicodedata.normalize("NFD", letter)
    base, signs = whole[0], whole[1:]
    if base.isalpha() and signs and (ACCENTS | TEXT_ACCENTS).keys() >= {*signs}:
        return _accented_letter(base, signs)
    if len(letter) > 1:
        return "".join(map(_letter, letter))
    return " " if letter.isspace() else f"[U+{ord(letter):04X}]"


def _accented_letter(base: str, signs: str) -> str:
    """A letter with its accents: those of text are nearest, those of formulas stand over all."""
    over = "".join(sign for sign in signs if sign in ACCENTS)
    hanging = [sign for sign in signs if sign in TEXT_ACCENTS]
    if base in LETTERS and not hanging:
        inside = f"\\{LETTERS[base]}"
    elif base.isascii() and base not in DOTLESS and not hanging:
        inside = rf"\mathrm{{{base}}}"
    else:
        text = _letter(DOTLESS.get(base, base) if over else base)
        for sign in hanging:
            text = _latin(TEXT_ACCENTS[sign], text)
        inside = rf"\text{{{text}}}" if over else text
    return rf"\({_under(inside, over)}\)" if over else inside


def _latin(name: str, letter: str = "") -> str:
    """A letter or an accent of text, in a font that has it."""
    made = rf"\{name}{{{letter}}}"
    return rf"\latin{{{made}}}" if name in OF_LATIN_FONT else made


def _under(base: str, accents: str) -> str:
    """A letter of a formula under accents, the nearest first."""
    for accent in accents:
        base = rf"\{ACCENTS[accent]}{{{base}}}"
    return base


def fonts_of(body: str) -> str:
    """What a document has to define for the letters in it."""
    euro = "\\usepackage{textcomp}\n" if r"\texteuro" in body else ""
    return euro + (LATIN_FONT if r"\latin{" in body else "")


def name_latex(name: str) -> str:
    r"""A name in a formula: what follows its letter becomes a subscript.

    >>> print(name_latex("w46"), name_latex("W1[2,1]"), name_latex("h1_2"), name_latex("rate"))
    w_{46} W^{[1]}_{2,1} h_{1,2} \mathrm{rate}
    >>> print(name_latex("theta4"), name_latex("x_rain"), name_latex("ŷ₁"))
    \theta_{4} x_{\mathrm{rain}} \hat{y}_{1}
    """
    if name[:1] == "Σ" and name[1:2].isalpha():
        return rf"\Sigma {name_latex(name[1:])}"
    plain = _decomposed(name)
    if found := INDEXED.fullmatch(plain):
        letter, power, layer, word, place = found.groups()
        layer = _layer(word) if word else layer
        powers = [*filter(None, (_digits(power), layer and f"[{layer}]"))]
        raised = "^{" + r"\,".join(powers) + "}" if powers else ""
        return f"{_mathematical(letter)}{raised}_{{{place}}}"
    if found := NUMBERED.fullmatch(plain):
        letter, power, number, word, last = found.groups()
        below = name_latex(word) if word else (number or "").replace("_", ",")
        raised = f"^{{{_digits(power + last)}}}" if power + last else ""
        return f"{_mathematical(letter)}{raised}{f'_{{{below}}}' if below else ''}"
    if name.isascii() and name.isalnum():
        return name if name.isdigit() else rf"\mathrm{{{name}}}"
    return rf"\text{{{escaped(name)}}}"


def _layer(word: str) -> str:
    """The name of a layer: one of several words is no letter with an index."""
    return rf"\text{{{escaped(word)}}}" if "_" in word else name_latex(word)


def _decomposed(name: str) -> str:
    """A name with its accents after their letters, and with lowered digits as digits."""
    return unicodedata.normalize("NFD", name).translate(str.maketrans(LOWERED, DIGITS))


def _digits(raised: str) -> str:
    return raised.translate(str.maketrans(RAISED, DIGITS))


def _mathematical(letter: str) -> str:
    """A letter of a formula, or the word of a Greek one, with the accents that follow it."""
    base = letter.rstrip("".join(ACCENTS))
    inside = rf"\{LETTERS[base]}" if base in LETTERS else WORDS.get(base, base)
    return _under(inside, letter[len(base) :])


def symbol_latex(one: Symbol) -> str:
    """A symbol in a formula."""
    if _in_brackets(one):
        base = rf"\text{{[{escaped(one.name)}]}}"
    elif one.parameter is not None and not one.bracketed:
        base = _of_layer(*one.parameter)
    else:
        base = name_latex(one.letter or one.name)
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


def _of_layer(parameter: str, layer: str, place: str) -> str:
    """A number of a parameter: its layer raised as with weights; of a scalar below the line."""
    letter = name_latex(parameter)
    letter = f"{{{letter}}}" if "_{" in letter or "^{" in letter else letter
    if not place:
        return f"{letter}_{{{_layer(layer)}}}"
    return f"{letter}^{{[{_layer(layer)}]}}_{{{place}}}"


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
    plain = _decomposed(written)
    short = one.parameter or INDEXED.fullmatch(plain) or NUMBERED.fullmatch(plain)
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
