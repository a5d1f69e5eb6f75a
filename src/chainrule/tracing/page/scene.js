// Where a network's units, weights and values stand in the drawing, at a moment of the walk.

const RADIUS = 21;
const LINE = 14;
const MOST_NAMED_EDGES = 12; // of a layer whose weights have their names on them
const ROOM = 880; // as wide as the drawing may be beside the panel, if layers can stand nearer to each other
const TOP = 62; // below the titles of the columns
const NO_PLACE = "Numbers that find no place on their lines are in the table of weights below.";

/** Everything that is drawn: titles, edges, nodes and chips, with what each is called aloud. */
function networkScene(network, seen, uses) {
  return new NetworkScene(network, seen, uses).scene;
}

class NetworkScene {
  constructor(network, seen, uses) {
    Object.assign(this, { network, seen, uses: new Set(uses) });
    this.training = network.training;
    this.roomy = network.columns.every((column) => column.shown.length <= 6);
    this.place();
    this.scene = { width: this.width, height: this.height, titles: [], groups: [], dense: !this.roomy };
    network.columns.forEach((column, c) => this.addColumn(column, c));
    this.addLoss();
    this.addLabels();
    this.scene.isShort = this.scene.groups.some(({ edges }) => edges.some(({ key, text }) => key !== null && !text)); // of numbers
  }

  /** How many lines of values stand below a unit of a column. */
  lines(c) {
    const { kind, link } = this.network.columns[c];
    const targets = c === this.network.last && this.network.outputs.targets().some(({ unit }) => unit !== null);
    return (kind === "inputs" || kind === "given" ? 1 : link === "weights" ? 3 : 2) + (targets ? 1 : 0);
  }

  place() {
    const { columns } = this.network;
    const heights = columns.map((column, c) => {
      const bias = this.roomy && column.link === "weights" ? LINE : 0;
      return 2 * RADIUS + this.lines(c) * LINE + bias + 22;
    });
    const tallest = Math.max(...columns.map((column, c) => column.shown.length * heights[c]));
    this.at = [];
    const right = 130 + Math.max(76, ...this.targetsOfLoss().map(({ text }) => chipWidth(text) / 2 + 4));
    const gaps = this.gaps(ROOM - 66 - right);
    let x = 66;
    columns.forEach((column, c) => {
      x += gaps[c];
      const bias = this.roomy && column.link === "weights" ? LINE : 0;
      const start = TOP + (tallest - column.shown.length * heights[c]) / 2 + RADIUS + bias + 4;
      this.at.push(new Map(column.shown.map((unit, n) => [unit, { x, y: start + n * heights[c] }])));
    });
    this.loss = { x: x + 130, y: TOP + tallest / 2 - LINE };
    this.width = x + right;
    this.height = TOP + Math.max(tallest, 130) + 12;
  }

  /** How far each column stands from the one before: layers with weights nearer where there is no room. */
  gaps(room) {
    const { columns } = this.network;
    const weights = columns.map(({ link }) => link === "weights");
    const widths = (broad) => columns.map((_, c) => (c > 0 ? Math.max(weights[c] ? broad : 116, this.titleGap(c)) : 0));
    const [broad, least] = this.roomy ? [220, 170] : [170, 120]; // names and numbers on lines need more
    const over = sumOf(widths(broad)) - room;
    return widths(Math.max(least, broad - Math.max(0, over) / weights.filter(Boolean).length));
  }

  /** What the titles of a column and of the one before need beside each other. */
  titleGap(c) {
    const half = ({ title, detail }) => Math.max(title.length * 9.2, (detail ?? "").length * 6.8) / 2;
    return half(this.network.columns[c - 1]) + half(this.network.columns[c]) + 14;
  }

  addColumn(column, c) {
    const x = [...this.at[c].values()][0]?.x ?? 0;
    this.scene.titles.push({ x, y: 20, text: column.title });
    if (column.detail) this.scene.titles.push({ x, y: 38, text: column.detail, soft: true });
    const left = column.names.length - column.shown.length;
    if (left > 0) {
      this.scene.titles.push({ x, y: 54, text: `${column.shown.length} of ${column.names.length.toLocaleString("en")}`, soft: true });
    }
    const group = { edges: this.edges(column, c), nodes: [], chips: [] };
    for (const unit of column.shown) this.addUnit(group, column, c, unit);
    this.scene.groups.push(group);
  }

  shows(letter, c, unit) {
    return this.seen.has(`${letter}/${c}/${unit}`);
  }

  addUnit(group, column, c, unit) {
    const { network } = this;
    const { x, y } = this.at[c].get(unit);
    const key = `u/${c}/${unit}`;
    const name = column.names[unit];
    const values = this.values(c, unit);
    const lines = values.map(([word, value, kind], n) => ({
      text: word ? `${word} ${short(value)}` : short(value), kind, y: y + RADIUS + 13 + n * LINE,
    }));
    const told = values.map(([word, value]) => `${word || "value"} ${short(value)}`).join(", ");
    group.nodes.push({
      key, x, y, radius: RADIUS, name: styled(name), lines, active: this.uses.has(key), quiet: column.link === "same",
      label: `Unit ${name}, ${column.title}${told ? `: ${told}` : ""}`,
    });
    if (this.roomy && column.link === "weights" && network.weight(c, unit, "bias") !== undefined) {
      this.addBias(group, c, unit, x, y);
    }
    if (c === network.last) this.addTarget(group, unit, x, y + RADIUS + 13 + this.lines(c) * LINE - LINE);
  }

  values(c, unit) {
    const { network } = this;
    const column = network.columns[c];
    const found = [];
    if (column.link === "weights" && this.shows("z", c, unit)) found.push(["z", network.value(c, "z", unit), "z"]);
    if (this.shows("a", c, unit)) {
      found.push([column.kind === "inputs" ? "" : "a", network.value(c, "a", unit), "a"]);
    }
    const slope = network.isOwn(c) ? network.givesSlope(c, unit) : undefined;
    if (this.shows("d", c, unit) && slope !== undefined) found.push([network.givesWord, slope, "delta"]);
    if (network.isOwn(c)) return found;
    if (this.shows("d", c, unit) && network.delta(c, unit) !== undefined) {
      found.push([network.hasSums(c) ? network.deltaWord : network.givenWord, network.delta(c, unit), "delta"]);
    }
    return found;
  }

  addBias(group, c, unit, x, y) {
    const { network } = this;
    const name = network.weightName(c, unit, "bias");
    const key = `b/${c}/${unit}`;
    const value = network.weight(c, unit, "bias");
    const after = this.shows("nb", c, unit) && network.weight(c, unit, "bias", this.training.after);
    const moved = after !== undefined && after !== false && after !== value;
    group.chips.push({
      key, x, y: y - RADIUS - 7, text: moved ? `${name} → ${short(after)}` : `${name} ${short(value)}`,
      active: this.uses.has(key), kind: moved ? "new" : "weight",
      label: `Bias ${network.rawName(c, unit, "bias")} of unit ${network.columns[c].names[unit]}: ${short(value)}${moved ? `, new ${short(after)}` : ""}`,
    });
  }

  addTarget(group, unit, x, y) {
    const at = this.network.outputs.targets().findIndex((one) => one.unit === unit);
    if (at < 0) return;
    const { what } = this.network.outputs.targets()[at];
    const value = this.training.get(what);
    const name = this.network.columns[this.network.last].base[unit];
    group.chips.push({ key: `t/${at}`, x, y, text: `t ${short(value)}`, kind: "target", label: `Target of unit ${name}: ${short(value)}` });
  }

  edges(column, c) {
    const { network } = this;
    const before = network.columns[c - 1]?.shown;
    if (network.isOwn(c)) return this.edgesOfOwn(column, c);
    if (column.kind === "given" && !column.link) return this.edgesBeside(column, c);
    if (!column.link) return [];
    if (column.link === "same") {
      return column.shown.filter((unit) => before.includes(unit))
        .map((unit) => ({ key: null, ...this.line(this.at[c - 1].get(unit), this.at[c].get(unit)), weight: 1, kind: "plain" }));
    }
    const found = before.flatMap((source) => column.shown.map((unit) => this.edge(c, unit, source)));
    const largest = Math.max(1e-12, ...found.map(({ value }) => Math.abs(value)).filter(Number.isFinite));
    if (found.length > MOST_NAMED_EDGES) for (const edge of found) edge.named = edge.text;
    for (const edge of found) edge.weight = (this.roomy ? 1 : 0.6) + ((this.roomy ? 2.6 : 1.6) * Math.abs(edge.value)) / largest;
    if (!this.roomy || found.length > 20) for (const edge of found) edge.text = "";
    return found;
  }

  /** Lines from the units of the layer before to where they stand beside other numbers. */
  edgesBeside(column, c) {
    const { layer, shown } = this.network.columns[c - 1];
    const start = layer?.start ?? null;
    if (start === null) return [];
    return shown.filter((unit) => column.shown.includes(start + unit))
      .map((unit) => ({ key: null, ...this.line(this.at[c - 1].get(unit), this.at[c].get(start + unit)), weight: 1, kind: "plain" }));
  }

  /** Lines to each unit of a layer of the user's own from all that it is made of. */
  edgesOfOwn(column, c) {
    const operations = OwnLayer.of(new Narration(this.network), c);
    return column.shown.flatMap((unit) => {
      const given = operations?.madeOf(unit)?.given;
      return this.network.columns[c - 1].shown.filter((source) => !given || given.has(source))
        .map((source) => ({ key: null, ...this.line(this.at[c - 1].get(source), this.at[c].get(unit)), weight: 1, kind: "plain" }));
    });
  }

  addLabels() {
    const taken = this.scene.groups.flatMap(obstacles);
    const edges = this.scene.groups.flatMap((group) => group.edges).filter((edge) => edge.text);
    const brief = edges.map(({ text }) => text);
    for (const edge of edges) edge.text = edge.named;
    if (placeLabels(edges, [...taken])) return;
    edges.forEach((edge, n) => { edge.text = brief[n]; });
    placeLabels(edges, taken);
  }

  edge(c, unit, source) {
    const { network } = this;
    const key = `w/${c}/${unit}/${source}`;
    const name = network.weightName(c, unit, source);
    const value = network.weight(c, unit, source);
    const after = this.seen.has(`n/${c}/${unit}/${source}`) && network.weight(c, unit, source, this.training.after);
    const moved = after !== undefined && after !== false && after !== value;
    const active = this.uses.has(key);
    const slope = active && !moved && this.seen.has(`g/${c}/${unit}/${source}`) ? network.toldGradient(c, unit, source) : undefined;
    const told = slope === undefined ? "" : `, ${network.errors ? "minus the gradient" : "gradient"} ${short(slope)}`;
    const from = network.columns[c - 1].names[source];
    const round = network.errors ? "−∂" : "∂";
    const text = moved ? `→ ${short(after)}` : slope === undefined ? short(value) : `${round} ${short(slope)}`;
    return {
      key, value, text, named: slope === undefined ? `${name} ${text}` : `${round}${name} ${short(slope)}`, ...this.line(this.at[c - 1].get(source), this.at[c].get(unit)),
      kind: value < 0 ? "negative" : "positive", moved, active, textKind: slope === undefined ? "" : "delta",
      focusable: this.roomy,
      label: `Weight ${network.rawName(c, unit, source)} from ${from} to ${network.columns[c].names[unit]}: ${short(value)}${told}${moved ? `, new ${short(after)}` : ""}`,
    };
  }

  line(from, to, radius = RADIUS) {
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length];
    return { x1: from.x + dx * RADIUS, y1: from.y + dy * RADIUS, x2: to.x - dx * (radius + 2), y2: to.y - dy * (radius + 2) };
  }

  /** The first targets that belong to no unit: they stand below the loss. */
  targetsOfLoss() {
    const { network, training } = this;
    return network.outputs.targets().slice(0, 4).flatMap((target, n) =>
      target.unit === null ? [{ n, text: `${target.name} = ${short(training.get(target.what))}${network.outputs.className(target)}` }] : []);
  }

  addLoss() {
    const { network, training } = this;
    const { x, y } = this.loss;
    const name = network.data.loss.name;
    const column = network.columns[network.last];
    const edges = column.shown.map((unit) => ({ key: null, ...this.line(this.at[network.last].get(unit), this.loss, 26), weight: 1, kind: "plain" }));
    const lines = [];
    if (this.seen.has("L")) lines.push({ text: short(training.loss), kind: "a", y: y + 40 });
    if (this.seen.has("after")) lines.push({ text: `→ ${short(training.lossAfter)}`, kind: "new", y: y + 40 + LINE });
    const told = lines.map(({ text }) => text).join(" ");
    const group = { edges, chips: [], nodes: [{ key: "L", x, y, radius: 26, name: styled(name), lines, active: this.uses.has("L"), label: `Loss ${name} ${told}` }] };
    this.targetsOfLoss().forEach(({ n, text }) => {
      group.chips.push({ key: `t/${n}`, x, y: y + 40 + (2 + n) * LINE, text, kind: "target", label: `Target ${plain(text)}` });
    });
    this.scene.titles.push({ x, y: 20, text: "loss" });
    this.scene.groups.push(group);
  }
}

/** Labels along edges where none covers another; one that finds no place is left out. Whether all did. */
function placeLabels(edges, taken = []) {
  let all = true;
  for (const edge of edges) {
    const width = lettersOf(edge.text) * 6.6 + 8;
    const free = [0.3, 0.42, 0.22, 0.55, 0.68, 0.5, 0.36, 0.62, 0.75, 0.26].find((share) => {
      const { x, y } = edge.path ? onCurve(edge, share) : onLine(edge, share);
      if (taken.some((box) => Math.abs(box.x - x) < (box.width + width) / 2 && Math.abs(box.y - y) < 16)) return false;
      taken.push({ x, y, width });
      Object.assign(edge, { textX: x, textY: y });
      return true;
    });
    if (free === undefined) edge.text = "";
    all &&= free !== undefined;
  }
  return all;
}

const onLine = ({ x1, y1, x2, y2 }, share) => ({ x: x1 + share * (x2 - x1), y: y1 + share * (y2 - y1) });

/** A place on a curve that is level at both ends. */
function onCurve({ x1, y1, x2, y2 }, t) {
  const bent = t * t * (3 - 2 * t);
  return { x: x1 + (x2 - x1) * (1.5 * t * (1 - t) + t ** 3), y: y1 + (y2 - y1) * bent };
}

/** What labels of edges must not cover: names, values and chips. */
function obstacles({ nodes, chips }) {
  return [
    ...nodes.map(({ x, y, radius }) => ({ x, y, width: 2 * radius })),
    ...nodes.flatMap(({ x, lines }) => lines.map(({ y }) => ({ x, y: y - 4, width: paperWidth(lines) }))),
    ...chips.map(({ x, y, text }) => ({ x, y: y - 4, width: chipWidth(text) })),
  ];
}
