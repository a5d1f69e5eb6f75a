"""The formulas of an expression as its page takes them: those that its text writes.

Symbols are told once, each with its name and with the results of the tape that it is the sum of.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

from chainrule.tracing.equations import Equation, Section
from chainrule.tracing.expression import TraceStep
from chainrule.tracing.expression_entries import locals_of, parts_of_pair, slope_of, value_of
from chainrule.tracing.expression_graph import Seen
from chainrule.tracing.expression_paths import path_entries
from chainrule.tracing.formula import BY_PLACES, Call, Symbol
from chainrule.tracing.meanings import legend, meaning
from chainrule.tracing.page.formulas import plain
from chainrule.tracing.text import symbol_text

__all__ = ["shipped_equations"]

MOST_STEPS, MOST_PATHED, MOST_USES = 400, 60, 24
"""Steps up to which formulas and paths are shipped; terms of a sum."""


def shipped_equations(seen: Seen, asked: Container[str]) -> dict[str, Any]:
    """Equations of each step by its number, symbols, and what functions mean.

    asked
        The names of results of the tape: "value/3", "slope/3", "local/5/0" ...
    """
    if len(seen.steps) > MOST_STEPS:
        return {"equations": {}, "symbols": {}, "meanings": {}}
    symbols = _Symbols(seen, asked)
    equations = {step.number: _of_step(symbols, step) for step in seen.steps}
    entries = path_entries(seen) if len(seen.steps) <= MOST_PATHED else ()
    for entry in entries:
        if isinstance(entry, Equation):
            own = equations[symbols.titled[entry.symbol.name].number]
            if entry.names:
                own["shared"] = [symbols.key(one) for one in entry.names]
            else:
                own["paths"].append(symbols.equation(entry))
    told = legend((Section("", tuple(symbols.told)),))
    meanings = {name: meaning(name, seen.taken)[0] for name in told}
    return {"equations": equations, "symbols": symbols.found, "meanings": meanings}


def _of_step(symbols: _Symbols, step: TraceStep) -> dict[str, Any]:
    seen = symbols.seen
    found: dict[str, Any] = {
        "value": symbols.equation(value_of(seen, step)), "slope": None, "paths": [],
        "locals": [
            symbols.equation(entry) | {"used": used.number} for used, entry in locals_of(seen, step)
        ],
        "parts": [
            symbols.equation(entry) | {"used": seen.shown(step.operands[0]).number}
            for entry in parts_of_pair(seen, step)
        ],
    }  # fmt: skip
    if step.derivative is not None:
        found["slope"] = symbols.equation(slope_of(seen, step, MOST_USES))
    return found


class _Symbols:
    """The symbols of formulas that were met, by a key each.

    titled
        The steps that are shown, by their names.
    told
        The equations so far.
    """

    def __init__(self, seen: Seen, asked: Container[str]) -> None:
        self.seen, self.asked = seen, asked
        self.titled = {seen.title[step.name]: step for step in seen.trace.steps
                       if seen.shown_as[step.name] == step.name}  # fmt: skip
        self.pairs = {seen.shown_as[step.operands[0]]: step for step in seen.steps if step.parts}
        self.found: dict[str, dict[str, Any]] = {}
        self.told: list[Equation] = []

    def equation(self, entry: Equation) -> dict[str, Any]:
        """An equation as plain values; without formulas where terms of them are left out."""
        self.told.append(entry)
        forms = [plain(form, self.key) for form in entry.forms]
        return {
            "symbol": self.key(entry.symbol), "note": entry.note,
            "forms": [] if None in forms else forms,
        }  # fmt: skip

    def key(self, symbol: Symbol) -> str:
        """The key of a symbol; another where its name stands for it in another shape."""
        known = [*self._results(symbol)]
        known = known if all(name in self.asked for name in known) else []
        key = symbol_text(symbol)
        while key in self.found and self.found[key]["at"] != known:
            key += "'"
        by, form = symbol.by, None if known else self._form(symbol)
        self.found.setdefault(key, {
            "name": symbol.name, "head": symbol.head, "bracketed": symbol.bracketed, "at": known,
            **({} if form is None else {"form": form}),
            **({} if by is None else {
                "sign": symbol.sign, "by": {"name": by.name, "head": by.head,
                                            "bracketed": by.bracketed},
            }),
        })  # fmt: skip
        return key

    def _form(self, symbol: Symbol) -> Any:
        """The formula of a local derivative that the tape has not: a matrix of places."""
        user = None if symbol.by is None else self.titled.get(symbol.by.name)
        used = self.titled.get(symbol.name)
        if symbol.sign != "∂" or user is None or used is None:
            return None
        places = self.seen.places(user, used)
        form = self.seen.local_sum(user, places) if places else None
        is_known = isinstance(form, Call) and form.function in BY_PLACES
        return plain(form, self.key) if is_known else None

    def _results(self, symbol: Symbol) -> Iterable[str]:
        """The results whose sum a symbol stands for; none where it has none of its own."""
        by = symbol.by
        if self._is_share(symbol):
            pair = self._pair(symbol) if by is None else self.titled[by.name]
            return [f"{'share' if by is None else 'by_p'}/{pair.number}"]
        if by is not None and self._is_share(by):
            return [f"by_logit/{self._pair(by).number}"]
        step = self.titled.get(symbol.name)
        if step is None:
            return []
        if by is None:
            return [f"value/{self._one_of(step, symbol).number}"]
        if symbol.sign == "d":
            return [f"slope/{self.seen.face(step).number}"]
        return self._local(step, self.titled[by.name])

    def _is_share(self, symbol: Symbol) -> bool:
        return self.seen.share_letter in (symbol.head, symbol.name)

    def _pair(self, share: Symbol) -> TraceStep:
        """The pair that makes a share of its logits."""
        if share.head:
            return self.pairs[self.titled[share.name].name]
        return next(iter(self.pairs.values()))

    def _one_of(self, root: TraceStep, symbol: Symbol) -> TraceStep:
        """The step whose value a symbol has: what is shown, or what only moves its numbers."""
        group = (self.seen.by_name[name] for name in self.seen.groups[root.name])
        return next((step for step in group if step.value is symbol.value), root)

    def _local(self, used: TraceStep, user: TraceStep) -> Iterator[str]:
        for place in self.seen.places(user, used):
            yield f"local/{user.number}/{place}"
