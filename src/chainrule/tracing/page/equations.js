// Equations of an expression as Python wrote them, with the numbers that the tape has now.
// An equation is {symbol, forms, note}: the key of what it is of, and formulas that are equal.

const NOT_FINITE = "The product of the parts is not finite: p has rounded to 0 or 1. Both are computed together, which is always finite.";
const ON_MATRICES = {
  times: (a, b) => matmul(a, b), matmul: (a, b) => matmul(a, b),
  transposed: (x) => (x.shape.length < 2 ? x : operations.transpose(x, { axes: [1, 0] })),
  outer: (a, b) => matmul(make([a.data.length, 1], a.data), make([1, b.data.length], b.data)),
  softmax_slope: ({ data }) => slopesByPlaces(data, (i, j, same) => data[i] * (same - data[j])),
  log_softmax_slope: ({ data }) => slopesByPlaces(data, (i, j, same) => same - Math.exp(data[j])),
  chain: (a, b) => (a.shape.length === 1 && b.shape.length === 2 ? vectorProduct(a, b) : undefined),
  dot: vectorProduct, matrix_column: vectorProduct, row_matrix: vectorProduct,
};

/** A matrix of what `entry` makes of the places i and j, and of 1 where they are the same, else 0. */
function slopesByPlaces({ length }, entry) {
  return make([length, length], Float64Array.from({ length: length ** 2 }, (_, n) => {
    const [i, j] = [Math.floor(n / length), n % length];
    return entry(i, j, i === j ? 1 : 0);
  }));
}

/** A product of which a factor is a vector, or both: a row on the left, a column on the right. */
function vectorProduct(a, b) {
  const left = a.shape.length === 1 ? make([1, ...a.shape], a.data) : a;
  const right = b.shape.length === 1 ? make([...b.shape, 1], b.data) : b;
  const { shape, data } = matmul(left, right);
  const kept = right === b ? shape : shape.slice(0, -1);
  return make(left === a ? kept : kept.filter((_, axis) => axis !== left.shape.length - 2), data);
}

/** A symbol as it is shown: a1, p with z below the line, ∂J/∂z2. */
function symbolName({ name, head, bracketed, sign, by }) {
  const own = head ? `${styled(head)}${sub(name)}` : bracketed ? `[${name}]` : styled(name);
  return by ? `${sign}${symbolName(by)}/${sign}${own}` : own;
}

/** A formula's text, in which a symbol's value may be an array. */
class ArrayFormulaText extends FormulaText {
  number(value, most) {
    return value.data === undefined ? super.number(value, most) : value.data.length === 1 ? super.number(value.data[0], most) : [numbersOf(value, bare), WHOLE];
  }
}

class Equations {
  /** `of` gives the array that an index of the tape has. */
  constructor({ equations, symbols, meanings }, of) {
    Object.assign(this, { equations, symbols, meanings, of });
  }

  /** The equations of a step by its number; undefined of an expression that is very large. */
  step(number) {
    return this.equations[number];
  }

  symbol(key) {
    const symbol = this.symbols[key];
    if (symbol.form) return { name: symbolName(symbol), value: this.evaluated(symbol.form) };
    const [first, ...others] = symbol.at.map((index) => this.of(index));
    const value = others.reduce((sum, x) => operations.add(sum, make(sum.shape, x.data)), first);
    return { name: symbolName(symbol), value };
  }

  /** A formula with names, or with numbers in their place. */
  written(tree, withNumbers = false) {
    return new ArrayFormulaText((key) => this.symbol(key), withNumbers).of(tree)[0];
  }

  /** What a formula comes to; undefined where the page cannot tell. */
  evaluated(tree) {
    if (typeof tree === "number") return make([], Float64Array.of(tree));
    if (typeof tree === "string") return this.symbol(tree).value;
    if (tree.told) return undefined;
    const [name, ...parts] = tree;
    const given = parts.map((part) => this.evaluated(part));
    const meaning = FUNCTIONS[name];
    if (given.includes(undefined)) return undefined;
    if (name in ON_MATRICES) return ON_MATRICES[name](...given);
    if (meaning === undefined) return undefined;
    const shape = joint(...given.map((x) => x.shape));
    const wide = given.map((x) => broadcast(x, shape).data);
    return make(shape, Float64Array.from({ length: count(shape) }, (_, n) => meaning(...wide.map((data) => data[n]))));
  }

  /** Whether a formula comes to a value with the numbers of now. */
  says(tree, value) {
    const found = value && this.evaluated(tree);
    if (!found) return true;
    const at = (n) => found.data[found.data.length === 1 ? 0 : n];
    return [1, value.data.length].includes(found.data.length) && value.data.every((x, n) => close(at(n), x, 1e-6));
  }

  /** Whether numbers are put in: of a formula that has names, none with a large array. */
  puts(tree) {
    const values = keysIn(tree).map((key) => this.symbol(key).value);
    return Array.isArray(tree) && !BY_PLACES.includes(tree[0]) && values.length > 0 && values.every((x) => x !== undefined && isWhole(x));
  }

  /** What an equation is of: the tape's numbers, else what its formula comes to. */
  value({ symbol, forms }) {
    const { value = forms.length ? this.evaluated(forms.at(-1)) : undefined } = this.symbol(symbol);
    return value;
  }

  /** "name = formula = numbers = value" in parts; of a formula that is another number the value. */
  stages({ symbol, forms, note }) {
    const { name } = this.symbol(symbol);
    const value = this.value({ symbol, forms });
    const result = value === undefined ? [] : [numbersOf(value, bare)];
    if (!forms.length) return result.length ? [name, ...result] : [];
    const tree = forms.at(-1);
    if (!this.says(tree, value)) return note ? [] : [name, ...result];
    const names = forms.map((form) => this.written(form));
    const found = [name, ...new Set([...names, ...(this.puts(tree) ? [this.written(tree, true)] : []), ...result])];
    return note ? [...found.slice(0, -1), `${found.at(-1)} (${note})`] : found;
  }

  /** An equation in one line; nothing where there is nothing to say. */
  line(equation) {
    const stages = this.stages(equation);
    if (equation.note === "by its parts" && !stages.length) return [NOT_FINITE];
    return stages.length ? [stages.join(" = ")] : [];
  }

  /** An equation with a line for each part. */
  lines(equation) {
    const [name, first, ...others] = this.stages(equation);
    return first === undefined ? [] : [`${name} = ${first}`, ...others.map((one) => `= ${one}`)];
  }

  /** Equations with a line for each. */
  each(equations) {
    return equations.flatMap((one) => this.line(one));
  }

  explained(equations) {
    return [...this.each(equations), ...this.told(...equations)];
  }

  /** What functions of equations mean, in lines of their own. */
  told(...equations) {
    const called = new Set(equations.filter(Boolean).flatMap(({ forms }) => forms.flatMap(callsIn)));
    return Object.keys(this.meanings).filter((name) => called.has(name)).map((name) => dashed(this.meanings[name]));
  }

  /** The local derivatives of a user by what it uses; of a stable pair its parts too. */
  locals(user, used) {
    const { locals = [], parts = [] } = this.step(user) ?? {};
    return [...locals, ...parts].filter((one) => one.used === used);
  }
}
