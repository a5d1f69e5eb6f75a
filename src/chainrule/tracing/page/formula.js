// Formulas as they are shipped, with names and numbers put in: a number, the key of a symbol, or a
// list of "+", "·", "⊙", "/", "^", "−" or a function and what it is made of, and what it is {told}.
// `symbols` says of each key its {name, value}.

const [LOOSE, DIVIDED, MULTIPLIED, RAISED, WHOLE] = [0, 1, 2, 3, 4]; // how tightly a text holds together

const bendOf = (x) => Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
const holdsOf = (truth) => (truth ? 1 : 0);

const FUNCTIONS = {
  "+": (...terms) => sumOf(terms),
  "·": (...factors) => factors.reduce((product, one) => product * one, 1),
  "⊙": (...factors) => factors.reduce((product, one) => product * one, 1),
  "/": (top, bottom) => top / bottom,
  "^": (base, exponent) => base ** exponent,
  "−": (x) => -x,
  abs: Math.abs, exp: Math.exp, log: Math.log, sign: Math.sign, sqrt: Math.sqrt, tanh: Math.tanh,
  sin: Math.sin, cos: Math.cos, expm1: Math.expm1, log1p: Math.log1p,
  cross_entropy: (z, t) => Math.max(z, 0) - z * t + Math.log1p(Math.exp(-Math.abs(z))),
  exceeds: (x, y) => (1 + Math.sign(x - y)) / 2,
  maximum: Math.max, minimum: Math.min, relu: (x) => Math.max(x, 0), sigmoid: sigmoidOf,
  stop_gradient: (x) => x,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  softsign: (x) => x / (1 + Math.abs(x)),
  holds: (x) => holdsOf(x > 0), from_zero: (x) => holdsOf(x >= 0), upto_zero: (x) => holdsOf(x <= 0),
  between: (low, x, high) => holdsOf(low < x && x < high),
  clip: (x, low, high) => Math.min(Math.max(x, low), high),
  huber: (e, d) => (Math.abs(e) <= d ? (e * e) / 2 : d * (Math.abs(e) - d / 2)),
  pinball: (e, q) => Math.max(q * e, (q - 1) * e),
  more: (...terms) => sumOf(terms),
  u: bendOf, "u'": (x) => Math.sqrt(2 / Math.PI) * (1 + 0.134145 * x * x),
  "Φ": (x) => (1 + erfOf(x / Math.SQRT2)) / 2, "φ": (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI),
};

/** Functions of two arguments that are written with a dot between them. */
const PRODUCTS = ["by_class", "chain", "dot", "matrix_column", "outer", "row_matrix", "times"];

/** Whether two numbers are one, up to rounding, beside what they are sums of. */
const close = (a, b, scale = 0) =>
  a === b || (Number.isFinite(a - b) && Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b), scale));

/** Those that are written for any entry, of the i-th number by the j-th, and not with numbers. */
const BY_PLACES = ["log_softmax_slope", "softmax_slope"];

/** What a formula comes to. */
function evaluated(tree, symbols) {
  if (typeof tree === "number") return tree;
  if (typeof tree === "string") return symbols(tree).value;
  return FUNCTIONS[tree[0]](...tree.slice(1).map((one) => evaluated(one, symbols)));
}

/** The keys of the symbols of a formula, and the names of what it calls. */
function keysIn(tree) {
  if (Array.isArray(tree)) return tree.slice(1).flatMap(keysIn);
  return typeof tree === "string" ? [tree] : [];
}

function callsIn(tree) {
  return Array.isArray(tree) ? [tree[0], ...tree.slice(1).flatMap(callsIn)] : [];
}

/** A formula in outputs o/k and targets t/k that stand so many places further on. */
function shifted(tree, by) {
  if (Array.isArray(tree)) return [tree[0], ...tree.slice(1).map((one) => shifted(one, by))];
  const [, letter, k] = typeof tree === "string" ? /^([ot])\/(\d+)$/.exec(tree) ?? [] : [];
  return letter === undefined ? tree : `${letter}/${Number(k) + by}`;
}

/** Without what targets of 0 and 1 make to nothing: 0·log(a) goes, of 1·log(a) the 1. */
function simplified(tree, symbols) {
  if (!Array.isArray(tree)) return tree;
  const [sign, ...given] = tree;
  const parts = given.map((one) => simplified(one, symbols));
  const certain = (one) => keysIn(one).every((key) => key.startsWith("t/"));
  if (sign === "·") {
    const known = (one, value) => keysIn(one).length > 0 && certain(one) && evaluated(one, symbols) === value;
    if (parts.some((one) => known(one, 0) || one === 0)) return 0;
    const kept = parts.filter((one) => !known(one, 1));
    return kept.length > 1 ? ["·", ...kept] : kept[0] ?? 1;
  }
  if (sign === "+") {
    const kept = parts.filter((one) => one !== 0);
    return kept.length > 1 ? ["+", ...kept] : kept[0] ?? 0;
  }
  return sign === "−" && parts[0] === 0 ? 0 : [sign, ...parts];
}

/** A formula as text: with its symbols' names, or with their numbers. */
function written(tree, symbols, withNumbers = false) {
  return new FormulaText(symbols, withNumbers).of(tree)[0];
}

class FormulaText {
  constructor(symbols, withNumbers) {
    Object.assign(this, { symbols, withNumbers });
  }

  /** The text, and how tightly it holds together. */
  of(tree) {
    if (typeof tree === "number") return this.number(tree, 6);
    if (tree.told) return [tree.told, WHOLE];
    if (typeof tree === "string") {
      const { name, value } = this.symbols(tree);
      if (this.withNumbers) return standsForMore(name) ? [sumLeftOut(value), WHOLE] : this.number(value);
      return [name, name.startsWith("−") ? LOOSE : name.includes("∂") ? MULTIPLIED : WHOLE];
    }
    const [sign, ...parts] = tree;
    if (sign === "more") return this.withNumbers ? [sumLeftOut(evaluated(tree, this.symbols)), WHOLE] : [`[${parts.length} more]`, WHOLE];
    if (sign === "+") return [this.sum(parts), LOOSE];
    if (sign === "−") return [`−${this.opened(parts[0])}`, LOOSE];
    if (sign === "·" || sign === "⊙") return [this.product(parts, sign), MULTIPLIED];
    if (sign === "/") return [`${this.held(parts[0], MULTIPLIED)}/${this.held(parts[1], RAISED)}`, DIVIDED];
    if (sign === "^") return [this.power(parts), RAISED];
    return [this.call(sign, parts), WHOLE];
  }

  number(value, most = digits) {
    const kept = digits;
    digits = most;
    const text = bare(value);
    digits = kept;
    return [text, text.startsWith("−") ? LOOSE : text.includes("·") ? MULTIPLIED : WHOLE];
  }

  held(tree, least) {
    const [text, tightness] = this.of(tree);
    return tightness >= least ? text : `(${text})`;
  }

  /** What stands after a minus: it may not begin with one. */
  opened(tree) {
    if (Array.isArray(tree) && (tree[0] === "·" || tree[0] === "⊙")) return tree.slice(1).map((one) => this.held(one, MULTIPLIED)).join(tree[0]);
    return this.held(tree, DIVIDED);
  }

  sum(terms) {
    return terms.map((term, n) => {
      const text = Array.isArray(term) && term[0] === "+" ? `(${this.of(term)[0]})` : this.of(term)[0];
      if (n === 0) return text;
      return text.startsWith("−") ? ` − ${text.slice(1)}` : ` + ${text}`;
    }).join("");
  }

  product(factors, sign) {
    const looseFirst = !(Array.isArray(factors[0]) && factors[0][0] === "+");
    return factors.map((factor, n) => {
      const [text, tightness] = this.of(factor);
      const holds = tightness >= MULTIPLIED ? n === 0 || !text.startsWith("−") : n === 0 && looseFirst;
      return holds ? text : `(${text})`;
    }).join(sign);
  }

  power([base, exponent]) {
    const small = Number.isInteger(exponent) && exponent > 0;
    return `${this.held(base, WHOLE)}${small ? raised(exponent) : `^${this.held(exponent, WHOLE)}`}`;
  }

  call(name, parts) {
    const texts = parts.map((one) => this.of(one)[0]);
    const [first] = texts;
    if (name === "exp") return `e^${this.held(parts[0], WHOLE)}`;
    if (name === "abs") return `|${first}|`;
    if (name === "holds") return `[${first} > 0]`;
    if (name === "from_zero") return `[${first} ≥ 0]`;
    if (name === "upto_zero") return `[${first} ≤ 0]`;
    if (name === "exceeds") return `[${texts.join(" > ")}]`;
    if (name === "softmax_slope") return `${first}${sub("i")}·([i=j] − ${first}${sub("j")})`;
    if (name === "log_softmax_slope") return `[i=j] − e^${first}${sub("j")}`;
    if (name === "transposed") return /^[d∂]/.test(first) && first.includes("/") ? `(${first})ᵀ` : `${this.held(parts[0], WHOLE)}ᵀ`;
    if (PRODUCTS.includes(name)) return parts.map((one) => this.held(one, MULTIPLIED)).join("·");
    if (name === "between") return `[${texts.join(" < ")}]`;
    if (name === "maximum" || name === "minimum") return `${name.slice(0, 3)}(${texts.join(", ")})`;
    return `${name === "flat_sum" ? "sum" : name}(${texts.join(", ")})`;
  }
}

/** "name = formula = numbers = value" where the numbers fulfil it; else the value, and why. */
function equationLine(name, tree, symbols, value, why = "") {
  const known = tree !== null && tree !== undefined && keysIn(tree).every((key) => symbols(key)?.value !== undefined);
  const sizes = () => keysIn(tree).map((key) => Math.abs(symbols(key).value)); // what rounding is measured by
  const made = known ? evaluated(tree, symbols) : undefined;
  if (!known || !(Object.is(made, value) || close(made, value, 1e-6 * Math.max(0, ...sizes())))) {
    return `${name} = ${bare(value)}${why ? `, ${why}` : ""}`;
  }
  const plainly = typeof tree !== "object"; // a symbol alone: its number is the result
  const stages = [written(tree, symbols), ...(plainly ? [] : [written(tree, symbols, true)])];
  return [name, ...new Set([...stages, bare(value)])].join(" = ");
}
