"""A trace as aligned lines of text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from chainrule.settings import check_count
from chainrule.tracing.equations import (
    Account,
    Equation,
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
from chainrule.tracing.meanings import meaning

__all__ = ["symbol_text", "text_of", "written"]

NARROWEST = 40
ANSI = {"section": "\x1b[1m", "symbol": "\x1b[36m", "result": "\x1b[32m"}
RESET = "\x1b[0m"
MOST_INDENT = 18
TIE = "\N{NO-BREAK SPACE}"
"""Within a name, and between it and its value, where no line ends."""


def text_of(trace: Any, width: int = 80, color: bool = False) -> str:
    """Every equation of a trace in aligned lines of so many letters."""
    width = check_count("to_text", "width", width, least=NARROWEST)
    account = account_of(trace)
    return "\n".join(_Page(account, width, color).lines())


def symbol_text(one: Symbol) -> str:
    """A symbol as text: z_h1, dE/dw5, ∂q/∂x, w5', h1(2)."""
    name = " ".join(one.name.split())  # a line ends only where lines of text do
    name = f"[{name}]" if one.bracketed else name
    name = f"{one.head}_{name}" if one.head else name
    name += one.mark
    if one.row is not None:
        name += f"({one.row})"
    if one.by is None:
        return name
    sign = one.sign or "d"
    return f"{'-' if one.opposite else ''}{sign}{symbol_text(one.by)}/{sign}{name}"


SUM, QUOTIENT, PRODUCT, POWER, ATOM = range(5)
"""How tightly a text holds together: what is looser is put into brackets."""


def written(one: Expression, digits: int | None = None) -> str:
    """A formula as text; with digits its symbols' numbers in their place."""
    return _parts(one, digits)[0]


def _parts(one: Expression, digits: int | None) -> tuple[str, int]:
    """The text, and how tightly it holds together."""
    match one:
        case Symbol():
            if digits is None:
                return symbol_text(one), ATOM if not one.opposite else SUM
            return _number(one.value, digits)
        case Number():
            return _number(one.value, 6 if digits is None else digits)
        case Rest():
            return (
                f"[{one.count:,} more]"
                if digits is None
                else f"[{number_text(one.value, digits)}]",
                ATOM,
            )
        case Sum():
            return _sum(one, digits), SUM
        case Negative():
            return f"-{_opened(one.operand, digits)}", SUM
        case Product():
            return _product(one, digits), PRODUCT
        case Quotient():
            top, bottom = _held(one.top, digits, PRODUCT), _held(one.bottom, digits, POWER)
            return f"{top}/{bottom}", QUOTIENT
        case Power():
            base = _held(one.base, digits, ATOM)
            return f"{base}^{_held(one.exponent, digits, ATOM)}", POWER
        case Call():
            return _call(one, digits), ATOM
    raise TypeError(one)


def _number(value: Any, digits: int) -> tuple[str, int]:
    shown = number_text(value, digits)
    return shown, SUM if shown.startswith("-") else ATOM


def _held(one: Expression, digits: int | None, least: int) -> str:
    shown, tightness = _parts(one, digits)
    return shown if tightness >= least else f"({shown})"


def _opened(one: Expression, digits: int | None) -> str:
    """What stands after a minus: it may not begin with one."""
    if isinstance(one, Product):
        return _multiplied(one, [_held(factor, digits, PRODUCT) for factor in one.factors])
    return _held(one, digits, QUOTIENT)


def _sum(one: Sum, digits: int | None) -> str:
    pieces: list[str] = []
    for term in one.terms:
        shown = _parts(term, digits)[0]
        if isinstance(term, Sum):
            shown = f"({shown})"
        if not pieces:
            pieces.append(shown)
        elif shown.startswith("-"):
            pieces.append(f" - {shown[1:]}")
        else:
            pieces.append(f" + {shown}")
    return "".join(pieces)


def _product(one: Product, digits: int | None) -> str:
    shown = [_parts(factor, digits) for factor in one.factors]
    texts = [
        text if (tightness >= PRODUCT and not (place and text.startswith("-")))
        or (place == 0 and not isinstance(one.factors[0], Sum)) else f"({text})"
        for place, (text, tightness) in enumerate(shown)
    ]  # fmt: skip
    return _multiplied(one, texts)


def _multiplied(one: Product, texts: Sequence[str]) -> str:
    """The texts of factors with the signs between them."""
    signs = ["", *signs_of(one)]
    return "".join(sign + text for sign, text in zip(signs, texts, strict=True))


def _call(one: Call, digits: int | None) -> str:
    arguments = [_parts(argument, digits)[0] for argument in one.arguments]
    first = arguments[0]
    match one.function:
        case "exp":
            return f"e^{_held(one.arguments[0], digits, ATOM)}"
        case "abs":
            return f"|{first}|"
        case "holds":
            return f"[{first} > 0]"
        case "from_zero":
            return f"[{first} >= 0]"
        case "upto_zero":
            return f"[{first} <= 0]"
        case "between":
            return f"[{' < '.join(arguments)}]"
        case "exceeds":
            return f"[{' > '.join(arguments)}]"
        case "softmax_slope":
            return f"{first}_i·([i=j] - {first}_j)"
        case "log_softmax_slope":
            return f"[i=j] - e^{first}_j"
        case "transposed":
            slope = digits is None and getattr(one.arguments[0], "by", None) is not None
            return f"({first})ᵀ" if slope else f"{_held(one.arguments[0], digits, ATOM)}ᵀ"
        case "maximum" | "minimum":
            return f"{one.function[:3]}({', '.join(arguments)})"
        case function if function in PRODUCTS:
            return "·".join(_held(argument, digits, PRODUCT) for argument in one.arguments)
    name = "sum" if one.function == "flat_sum" else one.function
    return f"{name}({', '.join([*arguments, *told_with(one)])})"


class _Page:
    """Lines of an account."""

    def __init__(self, account: Account, width: int, color: bool) -> None:
        self.account, self.width, self.color = account, width, color

    def _colored(self, text: str, kind: str) -> str:
        return f"{ANSI[kind]}{text}{RESET}" if self.color else text

    def lines(self) -> Iterator[str]:
        """All of them."""
        for line in textwrap.wrap(self.account.title, self.width):
            yield self._colored(line, "section")
        for sentence in self.account.lines:
            yield from textwrap.wrap(sentence, self.width, subsequent_indent="  ")
        told = (meaning(name, self.account.taken)[0] for name in self.account.legend)
        meanings = "; ".join(filter(None, told))
        yield from textwrap.wrap(meanings, self.width, subsequent_indent="  ")
        for section in self.account.sections:
            if not section.entries:
                continue
            title = textwrap.shorten(section.title, self.width - 4, placeholder="...")
            yield self._colored(f"{title} ".ljust(self.width, "─"), "section")
            equations = [one for one in section.entries if isinstance(one, Equation)]
            names = [len(symbol_text(one.symbol)) for one in equations]
            indent = min(max(names, default=0), MOST_INDENT)
            for entry in section.entries:
                if isinstance(entry, Equation):
                    yield from self._equation(entry, indent)
                else:
                    said = entry if isinstance(entry, str) else self._values(entry)
                    yield from _wrapped(said, self.width, subsequent_indent="  ")

    def _values(self, entry: Values) -> str:
        digits = self.account.digits
        shown = (f"{symbol_text(one)} = {number_text(one.value, digits)}" for one in entry.symbols)
        tied = ", ".join(one.replace(" ", TIE) for one in shown)
        return f"{entry.before}{tied}{entry.after}"

    def _equation(self, one: Equation, indent: int) -> Iterator[str]:
        digits = self.account.digits
        symbol = symbol_text(one.symbol)
        result = number_text(one.value, digits)
        shown = [*dict.fromkeys(one.stages(written, digits))]
        if shown and shown[-1] == result:
            shown.pop()
        start = symbol.ljust(indent)
        lines = _packed(start, [*shown, result], self.width, indent)
        if one.note:
            names = ", ".join(symbol_text(name).replace(" ", TIE) for name in one.names)
            note = " ".join([BRACKETED.sub(_tied, one.note), names]).strip()
            lines = _noted(lines, note, self.width, indent)
        yield from self._painted(lines, symbol, result)

    def _painted(self, lines: list[str], symbol: str, result: str) -> Iterator[str]:
        if not self.color:
            yield from lines
            return
        lines[0] = self._colored(symbol, "symbol") + lines[0][len(symbol) :]
        sign = f"= {result}"
        place = max(k for k, line in enumerate(lines) if sign in line)
        before, _, after = lines[place].rpartition(sign)
        lines[place] = f"{before}= {self._colored(result, 'result')}{after}"
        yield from lines


def _packed(start: str, stages: Sequence[str], width: int, indent: int) -> list[str]:
    """symbol = stage = stage ..., each stage whole in a line where it can be."""
    whole = start + "".join(f" = {stage}" for stage in stages)
    if len(whole) <= width:
        return [whole]
    body: list[str] = []
    for stage in stages[:-1] or stages:
        pieces = _broken(f" = {stage}", width - indent, 3)
        body += [" " * indent + piece for piece in pieces]
    result = f" = {stages[-1]}"
    if len(stages) > 1 and len(body[-1]) + len(result) <= width:
        body[-1] += result
    elif len(stages) > 1:
        body += [" " * indent + piece for piece in _broken(result, width - indent, 3)]
    if len(start) <= indent:
        return [start + body[0][indent:], *body[1:]]
    return [*_broken(start, width, 3), *body]


def _broken(text: str, width: int, indent: int) -> list[str]:
    """A text in lines of so many letters, broken where it holds together least."""
    lines, current = [], ""
    for piece in _pieces(text, width - indent):
        if current and len(current) + len(piece.rstrip()) > width:
            lines.append(current.rstrip())
            current = " " * indent + piece.lstrip()
        else:
            current += piece
    return [*lines, current.rstrip()]


DEEPEST = 6
OPERATORS = (" + ", " - "), ("·", "⊙"), ("/(", "/sqrt(", "/sum of")
"""Where a line begins, the loosest first; a stroke not within the name of a derivative."""


def _pieces(text: str, width: int, level: int = 0, depth: int = 0) -> Iterator[str]:
    """The text in pieces that fit: before operators outside of brackets, then inside of them.

    level
        How readily lines end: of each depth of brackets the operators of each kind.
    depth
        How deep in brackets the text begins.
    """
    if len(text) <= width and level > 0:
        yield text
    elif level > len(OPERATORS) * DEEPEST:
        for part in re.split(r"(?=/[d∂])|(?<=\])(?= \[)", text):  # derivatives, rows; then words
            words = [part] if len(part) <= width else re.findall(r"\s*\S+", part)
            yield from (word[k : k + width] for word in words for k in range(0, len(word), width))
    else:
        start, (deep, kind) = 0, divmod(level, len(OPERATORS))
        for place in [*_breaks(text, depth, deep, kind)]:
            yield from _pieces(text[start:place], width, level + 1, depth)
            start, depth = place, deep
        yield from _pieces(text[start:], width, level + 1, depth)


def _breaks(text: str, depth: int, deep: int, kind: int) -> Iterator[int]:
    """The places so deep in round brackets where a line may begin with operators of a kind."""
    inside = 0
    for place, letter in enumerate(text):
        inside += (letter == "[") - (letter == "]")  # of a name, a condition or an array
        starts = text.startswith(OPERATORS[kind], place)
        if starts and depth == deep and inside == 0 and place > 0:
            yield place
        if inside == 0:
            depth += (letter == "(") - (letter == ")")


def _noted(lines: list[str], note: str, width: int, indent: int) -> list[str]:
    text = f"  ({note})"
    if len(lines[-1]) + len(text) <= width:
        return [*lines[:-1], lines[-1] + text.replace(TIE, " ")]
    return [*lines, *(" " * (indent + 3) + line for line in _wrapped(text[2:], width - indent - 3))]


BRACKETED = re.compile(r"\[[^\[\]]*\]")
"""A name with spaces or signs in it."""


def _tied(name: re.Match[str]) -> str:
    return name[0].replace(" ", TIE)


def _wrapped(text: str, width: int, subsequent_indent: str = "") -> list[str]:
    """Words in lines, without an end inside of what is tied."""
    lines = textwrap.wrap(text, width, subsequent_indent=subsequent_indent, break_on_hyphens=False)
    return [line.replace(TIE, " ") for line in lines]
