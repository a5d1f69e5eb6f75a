// A training step as the page's subject: what it says, draws, lets change, and shows as tables.

/** Letters for a position with so many axes. */
const positionOf = (axes) => ["p", "q", "r", "s"].slice(0, axes).join(",");

class NetworkSubject {
  constructor(data) {
    this.data = data;
    digits = data.digits;
    if (data.large) return;
    this.training = new Training(data);
    this.network = new Network(this.training);
    this.retell();
  }

  /** The walk anew, where other units are drawn. */
  retell() {
    this.moments = momentsOf(this.network);
  }

  get rows() {
    return this.data.rows;
  }

  get row() {
    return this.network.row;
  }

  set row(row) {
    this.network.setRow(row);
    this.retell();
  }

  get editable() {
    return this.training.editable;
  }

  lead() {
    const { data } = this;
    const rule = data.loss.outputs.map((one) => one.rule).join(", ");
    const weighted = this.training?.state.arrays.weight !== undefined;
    const rows = data.rows === 1
      ? `one row${weighted ? " with a weight" : ""}`
      : `a batch of ${data.rows} rows${weighted ? " with weights" : ""}`;
    const { made = 0, state, initial } = this.training ?? {};
    const from = this.choosesSteps ? ` from traced step ${(initial.made + 1).toLocaleString("en")} on` : "";
    const before = made ? ` after ${counted(made, "step")} made in this page${from}` : "";
    return `${data.about}Step ${data.iteration + (state?.made ?? 0)} of training${before}: ${rows}, ${rule}, ${data.optimizer.name}.${this.losses()}`;
  }

  /** Of a network that the page does not compute: the loss before and after the step. */
  losses() {
    if (!this.data.large) return "";
    const [before, after] = [this.data.loss.value, this.data.loss.after].map((x) => number(unpacked(x).data[0]));
    return ` The loss ${this.data.loss.name} is ${before}, after the step ${after}.`;
  }

  notes() {
    const { data, network } = this;
    const found = [];
    const only = data.steps > 1 && !this.choosesSteps
      ? [`${data.steps.toLocaleString("en")} steps were traced; this page has the numbers of the first one only, those of the others are in to_text().`]
      : [];
    if (data.large) return [data.large, ...only];
    found.push(...only);
    found.push(...data.remarks.map((one) => `${one[0].toUpperCase()}${one.slice(1).replace(/ -(?= ?\d)/g, " −")}.`));
    if (data.remarks.length && !this.training.untouched) found.push("That was said of the row as it was traced; numbers have been changed since.");
    if (data.why) found.push(data.why);
    if (data.type === "float32" && this.editable) found.push("The network was trained in float32; this page computes in float64, so last digits may differ.");
    if (data.rounded) found.push("Weights are shown rounded to 7 digits, and this page computes with them.");
    if (data.drawn) found.push(this.drawn());
    if (network.tooWide) found.push(`The network has ${network.columns.length} columns, too many to draw: the tables below show its numbers.`);
    return found;
  }

  /** What becomes of what was drawn by chance. */
  drawn() {
    const { steps, iteration } = this.data;
    const known = [...this.training.drawn.keys()].map((at) => at + iteration);
    if (!known.length) return `What was drawn by chance (dropout, noise, mixing) stays as it was in ${steps > 1 ? "the first step" : "this step"}.`;
    if (known.length === steps - 1) return `Each step that was traced has what was drawn by chance for it (dropout, noise, mixing); steps made after them keep that of step ${known.at(-1).toLocaleString("en")}.`;
    const all = [iteration, ...known].map((step) => step.toLocaleString("en")).join(" and ");
    return `Steps ${all} have, each of its own, what was drawn by chance (dropout, noise, mixing); steps made after one of them keep that.`;
  }

  /** Whether the reader can choose among the steps that were traced. */
  get choosesSteps() {
    return this.data.steps > 1 && !this.data.large && (this.training.repeats || this.training.kept.length > 1);
  }

  get drawable() {
    return !this.data.large && !this.network.tooWide;
  }

  scene(seen, uses) {
    return networkScene(this.network, seen, uses);
  }

  caption() {
    return this.network.folded.map(({ column }) =>
      `${column.shown.length} of ${column.names.length.toLocaleString("en")} units of ${column.title} are shown, those with the largest ${column.rule} for this row.`);
  }

  legend() {
    const { deltaWord: d, givenWord, errors, columns } = this.network;
    const own = this.data.formulas.oneLoss ? "" : " ℓ";
    const of = this.data.mixing ? `the sum Σℓ of all rows' losses (for ${this.data.mixing})` : `the row's own loss${own}`;
    const minus = errors ? "minus " : "";
    const passed = columns.some(({ mark }) => mark) ? "h~ what h is after a layer that has no names of its own (dropout, normalization …), " : "";
    const given = columns.some((column) => this.isPlain(column)) ? `${givenWord} ${minus}that by what ${passed ? "such a layer" : "a layer such as dropout or normalization"} is given, ` : "";
    const gives = columns.some((_, c) => this.network.isOwn(c)) ? `${this.network.givesWord} ${minus}that by a where there is no z, ` : "";
    const sums = columns.some((_, c) => this.network.hasSums(c));
    const also = `${this.targetWord()}${this.signs().map((one) => `, ${one}`).join("")}`;
    if (!sums && gives) return `a what a unit gives, ${this.network.givesWord} ${minus}the derivative of ${of} by a, ${passed}${given}${also}.`;
    return `z weighted sum, a activation, ${d} ${errors ? "error: minus " : ""}the derivative of ${of} by z, ${passed}${given}${gives}`
      + `${also}. Lines are weights: blue positive, dashed orange negative, thicker where larger; `
      + `${errors ? "−∂ on them is minus" : "∂ on them is"} the gradient, → what is after the step.`;
  }

  /** What the names of targets mean. */
  targetWord() {
    const { axes } = this.network.outputs;
    const [{ labels }] = [...this.network.targets, {}];
    if (axes.length < 2) return "t target";
    const counted = labels ? ", 1 where the label, which counts from 0, is j − 1" : "";
    return `t[${positionOf(axes.length - 1)},j] the target of output j at position ${positionOf(axes.length - 1)} of a row${counted}`;
  }

  /** What signs mean that only some walks have. */
  signs() {
    const { network } = this;
    const { rows } = new Narration(network);
    const layers = network.columns.map((_, c) => OwnLayer.of(rows.narration, c)).filter(Boolean);
    const own = [[OwnLoss.of(network), "the loss"], ...layers.map((one) => [one, one.column.layer.name])];
    const normals = network.columns.flatMap((_, c) => (rows.narration.normalizes(c) ? [new Normalization(rows.narration, c)] : []));
    const shared = network.columns.filter((_, c) => network.isAtPositions(c)).map(({ layer }) => layer);
    const { isKnown } = network.mixing;
    const byRow = rows.count > 1 && (rows.count <= FEW_ROWS || isKnown || normals.some(({ across }) => across));
    return [
      ...shared.map(({ name, results }) => {
        const position = positionOf(this.training.of(results.z).shape.length - 2);
        return `${name}[${position},j] unit j of ${name} at position ${position} of a row, with the same weights at all`;
      }),
      network.columns[network.last].names[0] === "o0" ? "o0 the 1st output unit, of class 0" : "",
      byRow ? "(2) after a name: in row 2" : "",
      ...(rows.weights && rows.shares && !isKnown ? [this.meaning("weight"), this.meaning("s")] : []),
      isKnown ? this.meaning("mix") : "",
      ...normals.map(({ names }) => names.replace(": ", " ")),
      ...own.map(([one, whose]) => (one?.steps.length > 1 || one?.link ? `${one.letter}1, ${one.letter}2 ... what operations of ${whose} give, in their order` : "")),
      normals.length ? "μ mean, σ² variance, hat what is given less μ, divided by the deviation" : "",
      normals.some(({ column }) => "gamma" in column.layer.parameters) ? this.meaning("γ") : "",
      normals.some(({ column }) => "beta" in column.layer.parameters) ? this.meaning("β") : "",
    ].filter(Boolean);
  }

  /** What a sign means, in the words of the text. */
  meaning(sign) {
    return dashed(this.data.formulas.meanings[sign].replace(": ", " "));
  }

  /** Whether a column is a layer without sums that computes. */
  isPlain(column) {
    const c = this.network.columns.indexOf(column);
    return column.kind === "layer" && !column.moves && !this.network.hasSums(c) && !this.network.isOwn(c);
  }

  panel(key) {
    return networkPanel(this.network, key);
  }

  hint() {
    const change = this.editable ? " Its number can be changed there, and everything follows." : "";
    const what = this.drawable ? "a weight, a unit or the loss in the drawing" : "a weight in the table";
    return `Choose ${what} to see its factors.${change} Arrow keys, Home and End walk through the step.`;
  }

  get result() {
    return { name: this.data.loss.name, value: this.training.loss };
  }

  get(what) {
    return this.training.get(what);
  }

  set(what, value) {
    this.training.set(what, value);
  }

  /** A change that the network cannot compute with is taken back; the sentence that says so. */
  refused(what, kept) {
    try {
      this.training.of(this.data.lossIndex);
      return "";
    } catch (error) {
      this.training.set(what, kept);
      return error.message;
    }
  }

  reset(what) {
    this.training.reset(what);
  }

  resetAll() {
    this.training.restart();
  }

  check(place) {
    const [slope, below, above, rounding] = this.training.measured(place);
    return [...[slope, below, above].map((one) => this.network.sign * one), rounding];
  }

  gradientAt(place) {
    const segment = this.data.segments.findIndex(([, start, stop]) => place >= start && place < stop);
    return this.network.sign * this.training.gradient(segment).data[place - this.data.segments[segment][1]];
  }

  tables() {
    if (this.data.large) {
      const head = Object.keys(this.data.summary[0]);
      return [{ title: "Layers", head, rows: this.data.summary.map((one) => head.map((name) => one[name].toLocaleString("en"))) }];
    }
    const { network } = this;
    const { columns } = network;
    const plain = columns.some((column) => this.isPlain(column));
    const units = columns.flatMap((column, c) => column.shown.map((unit) => {
      const slopes = [network.value(c, "slope", unit), network.delta(c, unit)].map(number);
      const none = [number(), number()];
      const bySums = column.kind !== "layer" || network.hasSums(c);
      const apart = bySums || network.isOwn(c);
      return [
        column.title, styled(column.names[unit]), ...["z", "a"].map((what) => number(network.value(c, what, unit))),
        ...(bySums ? slopes : none), ...(plain ? (apart ? none : slopes) : []),
      ];
    }));
    const weights = network.weighted.flatMap(({ column, c }) => column.shown.flatMap((unit) =>
      [...columns[c - 1].shown, "bias"].filter((source) => network.weight(c, unit, source) !== undefined).map((source) => [
        { text: network.weightName(c, unit, source), key: source === "bias" ? `b/${c}/${unit}` : `w/${c}/${unit}/${source}` },
        source === "bias" ? "bias" : styled(columns[c - 1].names[source]), styled(column.names[unit]),
        number(network.weight(c, unit, source)), gradientCell(network.toldGradient(c, unit, source)),
        number(network.weight(c, unit, source, this.training.after ?? null)),
      ])));
    const narration = new Narration(network);
    weights.push(...columns.flatMap((_, c) => (network.isOwn(c) ? new OwnParameters(narration, c).rows() : [])));
    const drawn = network.folded.length ? " that are drawn" : "";
    const { course } = this.training;
    const losses = course.length > 2 || this.training.made ? [tableOfLosses(course, this.data.iteration, this.data.loss.name)] : [];
    return [
      {
        title: `Units${drawn}${this.rows > 1 ? `, row ${this.row + 1}` : ""}`,
        rows: units,
        head: ["layer", "unit", "z", "a", "∂a/∂z", network.deltaWord, ...(plain ? ["∂a/∂x", network.givenWord] : [])],
      },
      { title: `Weights${drawn}`, head: ["weight", "from", "to", "before", network.gradientName(), "after"], rows: weights },
      ...losses,
    ];
  }
}
