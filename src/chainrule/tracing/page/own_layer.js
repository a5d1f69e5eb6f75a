// A layer of the user's own, operation by operation, with the gradients of its parameters. Keys of
// formulas are "x/1" for what it is given, "o/1" for what it gives and "t/1" for the target of that where
// the loss takes its last activation together with itself, "p/3/0" for a number of the network's fourth parameter;
// in sums over rows "2/0@1" is in the second row.

class OwnLayer extends OwnOperations {
  /** Of a column whose layer is told so; null of another. */
  static of(narration, c) {
    const { network, data } = narration;
    const own = data.ownLayers[data.layers.indexOf(network.columns[c]?.layer)];
    return own ? new OwnLayer(narration, c, own) : null;
  }

  constructor(narration, c, own) {
    super(narration.network, own);
    const { network } = narration;
    Object.assign(this, { narration, rows: narration.rows, c, column: network.columns[c], last: own.steps.length - 1 });
    this.parameters = new OwnParameters(narration, c);
    this.symbols = (key) => this.symbol(key);
  }

  /** Whether derivatives are told of each operation. */
  get hasSlopes() {
    return this.gradients !== null;
  }

  /** What a number that the layer is given is called. */
  givenName(place) {
    return this.network.valueName(this.c - 1, place);
  }

  /** What a key stands for: its name and its number in the row. */
  symbol(key) {
    const [, slope, what, place, at] = /^(d?)(.+)\/(\d+)(?:@(\d+))?$/.exec(key);
    const row = Number(at ?? this.row);
    const { name, value, shared } = slope ? this.slope(what, Number(place), row) : this.number(what, Number(place), row);
    return { name: at === undefined || shared ? name : this.rows.at(name, row), value };
  }

  number(what, place, row) {
    const { network, training, c } = this;
    if (what === "x") return { name: this.givenName(place), value: network.value(c, "x", place, row) };
    if (what.startsWith("p/")) {
      const segment = Number(what.slice(2));
      const [path] = this.data.segments[segment];
      const name = this.parameters.name(path.slice(path.lastIndexOf("/") + 1), place);
      return { name, value: training.parameter(segment).data[place], shared: true };
    }
    if (what === "t") return network.outputs.symbols()(`t/${place}`);
    if (what === "o" || this.isEnd(what)) return { name: network.valueName(c, place), value: network.value(c, "a", place, row) };
    return { name: this.nameOf(what, place), value: this.result(what, "value", place, row), shared: !this.steps[what].inRows };
  }

  /** The derivative by a number: of the row's own loss, by what is the same for all that of the loss. */
  slope(what, place, row) {
    const { network, c } = this;
    const told = (name, value) => ({ name: network.slopeName(name), value: network.sign * value });
    if (what === "x") return told(this.givenName(place), network.value(c, "delta", place, row));
    if (this.isEnd(what)) return told(network.valueName(c, place), network.value(c, "upstream", place, row));
    const name = this.nameOf(what, place);
    if (this.steps[what].inRows) return told(name, this.result(what, "slope", place, row));
    return { name: network.gradientName(name), value: network.sign * this.result(what, "reported", place, row), shared: true };
  }

  /** Whether an operation gives what the layer does. */
  isEnd(step) {
    return Number(step) === this.last && !this.link;
  }

  /** A number that the tape has of an operation. */
  result(step, kind, place, row) {
    const { inRows, width, results } = this.steps[step];
    return this.training.of(results[kind]).data[(inRows ? row * width : 0) + place];
  }

  /** What operations make, of one unit on the way to it; the last gives what the units give. */
  forwardLines(units) {
    const alone = !this.isAll(units);
    const places = this.placesIn(units.map((unit) => (this.link ? this.ends[unit] : `${this.last}/${unit}`)), "values");
    const lines = this.steps.flatMap((step, n) => {
      const told = this.isEnd(n) ? units : alone ? this.told(places[n], step) : step.shown;
      const others = this.isEnd(n) ? 0 : (alone ? places[n].size : step.width) - told.length;
      return [...told.map((place) => this.line(`${n}/${place}`, step.values[place], `by ${step.by}`)), ...(others ? [this.leftLine(step, others)] : [])];
    });
    const ends = this.link ? units.map((unit) => this.line(`o/${unit}`, this.ends[unit], `by ${this.link}`)) : [];
    return [...lines, ...ends, ...this.narration.meanings(...this.formulas("values"), ...Object.values(this.ends ?? {}))];
  }

  /** What a unit is made of: places of what the layer is given, and of parameters by their segments; null
   *  where an operation on the way has no formula. */
  madeOf(unit) {
    const first = this.link ? this.ends[unit] : `${this.last}/${unit}`;
    const behind = this.placesIn([first], "values");
    const trees = [first, ...behind.flatMap((places, n) => [...places].map((place) => this.steps[n].values[place]))];
    if (trees.includes(undefined)) return null;
    const found = { given: new Set(), numbers: new Map() };
    for (const key of trees.flatMap(keysIn)) {
      const [, kind, segment, place] = /^(x|p\/(\d+))\/(\d+)$/.exec(key) ?? [];
      if (kind === "x") found.given.add(Number(place));
      else if (kind !== undefined) found.numbers.set(Number(segment), (found.numbers.get(Number(segment)) ?? new Set()).add(Number(place)));
    }
    return found;
  }

  /** The derivatives from what units give back to what the layer is given; of one unit those that it is in. */
  backwardLines(units) {
    const { narration, c } = this;
    const why = "through the operations of the layer";
    const arrived = new Set(units.flatMap((unit) => (this.link ? [this.pairLine(unit)] : narration.upstreamLines(c, unit))));
    const reached = new Set(units.map((unit) => `d${this.last}/${unit}`));
    const given = this.givenTold(units);
    const needed = this.placesIn(given.map((place) => this.given[place]), "slopes");
    const isIn = (tree) => this.isAll(units) || tree === undefined || keysIn(tree).some((key) => reached.has(key));
    const inside = this.steps.map(({ slopes, shown, moved }, n) => [slopes, moved ? shown : [], n]).reverse().flatMap(([slopes, shown, n]) => {
      const told = shown.filter((place) => isIn(slopes[place]) || needed[n].has(place));
      told.forEach((place) => reached.add(`d${n}/${place}`));
      return told.map((place) => this.line(`d${n}/${place}`, slopes[place], why));
    });
    const back = given.map((place) => this.line(`dx/${place}`, this.given[place], why));
    return [...arrived, ...inside, ...back, ...narration.meanings(...this.formulas("slopes"), ...Object.values(this.given))];
  }

  /** The derivative by what the last activation is of. */
  pairLine(unit) {
    const why = "through the operations of the loss";
    const line = this.line(`d${this.last}/${unit}`, this.pairs[unit], why);
    return line.endsWith(why) ? line : `${line}, as training computes both together`;
  }

  /** Whether these are all units that are drawn. */
  isAll(units) {
    return units.length >= this.column.shown.length;
  }

  /** Of what the layer is given the numbers that are told. */
  givenTold(units) {
    const { shown } = this.network.columns[this.c - 1];
    const told = this.whole ? this.givenPlaces.filter((place) => shown.includes(place)) : this.givenPlaces;
    const made = this.isAll(units) ? null : this.madeOf(units[0]);
    return made ? told.filter((place) => made.given.has(place)) : told;
  }

  /** The derivatives of the loss by what operations make of parameters alone, from behind. */
  sharedLines() {
    return this.steps.map((step, n) => step.shown.filter((place) => place in step.uses).map((place) => {
      const key = `d${n}/${place}`;
      const { tree, symbols } = this.summed(step.uses[place]) ?? {};
      const { name, value } = this.symbol(key);
      return equationLine(name, tree, symbols, value, "through the operations of the layer");
    })).reverse().flat();
  }

  /** The places of a parameter's numbers whose uses are known, where these are not all. */
  knownPlaces(parameter) {
    return this.whole ? null : Object.keys(this.gradients?.[parameter] ?? {}).map(Number);
  }

  /** A gradient as the sum over the uses of a number; null where these are not known. */
  sum(parameter, place) {
    return this.summed(this.gradients?.[parameter]?.[place] ?? null);
  }

  /** The sum over rows and uses, of many the largest, and of what is used once; with what rounding is measured by. */
  summed(uses) {
    const { rows } = this;
    if (!uses || rows.shares === null) return null;
    const table = symbolTable();
    const symbols = (key) => table.symbols(key) ?? this.symbol(key);
    const byRow = rows.weights !== undefined;
    const terms = rows.all.flatMap((row) => uses.rows.map((tree) => (byRow ? this.weighted(inRow(tree, row), row, table) : inRow(tree, row))));
    const values = terms.map((term) => evaluated(term, symbols));
    const kept = this.parameters.kept(values);
    const parts = kept.map((n) => terms[n]);
    if (kept.length < terms.length) parts.push(table.put(leftOut(terms.length - kept.length), sumOf(values) - sumOf(kept.map((n) => values[n]))));
    const divisor = byRow ? 1 : rows.divisorOf(rows.how);
    const added = parts.length ? [partOf(joined(parts), divisor)] : [];
    const tree = joined([...added, ...(uses.shared === null ? [] : [uses.shared])].flatMap((one) => (one[0] === "+" ? one.slice(1) : [one])));
    return { tree, symbols, value: evaluated(tree, symbols), scale: sumOf(values.map(Math.abs)) / divisor };
  }

  /** A row's term with its share in the loss. */
  weighted(tree, row, table) {
    const share = table.put(this.rows.at("s", row), this.rows.shares[row]);
    return ["·", share, ...(tree[0] === "·" ? tree.slice(1) : [tree])];
  }
}

/** A formula with its keys in one row. */
function inRow(tree, row) {
  if (Array.isArray(tree)) return [tree[0], ...tree.slice(1).map((one) => inRow(one, row))];
  return typeof tree === "string" ? `${tree}@${row}` : tree;
}
