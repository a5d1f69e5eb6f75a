// The walk through a training step: what each moment computes, with formula, numbers and result.

/** The moments of the walk in order: {phase, title, lines(), shows, uses}. */
function momentsOf(network) {
  const narration = new Narration(network);
  const { weighted, columns } = network;
  const units = weighted.reduce((sum, { column }) => sum + column.names.length, 0);
  const byUnit = units <= BY_UNIT;
  const groups = (c) => (byUnit && columns[c].link === "weights" ? columns[c].shown.map((unit) => [unit]) : [columns[c].shown]);
  const layers = columns.map((_, c) => c).slice(1);
  const back = [...layers].reverse().filter((c) => columns[c].kind !== "given" && !columns[c].moves);
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

const NO_UPDATE = "The update is not in this page, because the optimizer's state would make it too large; to_text() has it.";

class Narration extends ForwardNarration {
  deltas(c, units) {
    const { network } = this;
    const column = network.columns[c];
    const word = `${network.errors ? "error" : "delta"}${units.length > 1 ? "s" : ""}`;
    return {
      phase: "backward",
      title: column.link === "weights" ? `The ${word} of ${this.named(c, units)}` : `The derivative by what ${column.layer.name} is given`,
      shows: keysOf("d", c, units),
      uses: [...keysOf("u", c, units), ...(c < network.last ? this.outgoing(c, units) : ["L"])],
      lines: () => [
        ...this.deltaLines(c, units[0]),
        ...(units.length > 1 ? [few(units.slice(1).map((unit) => `${network.deltaName(c, unit)} = ${number(network.delta(c, unit))}`))] : []),
      ],
    };
  }

  outgoing(c, units) {
    const following = this.network.following(c);
    const next = this.network.columns[following];
    if (next?.link !== "weights") return [];
    return next.shown.flatMap((target) => units.map((unit) => `w/${following}/${target}/${unit}`));
  }

  deltaLines(c, unit) {
    const { network } = this;
    const { results, moves } = network.columns[c];
    const delta = network.delta(c, unit);
    if (delta === undefined) return ["There is no derivative of the row's loss by what the layer is given."];
    if (moves) return [`${network.columns[c].layer.name} passes on what it is given, and its derivative too.`];
    const symbol = network.deltaName(c, unit);
    const pair = this.data.pair;
    if (pair && (pair.logits === results.z || (results.z === null && pair.logits === results.x))) {
      return this.pairLines(c, unit, symbol);
    }
    const [upstream, slope] = ["upstream", "slope"].map((what) => network.value(c, what, unit));
    const sign = network.errors ? -1 : 1;
    if (slope === undefined) return [`${symbol} = ${number(delta)}, through all units${this.data.mixing ? " and rows" : ""} of the layer`];
    if (!close(sign * upstream * slope, delta)) return [`${symbol} = ${number(delta)}, ${BETWEEN}`];
    const [base, out] = [network.baseName(c, unit), network.outName(c, unit)];
    const chain = this.chain(c, unit, sign * upstream);
    const minus = network.errors && !chain ? "−" : "";
    return [
      `${symbol} = ${chain ? `(${chain.symbols})` : `${minus}∂${network.ownLoss}/∂${out}`} · ∂${out}/∂${base}`,
      ...(chain ? [`= (${chain.numbers}) · ${factor(slope)}`] : []),
      `= ${minus}${factor(chain ? sign * upstream : upstream)} · ${factor(slope)}`,
      `= ${number(delta)}`,
    ];
  }

  /** The sum over the units behind: delta·w each, where it is what arrives at the unit. */
  chain(c, unit, arrives) {
    const { network } = this;
    const following = network.following(c);
    const next = network.columns[following];
    if (next?.link !== "weights" || next.names.length > 8 || network.weight(following, 0, unit) === undefined) return null;
    const paths = next.names.map((_, target) => ({
      symbol: `${network.deltaName(following, target)}·${network.weightName(following, target, unit)}`,
      delta: network.delta(following, target), weight: network.weight(following, target, unit),
    }));
    const products = paths.map(({ delta, weight }) => delta * weight);
    if (!close(sumOf(products), arrives, sumOf(products.map(Math.abs)))) return null;
    return {
      symbols: paths.map(({ symbol }) => symbol).join(" + "),
      numbers: paths.map(({ delta, weight }) => `${factor(delta)}·${factor(weight)}`).join(" + "),
    };
  }

  /** The stable pair both ways: factor by factor, and as the one that is computed. */
  pairLines(c, unit, symbol) {
    const { network, training } = this;
    const { pair } = this.data;
    const { names } = network.columns[c];
    const width = names.length;
    const at = (name, k = unit) => training.pair(name).data[network.row * width + k];
    const [a, z] = [network.outName(c, unit), network.baseName(c, unit)];
    const sign = network.errors ? -1 : 1;
    const t = `t${sub(network.columns[c].base[unit])}`;
    const short = network.errors ? `${t} − ${a}` : `${a} − ${t}`;
    const target = training.of(pair.targets).data[network.row * width + unit];
    const numbers = network.errors ? `${number(target)} − ${number(at("p/0"))}` : `${number(at("p/0"))} − ${factor(target)}`;
    let product;
    let line;
    if (pair.link === "sigmoid") {
      product = at("by_p/0") * at("by_logit/0");
      line = `∂ℓ/∂${a} · ∂${a}/∂${z} = ${factor(at("by_p/0"))} · ${factor(at("by_logit/0"))} = ${number(product)}`;
    } else {
      const terms = names.map((_, k) => [at("by_p/0", k), at(`by_logit/${k}`)]);
      product = terms.reduce((sum, [a, b]) => sum + a * b, 0);
      const largest = [...terms].sort(([a, b], [c, d]) => Math.abs(c * d) - Math.abs(a * b));
      const put = few(largest.map(([a, b]) => `${factor(a)}·${factor(b)}`), 4, " + ");
      line = `Σ${sub("k")} ∂ℓ/∂a${sub("k")} · ∂a${sub("k")}/∂${z} = ${put} = ${number(product)}`;
    }
    const lines = [`Factor by factor: ${line}`];
    const delta = network.delta(c, unit);
    const own = sign * at("delta/0");
    const simple = close(sign * (at("p/0") - target), own, Math.abs(target));
    const whole = close(delta, own);
    const together = [whole ? symbol : null, ...(simple ? [short, numbers] : []), number(own)].filter(Boolean).join(" = ");
    lines.push(`Together: ${together}`);
    if (!whole) lines.push(`and the row's loss takes the share that makes it ${symbol} = ${number(delta)}`);
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
    const sources = network.columns[c - 1].shown;
    const wanted = units.flatMap((unit) => [...sources.map((source) => [unit, source]), [unit, "bias"]])
      .filter(([unit, source]) => network.weight(c, unit, source) !== undefined);
    const fixed = wanted.filter(([unit, source]) => network.gradientOf(c, unit, source) === undefined);
    const lines = wanted.filter((one) => !fixed.includes(one)).slice(0, 6).map(([unit, source]) => this.gradientLine(c, unit, source));
    if (wanted.length - fixed.length > 6) lines.push(`and ${wanted.length - fixed.length - 6} more of those that are drawn; click a weight to see its own.`);
    if (fixed.length) lines.push(`${few(fixed.map(([unit, source]) => network.weightName(c, unit, source)))} ${fixed.length > 1 ? "are" : "is"} held fixed.`);
    return lines;
  }

  gradientLine(c, unit, source) {
    const { symbols, numbers, value } = this.gradient(c, unit, source);
    const made = [symbols, numbers].filter(Boolean).map((one) => `${one} = `).join("");
    return `∂${this.L}/∂${this.network.weightName(c, unit, source)} = ${made}${number(value)}${symbols ? "" : `, ${BETWEEN}`}`;
  }

  /** A weight's gradient as a sum over the rows, and what its penalty adds; its symbols where they give it. */
  gradient(c, unit, source) {
    const { network, training } = this;
    const value = network.gradientOf(c, unit, source);
    const products = Array.from({ length: this.data.rows }, (_, row) =>
      (source === "bias" ? 1 : network.value(c, "x", source, row)) * network.value(c, "reported", unit, row));
    const sum = sumOf(products);
    const found = { value, sum, penalty: null, symbols: null, numbers: null };
    if (!close(sum, value, sumOf(products.map(Math.abs)))) {
      const { name } = network.place(c, unit, source);
      if (!training.penalties.some(([penalized]) => penalized === name)) return found;
      found.penalty = value - sum;
    }
    const more = (text) => (found.penalty === null || text === null ? text : `${text} + ${factor(found.penalty)}`);
    const [symbols, numbers] = this.data.rows > 1 ? [this.overRows(c, unit, source), null] : this.product(c, unit, source);
    return { ...found, symbols: more(symbols), numbers: more(numbers) };
  }

  /** Of one row: what comes in times what the loss does with the sum, in symbols and numbers. */
  product(c, unit, source) {
    const { network } = this;
    const name = network.columns[c].names[unit];
    const delta = network.value(c, "reported", unit);
    const shown = Math.abs(delta - network.value(c, "delta", unit)) <= 1e-12 * Math.abs(delta);
    const minus = shown && network.errors ? "−" : "";
    const word = minus + (shown ? network.deltaName(c, unit) : `∂${this.L}/∂z${sub(name)}`);
    if (source === "bias") return [word, null];
    const [x, rest] = [network.valueName(c - 1, source), word.slice(minus.length)];
    return [`${minus}${x}·${rest}`, `${factor(network.value(c, "x", source))}·${factor(delta)}`];
  }

  overRows(c, unit, source) {
    const word = `∂${this.L}/∂z${sub(this.network.columns[c].names[unit])}`;
    return `Σ over ${this.data.rows} rows of ${source === "bias" ? word : `${this.network.valueName(c - 1, source)}·${word}`}`;
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
    const { name, scalars, slots } = this.data.optimizer;
    const after = training.after;
    if (!after) return [NO_UPDATE];
    const simple = name === "SGD" && !slots.length;
    const wanted = units.flatMap((unit) => [...network.columns[c - 1].shown.map((source) => [unit, source]), [unit, "bias"]])
      .filter(([unit, source]) => network.place(c, unit, source)?.trained);
    const keeps = slots.length ? `, which keeps ${slots.join(" and ")} for each weight` : "";
    const lines = [simple ? "new weight = weight − learning rate · gradient" : `${name}${keeps}.`];
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
        if (!this.training.after && !this.training.untouched) return [NO_UPDATE];
        const [before, after] = [this.training.loss, this.training.lossAfter];
        if (!Number.isFinite(after)) return [`${this.L} after the step is not known: ${number(after)}.`];
        const change = after < before ? `lower by ${number(before - after)}` : `higher by ${number(after - before)}`;
        return [`${this.L} = ${number(after)} for the same rows; before the step it was ${number(before)}.`, `It is ${change}.`];
      },
    };
  }
}
