// The forward part of the walk: sums, activations and the loss. No equation is written that its
// numbers do not fulfil: each is computed first, and where it fails, only the number is told.

const keysOf = (letter, c, units) => units.map((unit) => `${letter}/${c}/${unit}`);

const BETWEEN = "through the layers between";
const OF_CLASSES = ["softmax", "log_softmax"];
const SHARES_SHOWN = 3; // powers in the sum of a softmax of many classes: its own and the largest

class ForwardNarration {
  constructor(network) {
    this.network = network;
    this.training = network.training;
    this.data = network.data;
    this.rows = new Rows(this);
  }

  /** Whether a column is a normalization whose means and variances are told. */
  normalizes(c) {
    return Boolean(this.network.columns[c].layer && this.formulasOf(c).normal);
  }

  get L() {
    return this.data.loss.name;
  }

  named(c, units) {
    const { names } = this.network.columns[c];
    return (/^\d/.test(names[units[0]]) ? "unit " : "") + few(units.map((unit) => styled(names[unit])));
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

  /** The terms x·w of a weighted sum, at its position where there are several; of many the largest. */
  terms(c, unit) {
    const { network } = this;
    const [inputs, units] = network.matrix(c);
    const first = Math.floor(unit / units) * inputs;
    const all = Array.from({ length: inputs }, (_, n) => first + n).map((source) => ({
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
    const base = network.baseName(c, unit);
    const { terms, rest } = this.terms(c, unit);
    const z = network.value(c, "z", unit);
    const bias = network.weight(c, unit, "bias");
    const products = [...terms.map(({ x, w }) => x * w), rest?.sum ?? 0, bias ?? 0];
    if (!close(sumOf(products), z, sumOf(products.map(Math.abs)))) return [`${base} = ${bare(z)}, ${BETWEEN}`];
    const product = (a, b) => (this.data.form === "rows" ? `${a}·${b}` : `${b}·${a}`);
    const symbols = terms.map(({ name: from, weight }) => product(from, weight));
    const numbers = terms.map(({ x, w }) => product(factor(x), factor(w)));
    if (rest) {
      symbols.push(leftOut(rest.count));
      numbers.push(sumLeftOut(rest.sum));
    }
    if (bias !== undefined) {
      const theta = this.data.form === "theta";
      const at = theta ? 0 : symbols.length;
      symbols.splice(at, 0, theta ? `${network.weightName(c, unit, "bias")}·1` : network.weightName(c, unit, "bias"));
      numbers.splice(at, 0, theta ? `${factor(bias)}·1` : factor(bias));
    }
    return [`${base} = ${symbols.join(" + ")}`, `= ${numbers.join(" + ")}`, `= ${bare(z)}`];
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
          few(units.slice(1).map((unit) => `z${sub(column.names[unit])} = ${bare(network.value(c, "z", unit))}`)),
        ],
    };
  }

  /** The names and numbers of a unit's formulas: z, a, and the slope that a PReLU has learned. */
  symbolsOf(c, unit, row) {
    const { network, training } = this;
    const { layer } = network.columns[c];
    const { alpha } = layer.parameters;
    return (key) => {
      if (key === "z") return { name: network.baseName(c, unit), value: network.baseValue(c, unit, row) };
      if (key === "a") return { name: network.valueName(c, unit), value: network.value(c, "a", unit, row) };
      return { name: new OwnParameters(this, c).name("alpha", unit), value: training.parameter(alpha).data[unit] };
    };
  }

  /** The formulas of a column's layer, as text writes them. */
  formulasOf(c) {
    return this.data.formulas.layers[this.data.layers.indexOf(this.network.columns[c].layer)] ?? {};
  }

  /** What functions of formulas mean, in lines of their own. */
  meanings(...trees) {
    const { meanings } = this.data.formulas;
    const called = new Set(trees.filter(Array.isArray).flatMap(callsIn));
    return Object.keys(meanings).filter((name) => called.has(name)).map((name) => dashed(meanings[name]).replace("_p", sub("p")));
  }

  activation(c, unit) {
    const { network } = this;
    const kind = network.columns[c].layer.activation ?? "linear";
    const [z, a] = [network.value(c, "z", unit), network.value(c, "a", unit)];
    const [name, base] = [network.valueName(c, unit), network.baseName(c, unit)];
    if (kind === "linear") return [`${name} = ${close(a, z) ? `${base} = ${bare(a)}` : `${bare(a)}, ${BETWEEN}`}`];
    if (OF_CLASSES.includes(kind)) return this.share(c, unit);
    const { value } = this.formulasOf(c);
    if (value) return [equationLine(name, value, this.symbolsOf(c, unit), a)];
    return [`${name} = ${kind}(${base}) = ${kind}(${bare(z)}) = ${bare(a)}`];
  }

  /** Whether a column's layer ends in a softmax of what it is given or of its own sums. */
  sharesOut(c) {
    const { layer, link } = this.network.columns[c];
    return OF_CLASSES.includes(layer?.activation) && (link === "same" || this.network.hasSums(c));
  }

  /** e^z of a unit divided by the sum of all at its position, or its logarithm. */
  share(c, unit) {
    const { network } = this;
    const { put, symbols } = symbolTable();
    const z = (k) => network.baseValue(c, k);
    const base = (k) => put(network.baseName(c, k), z(k));
    const classes = network.classesOf(c, unit);
    const largest = classes.filter((k) => k !== unit).sort((one, other) => z(other) - z(one));
    const others = classes.length > MOST_TERMS ? largest.slice(SHARES_SHOWN - 1) : [];
    const powers = classes.filter((k) => !others.includes(k)).map((k) => ["exp", base(k)]);
    if (others.length) powers.push(put(leftOut(others.length), sumOf(others.map((k) => Math.exp(z(k))))));
    const sum = ["+", ...powers];
    const logarithm = network.columns[c].layer.activation === "log_softmax";
    const tree = logarithm ? ["+", base(unit), ["−", ["log", sum]]] : ["/", ["exp", base(unit)], sum];
    return [equationLine(network.valueName(c, unit), tree, symbols, network.value(c, "a", unit))];
  }

  activations(c, units) {
    const { network } = this;
    const { layer } = network.columns[c];
    return {
      phase: "forward", title: `What ${this.named(c, units)} gives${units.length > 1 ? ", each" : ""}: ${layer.activation ?? "linear"}`,
      shows: keysOf("a", c, units), uses: keysOf("u", c, units),
      lines: () => [
        ...this.activation(c, units[0]),
        ...(units.length > 1 ? [few(units.slice(1).map((unit) => `${network.valueName(c, unit)} = ${bare(network.value(c, "a", unit))}`))] : []),
        ...this.meanings(this.formulasOf(c).value),
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
        ...this.passed(c, shown),
        ...(this.data.drawn && layer?.builtIn === "Dropout" ? [this.drawnLine("Which units are left out")] : []),
        ...(network.mixing.mixes(c) ? [this.drawnLine("The share of each row")] : []),
      ],
    };
  }

  /** Which step drew what is left out, or shares: steps made after those that were traced draw nothing. */
  drawnLine(what) {
    const { drawnAt, state } = this.training;
    const said = `${what} was drawn by chance in`;
    if (drawnAt === state.made) return `${said} this step, and stays so whatever is changed.`;
    return `${said} step ${this.data.iteration + drawnAt}, and stays so in the steps that this page makes.`;
  }

  passed(c, units) {
    const { network } = this;
    const { value } = this.formulasOf(c);
    const own = OwnLayer.of(this, c);
    if (own) return own.forwardLines(units);
    if (this.normalizes(c)) return this.normalized(c, units);
    if (network.looksUp(c)) return this.lookedUp(c, units);
    if (network.mixing.mixes(c)) return this.mixed(c, units);
    const sums = this.sumsOf(c, units[0]);
    if (this.sharesOut(c)) return [...sums, ...this.share(c, units[0]), this.given(c, units.slice(1))].filter(Boolean);
    const plainly = sums.length > 0 && this.isPlain(c, units[0]);
    if (!plainly && (!value || (network.columns[c].link !== "same" && !sums.length))) return [...sums, `It gives ${this.given(c, units)}.`, ...this.listed(network.columns[c].layer?.name)];
    const tree = plainly ? "z" : value;
    const first = equationLine(network.valueName(c, units[0]), tree, this.symbolsOf(c, units[0]), network.value(c, "a", units[0]));
    return [...sums, first, this.given(c, units.slice(1)), ...this.meanings(value, network.columns[c].spread && ["clip", ["reach"]])].filter(Boolean);
  }

  /** The sum of a unit of a layer whose weights are not drawn; none where it has no sums. */
  sumsOf(c, unit) {
    const { network } = this;
    const { spread } = network.columns[c];
    if (spread) return spread.sumLines(unit, this);
    return network.matrix(c) ? this.sum(c, unit) : [];
  }

  /** The numbers of a table that codes stand for. */
  lookedUp(c, units) {
    const { network } = this;
    const own = new OwnParameters(this, c);
    const lines = units.slice(0, 6).map((unit) => {
      const { put, symbols } = symbolTable();
      const { name, value } = own.taken(unit);
      return equationLine(network.valueName(c, unit), put(name, value), symbols, network.value(c, "a", unit));
    });
    return units.length > 6 ? [...lines, `and ${units.length - 6} more of those that are drawn; click a unit to see its own.`] : lines;
  }

  /** The first unit of a normalization with all that makes it, the others by their numbers. */
  normalized(c, [unit, ...others]) {
    return [...new Normalization(this, c).forwardLines(unit), this.given(c, others)].filter(Boolean);
  }

  /** The same of a layer that mixes rows. */
  mixed(c, [unit, ...others]) {
    return [...this.network.mixing.forwardLines(c, unit), this.given(c, others)].filter(Boolean);
  }

  /** What units give, by their numbers. */
  given(c, units) {
    const { network } = this;
    return few(units.map((unit) => `${network.valueName(c, unit)} = ${bare(network.value(c, "a", unit))}`));
  }

  /** Operations of the user's own that are not told row by row, with what they give for all rows. */
  listed(name) {
    const { steps, others } = this.data.lists[name] ?? { steps: [], others: 0 };
    const lines = steps.map(([operation, index], n) => `${name}/q${n + 1}, all rows: ${operation} = ${numbersOf(this.training.of(index), bare)}`);
    return others ? [...lines, `${name}: ${others} more operation${others > 1 ? "s are" : " is"} left out.`] : lines;
  }

  targetWords(row = this.network.row) {
    const { outputs, mixing } = this.network;
    return few(outputs.targets(row).map((one) => `${mixing.at(one.name, row)} = ${bare(this.training.get(one.what))}${outputs.className(one)}`));
  }

  /** The row's own loss with formula and numbers; of a formula that does not give it, the number. One of the
   *  user's own is told operation by operation. */
  ownLossLines() {
    const { network, training } = this;
    const told = OwnLoss.of(network);
    if (told) return told.forwardLines();
    const { loss, oneLoss } = this.data.formulas;
    const [table, own] = [symbolTable(), network.outputs.symbols()];
    const symbols = (key) => own(key) ?? table.symbols(key);
    const tree = loss && network.mixing.lossTree({ put: table.put, symbols });
    return [...this.listed("loss"), equationLine(oneLoss ? this.L : "ℓ", tree, symbols, training.rowLosses[network.row], "through the operations of the loss")];
  }

  loss() {
    return {
      phase: "loss", title: `The loss ${this.L}`, shows: ["L"], uses: ["L", ...keysOf("u", this.network.last, this.network.columns[this.network.last].shown)],
      lines: () => this.lossLines(),
    };
  }

  lossLines() {
    const { network, training, L } = this;
    const { outputs } = this.data.loss;
    const rows = training.rowLosses;
    const lines = [`Targets: ${this.targetWords()}`];
    const { isKnown, partner } = network.mixing;
    if (isKnown && partner !== network.row) lines.push(`Targets of row ${partner + 1}, with which it is mixed: ${this.targetWords(partner)}`);
    const own = this.ownLossLines();
    lines.push(...own.slice(0, -1), `${own.at(-1)}  (${outputs.map(({ rule }) => rule).join(" + ")})`);
    if (this.data.formulas.oneLoss) return [...lines, ...this.lossMeanings()];
    const whole = this.rows.lossLines();
    if (whole) return [...lines, ...this.penaltyLines(), ...whole, ...this.lossMeanings()];
    const how = outputs[0].how === "sum" ? "sum" : this.data.arrays.weight ? "weighted mean" : "mean";
    const weight = this.data.arrays.weight && training.state.arrays.weight.data[network.row];
    if (weight !== undefined) lines.push(`The row's weight is ${bare(weight)}.`);
    const { penalties } = training;
    if (this.rows.how === undefined) {
      lines.push(`Each output's loss is made of the rows in its own way: ${outputs.map((one) => `${one.rule} by ${one.how}`).join(", ")}.`);
    } else if (rows.length > 1 || penalties.length) {
      const mean = rows.length > 1 ? `the ${how} over ${rows.length} rows: ${few(Array.from(rows, bare))}` : "ℓ";
      lines.push(`${L} is ${mean}${penalties.length ? ", and the penalties" : ""}`);
    }
    lines.push(...this.penaltyLines(), `${L} = ${bare(training.loss)}`, ...this.lossMeanings());
    return lines;
  }

  lossMeanings() {
    return this.meanings(this.data.formulas.loss?.term, ...(OwnLoss.of(this.network)?.formulas("values") ?? []));
  }

  penaltyLines() {
    return this.training.penalties.map(([name, value]) => `Penalty of ${name}: ${bare(value)}`);
  }
}
