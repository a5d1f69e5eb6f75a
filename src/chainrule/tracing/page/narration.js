// The walk through a training step: what each moment computes, with formula, numbers and result.

/** The moments of the walk in order: {phase, title, lines(), shows, uses}. */
function momentsOf(network) {
  const narration = new Narration(network);
  const { weighted, columns } = network;
  const units = weighted.reduce((sum, { column }) => sum + column.names.length, 0);
  const byUnit = units <= BY_UNIT;
  const groups = (c) => (byUnit && columns[c].link === "weights" ? columns[c].shown.map((unit) => [unit]) : [columns[c].shown]);
  const layers = columns.map((_, c) => c).slice(1);
  const back = [...layers].reverse().filter((c) => columns[c].kind !== "given");
  const each = (order, make) => order.flatMap((c) => groups(c).map((group) => make(c, group)));
  const weights = weighted.map(({ c }) => c);
  return [
    narration.inputs(),
    ...layers.flatMap((c) =>
      columns[c].link === "weights"
        ? groups(c).flatMap((group) => [narration.sums(c, group), narration.activations(c, group)])
        : [narration.plainLayer(c)],
    ),
    narration.loss(),
    ...each(back, (c, group) => narration.deltas(c, group)),
    ...each(weights, (c, group) => narration.gradients(c, group)),
    ...each(weights, (c, group) => narration.updates(c, group)),
    narration.lossAfter(),
  ];
}

const keysOf = (letter, c, units) => units.map((unit) => `${letter}/${c}/${unit}`);

const NO_UPDATE = "The update is not in this page, because the optimizer's state would make it too large; to_text() has it.";

class Narration {
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
        few(column.shown.map((unit) => `${column.names[unit]} = ${bare(network.value(0, "a", unit))}`)),
        ...(network.data.rows > 1 ? [`Row ${network.row + 1} of a batch of ${network.data.rows}.`] : []),
      ],
    };
  }

  /** The terms x·w of a weighted sum; of many the largest. */
  terms(c, unit) {
    const { network } = this;
    const all = network.columns[c - 1].names.map((_, source) => ({
      source,
      name: this.sourceName(c, source),
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
    const product = (a, b) => (this.data.form === "rows" ? `${a}·${b}` : `${b}·${a}`);
    const symbols = terms.map(({ name: from, weight }) => product(from, weight));
    const numbers = terms.map(({ x, w }) => product(factor(x), factor(w)));
    if (rest) {
      symbols.push(`${rest.count} more`);
      numbers.push(`(${number(rest.sum)})`);
    }
    const bias = network.weight(c, unit, "bias");
    if (bias !== undefined) {
      const theta = this.data.form === "theta";
      const at = theta ? 0 : symbols.length;
      symbols.splice(at, 0, theta ? `${network.weightName(c, unit, "bias")}·1` : network.weightName(c, unit, "bias"));
      numbers.splice(at, 0, theta ? `${factor(bias)}·1` : factor(bias));
    }
    return [`z${sub(name)} = ${symbols.join(" + ")}`, `= ${numbers.join(" + ")}`, `= ${number(network.value(c, "z", unit))}`];
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
    const { names, shown, layer, kind } = network.columns[c];
    return {
      phase: "forward", title: kind === "given" ? "What the layer is given" : `${layer.kind} (${layer.name})`,
      shows: keysOf("a", c, shown), uses: keysOf("u", c, shown),
      lines: () => [
        `It gives ${few(shown.map((unit) => `${names[unit]} = ${number(network.value(c, "a", unit))}`))}.`,
        ...(this.data.drawn && layer?.kind === "Dropout" ? ["Which units are left out was drawn by chance in this step, and stays so in this page."] : []),
      ],
    };
  }

  targetWords() {
    return few(this.network.targetsOfRow().map(({ name, what }) => `${name} = ${bare(this.training.get(what))}`));
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
    for (const { rule, formula } of outputs) {
      lines.push(`ℓ = ${formula || rule}${outputs.length === 1 ? ` = ${own}` : ""}${formula ? `  (${rule})` : ""}`);
    }
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

  deltas(c, units) {
    const { network } = this;
    const column = network.columns[c];
    const word = network.errors ? "error" : "delta";
    const plural = units.length > 1 ? "s" : "";
    return {
      phase: "backward",
      title: `The ${word}${plural} of ${column.link === "weights" ? this.named(c, units) : column.title.toLowerCase()}`,
      shows: keysOf("d", c, units),
      uses: [...keysOf("u", c, units), ...(c < network.last ? this.outgoing(c, units) : ["L"])],
      lines: () => [
        ...this.deltaLines(c, units[0]),
        ...(units.length > 1 ? [few(units.slice(1).map((unit) => `${network.deltaWord}${sub(column.names[unit])} = ${number(network.delta(c, unit))}`))] : []),
      ],
    };
  }

  outgoing(c, units) {
    const next = this.network.columns[c + 1];
    if (next.link !== "weights") return [];
    return next.shown.flatMap((target) => units.map((unit) => `w/${c + 1}/${target}/${unit}`));
  }

  deltaLines(c, unit) {
    const { network } = this;
    const { names, results, link } = network.columns[c];
    const name = names[unit];
    const symbol = `${network.deltaWord}${sub(name)}`;
    const result = `= ${number(network.delta(c, unit))}`;
    const base = link === "weights" ? "z" : "x";
    const pair = this.data.pair;
    if (pair && (pair.logits === results.z || (results.z === null && pair.logits === results.x))) {
      return this.pairLines(c, unit, symbol);
    }
    const [upstream, slope] = ["upstream", "slope"].map((what) => network.value(c, what, unit));
    if (network.delta(c, unit) === undefined) return ["There is no derivative of the row's loss by what the layer is given."];
    if (slope === undefined) {
      return [`${symbol} = ${network.errors ? "−" : ""}∂ℓ/∂${base}${sub(name)}, through all units of the layer`, result];
    }
    const chain = this.chain(c, unit);
    const sign = network.errors ? "−" : "";
    const up = network.errors && chain ? 0 - upstream : upstream;
    return [
      `${symbol} = ${chain ? `(${chain.symbols})` : `${sign}∂ℓ/∂a${sub(name)}`} · ∂a${sub(name)}/∂${base}${sub(name)}`,
      ...(chain ? [`= (${chain.numbers}) · ${factor(slope)}`] : []),
      `= ${chain ? "" : sign}${factor(up)} · ${factor(slope)}`,
      result,
    ];
  }

  /** The sum over the units behind: delta·w each, where the next column is theirs. */
  chain(c, unit) {
    const { network } = this;
    const next = network.columns[c + 1];
    if (!next || next.link !== "weights") return null;
    if (next.names.length > 8) return null;
    const targets = next.names.map((name, target) => ({
      symbol: `${network.deltaWord}${sub(name)}·${network.weightName(c + 1, target, unit)}`,
      numbers: `${factor(network.delta(c + 1, target))}·${factor(network.weight(c + 1, target, unit))}`,
    }));
    return { symbols: targets.map((one) => one.symbol).join(" + "), numbers: targets.map((one) => one.numbers).join(" + ") };
  }

  /** The stable pair both ways: factor by factor, and as the one that is computed. */
  pairLines(c, unit, symbol) {
    const { network, training } = this;
    const { pair } = this.data;
    const { names } = network.columns[c];
    const width = names.length;
    const at = (name, k = unit) => training.pair(name).data[network.row * width + k];
    const name = names[unit];
    const sign = network.errors ? -1 : 1;
    const short = network.errors ? `t${sub(name)} − a${sub(name)}` : `a${sub(name)} − t${sub(name)}`;
    const target = training.of(pair.targets).data[network.row * width + unit];
    const numbers = network.errors ? `${number(target)} − ${number(at("p/0"))}` : `${number(at("p/0"))} − ${factor(target)}`;
    let product;
    let line;
    if (pair.link === "sigmoid") {
      product = at("by_p/0") * at("by_logit/0");
      line = `∂ℓ/∂a · da/dz = ${factor(at("by_p/0"))} · ${factor(at("by_logit/0"))} = ${number(product)}`;
    } else {
      const terms = names.map((_, k) => [at("by_p/0", k), at(`by_logit/${k}`)]);
      product = terms.reduce((sum, [a, b]) => sum + a * b, 0);
      const put = few(terms.map(([a, b]) => `${factor(a)}·${factor(b)}`), 4, " + ");
      line = `Σ${sub("k")} ∂ℓ/∂a${sub("k")} · ∂a${sub("k")}/∂z${sub(name)} = ${put} = ${number(product)}`;
    }
    const lines = [`Factor by factor: ${line}`];
    const delta = network.delta(c, unit);
    const own = sign * at("delta/0");
    const simple = Math.abs(sign * (at("p/0") - target) - own) <= 1e-9 * Math.max(1, Math.abs(own));
    lines.push(simple ? `Together: ${symbol} = ${short} = ${numbers} = ${number(delta)}` : `Together: ${symbol} = ${number(own)}`);
    if (Math.abs(delta - own) > 1e-6 * Math.abs(own)) {
      lines.push(`and the row's loss takes the share that makes it ${symbol} = ${number(delta)}`);
    }
    lines.push(Number.isFinite(product)
      ? "Training computes both as one, which stays finite where a is 0 or 1 by rounding."
      : "The factors have no finite product here: that is why training computes both as one.");
    return lines;
  }

  gradients(c, units) {
    const { network } = this;
    const edges = this.edges(c, units);
    return {
      phase: "gradient", title: `The gradient of the weights of ${this.named(c, units)}`,
      shows: [...edges.map((key) => `g${key.slice(1)}`), ...keysOf("gb", c, units)], uses: [...edges, ...keysOf("b", c, units)],
      lines: () => this.gradientLines(c, units),
    };
  }

  gradientLines(c, units) {
    const { network } = this;
    const rows = this.data.rows;
    const sources = network.columns[c - 1].shown;
    const wanted = units.flatMap((unit) => [...sources.map((source) => [unit, source]), [unit, "bias"]])
      .filter(([unit, source]) => network.weight(c, unit, source) !== undefined);
    const fixed = wanted.filter(([unit, source]) => network.gradientOf(c, unit, source) === undefined);
    const lines = wanted.filter((one) => !fixed.includes(one)).slice(0, 6).map(([unit, source]) => {
      const name = network.weightName(c, unit, source);
      const gradient = number(network.gradientOf(c, unit, source));
      return `∂${this.L}/∂${name} = ${rows > 1 ? this.overRows(c, unit, source) : this.product(c, unit, source)} = ${gradient}`;
    });
    if (wanted.length - fixed.length > 6) lines.push(`and ${wanted.length - fixed.length - 6} more of those that are drawn; click a weight to see its own.`);
    if (fixed.length) lines.push(`${few(fixed.map(([unit, source]) => network.weightName(c, unit, source)))} ${fixed.length > 1 ? "are" : "is"} held fixed.`);
    return lines;
  }

  /** What a weight is multiplied with: x1, h1; of a unit that is called 4 it is a with 4 below. */
  sourceName(c, source) {
    const name = this.data.names.sources[this.network.columns[c].layer.place][source];
    if (!/^\d/.test(name)) return name;
    return `${this.network.columns[c - 1].kind === "inputs" ? "x" : "a"}${sub(name)}`;
  }

  /** Of one row: what comes in times what the loss does with the sum. */
  product(c, unit, source) {
    const { network } = this;
    const name = network.columns[c].names[unit];
    const delta = network.value(c, "reported", unit);
    const own = network.value(c, "delta", unit);
    const shown = Math.abs(delta - own) <= 1e-12 * Math.abs(own);
    const minus = shown && network.errors ? "−" : "";
    const word = minus ? `Err${sub(name)}` : shown ? `δ${sub(name)}` : `∂${this.L}/∂z${sub(name)}`;
    if (source === "bias") return minus + word;
    return `${minus}${this.sourceName(c, source)}·${word} = ${factor(network.value(c, "x", source))}·${factor(delta)}`;
  }

  overRows(c, unit, source) {
    const name = this.network.columns[c].names[unit];
    const word = `∂${this.L}/∂z${sub(name)}`;
    return `Σ over ${this.data.rows} rows of ${source === "bias" ? word : `${this.sourceName(c, source)}·${word}`}`;
  }

  updates(c, units) {
    const edges = this.edges(c, units);
    return {
      phase: "update", title: `The new weights of ${this.named(c, units)}`,
      shows: [...edges.map((key) => `n${key.slice(1)}`), ...keysOf("nb", c, units)], uses: [...edges, ...keysOf("b", c, units)],
      lines: () => this.updateLines(c, units),
    };
  }

  updateLines(c, units) {
    const { network, training } = this;
    const { name, rule, scalars, slots } = this.data.optimizer;
    const after = training.after;
    if (!after) return [NO_UPDATE];
    const simple = name === "SGD" && !slots.length;
    const wanted = units.flatMap((unit) => [...network.columns[c - 1].shown.map((source) => [unit, source]), [unit, "bias"]])
      .filter(([unit, source]) => network.place(c, unit, source)?.trained);
    const lines = [`${name}: ${dashed(rule).replace("<−", "←")}`];
    for (const [unit, source] of wanted.slice(0, 6)) {
      const [before, next] = [training.state, after].map((state) => network.weight(c, unit, source, state));
      const gradient = network.gradientOf(c, unit, source);
      const exact = simple && Math.abs(before - training.line[0] * gradient - next) < 1e-12;
      const middle = exact ? `${bare(before)} − ${bare(training.line[0])}·${factor(gradient)} = ` : `from ${number(before)} to `;
      lines.push(`${network.weightName(c, unit, source)}: ${middle}${number(next)}`);
    }
    if (wanted.length > 6) lines.push(`and ${wanted.length - 6} more of those that are drawn; click a weight to see its own.`);
    lines.push(`This step: ${scalars.map((one, n) => `${one.replaceAll("_", " ")} ${bare(training.line[n])}`).join(", ")}.`);
    return lines;
  }

  lossAfter() {
    return {
      phase: "update", title: "The loss after the step", shows: ["after"], uses: ["L"],
      lines: () => {
        if (!this.training.after) return [NO_UPDATE];
        const [before, after] = [this.training.loss, this.training.lossAfter];
        if (!Number.isFinite(after)) return [`${this.L} after the step is not known: ${number(after)}.`];
        const change = after < before ? `lower by ${number(before - after)}` : `higher by ${number(after - before)}`;
        return [`${this.L} = ${number(after)} for the same rows; before the step it was ${number(before)}.`, `It is ${change}.`];
      },
    };
  }
}
