"""What the notations, functions, marks and gaps of equations mean, and which of them are used."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from chainrule.tracing.equations import Equation, Section
from chainrule.tracing.formula import Call, Expression, Product, Rest, Symbol, parts_of, signs_of

__all__ = ["MEANINGS", "free_letter", "legend", "meaning"]

SCALING = re.compile(r"([γβ])\d*\[")
"""What numbers of a normalization are called."""

MEANINGS = {
    "rows": (
        "z = a W + b, a row of units times a matrix",
        r"z = a W + b\text{, a row of units times a matrix}",
    ),
    "columns": (
        "z = W a + b, a matrix times a column",
        r"z = W a + b\text{, a matrix times a column}",
    ),
    "theta": (
        "z = Θ a with a unit of 1 before a",
        r"z = \Theta a\text{ with a unit of 1 before }a",
    ),
    "W[i,j]": (
        "W[i,j] leads from the i-th unit to the j-th",
        r"W_{i,j}\text{ leads from the }i\text{-th unit to the }j\text{-th}",
    ),
    "W[j,i]": (
        "W[j,i] leads from the i-th unit to the j-th",
        r"W_{j,i}\text{ leads from the }i\text{-th unit to the }j\text{-th}",
    ),
    "Θ[j,i]": (
        "Θ[j,i] leads from the i-th unit to the j-th, Θ[j,0] is the bias",
        r"\Theta_{j,i}\text{ leads from the }i\text{-th unit to the }j\text{-th, }"
        r"\Theta_{j,0}\text{ is the bias}",
    ),
    "layers": (
        "",
        r"W^{[l]}\text{, }b^{[l]}\text{: weights and biases that lead to layer }l",
    ),
    "layers from": ("", r"\Theta^{[l]}\text{: the weights that lead from layer }l"),
    "o0": (
        "o0 is the 1st output unit, of class 0, with the target t0",
        r"o_0\text{ is the 1st output unit, of class 0, with the target }t_0",
    ),
    "rate": ("", r"\eta\text{: the learning rate}"),
    "sigmoid": ("sigmoid(z) = 1/(1 + e^-z)", r"\sigma(z) = \frac{1}{1 + e^{-z}}"),
    "relu": ("relu(z) = max(z, 0)", r"\operatorname{relu}(z) = \max(z, 0)"),
    "holds": (
        "[z > 0] is 1 where z > 0, else 0",
        r"[z > 0]\text{ is 1 where }z > 0\text{, else 0}",
    ),
    "upto_zero": (
        "[z <= 0] is 1 where z <= 0, else 0",
        r"[z \le 0]\text{ is 1 where }z \le 0\text{, else 0}",
    ),
    "from_zero": (
        "[z >= 0] is 1 where z >= 0, else 0",
        r"[z \ge 0]\text{ is 1 where }z \ge 0\text{, else 0}",
    ),
    "between": (
        "[a < z < b] is 1 where z lies between a and b, else 0",
        r"[a < z < b]\text{ is 1 where }z\text{ lies between }a\text{ and }b\text{, else 0}",
    ),
    "exceeds": (
        "[a > b] is 1 where a > b, 1/2 where both are equal, else 0",
        r"[a > b]\text{ is 1 where }a > b\text{, }\tfrac{1}{2}\text{ where both are equal, else 0}",
    ),
    "matrix_column": (
        "where ⟨z⟩ = ⟨A⟩·⟨x⟩, a matrix times a column: d⟨L⟩/d⟨x⟩ = ⟨A⟩ᵀ·d⟨L⟩/d⟨z⟩ and "
        "d⟨L⟩/d⟨A⟩ = d⟨L⟩/d⟨z⟩·⟨x⟩ᵀ",
        r"\text{where }⟨z⟩ = ⟨A⟩\cdot ⟨x⟩\text{, a matrix times a column: }"
        r"\mathrm{d}⟨L⟩/\mathrm{d}⟨x⟩ = ⟨A⟩^{\top}\cdot\mathrm{d}⟨L⟩/\mathrm{d}⟨z⟩\text{ and }"
        r"\mathrm{d}⟨L⟩/\mathrm{d}⟨A⟩ = \mathrm{d}⟨L⟩/\mathrm{d}⟨z⟩\cdot ⟨x⟩^{\top}",
    ),
    "row_matrix": (
        "where ⟨z⟩ = ⟨x⟩ᵀ·⟨A⟩, a row times a matrix: d⟨L⟩/d⟨x⟩ = ⟨A⟩·d⟨L⟩/d⟨z⟩ and "
        "d⟨L⟩/d⟨A⟩ = ⟨x⟩·(d⟨L⟩/d⟨z⟩)ᵀ",
        r"\text{where }⟨z⟩^{\top} = ⟨x⟩^{\top}\cdot ⟨A⟩\text{, a row times a matrix: }"
        r"\mathrm{d}⟨L⟩/\mathrm{d}⟨x⟩ = ⟨A⟩\cdot\mathrm{d}⟨L⟩/\mathrm{d}⟨z⟩\text{ and }"
        r"\mathrm{d}⟨L⟩/\mathrm{d}⟨A⟩ = ⟨x⟩\cdot(\mathrm{d}⟨L⟩/\mathrm{d}⟨z⟩)^{\top}",
    ),
    "dot": (
        "⟨x⟩·⟨y⟩ of two vectors that are multiplied with @: the sum of ⟨x⟩_i·⟨y⟩_i",
        r"⟨x⟩\cdot ⟨y⟩\text{ of two vectors that are multiplied with @: }"
        r"\textstyle\sum_i ⟨x⟩_i ⟨y⟩_i",
    ),
    "matmul": (
        "matmul(A, B) is the product of the matrices A and B",
        r"\operatorname{matmul}(A, B)\text{ is the product of the matrices }A\text{ and }B",
    ),
    "times": (
        "where ⟨Z⟩ = matmul(⟨A⟩, ⟨B⟩): d⟨L⟩/d⟨A⟩ = d⟨L⟩/d⟨Z⟩·⟨B⟩ᵀ and "
        "d⟨L⟩/d⟨B⟩ = ⟨A⟩ᵀ·d⟨L⟩/d⟨Z⟩ are products of matrices",
        r"\text{where }⟨Z⟩ = \operatorname{matmul}(⟨A⟩, ⟨B⟩)\text{: }"
        r"\mathrm{d}⟨L⟩/\mathrm{d}⟨A⟩ = \mathrm{d}⟨L⟩/\mathrm{d}⟨Z⟩\cdot ⟨B⟩^{\top}\text{ and }"
        r"\mathrm{d}⟨L⟩/\mathrm{d}⟨B⟩ = ⟨A⟩^{\top}\cdot\mathrm{d}⟨L⟩/\mathrm{d}⟨Z⟩"
        r"\text{ are products of matrices}",
    ),
    "transposed": (
        "Aᵀ is A with rows and columns exchanged",
        r"A^{\top}\text{ is }A\text{ with rows and columns exchanged}",
    ),
    "⊙": ("⊙: number by number", r"\odot\text{: number by number}"),
    "through": (
        "[⟨x⟩ through ⟨y⟩]: what the derivative with respect to ⟨x⟩ gets from its use in ⟨y⟩, "
        "where the local one has too many numbers to be shown",
        r"[⟨x⟩\text{ through }⟨y⟩]\text{: what the derivative with respect to }⟨x⟩"
        r"\text{ gets from its use in }⟨y⟩",
    ),
    "Φ": (
        "Φ(z) is the standard normal distribution: the integral of φ up to z",
        r"\Phi(z) = \int_{-\infty}^{z} \varphi(t)\,dt",
    ),
    "φ": (
        "φ(z) = e^(-z^2/2)/sqrt(2π)",
        r"\varphi(z) = \frac{e^{-z^2/2}}{\sqrt{2\pi}}",
    ),
    "u": (
        "u(z) = sqrt(2/π) (z + 0.044715 z^3)",
        r"u(z) = \sqrt{2/\pi}\,(z + 0.044715\,z^3)",
    ),
    "u'": (
        "u'(z) = sqrt(2/π) (1 + 0.134145 z^2)",
        r"u^{\prime}(z) = \sqrt{2/\pi}\,(1 + 0.134145\,z^2)",
    ),
    "expm1": ("expm1(z) = e^z - 1", r"\operatorname{expm1}(z) = e^z - 1"),
    "log1p": ("log1p(z) = log(1 + z)", r"\operatorname{log1p}(z) = \log(1 + z)"),
    "softmax": (
        "softmax(z) = e^z/sum(e^z)",
        r"\operatorname{softmax}(z) = \frac{e^z}{\textstyle\sum(e^z)}",
    ),
    "log_softmax": (
        "log_softmax(z) = z - log(sum(e^z))",
        r"\operatorname{log\_softmax}(z) = z - \log(\textstyle\sum(e^z))",
    ),
    "softmax_slope": (
        "of a softmax the derivative of the i-th number by the j-th stands in row i and column j; "
        "[i=j] is 1 where i = j, else 0",
        r"\text{of a softmax the derivative of the }i\text{-th number by the }j\text{-th stands in "
        r"row }i\text{ and column }j\text{; }[i=j]\text{ is 1 where }i = j\text{, else 0}",
    ),
    "log_softmax_slope": (
        "of a log_softmax the derivative of the i-th number by the j-th stands in row i and column "
        "j; [i=j] is 1 where i = j, else 0",
        r"\text{of a log\_softmax the derivative of the }i\text{-th number by the }j\text{-th "
        r"stands in row }i\text{ and column }j\text{; }[i=j]\text{ is 1 where }i = j"
        r"\text{, else 0}",
    ),
    "softplus": ("softplus(z) = log(1 + e^z)", r"\operatorname{softplus}(z) = \log(1 + e^z)"),
    "softsign": ("softsign(z) = z/(1 + |z|)", r"\operatorname{softsign}(z) = \frac{z}{1 + |z|}"),
    "huber": (
        "huber(e, d) = e^2/2 where |e| <= d, else d (|e| - d/2)",
        r"\operatorname{huber}(e, d) = \tfrac{1}{2} e^2\text{ where }|e| \le d\text{, else }"
        r"d\,(|e| - \tfrac{1}{2} d)",
    ),
    "pinball": (
        "pinball(e, q) = max(q e, (q - 1) e)",
        r"\operatorname{pinball}(e, q) = \max(q e, (q - 1) e)",
    ),
    "clip": (
        "clip(e, a, b) = min(max(e, a), b)",
        r"\operatorname{clip}(e, a, b) = \min(\max(e, a), b)",
    ),
    "sign": (
        "sign(w) is 1, 0 or -1 as w is above, at or below 0",
        r"\operatorname{sign}(w)\text{ is 1, 0 or -1 as }w\text{ is above, at or below 0}",
    ),
    "stop_gradient": (
        "stop_gradient(z) is z, taken as a constant: no derivative comes back through it",
        r"\operatorname{stop\_gradient}(z)\text{ is }z\text{, taken as a constant: no derivative "
        r"comes back through it}",
    ),
    "cross_entropy": (
        "cross_entropy(z, t) = -t log(⟨p⟩) - (1 - t) log(1 - ⟨p⟩) with ⟨p⟩ = sigmoid(z)",
        r"\operatorname{cross\_entropy}(z, t) = -t \log(⟨p⟩) - (1 - t) \log(1 - ⟨p⟩)"
        r"\text{ with }⟨p⟩ = \sigma(z)",
    ),
    "mix": (
        "mix: the share of the row itself, where rows are mixed; its partner has 1 - mix",
        r"\mathrm{mix}\text{: the share of the row itself, where rows are mixed; its partner has }"
        r"1 - \mathrm{mix}",
    ),
    "hat": (
        "hat_h: h less its mean μ, divided by the root of its variance σ²",
        r"\hat{h}\text{: }h\text{ less its mean }\mu\text{, divided by the root of its variance }"
        r"\sigma^2",
    ),
    "γ": (
        "γ[j]: what a normalization multiplies unit j by",
        r"\gamma_j\text{: what a normalization multiplies unit }j\text{ by}",
    ),
    "β": (
        "β[j]: what a normalization adds to unit j",
        r"\beta_j\text{: what a normalization adds to unit }j",
    ),
    "weight": (
        "weight: how much a row counts, by its own weight and that of its class",
        r"\mathrm{weight}\text{: how much a row counts, by its own weight and that of its class}",
    ),
    "s": ("s: a row's share in the loss", r"s\text{: a row's share in the loss}"),
    "reach": (
        "reach2_p: how far p, counted in parts of its range, reaches into the 2nd",
        r"\mathrm{reach2}_{p}\text{: how far }p\text{, counted in parts of its range, reaches into "
        r"the 2nd}",
    ),
    "δ": (
        "δ_h: the derivative of the row's own loss by z_h",
        r"\delta_h\text{: the derivative of the row's own loss by }z_h",
    ),
    "Err": (
        "Err_h: minus the derivative of the row's own loss by z_h",
        r"\mathrm{Err}_h\text{: minus the derivative of the row's own loss by }z_h",
    ),
    "mask": (
        "mask: 0 where a unit is left out, else 1/(1 - rate of the dropout)",
        r"\mathrm{mask}\text{: 0 where a unit is left out, else }"
        r"\frac{1}{1 - \text{rate of the dropout}}",
    ),
    "row": ("(r) after a name: in row r", r"a^{(r)}\text{: in row }r"),
    "~": (
        "h~: h after a layer that has no names of its own (dropout, normalization ...)",
        r"\tilde{h}\text{: }h\text{ after a layer that has no names of its own (dropout, "
        r"normalization \dots)}",
    ),
    "more": (
        "[n more]: so many terms are left out; their sum is among the numbers",
        r"[n\text{ more}]\text{: so many terms are left out; their sum is among the numbers}",
    ),
}
"""What notations, functions, marks and gaps mean, as text and as LaTeX; "" where it is plain.

Letters in ⟨ ⟩ stand for anything, and are others where the reader has called something so.
"""
MARKED = re.compile("⟨(.)⟩")
LETTERS = "abcfghklmnpqrstuvwxyz"
"""Without those of signs and places: d, e, i, j and o."""


def meaning(name: str, taken: Collection[str] = ()) -> tuple[str, str]:
    """What one of `MEANINGS` says, as text and as LaTeX, in letters that are not taken.

    >>> meaning("dot", ["x"])[0]
    'z·y of two vectors that are multiplied with @: the sum of z_i·y_i'
    """
    text, latex = MEANINGS[name]
    chosen: dict[str, str] = {}
    letters = dict.fromkeys(MARKED.findall(latex))
    for letter in letters:
        others = {*chosen.values(), *letters} - {letter}
        chosen[letter] = free_letter(letter, others | {*taken})

    def written(form: str) -> str:
        return MARKED.sub(lambda found: chosen[found[1]], form)

    return written(text), written(latex)


def free_letter(letter: str, taken: Collection[str]) -> str:
    """A letter, or the next one of the alphabet that is not taken."""
    known = LETTERS if letter.islower() else LETTERS.upper()
    place = known.index(letter)
    order = known[place:] + known[:place]
    return next((one for one in order if one not in taken), letter)


def legend(sections: Sequence[Section], known: Iterable[str] = ()) -> tuple[str, ...]:
    """What of `MEANINGS` is used, or known to be."""
    used = set(known)
    for section in sections:
        for entry in section.entries:
            if isinstance(entry, Equation):
                for part in (
                    one for form in (entry.symbol, *entry.forms) for one in parts_of(form)
                ):
                    used |= _functions(part) if isinstance(part, Call) else _marks(part)
    return tuple(name for name in MEANINGS if name in used)


def _functions(part: Call) -> set[str]:
    """What is called; the normal distribution is told by its density."""
    return {"Φ", "φ"} if part.function == "Φ" else {part.function}


def _marks(part: Expression) -> set[str]:
    if isinstance(part, Rest):
        return {"more"}
    if isinstance(part, Product):
        return {"⊙"} & {*signs_of(part)}
    if not isinstance(part, Symbol):
        return set()
    row = {"row"} if part.row is not None else set()
    row |= {"rate"} if part.letter == "η" else set()
    row |= {part.head} & {"hat", "mask", "Err", "δ"}
    row |= {"reach"} if part.head.startswith("reach") and part.by is None else set()
    row |= {"mix"} if part.name == "mix" and part.by is None else set()
    if part.row is not None and part.by is None and not part.head:
        row |= {part.name} & {"s", "weight"}
    scaling = SCALING.match(part.name)
    row |= {scaling[1]} if scaling else set()
    return row | ({"~"} if "~" in part.mark else set())
