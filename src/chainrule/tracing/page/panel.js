// What stands beside the drawing when something is chosen: its factors, fields to change it.
// A panel is {title, over, fields: [{label, what}], sections: [{title, lines, table, check}]}.

function networkPanel(network, key) {
  const [letter, ...numbers] = key.split("/");
  const [c, unit, source] = numbers.map(Number);
  const panel = new NetworkPanel(network);
  if (letter === "u") return panel.unit(c, unit);
  if (letter === "w") return panel.weight(c, unit, source);
  if (letter === "b") return panel.weight(c, unit, "bias");
  if (letter === "p") return panel.own(c, unit, source);
  return letter === "t" ? panel.target(c) : panel.loss();
}

class NetworkPanel {
  constructor(network) {
    this.network = network;
    this.training = network.training;
    this.data = network.data;
    this.narration = new Narration(network);
  }

  unit(c, unit) {
    const { network } = this;
    const column = network.columns[c];
    const name = column.names[unit];
    if (column.kind === "inputs") return this.input(c, unit, name);
    const sections = [];
    if (column.link === "weights") {
      sections.push({ title: "Weighted sum", lines: this.narration.sum(c, unit) });
      sections.push({ title: "Activation", lines: this.narration.activation(c, unit) });
    } else {
      sections.push({ title: "What it gives", lines: this.given(c, unit) });
    }
    if (column.kind !== "given") {
      const word = network.errors ? "Error" : "Delta";
      sections.push({ title: network.hasSums(c) ? `${word} of the row` : "Derivative by what the layer is given", lines: this.narration.deltaLines(c, unit) });
      sections.push(this.rowsOfUnit(c, unit));
    }
    if (column.link === "weights") sections.push(this.weightsOf(c, unit));
    else sections.push(...new OwnParameters(this.narration, c).sections(unit), ...this.gradientsOfNormal(c, unit));
    return { title: `Unit ${styled(name)}`, over: `${column.title}${column.detail ? `, ${column.detail}` : ""}`, fields: [], sections };
  }

  /** What a layer without weights gives, by its formula where it has one. */
  given(c, unit) {
    const { network } = this;
    const column = network.columns[c];
    const x = column.layer && network.baseValue(c, unit);
    const { narration } = this;
    const told = column.layer && (narration.formulasOf(c).value || narration.normalizes(c) || network.looksUp(c) || network.mixing.mixes(c) || network.hasSums(c) || narration.sharesOut(c) || OwnLayer.of(narration, c));
    if (told) return narration.passed(c, [unit]);
    const lines = [`${network.valueName(c, unit)} = ${bare(network.value(c, "a", unit))}`];
    if (x !== undefined && !column.moves && !network.isOfOthers(c)) lines.push(`of ${network.baseName(c, unit)} = ${bare(x)}`);
    return lines;
  }

  input(c, unit, name) {
    const next = this.network.columns[c + 1];
    const sections = [];
    if (next.link === "weights") {
      const rows = next.shown.map((target) => [
        { text: this.network.weightName(c + 1, target, unit), key: `w/${c + 1}/${target}/${unit}` },
        styled(next.names[target]), number(this.network.weight(c + 1, target, unit)), gradientCell(this.network.toldGradient(c + 1, target, unit)),
      ]);
      sections.push({ title: "Weights that leave it", table: { head: ["weight", "to", "value", this.network.gradientName()], rows } });
    }
    return { title: `Input ${styled(name)}`, over: this.rowWords(), fields: [{ label: this.network.valueName(c, unit), what: this.network.inputPlace(c, unit) }], sections };
  }

  rowWords() {
    return this.data.rows > 1 ? `row ${this.network.row + 1} of ${this.data.rows}` : "";
  }

  /** Row by row: what the unit gives and what the loss makes of it. */
  rowsOfUnit(c, unit) {
    const { network } = this;
    if (this.data.rows === 1) return { title: "", lines: [] };
    const [base, slope] = network.hasSums(c) ? ["z", network.deltaWord] : ["x", network.givenWord];
    const value = (what, row) => number(network.value(c, what, unit, row));
    const gives = network.isOwn(c) && network.givesSlope(c, unit) !== undefined;
    const made = network.isOwn(c) ? [
      ["a", (row) => value("a", row)], ...(gives ? [[network.slopeName("a"), (row) => number(network.givesSlope(c, unit, row))]] : []),
    ] : [
      [base, (row) => value(base, row)], ["a", (row) => value("a", row)], [slope, (row) => number(network.delta(c, unit, row))],
    ];
    const rows = this.fewRows((row) => [`${row + 1}`, ...made.map(([, of]) => of(row))]);
    return { title: "Over the rows", table: { head: ["row", ...made.map(([name]) => name)], rows } };
  }

  fewRows(make) {
    const most = 20;
    const rows = Array.from({ length: Math.min(this.data.rows, most) }, (_, row) => make(row));
    if (this.data.rows > most) rows.push([`and ${this.data.rows - most} more`]);
    return rows;
  }

  weightsOf(c, unit) {
    const { network } = this;
    const sources = network.columns[c - 1].shown;
    const bias = network.weight(c, unit, "bias") === undefined ? [] : ["bias"];
    const rows = [...sources, ...bias].map((source) => [
      { text: network.weightName(c, unit, source), key: source === "bias" ? `b/${c}/${unit}` : `w/${c}/${unit}/${source}` },
      source === "bias" ? "1" : number(network.value(c, "x", source)),
      number(network.weight(c, unit, source)),
      gradientCell(network.toldGradient(c, unit, source)),
    ]);
    const left = network.columns[c - 1].names.length - sources.length;
    const title = left > 0 ? `Its weights (${left.toLocaleString("en")} more from inputs that are not drawn)` : "Its weights";
    return { title, table: { head: ["weight", "input", "value", this.network.gradientName()], rows } };
  }

  gradientsOfNormal(c, unit) {
    if (!this.narration.normalizes(c)) return [];
    const lines = new Normalization(this.narration, c).gradientLines(unit);
    return lines.length ? [{ title: "Gradients of γ and β", lines }] : [];
  }

  weight(c, unit, source) {
    const { network } = this;
    const bias = source === "bias";
    const name = network.weightName(c, unit, source);
    const to = styled(network.columns[c].names[unit]);
    const place = network.place(c, unit, source);
    const sections = [];
    if (place.trained) {
      sections.push(...this.gradient(c, unit, source), this.rule(c, unit, source));
      if (this.training.editable) sections.push({ title: "Checked by measuring", check: place.place });
    } else {
      sections.push({ title: "", lines: [`${name} is held fixed: no update reaches it.`] });
    }
    const from = bias ? `bias of ${to}` : `from ${styled(network.columns[c - 1].names[source])} to ${to}`;
    return { title: `${bias ? "Bias" : "Weight"} ${name}`, over: `${from}, in ${place.name}`, fields: [{ label: name, what: { place: place.place } }], sections };
  }

  /** The gradient as the product of all its factors, then the short form with delta. */
  gradient(c, unit, source) {
    const { narration } = this;
    const { rows } = this.data;
    if (rows > 1) return [this.gradientOfRows(c, unit, source)];
    const all = this.allFactorLines(c, unit, source);
    const [reported, line] = [narration.rows.reportedLines(c, unit), narration.gradientLine(c, unit, source)];
    if (!all.length) return [{ title: "Gradient", lines: [...reported, line] }];
    const lines = [...reported.slice(-1), line]; // how it comes about is among all factors
    return [{ title: "Gradient: all factors", lines: all }, { title: `Shorter, with ${this.network.deltaWord}`, lines }];
  }

  /** Row by row: the factors and their product; then what the sum gives. */
  gradientOfRows(c, unit, source) {
    const { network, narration } = this;
    const { value, penalty, symbols } = narration.gradient(c, unit, source);
    const name = network.gradientName(network.weightName(c, unit, source));
    const reported = narration.rows.reportedLines(c, unit);
    if (!symbols) return { title: "Gradient", lines: [...reported, narration.gradientLine(c, unit, source)] };
    const { title, head, made, products, divisor = 1, said = [] } = this.factorsOfRows(c, unit, source) ?? this.slopesOfRows(c, unit, source);
    const total = sumOf(products);
    const part = divisor === 1 ? bare(total) : `1/${divisor}·${factor(total)}`;
    const sides = divisor === 1 && penalty === null ? [] : [narration.withPenalty(part, penalty)];
    return {
      title, table: { head: ["row", ...head, "product"], rows: this.fewRows((row) => [`${row + 1}`, ...made(row).map(number), number(products[row])]) },
      lines: [
        ...said, ...reported, `The sum of the products over ${this.data.rows} rows is ${bare(total)}.`,
        ...(penalty === null ? [] : [`The penalty adds ${bare(penalty)}.`]),
        [name, ...sides, bare(value)].join(" = "),
      ],
    };
  }

  /** What is given times the derivative of the loss by the sum, row by row. */
  slopesOfRows(c, unit, source) {
    const { network, narration } = this;
    const from = source === "bias" ? "1" : network.valueName(c - 1, source);
    const made = (row) => [source === "bias" ? 1 : network.value(c, "x", source, row), network.sign * network.value(c, "reported", unit, row)];
    const products = narration.rows.all.map((row) => made(row).reduce((product, one) => product * one));
    return { title: "Gradient, row by row", head: [from, narration.reportedName(c, unit)], made, products };
  }

  /** All factors row by row, with the rows' shares where these differ; null where they are not known. */
  factorsOfRows(c, unit, source) {
    const { network, narration, data } = this;
    const { rows } = narration;
    const taken = rows.taken(c, unit);
    const found = rows.all.map((row) => this.factors(c, unit, source, row));
    if (taken === null || found.includes(null)) return null;
    const { shares, added, how } = taken;
    const softmax = narration.isPair(c) && data.pair.link === "softmax"; // each row has a class of its own
    const z = network.baseName(c, unit);
    const [by, slope, last] = softmax ? [network.slopeName(`o${sub("t")}`), `∂o${sub("t")}/∂${z}`, found[0].names[2]] : found[0].names;
    const [own, also] = [rows.weights ? ["s"] : [], added ? [`∂penalty/∂${z}`] : []];
    const made = (row) => {
      const [arrives, local, given] = found[row].numbers;
      return [...own.map(() => shares[row]), arrives, local, ...also.map(() => added[row]), given];
    };
    const divisor = rows.divisorOf(how);
    const share = rows.weights ? "s·" : divisor === 1 ? "" : `1/${divisor}·`;
    return {
      title: "Gradient, row by row: all factors", made,
      head: [...own, by, slope, ...also, `${last}${source === "bias" ? "" : ` = ${network.valueName(c - 1, source)}`}`],
      divisor: rows.weights || added ? 1 : divisor,
      products: rows.all.map((row) => this.productOf(found[row].numbers, rows.weights || added ? shares[row] : 1, added?.[row])),
      said: [
        ...(softmax ? [`Here ${styled("o_t")} is what the unit of the row's own class gives.`] : []),
        ...(added ? [`product = (${share}${by}·${slope} ${network.errors ? "−" : "+"} ${also[0]})·${last}`] : []),
      ],
    };
  }

  /** Of a weight in a row: what arrives at its unit, the activation's slope, and what comes in, as names
   *  and numbers; null where these are not all factors. */
  factors(c, unit, source, row = this.network.row) {
    const { network } = this;
    const found = this.narration.bothFactors(c, unit, row);
    if (found === null) return null;
    const { upstream, slope, out } = found;
    const base = network.baseName(c, unit);
    return {
      names: [network.slopeName(out), `∂${out}/∂${base}`, `∂${base}/∂${network.weightName(c, unit, source)}`],
      numbers: [network.sign * upstream, slope, source === "bias" ? 1 : network.value(c, "x", source, row)],
    };
  }

  /** All factors of a row, with its share in the loss and what penalties on activities add. */
  productOf([arrives, slope, given], share = 1, added = 0) {
    return (share * arrives * slope + this.network.sign * added) * given;
  }

  /** One row's gradient as the product of all its factors, each with a line of its own. */
  allFactorLines(c, unit, source) {
    const { network, narration } = this;
    const { rows } = narration;
    const { value, penalty, symbols } = narration.gradient(c, unit, source);
    const found = this.factors(c, unit, source);
    const taken = rows.taken(c, unit);
    if (!found || !symbols || !taken) return [];
    const { names, numbers } = found;
    const [share, added] = [taken.shares[0], taken.added?.[0]];
    if (!close(this.productOf(numbers, share, added) + (penalty ?? 0), value)) return [];
    const x = source === "bias" ? bare(1) : `${network.valueName(c - 1, source)} = ${bare(numbers[2])}`;
    const [told, put] = [
      this.productText(names, rows.weights && "s", added && `∂penalty/∂${network.baseName(c, unit)}`),
      this.productText(numbers.map(factor), rows.weights && factor(share), added && factor(added)),
    ].map((text) => narration.withPenalty(text, penalty));
    return [
      `${network.gradientName(network.weightName(c, unit, source))} = ${told}`, `= ${put}`, `= ${bare(value)}`, "where",
      ...(rows.weights ? [rows.shareLine(0, false, taken.how)] : []),
      ...(narration.isPair(c) ? narration.pairParts(c, unit).lines.slice(0, -1) : narration.factorLines(c, unit)),
      ...(!narration.isPair(c) && narration.isPlain(c, unit) ? [`${names[1]} = ${bare(1)}`] : []),
      ...(added ? rows.penaltyLines(c, unit, true) : []), `${names[2]} = ${x}`,
    ];
  }

  productText([arrives, slope, given], share, added) {
    const own = [...(share ? [share] : []), arrives, slope].join("·");
    return added ? `(${own} ${this.network.errors ? "−" : "+"} ${added})·${given}` : `${own}·${given}`;
  }

  /** A number of a layer whose weights are no lines of the drawing, by its place in its parameter. */
  own(c, segment, element) {
    const { narration } = this;
    const [path, start] = this.data.segments[segment];
    const own = new OwnParameters(narration, c);
    const parameter = path.slice(path.lastIndexOf("/") + 1);
    const name = own.name(parameter, element);
    const place = start + element;
    const gradient = narration.normalizes(c)
      ? new Normalization(narration, c).gradientLines(element) : [own.gradientLine(parameter, element)];
    const sections = [{ title: "Gradient", lines: gradient }, this.update((rule) => rule.told(own.numberOf(rule, parameter, element)))];
    if (this.training.editable) sections.push({ title: "Checked by measuring", check: place });
    return { title: `Weight ${name}`, over: `in ${path}`, fields: [{ label: name, what: { place } }], sections };
  }

  /** The optimizer's rule on this number, line by line. */
  rule(c, unit, source) {
    return this.update((rule) => rule.lines(c, unit, source));
  }

  update(linesBy) {
    const title = `The update by ${this.data.optimizer.name}`;
    if (!this.training.after) return { title, lines: [NO_UPDATE] };
    const rule = new Rule(this.narration);
    return { title, lines: [...linesBy(rule), ...rule.stepLines()] };
  }

  target(index) {
    const found = this.network.outputs.targets()[index];
    return {
      title: `Target ${found.name}${this.network.outputs.className(found)}`, over: this.rowWords(),
      fields: [{ label: found.name, what: found.what, whole: found.labels }],
      sections: [{ title: "The loss", lines: this.narration.lossLines() }],
    };
  }

  loss() {
    const { training } = this;
    const sections = [{ title: "How it is made", lines: this.narration.lossLines() }];
    if (this.data.rows > 1) {
      const rows = this.fewRows((row) => [`${row + 1}`, number(training.rowLosses[row])]);
      sections.push({ title: "Each row's own loss", table: { head: ["row", "ℓ"], rows } });
    }
    sections.push({ title: "After the step", lines: this.narration.lossAfter().lines() });
    const fields = this.network.outputs.targets().slice(0, 12).map(({ name, what, labels }) => ({ label: name, what, whole: labels }));
    return { title: `Loss ${this.data.loss.name}`, over: this.data.loss.outputs.map(({ rule }) => rule).join(", "), fields, sections };
  }
}

const SIGNS = { add: " + ", subtract: " − ", multiply: " · ", divide: " / " };

/** An operation on words: a + b, or name(a, b). */
function called(operation, words) {
  if (operation in SIGNS) return words.join(SIGNS[operation]);
  if (operation === "power") return `${words[0]} ^ ${words[1]}`;
  return `${operation}(${words.map((word) => word.replace(/^\((−[^()]*)\)$/, "$1")).join(", ")})`;
}
