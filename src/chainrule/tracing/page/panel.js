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
      sections.push({ title: network.hasSums(c) ? `${word} of the row` : "Derivative by what it is given", lines: this.narration.deltaLines(c, unit) });
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
    const told = column.layer && (narration.formulasOf(c).value || narration.normalizes(c) || network.looksUp(c) || network.hasSums(c));
    if (told) return narration.passed(c, [unit]);
    const lines = [`${network.valueName(c, unit)} = ${bare(network.value(c, "a", unit))}`];
    if (x !== undefined && !column.moves) lines.push(`of ${network.baseName(c, unit)} = ${bare(x)}`);
    return lines;
  }

  input(c, unit, name) {
    const next = this.network.columns[c + 1];
    const sections = [];
    if (next.link === "weights") {
      const rows = next.shown.map((target) => [
        { text: this.network.weightName(c + 1, target, unit), key: `w/${c + 1}/${target}/${unit}` },
        styled(next.names[target]), number(this.network.weight(c + 1, target, unit)), number(this.network.toldGradient(c + 1, target, unit)),
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
    const rows = this.fewRows((row) => [
      `${row + 1}`, number(network.value(c, base, unit, row)), number(network.value(c, "a", unit, row)),
      number(network.delta(c, unit, row)),
    ]);
    return { title: "Over the rows", table: { head: ["row", base, "a", slope], rows } };
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
      number(network.toldGradient(c, unit, source)),
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
    const { rows } = this.data;
    const all = rows === 1 ? this.narration.allFactorLines(c, unit, source) : [];
    const short = rows === 1 ? { title: "Gradient", lines: [this.narration.gradientLine(c, unit, source)] } : this.gradientOfRows(c, unit, source);
    if (!all.length) return [{ ...short, lines: [...this.narration.rows.reportedLines(c, unit), ...short.lines] }];
    return [{ title: "Gradient: all factors", lines: all }, { ...short, title: `Shorter, with ${this.network.deltaWord}` }];
  }

  /** Row by row: the factors and their product; then what the sum gives. */
  gradientOfRows(c, unit, source) {
    const { network, narration } = this;
    const { rows } = this.data;
    const { value, sum, penalty, symbols } = narration.gradient(c, unit, source);
    const name = network.gradientName(network.weightName(c, unit, source));
    if (!symbols) return { title: "Gradient", lines: [narration.gradientLine(c, unit, source)] };
    const lines = penalty === null ? [] : [`The penalty adds ${bare(penalty)}.`];
    const found = Array.from({ length: rows }, (_, row) => narration.factors(c, unit, source, row));
    const products = found.map((one) => one && one.numbers.reduce((product, factor) => product * factor, 1));
    const from = source === "bias" ? "1" : network.valueName(c - 1, source);
    const total = products.every((one) => one !== null) ? sumOf(products) : NaN;
    const shares = this.data.loss.outputs[0].how === "sum" ? [1, 1 / rows] : [1 / rows, 1];
    const share = shares.find((one) => close(one * total, sum, sumOf(products.map(Math.abs))));
    if (share === undefined) {
      const x = (row) => (source === "bias" ? 1 : network.value(c, "x", source, row));
      const reported = (row) => network.sign * network.value(c, "reported", unit, row);
      const made = this.fewRows((row) => [`${row + 1}`, number(x(row)), number(reported(row)), number(x(row) * reported(row))]);
      return {
        title: "Gradient, row by row", table: { head: ["row", from, narration.reportedName(c, unit), "product"], rows: made },
        lines: [`The sum over ${rows} rows is ${bare(sum)}.`, ...lines, `${name} = ${bare(value)}`],
      };
    }
    const softmax = narration.isPair(c) && this.data.pair.link === "softmax"; // each row has a class of its own
    const z = network.baseName(c, unit);
    const two = softmax ? [network.slopeName(`o${sub("t")}`), `∂o${sub("t")}/∂${z}`] : found[0].names.slice(0, 2);
    const head = ["row", ...two, `${found[0].names[2]}${source === "bias" ? "" : ` = ${from}`}`, "product"];
    const made = this.fewRows((row) => [`${row + 1}`, ...found[row].numbers.map(number), number(products[row])]);
    const mean = share === 1 ? "" : `1/${rows}·`;
    return {
      title: "Gradient, row by row: all factors", table: { head, rows: made },
      lines: [
        `The sum of the products over ${rows} rows is ${bare(total)}.`, ...lines,
        `${name} = ${narration.withPenalty(`${mean}${factor(total)}`, penalty)} = ${bare(value)}`,
      ],
    };
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
    const found = this.network.targetsOfRow()[index];
    return {
      title: `Target ${found.name}${this.network.className(found)}`, over: this.rowWords(),
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
    const fields = this.network.targetsOfRow().slice(0, 12).map(({ name, what, labels }) => ({ label: name, what, whole: labels }));
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
