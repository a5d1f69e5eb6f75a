// Sums over the rows of a batch: each row's share in the loss, what the loss takes of its
// derivatives, and what penalties on activities add to them.

const FEW_ROWS = 4; // of a batch whose sums are written row by row
const MOST_TERMS = 8;

/** Names and values for one formula: `put` gives a symbol's key, its name unless another has that;
 *  `symbols` finds what it is. */
function symbolTable() {
  const held = new Map();
  return {
    put: (name, value, key = name) => {
      held.set(key, { name, value });
      return key;
    },
    symbols: (key) => held.get(key),
  };
}

/** A sum of terms; of many the largest, and the rest as one number. */
function added(terms, { put, symbols }, most = MOST_TERMS) {
  if (terms.length === 1) return terms[0];
  if (terms.length <= most) return ["+", ...terms];
  const values = terms.map((term) => evaluated(term, symbols));
  const order = values.map((_, n) => n).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]));
  const [kept, rest] = [order.slice(0, 5).sort((a, b) => a - b), order.slice(5)];
  return ["+", ...kept.map((n) => terms[n]), put(leftOut(rest.length), sumOf(rest.map((n) => values[n])))];
}

/** The nth part of a formula. */
const partOf = (tree, n) => (n === 1 ? tree : ["·", ["/", 1, n], tree]);

class Rows {
  constructor(narration) {
    const { network, training, data } = narration;
    Object.assign(this, { narration, network, training, data, count: data.rows });
  }

  /** A name in one row of several. */
  at(name, row) {
    return this.count > 1 ? `${name}(${row + 1})` : name;
  }

  get all() {
    return Array.from({ length: this.count }, (_, row) => row);
  }

  get weights() {
    return this.training.state.arrays.weight?.data;
  }

  /** How rows make the loss of an output: "sum" and others, each once. */
  get kinds() {
    return [...new Set(this.data.loss.outputs.map(({ how }) => how))];
  }

  /** How rows make the loss; undefined where outputs do it differently. */
  get how() {
    return this.kinds.length === 1 ? this.kinds[0] : undefined;
  }

  /** By what the rows' own losses, times their weights, are divided. */
  divisorOf(how) {
    if (how === "sum") return 1;
    return how === "mean_with_sample_weight" && this.weights ? sumOf(this.weights) : this.count;
  }

  sharesOf(how) {
    return this.all.map((row) => (this.weights ? this.weights[row] : 1) / this.divisorOf(how));
  }

  /** The share that each row's own loss has in the loss; null where outputs have shares of their own. */
  get shares() {
    return this.how === undefined ? null : this.sharesOf(this.how);
  }

  /** Where rows have weights, how a row's share comes about. */
  shareLine(row, mark = true, how = this.how) {
    const { put, symbols } = symbolTable();
    const name = (letter) => (mark ? this.at(letter, row) : letter);
    const weight = put(name("weight"), this.weights[row]);
    const divisor = this.divisorOf(how);
    const below = how === "mean_with_sample_weight" ? put("sum of weights", divisor) : divisor;
    return equationLine(name("s"), below === 1 ? weight : ["/", weight, below], symbols, this.sharesOf(how)[row]);
  }

  /** Whether rows are mixed that have weights, each of which goes with its row's target. */
  get weighsTargets() {
    return this.network.mixing.ofTwo && this.weights !== undefined;
  }

  /** The loss as the sum of the rows' own, and of penalties. */
  lossLines() {
    const { shares, weights, training, narration } = this;
    if (this.weighsTargets) return [`${narration.L} = ${bare(training.loss)}, each target has the weight of its own row`];
    if (shares === null || this.count > FEW_ROWS) return null;
    const table = symbolTable();
    const own = this.all.map((row) => table.put(this.at("ℓ", row), training.rowLosses[row]));
    const terms = weights ? own.map((one, row) => ["·", table.put(this.at("s", row), shares[row]), one]) : own;
    const sum = added(terms, table);
    const whole = weights ? sum : partOf(sum, this.divisorOf(this.how));
    const penalties = training.penalties.map(([name, value]) => table.put(`penalty of ${name}`, value));
    const joined = penalties.length === 0 ? whole : weights ? ["+", ...terms, ...penalties] : ["+", whole, ...penalties];
    const line = equationLine(narration.L, joined, table.symbols, training.loss, "through the losses of all outputs");
    return [...(weights ? this.all.map((row) => this.shareLine(row)) : []), line];
  }

  /** What a derivative is by: a sum z, or what a unit gives; and its two kinds: of the row's own loss, and of the loss. */
  end(c, unit, sums) {
    const { network } = this;
    const base = sums ? `z${sub(network.columns[c].names[unit])}` : network.valueName(c, unit);
    const own = sums ? network.deltaName(c, unit) : network.slopeName(base);
    const [ownKey, reportedKey] = sums ? ["delta", "reported"] : ["upstream", "upstream_reported"];
    const value = (key, row) => {
      const found = network.value(c, key, unit, row);
      return found === undefined ? undefined : network.sign * found;
    };
    return { base, own, ownAt: (row) => value(ownKey, row), reportedAt: (row) => value(reportedKey, row) };
  }

  /** How rows make the loss, where their shares are all that it takes of each row's derivative. */
  fitting({ ownAt, reportedAt }) {
    const largest = Math.max(...this.all.map((row) => Math.abs(reportedAt(row))));
    if (largest === 0 && this.how === undefined) return undefined; // nothing tells one from another
    return this.kinds.find((how) => {
      const shares = this.sharesOf(how);
      return this.all.every((row) => close(shares[row] * ownAt(row), reportedAt(row), largest));
    });
  }

  /** What the loss takes of the derivatives by a sum: of each row a share, and what penalties on activities
   *  add; null where it takes something else. */
  taken(c, unit) {
    const how = this.fitting(this.end(c, unit, true));
    if (how !== undefined) return { how, shares: this.sharesOf(how), added: null };
    if (!this.penalized) return null;
    return { how: this.how, shares: this.shares, added: this.all.map((row) => this.penaltyAt(c, "z", unit, row)) };
  }

  /** Whether what shares do not account for is by penalties on activities. */
  get penalized() {
    const { mixing, formulas } = this.data;
    return this.how !== undefined && !(mixing && this.weights) && formulas.layers.some(({ activity }) => activity !== undefined);
  }

  /** A gradient as a sum over the rows, in symbols and numbers; `factorAt` says what each row's
   *  derivative is multiplied with. */
  gradient(c, unit, sums, factorAt) {
    if (this.count > FEW_ROWS) return this.gradientOfMany(c, unit, sums, factorAt);
    const table = symbolTable();
    const end = this.end(c, unit, sums);
    const how = this.fitting(end);
    const shares = how && this.sharesOf(how);
    const terms = this.all.map((row) => {
      const slope = shares
        ? table.put(this.at(end.own, row), end.ownAt(row))
        : table.put(this.network.gradientName(this.at(end.base, row)), end.reportedAt(row));
      const factor = factorAt?.(row);
      const pair = factor ? [table.put(this.at(factor.name, row), factor.value), slope] : [slope];
      if (this.data.form !== "rows") pair.reverse();
      if (shares && this.weights) pair.unshift(table.put(this.at("s", row), shares[row]));
      return pair.length > 1 ? ["·", ...pair] : pair[0];
    });
    const sum = added(terms, table);
    const tree = shares && !this.weights ? partOf(sum, this.divisorOf(how)) : sum;
    return [written(tree, table.symbols), written(tree, table.symbols, true)];
  }

  gradientOfMany(c, unit, sums, factorAt) {
    const word = this.network.gradientName(this.end(c, unit, sums).base);
    const minus = word.startsWith("−") ? "−" : "";
    const product = factorAt === null ? word : `${minus}${factorAt(0).name}·${word.slice(minus.length)}`;
    return [`Σ over ${this.count} rows of ${product}`, null];
  }

  /** What the loss takes of a derivative in the row that is shown: its share, and what penalties add. */
  reportedLines(c, unit, sums = true) {
    const { network } = this;
    const { row } = network;
    const end = this.end(c, unit, sums);
    const [own, reported] = [end.ownAt(row), end.reportedAt(row)];
    if (own === undefined || reported === undefined || (this.count === 1 && close(own, reported))) return [];
    const name = network.gradientName(end.base);
    const before = this.count > 1 ? `Row ${row + 1}: ` : "";
    const how = this.fitting(end) ?? this.how;
    if (how === undefined) return [`${before}${name} = ${bare(reported)}, through the losses of all outputs`];
    const mixed = this.data.mixing && this.weights && this.fitting(end) === undefined;
    if (mixed) return [`${before}${name} = ${bare(reported)}, where rows mix`];
    const table = symbolTable();
    const delta = table.put(end.own, own);
    const first = this.weights ? ["·", table.put("s", this.sharesOf(how)[row]), delta] : partOf(delta, this.divisorOf(how));
    const penalty = this.penaltyAt(c, sums ? "z" : "a", unit);
    const also = penalty && table.put(`∂penalty/∂${end.base}`, penalty);
    const tree = penalty ? ["+", first, network.errors ? ["−", also] : also] : first;
    return [
      ...(this.weights ? [before + this.shareLine(row, false, how)] : []),
      ...(penalty ? this.penaltyLines(c, unit, sums) : []).map((line) => before + line),
      before + equationLine(name, tree, table.symbols, reported),
    ];
  }

  /** The derivative of the penalties on activities by z or a of a unit: what shares do not account for. */
  penaltyAt(c, letter, unit, row = this.network.row) {
    if (!this.penalized) return 0;
    const [own, reported] = (letter === "z" ? ["delta", "reported"] : ["upstream", "upstream_reported"])
      .map((what) => this.network.value(c, what, unit, row));
    const part = this.shares[row] * own;
    return Math.abs(reported - part) > 1e-12 * Math.max(Math.abs(reported), Math.abs(part)) ? reported - part : 0;
  }

  /** How penalties on activities reach what a unit gives, then its sum. */
  penaltyLines(c, unit, sums) {
    const { network, narration } = this;
    const [byA, byZ] = [this.penaltyAt(c, "a", unit), sums && this.penaltyAt(c, "z", unit)];
    const [a, z] = [network.valueName(c, unit), network.baseName(c, unit)];
    const next = network.following(c);
    const behind = this.passesOn(next) && this.penaltyAt(next, "a", unit) ? this.penaltyLines(next, unit, false) : [];
    const { tree, symbols } = this.penaltyPaths(c, unit);
    const lines = [...behind, ...this.sizeLine(c), equationLine(`∂penalty/∂${a}`, tree, symbols, byA, "through the layers that follow")];
    if (!sums) return lines;
    const table = symbolTable();
    const given = table.put(`∂penalty/∂${a}`, byA);
    const slope = network.value(c, "slope", unit);
    const through = narration.isPlain(c, unit) ? given : ["·", given, table.put(`∂${a}/∂${z}`, slope)];
    const known = slope === undefined ? null : through;
    return [...lines, equationLine(`∂penalty/∂${z}`, known, table.symbols, byZ, "through all units of the layer")];
  }

  /** Whether a column makes each number of its own one, without a sum. */
  passesOn(c) {
    return this.network.columns[c]?.link === "same" && this.network.value(c, "slope", 0) !== undefined;
  }

  /** The layer's own penalty, and those behind the weights, or the numbers, of the next layer. */
  penaltyPaths(c, unit) {
    const { network, narration } = this;
    const table = symbolTable();
    const { activity } = narration.formulasOf(c);
    const own = activity?.slope && simplified(activity.slope, table.symbols); // 0 of a rule without strength
    const terms = own ? [own] : [];
    const next = network.following(c);
    const column = network.columns[next];
    if (column?.link === "weights" && network.weight(next, 0, unit) !== undefined) {
      const slopes = column.names.map((_, k) => this.penaltyAt(next, "z", k));
      if (slopes.some((one) => one !== 0)) {
        terms.push(...column.names.map((name, k) =>
          ["·", table.put(`∂penalty/∂z${sub(name)}`, slopes[k]), table.put(network.weightName(next, k, unit), network.weight(next, k, unit))]));
      }
    } else if (this.passesOn(next) && this.penaltyAt(next, "a", unit)) {
      const [a, x] = [network.valueName(next, unit), network.baseName(next, unit)];
      terms.push(["·", table.put(`∂penalty/∂${a}`, this.penaltyAt(next, "a", unit)), table.put(`∂${a}/∂${x}`, network.value(next, "slope", unit))]);
    }
    const tree = terms.length && !(activity && !activity.slope) ? added(terms, { put: table.put, symbols: this.withActivity(c, unit, table) }) : null;
    return { tree, symbols: this.withActivity(c, unit, table) };
  }

  /** Symbols with those of a layer's own penalty: "a", and the size of all that it gives. */
  withActivity(c, unit, table) {
    const { network } = this;
    return (key) => {
      if (key === "a") return { name: network.valueName(c, unit), value: network.value(c, "a", unit) };
      return key.startsWith("size of ") ? { name: key, value: this.sizeOf(c) } : table.symbols(key);
    };
  }

  /** The size of all that a layer gives, where its penalty's slope is divided by it. */
  sizeLine(c) {
    const { activity } = this.narration.formulasOf(c);
    const [size] = keysIn(activity?.slope ?? 0).filter((key) => key.startsWith("size of "));
    if (size === undefined) return [];
    const sum = activity.p === 2 ? "sqrt(Σ a²)" : `(Σ |a|^${activity.p})^(1/${activity.p})`;
    return [`${size} = ${sum} = ${bare(this.sizeOf(c))}, the sum over all that the layer gives`];
  }

  sizeOf(c) {
    const { p } = this.narration.formulasOf(c).activity;
    const { data } = this.training.of(this.network.columns[c].results.a);
    return sumOf(Array.from(data, (one) => Math.abs(one) ** p)) ** (1 / p);
  }

  /** Delta of a softmax, over the paths through all that have a sum with the unit. */
  sharesLines(c, unit) {
    const { network, narration } = this;
    const [symbol, delta] = [network.deltaName(c, unit), network.delta(c, unit)];
    const { layer } = network.columns[c];
    const why = `through all units${layer.mixes ? " and rows" : ""} of the layer`;
    if (!OF_CLASSES.includes(layer.activation)) return [`${symbol} = ${bare(delta)}, ${why}`];
    const table = symbolTable();
    const units = network.classesOf(c, unit);
    const [name, logarithm] = [(k) => network.valueName(c, k), layer.activation === "log_softmax"];
    const own = name(unit);
    const terms = units.map((k) => {
      const one = table.put(name(k), network.value(c, "a", k));
      const arrives = table.put(network.slopeName(one), network.sign * network.value(c, "upstream", k));
      const share = logarithm ? ["exp", own] : own;
      const factors = k === unit ? [["+", 1, ["−", share]]] : [["−", logarithm ? share : ["·", one, own]]];
      return ["·", arrives, ...(k === unit && !logarithm ? [one] : []), ...factors];
    });
    const told = new Set((units.length <= MOST_TERMS ? units : [unit]).flatMap((k) => narration.upstreamLines(c, k)));
    return [...told, equationLine(symbol, added(terms, table), table.symbols, delta, why)];
  }
}
