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
  const learns = (c) => (narration.normalizes(c) ? new Normalization(narration, c) : new OwnParameters(narration, c)).learns;
  const learning = [...layers].reverse().filter((c) => weights.includes(c) || learns(c));
  return [
    narration.inputs(),
    ...layers.flatMap((c) =>
      columns[c].link === "weights"
        ? groups(c).flatMap((group) => [narration.sums(c, group), narration.activations(c, group)])
        : [narration.plainLayer(c)],
    ),
    narration.loss(),
    ...each(back, (c, group) => narration.deltas(c, group)),
    ...each(learning, (c, group) => narration.gradients(c, group)),
    ...each(learning.filter((c) => !narration.normalizes(c)).sort((a, b) => a - b), (c, group) => narration.updates(c, group)),
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
      title: network.hasSums(c) ? `The ${word} of ${this.named(c, units)}` : `The derivative by what ${column.layer.name} is given`,
      shows: keysOf("d", c, units),
      uses: [...keysOf("u", c, units), ...(c < network.last ? this.outgoing(c, units) : ["L"])],
      lines: () => this.throughLines(c, units) ?? [
        ...this.deltaLines(c, units[0]),
        few(units.slice(1).filter((unit) => network.delta(c, unit) !== undefined)
          .map((unit) => `${network.deltaName(c, unit)} = ${bare(network.delta(c, unit))}`)),
      ].filter(Boolean),
    };
  }

  outgoing(c, units) {
    const { columns } = this.network;
    const led = units.map((unit) => this.network.leads(c, unit)).filter((one) => columns[one?.c]?.link === "weights");
    return led.flatMap((one) => columns[one.c].shown.map((target) => `w/${one.c}/${target}/${one.source}`));
  }

  deltaLines(c, unit) {
    const { network } = this;
    const { moves } = network.columns[c];
    const through = this.throughLines(c, [unit]);
    if (through) return through;
    const delta = network.delta(c, unit);
    if (delta === undefined) return this.withoutDelta(c, unit);
    if (moves) return [`${network.columns[c].layer.name} passes on what it is given, and its derivative too.`];
    const symbol = network.deltaName(c, unit);
    if (this.isPair(c)) return network.mixing.ofTwo ? [network.mixing.pairLine(c, unit, symbol)] : this.pairLines(c, unit, symbol);
    if (this.normalizes(c)) return new Normalization(this, c).backwardLines(unit);
    if (network.mixing.mixes(c)) return network.mixing.backwardLines(c, unit, this);
    const [upstream, slope] = ["upstream", "slope"].map((what) => network.value(c, what, unit));
    const own = c === network.end ? OwnLoss.of(network)?.formulas("slopes") ?? [] : [];
    if (slope === undefined) return [...this.rows.sharesLines(c, unit), ...this.meanings(...own)];
    if (!close(network.sign * upstream * slope, delta)) return [`${symbol} = ${bare(delta)}, ${BETWEEN}`];
    return [...this.factorLines(c, unit), this.deltaLine(c, unit), ...this.meanings(this.formulasOf(c).slope, ...own)];
  }

  /** From what units give back to what a layer of the user's own, or one of more or fewer numbers, is given;
   *  null of others. */
  throughLines(c, units) {
    const { network } = this;
    const own = OwnLayer.of(this, c);
    if (own?.hasSlopes) return own.backwardLines(units);
    if (!network.isOfOthers(c)) return null;
    const given = network.columns[c - 1].shown.map((unit) => {
      const delta = network.sign * network.value(c, "delta", unit);
      return `${network.slopeName(network.valueName(c - 1, unit))} = ${bare(delta)}, through all units${network.columns[c].layer.mixes ? " and rows" : ""} of the layer`;
    });
    return [...new Set(units.flatMap((unit) => this.upstreamLines(c, unit))), ...given];
  }

  /** Whether a column's delta is that of the stable pair with the loss. */
  isPair(c) {
    const { pair } = this.data;
    const { z, x } = this.network.columns[c].results;
    return pair !== null && c === this.network.end && pair.from.includes(z ?? x);
  }

  /** What arrives at a unit in a row, its slope, and the output between, where these make its delta. */
  bothFactors(c, unit, row) {
    const { network, training } = this;
    const width = network.columns[c].names.length;
    const [upstream, slope, delta] = ["upstream", "slope", "delta"].map((what) => network.value(c, what, unit, row));
    const own = { upstream, slope, out: network.valueName(c, unit) };
    if (this.isPair(c)) {
      if (network.mixing.ofTwo) return null;
      const { link, targets } = this.data.pair;
      const counted = network.outputs.classesOf(unit).filter((k) => training.of(targets).data[row * width + k] !== 0);
      const k = link === "sigmoid" ? unit : counted[0]; // of classes only one may have a target
      if (k === undefined || (link === "softmax" && counted.length > 1)) return null;
      own.upstream = training.pair("by_p/0").data[row * width + k] / network.outputs.pairPart;
      own.slope = training.pair(`by_logit/${link === "sigmoid" ? 0 : network.outputs.classesOf(unit).indexOf(k)}`).data[row * width + unit];
      own.out = this.data.formulas.loss ? network.outputs.output(k, row).name : network.valueName(c, k);
    }
    return own.upstream !== undefined && own.slope !== undefined && close(own.upstream * own.slope, delta) ? own : null;
  }

  /** Of codes and the like only what arrives at the layer is told. */
  withoutDelta(c, unit) {
    const known = this.network.value(c, "upstream", unit) !== undefined;
    return ["There is no derivative of the row's loss by what the layer is given.", ...(known ? this.upstreamLines(c, unit) : [])];
  }

  /** Delta as the product of what arrives from behind and the activation's slope. */
  deltaLine(c, unit) {
    const { network } = this;
    const [upstream, slope] = ["upstream", "slope"].map((what) => network.value(c, what, unit));
    const [base, out] = [network.baseName(c, unit), network.valueName(c, unit)];
    const [symbol, delta] = [network.deltaName(c, unit), bare(network.delta(c, unit))];
    if (this.isPlain(c, unit)) return `${symbol} = ${network.slopeName(out)} = ${delta}`;
    const arrives = network.sign * upstream;
    return `${symbol} = ${network.slopeName(out)}·∂${out}/∂${base} = ${factor(arrives)}·${factor(slope)} = ${delta}`;
  }

  /** Whether a unit gives its sum as it is. */
  isPlain(c, unit) {
    const { layer } = this.network.columns[c];
    return (layer.activation ?? "linear") === "linear" && !["Dropout", "PReLU"].includes(layer.builtIn)
      && this.network.value(c, "slope", unit) === 1;
  }

  /** A line for each of both factors: from the loss or over the paths behind, and the slope. */
  factorLines(c, unit) {
    const { network } = this;
    const slope = network.value(c, "slope", unit);
    const [base, out] = [network.baseName(c, unit), network.valueName(c, unit)];
    const tree = this.formulasOf(c).slope;
    const lines = this.upstreamLines(c, unit);
    if (!this.isPlain(c, unit)) lines.push(equationLine(`∂${out}/∂${base}`, tree, this.symbolsOf(c, unit), slope));
    return lines;
  }

  /** The derivative of the loss by what a unit gives, after those within a loss of the user's own. */
  upstreamLines(c, unit) {
    const own = c === this.network.end ? OwnLoss.of(this.network) : null;
    return own ? own.backwardLines(unit) : [this.upstreamLine(c, unit)].filter(Boolean);
  }

  /** The derivative of the loss by what a unit gives; none where the column behind has told it. */
  upstreamLine(c, unit) {
    const { network } = this;
    const name = network.slopeName(network.valueName(c, unit));
    const arrives = network.sign * network.value(c, "upstream", unit);
    if (c === network.end) {
      const symbols = network.outputs.symbols();
      const tree = network.outputs.slopeTree(unit);
      return equationLine(name, tree && simplified(tree, symbols), symbols, arrives, "through the operations of the loss");
    }
    const chain = this.chain(c, unit, arrives);
    if (chain) return `${name} = ${chain.symbols} = ${chain.numbers} = ${bare(arrives)}`;
    const next = network.following(c);
    const apart = network.columns[next] && (OwnLayer.of(this, next)?.hasSlopes || network.isOfOthers(next));
    const told = apart || (network.columns[next]?.link === "same" && network.deltaName(next, unit) === name);
    return told ? null : `${name} = ${bare(arrives)}, through the layers that follow`;
  }

  /** The sum over the units behind: delta·w each, where it is what arrives at the unit; of many the largest. */
  chain(c, unit, arrives) {
    const { network } = this;
    const led = network.leads(c, unit);
    if (led === null || network.weight(led.c, led.targets[0], led.source) === undefined) return null;
    const paths = led.targets.map((target) => {
      const [delta, weight] = [network.delta(led.c, target), network.weight(led.c, target, led.source)];
      const symbol = `${network.deltaName(led.c, target)}·${network.weightName(led.c, target, led.source)}`;
      return { symbol, number: `${factor(delta)}·${factor(weight)}`, product: delta * weight };
    });
    const products = paths.map(({ product }) => product);
    if (!close(sumOf(products), arrives, sumOf(products.map(Math.abs)))) return null;
    if (paths.length > 8) {
      paths.sort((one, other) => Math.abs(other.product) - Math.abs(one.product));
      const rest = paths.splice(5);
      paths.push({ symbol: leftOut(rest.length), number: sumLeftOut(sumOf(rest.map(({ product }) => product))) });
    }
    return { symbols: paths.map(({ symbol }) => symbol).join(" + "), numbers: paths.map((one) => one.number).join(" + ") };
  }

  /** The stable pair both ways: as the one that is computed, and factor by factor. */
  pairLines(c, unit, symbol) {
    const { network } = this;
    const { symbols } = this.inPair(c, unit);
    const [o, t] = [`o/${unit}`, `t/${unit}`];
    const apart = network.errors ? ["+", t, ["−", o]] : ["+", o, ["−", t]];
    const together = equationLine(symbol, partOf(apart, network.outputs.pairPart), symbols, network.delta(c, unit));
    const lines = [`${together}, as training computes both together`];
    const parts = this.pairParts(c, unit);
    if (!Number.isFinite(parts.product)) {
      return [...lines, "The factors have no finite product here: that is why training computes both as one."];
    }
    if (!close(parts.product, network.delta(c, unit))) return lines;
    return [...lines, "By its factors:", ...parts.lines, "Training computes both as one, which stays finite where an output is 0 or 1 by rounding."];
  }

  /** Names and numbers of the pair's outputs and targets in the row, and the numbers of its parts. */
  inPair(c, unit) {
    const { network, training } = this;
    const width = network.columns[c].names.length;
    const at = (name, k = unit) => training.pair(name).data[network.row * width + k];
    const targets = Array.from({ length: width }, (_, k) => training.of(this.data.pair.targets).data[network.row * width + k]);
    const told = network.outputs.symbols();
    const symbols = (key) => (key.startsWith("t/") ? { name: told(key)?.name ?? "t", value: targets[key.slice(2)] }
      : { name: told(key)?.name ?? network.valueName(c, unit), value: at("p/0", Number(key.slice(2))) });
    return { symbols, at, targets };
  }

  pairParts(c, unit) {
    const { symbols, at, targets } = this.inPair(c, unit);
    return this.data.pair.link === "sigmoid" ? this.sigmoidParts(c, unit, symbols, at) : this.softmaxParts(c, unit, symbols, at, targets);
  }

  /** What the loss takes of each output, and the sigmoid's slope. */
  sigmoidParts(c, unit, symbols, at) {
    const { network } = this;
    const [o, z] = [symbols(`o/${unit}`).name, network.baseName(c, unit)];
    const [arrives, slope] = [(network.sign * at("by_p/0")) / network.outputs.pairPart, at("by_logit/0")];
    const [own, t] = [`o/${unit}`, `t/${unit}`];
    const top = network.errors ? ["+", t, ["−", own]] : ["+", own, ["−", t]];
    const tree = partOf(["/", top, ["·", own, ["+", 1, ["−", own]]]], network.outputs.pairPart);
    return {
      product: arrives * slope,
      lines: [
        equationLine(network.slopeName(o), tree, symbols, arrives),
        equationLine(`∂${o}/∂${z}`, ["·", own, ["+", 1, ["−", own]]], symbols, slope),
        `${network.deltaName(c, unit)} = ${network.slopeName(o)}·∂${o}/∂${z} = ${factor(arrives)}·${factor(slope)} = ${bare(arrives * slope)}`,
      ],
    };
  }

  /** The sum over the classes whose target is not 0. */
  softmaxParts(c, unit, symbols, at, targets) {
    const { network } = this;
    const z = network.baseName(c, unit);
    const classes = network.outputs.classesOf(unit);
    const terms = classes.filter((k) => targets[k] !== 0).map((k) => ({
      k, name: symbols(`o/${k}`).name, arrives: (network.sign * at("by_p/0", k)) / network.outputs.pairPart, slope: at(`by_logit/${classes.indexOf(k)}`),
    }));
    const product = sumOf(terms.map(({ arrives, slope }) => arrives * slope));
    const lines = terms.slice(0, 3).flatMap(({ k, name, arrives, slope }) => {
      const share = ["/", `t/${k}`, `o/${k}`];
      const local = k === unit ? ["·", `o/${k}`, ["+", 1, ["−", `o/${k}`]]] : ["−", ["·", `o/${k}`, `o/${unit}`]];
      return [
        equationLine(network.slopeName(name), partOf(network.errors ? share : ["−", share], network.outputs.pairPart), symbols, arrives),
        equationLine(`∂${name}/∂${z}`, local, symbols, slope),
      ];
    });
    const joined = (make) => few(terms.map(make), 3, " + ").replaceAll("+ −", "− ");
    const told = [joined(({ name }) => `${network.slopeName(name)}·∂${name}/∂${z}`)];
    if (terms.length <= 3) told.push(joined(({ arrives, slope }) => `${factor(arrives)}·${factor(slope)}`));
    return { product, lines: [...lines, `${network.deltaName(c, unit)} = ${told.join(" = ")} = ${bare(product)}`] };
  }

  gradients(c, units) {
    if (this.normalizes(c)) return new Normalization(this, c).gradientMoment(units);
    if (this.network.columns[c].link !== "weights") return new OwnParameters(this, c).gradientMoment(units);
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
    if (lines.length) lines.unshift(...this.rows.reportedLines(c, units[0]));
    if (wanted.length - fixed.length > 6) lines.push(`and ${wanted.length - fixed.length - 6} more of those that are drawn; click a weight to see its own.`);
    if (fixed.length) lines.push(`${few(fixed.map(([unit, source]) => network.weightName(c, unit, source)))} ${fixed.length > 1 ? "are" : "is"} held fixed.`);
    return lines;
  }

  gradientLine(c, unit, source) {
    return this.toldSum(this.network.gradientName(this.network.weightName(c, unit, source)), this.gradient(c, unit, source));
  }

  toldSum(name, { symbols, numbers, value }) {
    const made = [symbols, numbers].filter(Boolean).map((one) => `${one} = `).join("");
    return `${name} = ${made}${bare(value)}${symbols ? "" : `, ${BETWEEN}`}`;
  }

  /** A weight's gradient as a sum over the rows, and what its penalty adds; its symbols where they give it.
   *  Of a reader who writes errors all is minus the gradient. */
  gradient(c, unit, source) {
    const { network } = this;
    const factorAt = (row) => ({ name: network.valueName(c - 1, source), value: network.value(c, "x", source, row) });
    const { name } = network.place(c, unit, source);
    return this.summed(c, unit, name, network.toldGradient(c, unit, source), { factorAt: source === "bias" ? null : factorAt });
  }

  /** A gradient as the sum over the rows of a factor times the derivative by a sum, or by what a unit gives. */
  summed(c, unit, parameter, value, { sums = true, factorAt = null }) {
    const { rows } = this;
    const { reportedAt } = rows.end(c, unit, sums);
    const products = rows.all.map((row) => (factorAt ? factorAt(row).value : 1) * reportedAt(row));
    const sum = sumOf(products);
    const found = { value, sum, penalty: null, symbols: null, numbers: null };
    if (!close(sum, value, sumOf(products.map(Math.abs)))) {
      if (!this.training.penalties.some(([penalized]) => penalized === parameter)) return found;
      found.penalty = value - sum;
    }
    const product = sums && rows.count === 1;
    const [symbols, numbers] = product ? this.product(c, unit, factorAt) : rows.gradient(c, unit, sums, factorAt);
    return { ...found, symbols: this.withPenalty(symbols, found.penalty), numbers: this.withPenalty(numbers, found.penalty) };
  }

  withPenalty(text, penalty) {
    return penalty === null || text === null ? text : `${text} + ${factor(penalty)}`;
  }

  /** The derivative of the loss by a sum: with one row delta, where the row's loss is the loss. */
  reportedName(c, unit) {
    const { network } = this;
    const [reported, delta] = ["reported", "delta"].map((what) => network.value(c, what, unit));
    const shown = this.data.rows === 1 && Math.abs(reported - delta) <= 1e-12 * Math.abs(delta);
    return shown ? network.deltaName(c, unit) : network.gradientName(`z${sub(network.columns[c].names[unit])}`);
  }

  /** Of one row: what comes in times what the loss does with the sum, in symbols and numbers. */
  product(c, unit, factorAt) {
    const { network } = this;
    const word = this.reportedName(c, unit);
    if (factorAt === null) return [word, null];
    const { name, value } = factorAt(0);
    const told = network.sign * network.value(c, "reported", unit);
    const pairs = [[name, factor(value)], [word, factor(told)]];
    if (this.data.form !== "rows") pairs.reverse();
    return [0, 1].map((n) => pairs.map((pair) => pair[n]).join("·"));
  }

  updates(c, units) {
    if (this.network.columns[c].link !== "weights") return new OwnParameters(this, c).updateMoment(units);
    const edges = this.edges(c, units);
    return {
      phase: "update", title: `The new weights of ${this.named(c, units)}`,
      shows: [...edges.map((key) => `n${key.slice(1)}`), ...keysOf("nb", c, units)], uses: [...edges, ...keysOf("b", c, units)],
      lines: () => this.updateLines(c, units),
    };
  }

  updateLines(c, units) {
    const { network, training } = this;
    const { name, slots } = this.data.optimizer;
    if (!training.after) return [NO_UPDATE];
    const wanted = units.flatMap((unit) => [...network.columns[c - 1].shown.map((source) => [unit, source]), [unit, "bias"]])
      .filter(([unit, source]) => network.place(c, unit, source)?.trained);
    const rule = new Rule(this);
    const keeps = slots.length ? `, which keeps ${slots.join(" and ")} for each weight` : "";
    const lines = slots.length ? [`${name}${keeps}.`] : [];
    wanted.slice(0, 6).forEach(([unit, source], n) => {
      const told = rule.lines(c, unit, source);
      lines.push(...(n === 0 || !slots.length ? told : told.slice(-1)));
    });
    if (wanted.length > 6) lines.push(`and ${wanted.length - 6} more of those that are drawn; click a weight to see its own.`);
    return [...lines, ...rule.stepLines()];
  }

  /** Why the next step that was traced begins with another loss than this one ends with. */
  nextDraw(after) {
    const { drawn, state, untouched, traced } = this.training;
    const next = state.made + 1;
    if (!this.data.drawn || !(untouched ? next < this.data.steps : drawn.has(next))) return [];
    const begins = untouched ? `that was traced draws anew, and so it begins with ${this.L} = ${bare(traced[next])}` : "draws anew, and so it begins with another loss";
    return [`Both are with what was drawn by chance for this step. The next step ${begins} and not with ${bare(after)}.`];
  }

  lossAfter() {
    return {
      phase: "update", title: "The loss after the step", shows: ["after"], uses: ["L"],
      lines: () => {
        if (!this.training.after && !this.training.untouched) return [NO_UPDATE];
        const [before, after] = [this.training.loss, this.training.lossAfter];
        if (!Number.isFinite(after)) return [`${this.L} after the step is not known: ${bare(after)}.`];
        const change = after < before ? `lower by ${bare(before - after)}` : `higher by ${bare(after - before)}`;
        return [`${this.L} = ${bare(after)} for the same rows; before the step it was ${bare(before)}.`, `It is ${change}.`, ...this.nextDraw(after)];
      },
    };
  }
}
