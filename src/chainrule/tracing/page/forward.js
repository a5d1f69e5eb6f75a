// The forward part of the walk: sums, activations and the loss. No equation is written that its
// numbers do not fulfil: each is computed first, and where it fails, only the number is told.

const keysOf = (letter, c, units) => units.map((unit) => `${letter}/${c}/${unit}`);

const BETWEEN = "through the layers between";

/** Whether two numbers are one, up to rounding, beside what they are sums of. */
const close = (a, b, scale = 0) => Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b), scale);

const meanOf = (numbers) => sumOf(numbers) / numbers.length;

/** A row's loss by its rule, of outputs a and targets t; of labels, t is the label. */
const LOSSES = {
  SquaredError: ["½ Σ (a − t)²", (a, t) => sumOf(a.map((p, k) => (p - t[k]) ** 2)) / 2],
  MeanSquaredError: ["mean of (a − t)²", (a, t) => meanOf(a.map((p, k) => (p - t[k]) ** 2))],
  MeanAbsoluteError: ["mean of |a − t|", (a, t) => meanOf(a.map((p, k) => Math.abs(p - t[k])))],
  BinaryCrossentropy: [
    "mean of −t log a − (1 − t) log(1 − a)",
    (a, t) => meanOf(a.map((p, k) => -t[k] * Math.log(p) - (1 - t[k]) * Math.log(1 - p))),
  ],
  CategoricalCrossentropy: ["−Σ t log a", (a, t) => -sumOf(a.map((p, k) => t[k] && t[k] * Math.log(p)))],
  SparseCategoricalCrossentropy: ["−log aₜ", (a, t) => -Math.log(a[t[0]])],
  Poisson: ["mean of a − t log a", (a, t) => meanOf(a.map((p, k) => p - t[k] * Math.log(p)))],
};

class ForwardNarration {
  constructor(network) {
    this.network = network;
    this.training = network.training;
    this.data = network.data;
  }

  get L() {
    return this.data.loss.name;
  }

  named(c, units) {
    const names = units.map((unit) => this.network.columns[c].names[unit]);
    return (/^\d/.test(names[0]) ? "unit " : "") + few(names);
  }

  /** Keys of the weights into units, from the sources that are drawn. */
  edges(c, units) {
    const sources = this.network.columns[c - 1].shown;
    return units.flatMap((unit) => sources.map((source) => `w/${c}/${unit}/${source}`));
  }

  inputs() {
    const { network } = this;
    const column = network.columns[0];
    return {
      phase: "forward", title: "The inputs",
      shows: keysOf("a", 0, column.shown), uses: keysOf("u", 0, column.shown),
      lines: () => [
        few(column.shown.map((unit) => `${network.valueName(0, unit)} = ${bare(network.value(0, "a", unit))}`)),
        ...(network.data.rows > 1 ? [`Row ${network.row + 1} of a batch of ${network.data.rows}.`] : []),
      ],
    };
  }

  /** The terms x·w of a weighted sum; of many the largest. */
  terms(c, unit) {
    const { network } = this;
    const all = network.columns[c - 1].names.map((_, source) => ({
      source,
      name: network.valueName(c - 1, source),
      weight: network.weightName(c, unit, source),
      x: network.value(c, "x", source),
      w: network.weight(c, unit, source),
    }));
    if (all.length <= 8) return { terms: all, rest: null };
    all.sort((a, b) => Math.abs(b.x * b.w) - Math.abs(a.x * a.w));
    const rest = all.slice(5).reduce((sum, { x, w }) => sum + x * w, 0);
    return { terms: all.slice(0, 5), rest: { count: all.length - 5, sum: rest } };
  }

  /** A weighted sum: formula, numbers put in, result. */
  sum(c, unit) {
    const { network } = this;
    const name = network.columns[c].names[unit];
    const { terms, rest } = this.terms(c, unit);
    const z = network.value(c, "z", unit);
    const bias = network.weight(c, unit, "bias");
    const products = [...terms.map(({ x, w }) => x * w), rest?.sum ?? 0, bias ?? 0];
    if (!close(sumOf(products), z, sumOf(products.map(Math.abs)))) return [`z${sub(name)} = ${number(z)}, ${BETWEEN}`];
    const product = (a, b) => (this.data.form === "rows" ? `${a}·${b}` : `${b}·${a}`);
    const symbols = terms.map(({ name: from, weight }) => product(from, weight));
    const numbers = terms.map(({ x, w }) => product(factor(x), factor(w)));
    if (rest) {
      symbols.push(`${rest.count} more`);
      numbers.push(`(${number(rest.sum)})`);
    }
    if (bias !== undefined) {
      const theta = this.data.form === "theta";
      const at = theta ? 0 : symbols.length;
      symbols.splice(at, 0, theta ? `${network.weightName(c, unit, "bias")}·1` : network.weightName(c, unit, "bias"));
      numbers.splice(at, 0, theta ? `${factor(bias)}·1` : factor(bias));
    }
    return [`z${sub(name)} = ${symbols.join(" + ")}`, `= ${numbers.join(" + ")}`, `= ${number(z)}`];
  }

  matrixLine(c) {
    const { names, form } = this.data;
    const n = names.matrices[this.network.columns[c].layer.place];
    const bias = this.network.segment(c, "bias") === undefined ? "" : ` + b${sub(n)}`;
    if (form === "rows") return `As matrices: z = a W${sub(n)}${bias}`;
    return form === "columns" ? `As matrices: z = W${sub(n)} a${bias}` : `As matrices: z = Θ${sub(n)} a, with a 1 put before a`;
  }

  sums(c, units) {
    const { network } = this;
    const column = network.columns[c];
    return {
      phase: "forward", title: `The weighted sum of ${this.named(c, units)}`,
      shows: keysOf("z", c, units),
      uses: [...keysOf("u", c, units), ...this.edges(c, units), ...keysOf("b", c, units)],
      lines: () => units.length === 1
        ? [...this.sum(c, units[0]), this.matrixLine(c)]
        : [
          this.matrixLine(c),
          ...units.slice(0, 1).flatMap((unit) => this.sum(c, unit)),
          few(units.slice(1).map((unit) => `z${sub(column.names[unit])} = ${number(network.value(c, "z", unit))}`)),
        ],
    };
  }

  activation(c, unit) {
    const { network } = this;
    const { names, layer } = network.columns[c];
    const kind = layer.activation ?? "linear";
    const [z, a] = [network.value(c, "z", unit), network.value(c, "a", unit)];
    const name = names[unit];
    if (kind === "linear" && !close(a, z)) return [`a${sub(name)} = ${number(a)}, ${BETWEEN}`];
    if (kind === "linear") return [`a${sub(name)} = z${sub(name)} = ${number(a)}`];
    if (kind === "softmax") {
      return [`a${sub(name)} = e^z${sub(name)} / Σ e^z${sub("k")}`, `= ${number(a)}`];
    }
    return [`a${sub(name)} = ${kind}(z${sub(name)})`, `= ${kind}(${number(z)})`, `= ${number(a)}`];
  }

  activations(c, units) {
    const { network } = this;
    const { names, layer } = network.columns[c];
    return {
      phase: "forward", title: `What ${this.named(c, units)} gives${units.length > 1 ? ", each" : ""}: ${layer.activation ?? "linear"}`,
      shows: keysOf("a", c, units), uses: keysOf("u", c, units),
      lines: () => [
        ...this.activation(c, units[0]),
        ...(units.length > 1 ? [few(units.slice(1).map((unit) => `a${sub(names[unit])} = ${number(network.value(c, "a", unit))}`))] : []),
      ],
    };
  }

  /** A layer without weights: dropout, normalization, an activation of its own. */
  plainLayer(c) {
    const { network } = this;
    const { shown, layer, kind } = network.columns[c];
    return {
      phase: "forward", title: kind === "given" ? "What the layer is given" : `${layer.kind} (${layer.name})`,
      shows: keysOf("a", c, shown), uses: keysOf("u", c, shown),
      lines: () => [
        `It gives ${few(shown.map((unit) => `${network.valueName(c, unit)} = ${number(network.value(c, "a", unit))}`))}.`,
        ...(this.data.drawn && layer?.kind === "Dropout" ? ["Which units are left out was drawn by chance in this step, and stays so in this page."] : []),
      ],
    };
  }

  targetWords() {
    return few(this.network.targetsOfRow().map((one) => `${one.name} = ${bare(this.training.get(one.what))}${this.network.className(one)}`));
  }

  /** The formula of the row's own loss, where it gives the row's own loss of what is shown. */
  lossFormula() {
    const { network, training } = this;
    const [found, rule] = LOSSES[this.data.loss.outputs[0].rule] ?? [];
    if (!rule || this.data.loss.outputs.length > 1) return null;
    const outputs = network.columns[network.last].names.map((_, unit) => network.value(network.last, "a", unit));
    const targets = network.targetsOfRow().map(({ what }) => training.get(what));
    return close(rule(outputs, targets), training.rowLosses[network.row]) ? found : null;
  }

  loss() {
    return {
      phase: "loss", title: `The loss ${this.L}`, shows: ["L"], uses: ["L", ...keysOf("u", this.network.last, this.network.columns[this.network.last].shown)],
      lines: () => this.lossLines(),
    };
  }

  lossLines() {
    const { network, training, L } = this;
    const outputs = this.data.loss.outputs;
    const rows = training.rowLosses;
    const own = number(rows[network.row]);
    const lines = [`Targets: ${this.targetWords()}`];
    const formula = this.lossFormula();
    lines.push(`ℓ = ${formula ? `${formula} = ` : ""}${own}  (${outputs.map(({ rule }) => rule).join(" + ")})`);
    const how = outputs[0].how === "sum" ? "sum" : this.data.arrays.weight ? "weighted mean" : "mean";
    const weight = this.data.arrays.weight && training.state.arrays.weight.data[network.row];
    if (weight !== undefined) lines.push(`The row's weight is ${bare(weight)}.`);
    const { penalties } = training;
    if (rows.length > 1 || penalties.length) {
      const mean = rows.length > 1 ? `the ${how} over ${rows.length} rows: ${few(Array.from(rows.slice(0, 60), number))}` : "ℓ";
      lines.push(`${L} is ${mean}${penalties.length ? ", and the penalties" : ""}`);
    }
    for (const [name, value] of penalties) lines.push(`Penalty of ${name}: ${number(value)}`);
    lines.push(`${L} = ${number(training.loss)}`);
    return lines;
  }
}
