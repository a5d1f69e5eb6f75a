// A network as columns of units: inputs, then each layer. Keys name what can be clicked:
// "u/column/unit", "w/column/unit/source", "b/column/unit", "t/index" (a target), "L".

const UNCLEAR = /[\s=+*/<>()^|·-]/; // with which a name stands in brackets in a formula
const MOST_COLUMNS = 16;
const BY_UNIT = 8; // units of layers with weights up to which the walk goes unit by unit

/** Names of units; with the mark "~" for each layer without weights that they have passed. */
const named = (base, mark = "", head = "a") => ({ base, mark, head, names: base.map((name) => name + mark) });

/** A place among numbers with these axes, as names have it: "[2,1]". */
const indexOn = (axes, place) =>
  `[${axes.map((size, axis) => (Math.floor(place / count(axes.slice(axis + 1))) % size) + 1)}]`;

class Network {
  constructor(training) {
    this.training = training;
    this.data = training.shipped;
    this.row = 0;
    this.errors = this.data.errors;
    this.columns = [];
    this.addInputs();
    for (const layer of this.data.layers) this.addLayer(layer);
    this.targets = this.data.inputs.filter((one) => one.source.startsWith("target/"));
    this.outputs = new Outputs(this);
    this.mixing = new Mixing(this);
    this.brought = new Set();
    this.choose();
  }

  addInputs() {
    const { inputs, names } = this.data;
    const parts = inputs
      .filter((one) => one.source.startsWith("input/"))
      .map((one) => ({ ...one, width: count(this.array(one.source).shape.slice(1)) }));
    const total = parts.reduce((sum, one) => sum + one.width, 0);
    const places = parts.flatMap(({ source, width, name, columns }) =>
      Array.from({ length: width }, (_, n) => ({ source, width, n, name: columns?.[n] ?? `${name}${n + 1}` })),
    );
    const given = names.units[0] ?? [];
    const own = given.length === total && parts.length === 1 && !parts[0].columns ? given : places.map((place) => place.name);
    this.columns.push({ kind: "inputs", title: "inputs", ...named(own, "", "x"), places, link: null });
  }

  addLayer(layer) {
    const { names } = this.data;
    const before = this.columns.at(-1);
    const weighted = layer.place !== null;
    const other = weighted && names.sources[layer.place].length !== before.names.length;
    if (other || (weighted && layer.between)) {
      this.columns.push({
        kind: "given", title: `given to ${layer.name}`, results: { a: layer.results.x }, link: other ? null : "same",
        ...(other ? named(names.sources[layer.place]) : named(before.base, `${before.mark}~`, before.head)),
      });
    }
    const width = this.widthOf(layer.results.a);
    const previous = this.columns.at(-1);
    let own = named(previous.base, previous.mark + (layer.moves ? "" : "~"), previous.head);
    const apart = !weighted && layer.results.z !== null; // sums at each position of a row
    const alone = apart || (!weighted && this.isJoined(layer, width));
    if (weighted) own = named(names.units[layer.place + 1]);
    else if (apart) own = named(this.namesAtPositions(layer));
    else if (alone || width !== previous.names.length) own = named(this.namesOf(layer, width));
    this.columns.push({
      kind: weighted ? "weights" : "layer",
      title: weighted ? `layer ${layer.number}` : layer.kind,
      detail: weighted ? layer.activation ?? "linear" : layer.name,
      layer, ...own, results: layer.results, moves: layer.moves,
      link: weighted ? "weights" : width === previous.names.length && !alone ? "same" : null,
    });
    const { spread } = this.data.formulas.layers[this.data.layers.indexOf(layer)];
    if (spread) this.columns.at(-1).spread = new Spread(this, this.last, spread);
  }

  /** The names of what the next layer with weights is given; none where there is no such layer. */
  sourcesAfter(layer) {
    const { layers, names } = this.data;
    const next = layers.slice(layers.indexOf(layer)).find(({ place }) => place !== null);
    return next ? names.sources[next.place] : [];
  }

  /** Whether what a layer makes stands beside other numbers before the next layer with weights. */
  isJoined(layer, width) {
    return layer.start !== null && this.sourcesAfter(layer).length > width;
  }

  /** The names of what a layer without weights makes: those that the next layer with weights knows. */
  namesOf(layer, width) {
    const known = this.sourcesAfter(layer);
    if (layer.start !== null && known.length) return known.slice(layer.start, layer.start + width);
    return Array.from({ length: width }, (_, n) => `${layer.name}_${n + 1}`);
  }

  /** The names of units at positions: dense[2,1] is unit 1 at position 2. */
  namesAtPositions(layer) {
    const axes = this.training.of(layer.results.z).shape.slice(1);
    return Array.from({ length: count(axes) }, (_, n) => layer.name + indexOn(axes, n));
  }

  array(source) {
    return this.training.state.arrays[source];
  }

  widthOf(index) {
    return count(this.training.of(index).shape.slice(1));
  }

  get last() {
    return this.columns.length - 1;
  }

  /** The last column that makes numbers, which those behind it only pass on. */
  get end() {
    return this.columns.findLastIndex(({ moves }) => !moves);
  }

  get weighted() {
    return this.columns.map((column, c) => ({ column, c })).filter(({ column }) => column.link === "weights");
  }

  /** One number of a column's unit: "x", "z", "a", "slope", "delta", "upstream", "reported". */
  value(c, what, unit, row = this.row) {
    const column = this.columns[c];
    if (column.spread?.finds(what)) return column.spread.value(what, unit, row);
    if (column.kind === "inputs") {
      const place = this.inputPlace(c, unit, row);
      return what === "a" ? this.training.get(place) : undefined;
    }
    const found = this.training.of(column.results[what]);
    if (!found) return undefined;
    const width = count(found.shape.slice(1));
    return unit < width ? found.data[row * width + unit] : undefined;
  }

  inputPlace(c, unit, row = this.row) {
    const { source, width, n } = this.columns[c].places[unit];
    return { source, place: row * width + n };
  }

  /** delta, or the error of a reader who writes Err = -delta. */
  delta(c, unit, row = this.row) {
    const { results = {}, spread } = this.columns[c];
    if (results.x === null && results.z === null && !spread) return undefined; // codes, by which there is no derivative
    if (this.isOfOthers(c)) return undefined;
    const found = this.value(c, "delta", unit, row);
    return found === undefined ? undefined : this.errors ? 0 - found : found;
  }

  /** The column behind that computes with what a column gives; those that only pass it on are skipped. */
  following(c) {
    let next = c + 1;
    while (this.columns[next]?.moves && this.columns[next].link === "same") next += 1;
    return next;
  }

  /** Where what a unit gives is multiplied with weights: the column there, its units, and which source of
   *  theirs it is; null where something else is made of it. */
  leads(c, unit) {
    const start = this.columns[c].layer?.start ?? null; // among columns put side by side
    const next = start === null ? this.following(c) : this.columns.findIndex(({ link }, k) => k > c && link === "weights");
    const matrix = this.columns[next] && this.matrix(next);
    if (!matrix) return null;
    const [inputs, units] = matrix;
    const source = (start ?? 0) + unit;
    const first = Math.floor(source / inputs) * units;
    return { c: next, source, targets: Array.from({ length: units }, (_, n) => first + n) };
  }

  /** What the value of a unit is called: x1, h1; h1~ after a layer without weights; a with 4 below. */
  valueName(c, unit) {
    const { names, base, mark, head } = this.columns[c];
    if (UNCLEAR.test(base[unit])) return `[${base[unit]}]${mark}`;
    return /^\d/.test(names[unit]) ? head + sub(names[unit]) : styled(names[unit]);
  }

  /** What a layer computes with: z of a layer with weights, else what it is given. */
  baseName(c, unit) {
    const { link, names } = this.columns[c];
    if (this.hasSums(c)) return `z${sub(names[unit])}`;
    return link === "same" ? this.valueName(c - 1, unit) : `x${sub(names[unit])}`;
  }

  baseValue(c, unit, row = this.row) {
    return this.value(c, this.hasSums(c) ? "z" : "x", unit, row);
  }

  /** Whether a column's layer has sums z: of all that it is given, or at each position of a row. */
  hasSums(c) {
    const { results, spread } = this.columns[c];
    return (results?.z ?? null) !== null || spread !== undefined;
  }

  /** Whether a column's layer computes by a function of the user's own, without sums. */
  isOwn(c) {
    const { kind, layer, moves } = this.columns[c];
    return kind === "layer" && !layer.builtIn && !moves && !this.hasSums(c);
  }

  /** The derivative by what a unit of such a layer gives; undefined where the loss takes what is before it. */
  givesSlope(c, unit, row = this.row) {
    const { pair, ownLayers, layers } = this.data;
    const { layer, results } = this.columns[c];
    const before = ownLayers[layers.indexOf(layer)]?.link || (c === this.end && pair && !pair.from.includes(results.a));
    return before ? undefined : this.sign * this.value(c, "upstream", unit, row);
  }

  /** Whether such a layer makes its units of more or fewer numbers. */
  isOfOthers(c) {
    const { results, names } = this.columns[c];
    return this.isOwn(c) && (results.x ?? null) !== null && this.widthOf(results.x) !== names.length;
  }

  /** The shape [inputs, units] of the matrix that makes a layer's sums; undefined where there is none. */
  matrix(c) {
    const shape = this.data.segments[this.segment(c, "kernel")]?.[3];
    const { x, z } = this.columns[c].results ?? {};
    return shape?.length === 2 && (x ?? null) !== null && (z ?? null) !== null ? shape : undefined;
  }

  /** The units among which a softmax shares out 1: all at the position of a unit. */
  classesOf(c, unit) {
    const width = this.training.of(this.columns[c].results.a).shape.at(-1);
    return Array.from({ length: width }, (_, n) => unit - (unit % width) + n);
  }

  /** Whether a layer takes numbers from a table by codes. */
  looksUp(c) {
    return (this.columns[c].results?.codes ?? null) !== null;
  }

  /** Whether a layer's matrix is used at each position of a row. */
  isAtPositions(c) {
    return this.matrix(c) !== undefined && this.columns[c].link !== "weights";
  }

  /** The row's own loss, which may be the loss; where rows mix, the sum of all rows' losses. */
  get ownLoss() {
    return this.data.mixing ? "Σℓ" : this.data.formulas.oneLoss ? this.data.loss.name : "ℓ";
  }

  /** A derivative of the row's own loss; minus it for a reader who writes errors. */
  slopeName(by) {
    return `${this.errors ? "−" : ""}∂${this.ownLoss}/∂${by}`;
  }

  /** The derivative of the loss by a weight, or by a letter that stands for it; with its sign. */
  gradientName(by = "w") {
    return `${this.errors ? "−" : ""}∂${this.data.loss.name}/∂${by}`;
  }

  get sign() {
    return this.errors ? -1 : 1;
  }

  /** The derivative by what a layer computes with: delta by z, else ∂ℓ by what the layer is given. */
  deltaName(c, unit) {
    if (this.hasSums(c)) return `${this.deltaWord}${sub(this.columns[c].names[unit])}`;
    return this.slopeName(this.baseName(c, unit));
  }

  /** The derivative by what a layer without weights is given, where there is no room for its name. */
  get givenWord() {
    return this.errors ? "−∂x" : "∂x";
  }

  /** The derivative by what a layer of the user's own gives, where there is no room for its name. */
  get givesWord() {
    return this.errors ? "−∂a" : "∂a";
  }

  get deltaWord() {
    return this.errors ? "Err" : "δ";
  }

  segment(c, name) {
    return this.columns[c].layer?.parameters[name];
  }

  /** Where a weight lies in the flat parameters, and what belongs to it there; all positions share weights. */
  place(c, unit, source) {
    const bias = source === "bias";
    const matrix = this.matrix(c);
    const segment = matrix && this.segment(c, bias ? "bias" : "kernel");
    if (segment === undefined) return undefined;
    const [inputs, units] = matrix;
    const [name, start, , , trained] = this.data.segments[segment];
    const element = (bias ? 0 : (source % inputs) * units) + (unit % units);
    return { place: start + element, element, segment, name, trained };
  }

  weight(c, unit, source, state = this.training.state) {
    const found = this.place(c, unit, source);
    return found && state ? state.parameters[found.place] : undefined;
  }

  gradientOf(c, unit, source) {
    const found = this.place(c, unit, source);
    const gradient = found && this.training.gradient(found.segment);
    return gradient?.data[found.element];
  }

  /** The gradient as it is told: minus it for a reader who writes errors. */
  toldGradient(c, unit, source) {
    const gradient = this.gradientOf(c, unit, source);
    return gradient === undefined ? undefined : this.errors ? 0 - gradient : gradient;
  }

  weightName(c, unit, source) {
    if (!this.isAtPositions(c)) {
      const name = this.rawName(c, unit, source);
      return UNCLEAR.test(name) ? `[${name}]` : styled(name);
    }
    const [letter, at] = this.shared(c, unit, source);
    return `${letter}${sub(this.columns[c].layer.name)}[${at}]`;
  }

  /** The letter and the place of a weight that all positions share. */
  shared(c, unit, source) {
    const { form } = this.data;
    const [inputs, units] = this.matrix(c);
    const to = (unit % units) + 1;
    if (source === "bias") return form === "theta" ? ["Θ", `${to},0`] : ["b", `${to}`];
    const from = (source % inputs) + 1;
    return [form === "theta" ? "Θ" : "W", form === "rows" ? `${from},${to}` : `${to},${from}`];
  }

  /** A weight's name as its reader typed it. */
  rawName(c, unit, source) {
    const { names } = this.data;
    const { place, name } = this.columns[c].layer;
    if (place === null) {
      const [letter, at] = this.shared(c, unit, source);
      return `${letter}_${name}[${at}]`;
    }
    const sources = names.sources[place];
    const units = names.units[place + 1];
    if (source === "bias") return names.biases[place][unit];
    if (names.weights) return names.weights[place][source * units.length + unit];
    const before = names.sources
      .slice(0, place)
      .reduce((sum, one, k) => sum + one.length * names.units[k + 1].length, 0);
    const fields = {
      layer: names.matrices[place], i: source + 1, j: unit + 1, from: sources[source], to: units[unit],
      n: before + unit * sources.length + source + 1,
    };
    return names.pattern.map(([text, field]) => text + (field === null ? "" : fields[field])).join("");
  }

  /** Which units of each column are drawn: all, or those that matter most for the row. */
  choose() {
    chooseUnits(this);
  }

  /** Bring a unit into the drawing, by its name or number; what went wrong, if anything. */
  bring(c, text) {
    const { names, shown } = this.columns[c];
    const unit = names.includes(text) ? names.indexOf(text) : Number(text) - 1;
    if (!Number.isInteger(unit) || unit < 0 || unit >= names.length) {
      return `There is no unit ${text}: give a name, or a number from 1 to ${names.length}.`;
    }
    if (!shown.includes(unit)) {
      this.brought.add(`${c}/${unit}`);
      this.choose();
    }
    return "";
  }

  get folded() {
    return this.columns.map((column, c) => ({ column, c })).filter(({ column }) => column.shown.length < column.names.length);
  }

  get tooWide() {
    return this.columns.length > MOST_COLUMNS;
  }

  setRow(row) {
    this.row = row;
    this.choose();
  }
}
