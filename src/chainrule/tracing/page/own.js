// Parameters of layers whose weights are no lines of the drawing: what each number is called, which
// belong to a unit, where each is used, and the sum of its uses that is its gradient.

const MOST_OWN = 12; // numbers of a parameter in a panel
const MOST_TOLD = 6; // gradients of a moment
const MOST_REPORTED = 4; // units whose derivative of the loss is told, where shares do not give it
const LETTERS = { gamma: "γ", beta: "β" };
const TABLES = ["embeddings", "table"];

/** The places of the largest, in order. */
function largestPlaces(sizes, most) {
  const order = sizes.map((_, n) => n).sort((a, b) => Math.abs(sizes[b]) - Math.abs(sizes[a]));
  return order.slice(0, most).sort((a, b) => a - b);
}

/** Terms as one formula; 0 of none. */
const joined = (terms) => (terms.length > 1 ? ["+", ...terms] : terms[0] ?? 0);

class OwnParameters {
  constructor(narration, c) {
    const { network, training, data } = narration;
    const { layer, spread } = network.columns[c];
    const width = network.columns[c].names.length;
    Object.assign(this, { narration, network, training, data, c, layer, spread, width, parameters: layer?.parameters ?? {} });
  }

  /** The operations of a layer of the user's own; null of another. */
  get operations() {
    return OwnLayer.of(this.narration, this.c);
  }

  shape(parameter) {
    return this.data.segments[this.parameters[parameter]][3];
  }

  /** Where a number stands: its index on each axis. */
  index(parameter, place) {
    return this.shape(parameter).reduceRight((found, size) => {
      found.unshift(place % size);
      place = Math.floor(place / size);
      return found;
    }, []);
  }

  /** What a number is called: as weights where there is a matrix, else by parameter, layer and place. */
  name(parameter, place) {
    const index = this.index(parameter, place);
    if (this.isOfSums(parameter)) return this.network.weightName(this.c, index.at(-1), parameter === "bias" ? "bias" : index[0]);
    const fromZero = this.layer.builtIn === "Embedding" || parameter === "table"; // codes
    const at = index.map((one, axis) => one + (axis > 0 || !fromZero ? 1 : 0));
    const { letters, called } = this.narration.formulasOf(this.c);
    const letter = letters !== undefined && LETTERS[parameter];
    if (letter) return `${letter}${letters ? sub(letters) : ""}[${at}]`;
    const name = called[parameter] + (at.length ? `[${at}]` : "");
    return UNCLEAR.test(name) ? `[${name}]` : styled(name);
  }

  isOfSums(parameter) {
    return this.network.isAtPositions(this.c) && ["kernel", "bias"].includes(parameter);
  }

  isTable(parameter) {
    return this.network.looksUp(this.c) && TABLES.includes(parameter);
  }

  /** The code that a unit is looked up by, in a row. */
  code(unit, row = this.network.row) {
    const { data, shape } = this.training.of(this.layer.results.codes);
    const position = Math.floor(unit / this.shape(this.table)[1]);
    return data[row * count(shape.slice(1)) + position];
  }

  get table() {
    return TABLES.find((name) => name in this.parameters);
  }

  /** The number of the table that a unit gives. */
  taken(unit) {
    const [place] = this.ofUnit(this.table, unit);
    return { name: this.name(this.table, place), value: this.training.parameter(this.parameters[this.table]).data[place] };
  }

  /** The places of the numbers that belong to a unit; all where that is not known. */
  ofUnit(parameter, unit) {
    const shape = this.shape(parameter);
    const [width, size] = [shape.at(-1), count(shape)];
    const column = unit % width;
    if (this.isTable(parameter)) return [this.code(unit) * width + column];
    if (this.isOfSums(parameter)) return Array.from({ length: size / width }, (_, n) => n * width + column);
    if (this.spread) {
      const [number] = this.spread.origin(unit);
      return Array.from({ length: shape[1] }, (_, part) => (number * shape[1] + part) * width + column);
    }
    const known = this.operations?.knownPlaces(parameter) ?? null;
    if (known !== null) return known;
    const made = this.operations?.madeOf(unit);
    if (made) return [...made.numbers.get(this.parameters[parameter]) ?? []].sort((a, b) => a - b);
    if (size === this.width) return [unit];
    const last = this.training.of(this.layer.results.a).shape.at(-1);
    return shape.length === 1 && width === last ? [column] : Array.from({ length: size }, (_, place) => place);
  }

  /** Where a number is used, {row, unit} each, and the `size` and name of what the derivative is multiplied
   *  with there; null where that is not known. `sums`: whether it is used in sums z. */
  uses(parameter, place) {
    const { network } = this;
    const rows = this.narration.rows.all;
    const index = this.index(parameter, place);
    if (this.isOfSums(parameter)) return { sums: true, all: rows.flatMap((row) => this.atPositions(parameter, index, row)) };
    if (this.isTable(parameter)) return { sums: false, all: rows.flatMap((row) => this.takings(index, row)) };
    if (this.spread) {
      const [number, part, column] = index;
      const unit = number * this.spread.shape[2] + column;
      const all = rows.map((row) => (parameter === "bias" ? { row, unit, size: 1 } : {
        row, unit, size: this.spread.reach(number, part, row), name: () => this.spread.reachName(number, part),
      }));
      return { sums: true, all };
    }
    if (this.narration.normalizes(this.c)) return new Normalization(this.narration, this.c).uses(parameter, place);
    if (this.layer.builtIn !== "PReLU") return null;
    return {
      sums: false, all: rows.map((row) => {
        const x = network.value(this.c, "x", place, row);
        return { row, unit: place, size: Math.min(x, 0), name: () => network.baseName(this.c, place), value: x, make: (one) => ["minimum", one, 0] };
      }),
    };
  }

  atPositions(parameter, index, row) {
    const { network, c } = this;
    const [inputs, units] = network.matrix(c);
    return Array.from({ length: this.width / units }, (_, position) => {
      const unit = position * units + index.at(-1);
      const source = position * inputs + index[0];
      if (parameter === "bias") return { row, unit, size: 1 };
      return { row, unit, size: network.value(c, "x", source, row), name: () => network.valueName(c - 1, source) };
    });
  }

  takings([code, column], row) {
    const width = this.shape(this.table)[1];
    const units = Array.from({ length: this.width / width }, (_, position) => position * width + column);
    return units.filter((unit) => this.code(unit, row) === code).map((unit) => ({ row, unit, size: 1 }));
  }

  /** The ends of derivatives by unit; and where shares are all that the loss takes of them, how and which. */
  ends({ sums, all }) {
    const { rows } = this.narration;
    const ends = new Map(all.map(({ unit }) => [unit, rows.end(this.c, unit, sums)]));
    const hows = new Set([...ends.values()].map((end) => rows.fitting(end)));
    const how = hows.size === 1 ? [...hows][0] : undefined;
    return { ends, how, shares: how === undefined ? null : rows.sharesOf(how) };
  }

  /** A number's gradient as the sum over its uses, of many the largest; null where they do not give it. */
  sum(parameter, place, told) {
    const found = this.operations?.sum(parameter, place) ?? this.sumOfUses(parameter, place);
    if (found === null) return null;
    const { tree, symbols, value, scale } = found;
    if (close(value, told, scale)) return { tree, symbols };
    if (!this.training.penalties.some(([name]) => name === `${this.layer.name}/${parameter}`)) return null;
    const penalty = symbolTable();
    const also = penalty.put(factor(told - value), told - value);
    return { tree: ["+", ...(tree[0] === "+" ? tree.slice(1) : [tree]), also], symbols: (key) => penalty.symbols(key) ?? symbols(key) };
  }

  /** The sum over the uses of a number whose derivatives are those by a layer's sums or by what it gives. */
  sumOfUses(parameter, place) {
    const { rows } = this.narration;
    const uses = this.uses(parameter, place);
    if (uses === null) return null;
    const { all } = uses;
    const { ends, how, shares } = this.ends(uses);
    const slopes = all.map(({ row, unit }) => (shares ? ends.get(unit).ownAt(row) : ends.get(unit).reportedAt(row)));
    const byRow = shares !== null && rows.weights !== undefined;
    const products = all.map(({ row, size }, n) => size * slopes[n] * (byRow ? shares[row] : 1));
    const table = symbolTable();
    const terms = this.kept(products).map((n) => this.term(all[n], slopes[n], ends.get(all[n].unit), shares, byRow, table));
    if (terms.length < products.length) {
      const rest = sumOf(products) - sumOf(this.kept(products).map((n) => products[n]));
      terms.push(table.put(leftOut(products.length - terms.length), rest));
    }
    const divisor = shares && !byRow ? rows.divisorOf(how) : 1;
    const tree = terms.length ? partOf(joined(terms), divisor) : 0;
    const [value, scale] = [sumOf(products), sumOf(products.map(Math.abs))].map((one) => one / divisor);
    return { tree, symbols: table.symbols, value, scale };
  }

  kept(products) {
    return largestPlaces(products, products.length > MOST_TERMS ? FEW_PARTS : MOST_TERMS);
  }

  /** One use: what comes in times the derivative there, with its row's share where rows have weights. */
  term({ row, unit, size, name, value = size, make = (one) => one }, slope, end, shares, byRow, { put }) {
    const { rows } = this.narration;
    const word = shares ? rows.at(end.own, row) : this.network.gradientName(rows.at(end.base, row));
    const pair = [...(name === undefined ? [] : [make(put(rows.at(name(), row), value))]), put(word, slope)];
    if (this.data.form !== "rows") pair.reverse();
    if (byRow) pair.unshift(put(rows.at("s", row), shares[row]));
    return pair.length > 1 ? ["·", ...pair] : pair[0];
  }

  gradient(parameter, place) {
    const gradient = this.training.gradient(this.parameters[parameter]);
    return gradient && this.network.sign * gradient.data[place];
  }

  /** How much a number matters: by its gradient; of one unit's spread number first what its sum shows. */
  size(parameter, place, alone) {
    const gradient = Math.abs(this.gradient(parameter, place) ?? 0);
    if (!alone || !this.spread || parameter !== "kernel") return gradient;
    const [number, part, column] = this.index(parameter, place);
    const told = this.spread.parts(number * this.spread.shape[2] + column, this.network.row);
    return told.includes(part) ? Number.MAX_VALUE : gradient;
  }

  gradientLine(parameter, place) {
    const name = this.network.gradientName(this.name(parameter, place));
    const value = this.gradient(parameter, place);
    const found = this.sum(parameter, place, value);
    if (found === null) return `${name} = ${bare(value)}, through the operations of the layer`;
    const stages = [written(found.tree, found.symbols), written(found.tree, found.symbols, true), bare(value)];
    return [name, ...new Set(stages)].join(" = ");
  }

  /** Parameters whose uses are known and that are trained. */
  get learning() {
    const { network, c } = this;
    const known = network.isAtPositions(c) || network.looksUp(c) || this.spread || this.layer?.builtIn === "PReLU" || this.operations?.hasSlopes;
    return known ? Object.keys(this.parameters).filter((name) => this.training.gradient(this.parameters[name])) : [];
  }

  get learns() {
    return this.learning.length > 0;
  }

  /** The numbers that belong to units and have the largest gradients; and that there are others. */
  told(units) {
    const numbers = this.learning.flatMap((parameter) =>
      [...new Set(units.flatMap((unit) => this.ofUnit(parameter, unit)))].sort((a, b) => a - b).map((place) => ({ parameter, place })));
    const sizes = numbers.map(({ parameter, place }) => this.size(parameter, place, units.length === 1));
    const kept = largestPlaces(sizes, MOST_TOLD).map((n) => numbers[n]);
    const others = numbers.length - kept.length;
    return { kept, more: others ? [`and ${others.toLocaleString("en")} more, whose gradients are no larger.`] : [] };
  }

  gradientLines(units) {
    const { kept, more } = this.told(units);
    if (!kept.length) return [];
    const [{ parameter, place }] = kept;
    return [
      ...this.reportedLines(parameter, place, units),
      ...kept.map((one) => this.gradientLine(one.parameter, one.place)), ...more,
    ];
  }

  /** What the loss takes of the derivatives where a number is used. */
  reportedLines(parameter, place, units) {
    if (this.operations) return this.operations.sharedLines();
    const uses = this.uses(parameter, place);
    const { ends, shares } = this.ends(uses);
    const reported = shares ? units.slice(0, 1) : [...ends.keys()].slice(0, MOST_REPORTED); // each has more than a share
    return reported.flatMap((unit) => this.narration.rows.reportedLines(this.c, unit, uses.sums));
  }

  /** A number as the optimizer's rule takes it. */
  numberOf(rule, parameter, element) {
    const segment = this.parameters[parameter];
    const [name, start] = this.data.segments[segment];
    return rule.numberOf({ place: start + element, element, segment, name }, this.name(parameter, element));
  }

  updateLines(units) {
    const { data: { optimizer: { name, slots } }, narration } = this;
    if (!this.training.after) return [NO_UPDATE];
    const rule = new Rule(narration);
    const { kept, more } = this.told(units);
    const keeps = slots.length ? [`${name}, which keeps ${slots.join(" and ")} for each weight.`] : [];
    const lines = kept.flatMap(({ parameter, place }, n) => {
      const found = rule.told(this.numberOf(rule, parameter, place));
      return n === 0 || !slots.length ? found : found.slice(-1);
    });
    return [...keeps, ...lines, ...more, ...rule.stepLines()];
  }

  get named() {
    return few(this.learning.map((one) => `${this.layer.name}/${one}`));
  }

  gradientMoment(units) {
    const uses = keysOf("u", this.c, units);
    return { phase: "gradient", title: `The gradient of ${this.named}`, shows: [], uses, lines: () => this.gradientLines(units) };
  }

  updateMoment(units) {
    const uses = keysOf("u", this.c, units);
    return { phase: "update", title: `The new numbers of ${this.named}`, shows: [], uses, lines: () => this.updateLines(units) };
  }

  /** What a panel has of them: their numbers that belong to a unit, and the gradients of these. */
  sections(unit) {
    const own = Object.keys(this.parameters).filter((parameter) => this.ofUnit(parameter, unit).length > 0);
    const found = own.map((parameter) => this.section(parameter, unit));
    return this.learns && own.length ? [...found, { title: "Their gradients", lines: this.gradientLines([unit]) }] : found;
  }

  /** Their numbers for the table of weights, of many those with the largest gradients. */
  rows() {
    const { training } = this;
    return Object.entries(this.parameters).flatMap(([parameter, segment]) => {
      const { data } = training.parameter(segment);
      const sizes = Array.from(data, (_, place) => this.size(parameter, place, false));
      const [, start] = this.data.segments[segment];
      const kept = largestPlaces(sizes, MOST_OWN);
      const others = data.length - kept.length;
      const more = others ? [[`and ${others.toLocaleString("en")} more of ${this.layer.name}/${parameter}`]] : [];
      return kept.map((place) => [
        { text: this.name(parameter, place), key: `p/${this.c}/${segment}/${place}` }, "", this.layer.name,
        number(data[place]), gradientCell(this.gradient(parameter, place)), number(training.after?.parameters[start + place]),
      ]).concat(more);
    });
  }

  section(parameter, unit) {
    const { training, network } = this;
    const segment = this.parameters[parameter];
    const values = training.parameter(segment).data;
    const own = this.ofUnit(parameter, unit);
    const shown = largestPlaces(own.map((place) => this.size(parameter, place, true)), MOST_OWN).map((n) => own[n]);
    const rows = shown.map((place) => {
      const gradient = this.gradient(parameter, place);
      const name = this.name(parameter, place);
      return gradient === undefined ? [name, number(values[place]), this.isMoved(segment, place) ? "none" : gradientCell()]
        : [{ text: name, key: `p/${this.c}/${segment}/${place}` }, number(values[place]), number(gradient)];
    });
    const head = ["", "value", `${network.errors ? "−" : ""}∂${this.data.loss.name}`];
    return { title: `${this.layer.name}: ${parameter}${this.left(shown.length, own.length, values.length)}`, table: { head, rows } };
  }

  /** Whether the step moves a number, as training moves statistics without a gradient. */
  isMoved(segment, place) {
    const { state, after } = this.training;
    const at = this.data.segments[segment][1] + place;
    return Boolean(after) && after.parameters[at] !== state.parameters[at];
  }

  /** How many numbers there are, where a panel does not show them all. */
  left(shown, own, all) {
    if (shown === all) return "";
    const whole = all.toLocaleString("en");
    if (own === all) return ` (${shown} of ${whole}, with the largest gradients)`;
    if (shown === own) return ` (${shown === 1 ? "the one" : shown} of ${whole} that ${shown === 1 ? "belongs" : "belong"} to this unit)`;
    return ` (${shown} of ${own.toLocaleString("en")} that belong to this unit, ${whole} in all)`;
  }
}
