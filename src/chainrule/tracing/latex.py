"""A trace as a LaTeX document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.tracing.equations import (
    Account,
    Equation,
    Section,
    Values,
    account_of,
    number_text,
)
from chainrule.tracing.formula import (
    PRODUCTS,
    Call,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    Symbol,
    signs_of,
    told_with,
)
from chainrule.tracing.latex_names import escaped, fonts_of, symbol_latex, width_of
from chainrule.tracing.latex_numbers import (
    AFTER_DOT,
    BEFORE_SIGN,
    TOGETHER,
    Token,
    Tokens,
    in_columns,
    is_row,
    number_tokens,
)
from chainrule.tracing.meanings import meaning

__all__ = ["latex_of"]

OPENING = r"""\documentclass[a4paper,10pt,fleqn]{article}
\usepackage[margin=2cm]{geometry}
\usepackage{amsmath}
\setlength{\mathindent}{0pt}
\setlength{\parindent}{0pt}
\setlength{\jot}{4pt}
\allowdisplaybreaks
"""
LINE = 88.0
"""About how many digits a line of a formula holds."""
NOTE = 78
DEEPEST = 8


def latex_of(trace: Any) -> str:
    """Every equation of a trace as a document that compiles on its own."""
    account = account_of(trace)
    lines = [rf"\section*{{{escaped(account.title)}}}"]
    lines += [f"{escaped(line)}\n" for line in account.lines if line]
    lines += [rf"\({meaning(name, account.taken)[1]}\)" + "\n" for name in account.legend]
    for section in in_columns(account.sections):
        if section.entries:
            lines += _section(section, account)
    body = "\n".join(lines)
    start, end = "\\begin{document}\n\\raggedright\n", "\n\\end{document}\n"
    return f"{OPENING}{fonts_of(body)}{start}{body}{end}"


def _section(section: Section, account: Account) -> Iterator[str]:
    yield rf"\subsection*{{{escaped(section.title)}}}"
    held: list[Equation] = []
    for entry in section.entries:
        if isinstance(entry, Equation):
            held.append(entry)
            continue
        yield from _aligned(held, account.digits)
        held = []
        yield _values(entry, account.digits) if isinstance(entry, Values) else escaped(entry) + "\n"
    yield from _aligned(held, account.digits)


def _values(entry: Values, digits: int) -> str:
    shown = (
        rf"\({symbol_latex(one)} = {_joined(number_tokens(one.value, digits))}\)"
        for one in entry.symbols
    )
    return f"{escaped(entry.before)}{', '.join(shown)}{escaped(entry.after)}\n"


def _aligned(equations: Sequence[Equation], digits: int) -> Iterator[str]:
    """Equations below each other, with their signs of equality aligned."""
    if not equations:
        return
    widest = max(width_of(one.symbol) for one in equations)
    room = LINE - widest - 3.0
    rows = [row for one in equations for row in _rows(one, digits, room)]
    yield r"\begin{align*}"
    yield " \\\\\n".join(rows)
    yield r"\end{align*}"


def _rows(one: Equation, digits: int, room: float) -> Iterator[str]:
    """The lines of an equation."""
    stages = one.stages(tokens_of, digits)
    own = Call("transposed", (one.symbol,)) if is_row(one) else one.symbol
    result = tokens_of(own, digits)
    if stages and _joined(stages[-1]) == _joined(result):
        stages.pop()
    symbol = _joined(tokens_of(own, None))
    whole = [*stages, result]
    if sum(_width(stage) + 3.0 for stage in whole) <= room:
        lines = ["".join(f" = {_joined(stage)}" for stage in whole)]
        width = sum(_width(stage) + 3.0 for stage in whole)
    else:
        lines, width = [], 0.0
        for stage in stages:
            packed = _packed(stage, room)
            lines += [f" = {packed[0][0]}", *(rf"\quad {line}" for line, _ in packed[1:])]
            width = packed[-1][1] + 3.0
        if width + _width(result) + 3.0 <= room and lines:
            lines[-1] += f" = {_joined(result)}"
            width += _width(result) + 3.0
        else:
            packed = _packed(result, room)
            lines += [f" = {packed[0][0]}", *(rf"\quad {line}" for line, _ in packed[1:])]
            width = packed[-1][1] + 3.0
    lines += _note(one, lines, width, room)
    for place, line in enumerate(lines):
        yield f"{symbol if place == 0 else ''} &{line}"


def _note(one: Equation, lines: list[str], width: float, room: float) -> list[str]:
    """The note beside the last line, or below it."""
    words = [Token(escaped(word), 0.95 * len(word) + 0.95) for word in one.note.split()]
    for place, name in enumerate(one.names, start=1):
        comma = "," * (place < len(one.names))
        words.append(Token(rf"\({symbol_latex(name)}\){comma}", width_of(name) + 2.0))
    if not words:
        return []
    if width + _width(words) + 5.0 <= room:
        lines[-1] += rf"\quad\text{{({_spaced(words)})}}"
        return []
    wrapped = "\n".join(_wrapped(words, max(20.0, min(NOTE, room - 4))))
    return [rf"\quad\text{{{line}}}" for line in f"({wrapped})".split("\n")]


def _spaced(words: Tokens) -> str:
    return " ".join(word.latex for word in words)


def _wrapped(words: Tokens, room: float) -> Iterator[str]:
    """Words in lines that are no wider than there is room."""
    held: Tokens = []
    for word in words:
        if held and _width(held) + word.width > room:
            yield _spaced(held)
            held = []
        held.append(word)
    yield _spaced(held)


def _width(tokens: Tokens) -> float:
    return sum(token.width for token in tokens)


def _joined(tokens: Tokens) -> str:
    return "".join(token.latex for token in tokens)


def _packed(tokens: Tokens, room: float) -> list[tuple[str, float]]:
    """Lines of tokens, each with its width; broken as far outside of brackets as fits."""
    limit = room - 5.0
    deepest = next((k for k in range(DEEPEST) if _fits(tokens, limit, k)), DEEPEST)
    lines: list[tuple[str, float]] = []
    current: Tokens = []
    for chunk in _chunks(tokens, deepest):
        if current and _width(current) + _width(chunk) > limit:
            lines.append((_line(current), _width(current)))
            current = chunk
        else:
            current = current + chunk
    return [*lines, (_line(current), _width(current))]


def _line(tokens: Tokens) -> str:
    """A line; a sign at its start stands as between two terms."""
    joined = _joined(tokens)
    return "{}" + joined if tokens[0].breaks != TOGETHER else joined


def _fits(tokens: Tokens, limit: float, deepest: int) -> bool:
    return all(_width(chunk) <= limit for chunk in _chunks(tokens, deepest))


def _chunks(tokens: Tokens, deepest: int) -> Iterator[Tokens]:
    """The tokens in pieces that lines may begin with."""
    held: Tokens = []
    for token in tokens:
        if held and TOGETHER < token.breaks <= deepest:
            yield held
            held = []
        held.append(token)
    yield held


def _bracketed(tokens: Tokens) -> Tokens:
    """Tokens in brackets, where lines end less readily."""
    inside = [
        token if token.breaks == TOGETHER else replace(token, breaks=token.breaks + 2)
        for token in tokens
    ]
    if any(r"\frac" in token.latex for token in tokens):
        return [Token(r"\Bigl(", 1.0), *inside, Token(r"\Bigr)", 1.0)]
    return [Token("(", 0.8), *inside, Token(")", 0.8)]


SUM, PRODUCT, ATOM = range(3)
"""How tightly a formula holds together."""


def tokens_of(one: Expression, digits: int | None) -> Tokens:
    """A formula as tokens; with digits its symbols' numbers in their place."""
    match one:
        case Symbol():
            if digits is None:
                return [Token(symbol_latex(one), width_of(one))]
            return number_tokens(one.value, digits, one.upright)
        case Number():
            return number_tokens(one.value, 6 if digits is None else digits)
        case Rest():
            if digits is None:
                said = f"{one.count:,} more"
                return [Token(rf"[\text{{{said}}}]", len(said) + 1.0)]
            return [Token("[", 0.6), *number_tokens(one.value, digits), Token("]", 0.6)]
        case Sum():
            return _sum(one, digits)
        case Negative():
            return [Token("-", 1.8), *_held(one.operand, digits, PRODUCT, opens=True)]
        case Product():
            return _product(one, digits)
        case Quotient():
            return _quotient(one, digits)
        case Power():
            return _power(one, digits)
        case Call():
            return _call(one, digits)
    raise TypeError(one)


def _power(one: Power, digits: int | None) -> Tokens:
    base, exponent = _held(one.base, digits, ATOM), tokens_of(one.exponent, digits)
    raised = Token(f"^{{{_joined(exponent)}}}", 0.75 * _width(exponent))
    if not isinstance(one.base, Symbol) or len(base) > 1 or digits is not None:
        return [*base, raised]
    if one.base.by is not None or "^" in base[0].latex:
        return [*_bracketed(base), raised]
    return [Token(f"{{{base[0].latex}}}", base[0].width), raised]


def _tightness(one: Expression, digits: int | None) -> int:
    if isinstance(one, Sum | Negative):
        return SUM
    if isinstance(one, Product):
        return PRODUCT
    if isinstance(one, Symbol) and digits is None:
        return SUM if one.opposite else ATOM
    value = one.value if isinstance(one, Symbol | Number) else None
    if value is not None and np.size(value) == 1:
        shown = number_text(value, digits if digits is not None else 6)
        return SUM if shown.startswith("-") else PRODUCT if "e" in shown else ATOM
    return PRODUCT if isinstance(one, Quotient) else ATOM


def _held(one: Expression, digits: int | None, least: int, opens: bool = False) -> Tokens:
    """A formula, in brackets where it holds together less than it has to."""
    if isinstance(one, Product) and opens and least <= PRODUCT:
        return _product(one, digits, opens=True)
    tokens = tokens_of(one, digits)
    if _tightness(one, digits) >= least:
        return tokens
    return _bracketed(tokens)


def _sum(one: Sum, digits: int | None) -> Tokens:
    found: Tokens = []
    for place, term in enumerate(one.terms):
        tokens = tokens_of(term, digits)
        if isinstance(term, Sum):
            tokens = _bracketed(tokens)
        if place == 0:
            found += tokens
        elif tokens[0].latex.startswith("-"):
            first = Token(f" - {tokens[0].latex[1:]}", tokens[0].width + 1.5, BEFORE_SIGN)
            found += [first, *tokens[1:]]
        else:
            found += [Token(" + ", 2.8, BEFORE_SIGN), *tokens]
    return found


def _product(one: Product, digits: int | None, opens: bool = False) -> Tokens:
    found: Tokens = []
    signs = signs_of(one)
    for place, factor in enumerate(one.factors):
        bare = place == 0 and not opens and not isinstance(factor, Sum)
        tokens = tokens_of(factor, digits) if bare else _held(factor, digits, PRODUCT)
        if place and tokens[0].latex.startswith("-"):
            tokens = _bracketed(tokens)
        if place:
            dot = signs[place - 1] == "·"
            found.append(Token(r"\cdot " if dot else r"\odot ", 1.5 if dot else 2.2))
            tokens = [Token(tokens[0].latex, tokens[0].width, AFTER_DOT), *tokens[1:]]
        found += tokens
    return found


MOST_OVER = 50.0


def _quotient(one: Quotient, digits: int | None) -> Tokens:
    """A fraction; of wide ones the bottom in brackets after a stroke, where lines can end."""
    top, bottom = (tokens_of(part, digits) for part in (one.top, one.bottom))
    width = max(_width(top), _width(bottom))
    if width <= MOST_OVER:
        return [Token(rf"\frac{{{_joined(top)}}}{{{_joined(bottom)}}}", width + 0.5)]
    over = _held(one.top, digits, PRODUCT)
    return [*over, Token("/", 1.0), *_held(one.bottom, digits, ATOM)]


def _call(one: Call, digits: int | None) -> Tokens:
    arguments = [tokens_of(argument, digits) for argument in one.arguments]
    first = arguments[0]
    match one.function:
        case "exp":
            return [Token(f"e^{{{_joined(first)}}}", 1.0 + 0.75 * _width(first))]
        case "abs":
            return [Token("|", 0.5), *first, Token("|", 0.5)]
        case "sqrt" if _width(first) > MOST_OVER:
            return [*_bracketed(first), Token("^{1/2}", 1.5)]
        case "sqrt":
            return [Token(rf"\sqrt{{{_joined(first)}}}", 2.0 + _width(first))]
        case "holds" | "from_zero" | "upto_zero":
            sign = {"holds": ">", "from_zero": r"\ge", "upto_zero": r"\le"}[one.function]
            return [Token("[", 0.6), *first, Token(rf" {sign} 0]", 3.5)]
        case "exceeds":
            return [Token("[", 0.6), *first, Token(" > ", 2.5), *arguments[1], Token("]", 0.6)]
        case "softmax_slope":
            base = f"{{{_joined(first)}}}"
            return [Token(rf"{base}_i\cdot ([i=j] - {base}_j)", 2 * _width(first) + 12.0)]
        case "log_softmax_slope":
            return [Token(rf"[i=j] - e^{{{{{_joined(first)}}}_j}}", _width(first) + 8.0)]
        case "transposed":
            *before, last = _bracketed(first) if r"\frac" in first[0].latex else first
            return [*before, Token(rf"{{{last.latex}}}^{{\top}}", last.width + 0.8)]
        case "between":
            low, inside, high = arguments
            less = Token(" < ", 2.5)
            return [Token("[", 0.6), *low, less, *inside, less, *high, Token("]", 0.6)]
        case function if function in PRODUCTS:
            held = [_held(argument, digits, PRODUCT) for argument in one.arguments]
            start, *others = held[1]
            return [
                *held[0], Token(r"\cdot ", 1.5), replace(start, breaks=AFTER_DOT), *others
            ]  # fmt: skip
    told = [[Token(rf"\text{{{escaped(said)}}}", len(said))] for said in told_with(one)]
    return _named_call(one.function, [*arguments, *told])


FUNCTIONS = {
    **{name: rf"\{name}" for name in ("exp", "log", "sin", "cos", "tanh")},
    "maximum": r"\max", "minimum": r"\min", "Φ": r"\Phi", "φ": r"\varphi",
    "sigmoid": r"\sigma", "flat_sum": r"\textstyle\sum", "u": "u", "u'": r"u^{\prime}",
}  # fmt: skip
"""What LaTeX calls a function, where it has a name of its own."""


def _named_call(function: str, arguments: list[Tokens]) -> Tokens:
    plain = escaped(function).replace(r"\allowbreak{}", "")
    name = FUNCTIONS.get(function, rf"\operatorname{{{plain}}}")
    found = [Token(f"{name}(", len(function) + 0.8)]
    for place, argument in enumerate(arguments):
        found += [Token(", ", 1.0)] * bool(place) + argument
    return [*found, Token(")", 0.8)]
