// An expression as the page's subject: its graph, values forward, derivatives backward.

const MOST_NODES = 80;

class ExpressionSubject {
  constructor(data) {
    this.data = data;
    digits = data.digits;
    this.tape = data.tape ? new Tape(data.tape) : null;
    this.recorded = new Map(Object.entries(data.recorded ?? {}).map(([index, x]) => [Number(index), unpacked(x)]));
    this.equations = new Equations(data, (index) => this.of(index));
    this.nodes = drawnNodes(data).map((node) => ({
      ...node, title: styled(node.name), name: UNCLEAR.test(node.name) ? `[${node.name}]` : styled(node.name),
    }));
    this.byNumber = new Map(this.nodes.map((node) => [node.number, node]));
    this.uses = new Map(this.nodes.map((node) => [node.number, []]));
    for (const node of this.nodes) {
      node.edges.forEach((edge, place) => this.uses.get(edge.from).push({ node, edge, place }));
    }
    this.rows = 1;
    this.resetAll();
    this.arrows = this.nodes.flatMap((node) => node.edges.map((edge) => this.onArrow(node, edge)));
    this.places = layered(this.nodes, this.byNumber, (node) => this.linesOf(node), this.arrows);
    this.moments = this.walk();
  }

  resetAll() {
    this.given = new Map(Object.entries(this.data.given).map(([index, x]) => [Number(index), unpacked(x)]));
    this.refresh();
  }

  refresh() {
    this.run = this.tape && new Run(this.tape, this.given);
  }

  get editable() {
    return this.tape !== null;
  }

  of(index) {
    if (index === null || index === undefined) return undefined;
    return this.run ? this.run.of(index) : this.recorded.get(index);
  }

  get last() {
    return this.byNumber.get(this.data.result);
  }

  get result() {
    return { name: plain(this.last.title), value: this.of(this.last.value).data[0] };
  }

  get drawable() {
    return this.nodes.length <= MOST_NODES;
  }

  lead() {
    return `${counted(this.nodes.length, "node")}: forward from the variables to ${plain(this.last.title)}, backward from ${plain(this.last.title)} to the variables.`;
  }

  notes() {
    const found = this.data.why ? [this.data.why] : [];
    if (!this.drawable) found.push(`The expression has ${this.nodes.length} nodes, too many to draw: the table below shows its numbers.`);
    return found;
  }

  caption() {
    return [];
  }

  legend() {
    const dashed = this.nodes.some(({ fixed }) => fixed) ? " Constants are dashed." : "";
    const sized = this.arrows.some((text) => text.includes("×"));
    const sizes = sized ? " (2×3: of each of 2 numbers by each of 3)" : "";
    return `Below each node its value and, with d, the derivative of ${plain(this.last.title)} by it; on the arrows the local derivatives ∂${sizes}.${dashed}`;
  }

  hint() {
    const change = this.editable ? " The value of a variable can be changed there, and everything follows." : "";
    return `Choose a node of the graph to see its derivative as a sum over its uses.${change} Arrow keys, Home and End walk through it.`;
  }

  walk() {
    const steps = this.nodes.filter((node) => !node.fixed);
    const leaves = steps.filter((node) => node.leaf);
    const made = this.nodes.filter((node) => !node.leaf && !node.fixed);
    const back = steps.filter((node) => node.derivative !== null).reverse();
    const fixed = this.nodes.filter((node) => node.fixed);
    const constants = fixed.filter((node) => this.isCalled(node));
    return [
      {
        phase: "forward", title: constants.length ? "The variables and constants" : "The variables",
        shows: [...leaves, ...fixed].map(({ number: n }) => `v/${n}`), uses: leaves.map(({ number: n }) => `n/${n}`),
        lines: () => [few([...leaves, ...constants].map((node) => `${node.name} = ${this.shown(node.value)}`), 12)],
      },
      ...made.map((node) => ({
        phase: "forward", title: `The value of ${node.title}`, shows: [`v/${node.number}`],
        uses: [`n/${node.number}`, ...node.edges.map((_, place) => `e/${node.number}/${place}`)], lines: () => this.valueLines(node),
      })),
      ...back.map((node) => ({
        phase: "backward", title: `The derivative ${this.by(node)}`,
        shows: [`d/${node.number}`, ...this.usesOf(node).map((use) => `l/${use.node.number}/${use.place}`)],
        uses: [`n/${node.number}`, ...this.usesOf(node).map((use) => `e/${use.node.number}/${use.place}`)], lines: () => [...this.derivativeLines(node), ...this.equations.each(this.locals(node))],
      })),
    ];
  }

  /** Whether formulas have a constant by its name, and not by its number. */
  isCalled(node) {
    return node.named || this.of(node.value).data.length > 1;
  }

  by(node) {
    return `d${this.last.name}/d${node.name}`;
  }

  /** Uses of a node through which the result depends on it. */
  usesOf(node) {
    return this.uses.get(node.number).filter(({ edge }) => edge.product !== null);
  }

  shown(index, text = bare) {
    return numbersOf(this.of(index), text);
  }

  /** A use's local derivative: the tape's, else of a single use the one of the lines above. */
  localOf(user, used, { local }) {
    if (local !== null) return this.of(local);
    if (this.usesOf(used).filter(({ node }) => node === user).length > 1) return undefined;
    const told = this.equations.locals(user.number, used.number).find(({ note }) => note === "");
    return told && this.equations.value(told);
  }

  valueLines(node) {
    const equations = this.equations.step(node.number);
    if (equations?.value.forms.length) return this.equations.lines(equations.value);
    const operands = node.edges.map((edge) => this.byNumber.get(edge.from));
    const put = operands.map((one) => {
      const x = this.of(one.value);
      return x.data.length === 1 ? factor(x.data[0]) : numbersOf(x, bare);
    });
    const names = operands.map((one, n) => (one.fixed && !one.named ? put[n] : one.name));
    const stages = new Set([called(node.operation, names), called(node.operation, put), numbersOf(this.of(node.value), bare)]);
    return [...stages].map((stage, n) => (n ? `= ${stage}` : `${node.name} = ${stage}`));
  }

  derivativeLines(node) {
    if (node === this.last) return [`${this.by(node)} = 1`, "From here the walk goes back."];
    const { slope } = this.equations.step(node.number) ?? {};
    if (slope?.forms.length) return this.equations.lines(slope);
    return [`${this.by(node)} = ${this.shown(node.derivative)}, the sum over ${counted(this.usesOf(node).length, "use")}`];
  }

  /** The local derivatives of what uses a node, with respect to it. */
  locals(node) {
    const users = new Set(this.usesOf(node).map((use) => use.node.number));
    return [...users].flatMap((user) => this.equations.locals(user, node.number));
  }

  /** What a node hands down to each of its operands. */
  handed(node) {
    const { locals = [], parts = [] } = this.equations.step(node.number) ?? {};
    return [...locals, ...parts];
  }

  /** Each path from the result to a variable multiplied out, and who has a derivative in theirs. */
  pathLines(node) {
    const { paths = [], shared = [] } = this.equations.step(node.number) ?? {};
    const names = shared.map((key) => this.equations.symbol(key).name);
    const found = paths.flatMap((one) => this.equations.lines(one));
    return names.length ? [...found, `Shared: the paths to ${few(names, 12)} have ${this.by(node)} in them.`] : found;
  }

  panel(key) {
    const [letter, n] = key.split("/");
    const node = this.byNumber.get(Number(n));
    const made = !node.leaf && !node.fixed;
    const { value } = this.equations.step(node.number) ?? {};
    const sections = [
      { title: "Value", lines: made ? [...this.valueLines(node), ...this.equations.told(value)] : [`${node.name} = ${numbersOf(this.of(node.value), bare)}`] },
    ];
    if (node.derivative !== null) sections.push(...this.derivativeSections(node));
    else if (!node.fixed) sections.push({ title: "Derivative", lines: [`${this.last.name} does not depend on it.`] });
    if (made) sections.push({ title: "Local derivatives by what it is made of", lines: this.equations.explained(this.handed(node)) });
    const kind = node.leaf ? "variable" : node.fixed ? "constant" : node.operation;
    const size = node.leaf ? Math.min(this.of(node.value).data.length, 24) : 0;
    const fields = Array.from({ length: size }, (_, place) => ({
      label: node.title + placeIn(this.of(node.value).shape, place), what: { index: node.value, place },
    }));
    return { title: node.fixed ? `Constant ${node.named ? node.title : this.shown(node.value)}` : `Node ${node.title}`, over: kind, fields, sections };
  }

  derivativeSections(node) {
    const { slope } = this.equations.step(node.number) ?? {};
    const rows = this.usesOf(node).map(({ node: user, edge }) => [
      { text: user.title, key: `n/${user.number}` },
      ...[this.of(user.derivative), this.localOf(user, node, edge), this.of(edge.product)].map((x) => numbersOf(x, bare)),
    ]);
    const head = ["used in", `d${this.last.name}/d(it)`, "local", "product"];
    return [
      { title: "Derivative: a sum over its uses", lines: [...this.derivativeLines(node), ...this.equations.told(slope)] },
      { title: "Local derivatives of its uses", lines: this.equations.explained(this.locals(node)) },
      ...(rows.length ? [{ title: "Uses", table: { head, rows } }] : []),
      { title: "Paths", lines: this.pathLines(node) },
      ...(node.leaf && this.editable && this.of(node.value).shape.length === 0 ? [{ title: "Checked by measuring", check: node.value }] : []),
    ];
  }

  get({ index, place }) {
    return this.given.get(index).data[place];
  }

  set({ index, place }, value) {
    this.given.get(index).data[place] = value;
    this.refresh();
  }

  reset({ index, place }) {
    this.set({ index, place }, unpacked(this.data.given[index]).data[place]);
  }

  refused(what, kept) {
    try {
      this.of(this.last.value);
      return "";
    } catch (error) {
      this.set(what, kept);
      return error.message;
    }
  }

  /** The slope of the result along a variable, measured: the central difference, and both sides'. */
  check(index) {
    const kept = this.given.get(index).data[0];
    return settledSlope((offset) => {
      const moved = new Map(this.given).set(index, make([], Float64Array.of(kept + offset)));
      return new Run(this.tape, moved).of(this.last.value).data[0];
    }, kept, this.added());
  }

  /** How large the numbers are that the result is added up of: each rounding of a node moves it by a
   *  share of the node times its derivative. */
  added() {
    const moving = this.data.nodes.filter(({ derivative }) => derivative !== null);
    const shares = moving.flatMap(({ value, derivative }) => {
      const slopes = this.of(derivative).data;
      return Array.from(this.of(value).data, (one, n) => Math.abs(one * slopes[n]));
    });
    return shares.filter(Number.isFinite).reduce((sum, one) => sum + one, 0);
  }

  /** Why derivatives may not be slopes, where that is known. */
  get whyApart() {
    const isStopped = this.data.nodes.some(({ operation }) => operation === "stop_gradient");
    return isStopped ? "stop_gradient hands no derivative back" : "";
  }

  gradientAt(index) {
    return this.of(this.nodes.find((node) => node.value === index && node.leaf).derivative).data[0];
  }

  tables() {
    const rows = this.nodes.map((node) => [
      { text: node.title, key: `n/${node.number}` },
      node.leaf || node.fixed ? node.operation : this.madeBy(node),
      ...[node.value, node.derivative].map((index) => this.shown(index, number)),
    ]);
    return [{ title: "Nodes", head: ["node", "made by", "value", `d${this.last.name}/d(it)`], rows }];
  }

  /** What makes a node, in names. */
  madeBy(node) {
    const [form] = this.equations.step(node.number)?.value.forms ?? [];
    return form === undefined ? called(node.operation, node.edges.map(({ from }) => this.byNumber.get(from).name)) : this.equations.written(form);
  }

  scene(seen, uses) {
    const active = new Set(uses);
    const { at, width, height, routes } = this.places;
    const group = { edges: [], nodes: [], chips: [] };
    for (const node of this.nodes) {
      node.edges.forEach((edge, place) => {
        const key = `e/${node.number}/${place}`;
        const text = seen.has(`l/${node.number}/${place}`) ? this.onArrow(node, edge) : "";
        group.edges.push({ key: null, path: routes.get(key), weight: 1.4, kind: "arrow", text, textKind: "delta", active: active.has(key) });
      });
    }
    for (const node of this.nodes) group.nodes.push(this.drawn(node, at.get(node.number), seen, active));
    placeLabels(group.edges.filter((edge) => edge.text).map((edge) => Object.assign(edge, ends(edge.path))), obstacles(group));
    return { width, height, titles: [], groups: [group] };
  }

  /** What stands below a node: its value, and its derivative if it has one. */
  linesOf({ value, derivative }) {
    return { value: inLines(this.of(value)), derivative: derivative === null ? [] : inLines(this.of(derivative), "d ") };
  }

  /** What stands on an arrow to a node: one or two local derivatives, else how many there are. */
  onArrow(node, { from, local, product }) {
    if (product === null) return "";
    const size = (index) => this.of(index).data.length;
    if (local === null) return `${size(node.value)}×${size(this.byNumber.get(from).value)}`;
    return size(local) > IN_A_LINE ? counted(size(local), "number") : inLines(this.of(local))[0];
  }

  drawn(node, { x, y }, seen, active) {
    const key = `n/${node.number}`;
    const { value, derivative } = this.linesOf(node);
    const lines = [];
    const below = (texts, kind, first) => texts.forEach((text, n) => lines.push({ text, kind, y: y + first + n * LINE_HEIGHT }));
    if (seen.has(`v/${node.number}`) && !node.fixed) below(value, "a", NODE_RADIUS + LINE_HEIGHT);
    if (seen.has(`d/${node.number}`)) below(derivative, "delta", NODE_RADIUS + (1 + value.length) * LINE_HEIGHT);
    const sign = { add: "+", subtract: "−", multiply: "×", divide: "÷", negative: "−", power: "^" }[node.operation] ?? node.operation;
    const made = node.leaf || node.fixed ? "" : sign;
    const constant = node.fixed ? value.join(" ") : "";
    const own = node.fixed && !this.isCalled(node) ? (constant.length <= 6 ? constant : "c") : node.title;
    if (node.fixed && own !== constant) below(value, "z", NODE_RADIUS + 10);
    return {
      key, x, y, radius: node.fixed ? FIXED_RADIUS : NODE_RADIUS, name: own, over: made, lines,
      active: active.has(key), quiet: node.fixed,
      label: `${node.leaf ? "Variable" : node.fixed ? "Constant" : "Node"} ${own}${made ? ` = ${node.operation}` : ""}${lines.map(({ text }, n) => `${/,$/.test(lines[n - 1]?.text) ? "" : ","} ${text}`).join("")}`,
    };
  }
}

/** Where a number stands in an array, each axis counted from 1: "[2,1]"; "" of a number alone. */
function placeIn(shape, place) {
  const index = [...shape].reverse().reduce(([left, found], size) => [Math.floor(left / size), [(left % size) + 1, ...found]], [place, []])[1];
  return index.length ? `[${index}]` : "";
}

/** The nodes without those that only move numbers, for which others stand, and without what
 * constants are made of: a node of constants alone is a constant itself. */
function drawnNodes({ nodes: all, result }) {
  const stands = new Map(all.map((node) => [node.number, node.stands]));
  const nodes = all.filter((node) => node.stands === node.number).map((node) => ({
    ...node, edges: node.edges.map((edge) => ({ ...edge, from: stands.get(edge.from) })),
  }));
  const fixed = new Set();
  for (const node of nodes) {
    if (!node.leaf && node.edges.every(({ from }) => fixed.has(from))) fixed.add(node.number);
  }
  const used = new Set(nodes.filter((node) => !fixed.has(node.number)).flatMap((node) => node.edges.map(({ from }) => from)));
  return nodes
    .filter((node) => !fixed.has(node.number) || used.has(node.number) || node.number === result)
    .map((node) => (fixed.has(node.number) ? { ...node, fixed: true, edges: [] } : node));
}
