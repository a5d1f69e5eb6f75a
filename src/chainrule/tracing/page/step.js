// One training step of a network in the page: what it is given, and all that follows from it.
// Nothing here knows a derivative: forward, backward and update are the tape that trains in Python.

/** What can be changed: rows by source, parameters, the optimizer's state; steps since the first traced. */
class State {
  constructor(arrays, parameters, slots, made = 0) {
    Object.assign(this, { arrays, parameters, slots, made });
  }

  copy() {
    const arrays = Object.fromEntries(
      Object.entries(this.arrays).map(([name, x]) => [name, make(x.shape, x.data.slice())]),
    );
    const slots = this.slots && this.slots.map((slot) => slot.slice());
    return new State(arrays, this.parameters.slice(), slots, this.made);
  }
}

/** The numbers of each step: learning rate and others. */
class Lines {
  constructor({ known, columns }, first) {
    this.known = known ?? Infinity;
    this.columns = columns.map((one) => {
      if (!Array.isArray(one)) return (step) => corrected(one, first + step);
      const { data } = unpacked(one);
      return (step) => data[Math.min(step, data.length - 1)];
    });
  }

  at(step) {
    return this.columns.map((column) => column(step));
  }
}

/** A rate with Adam's corrections of step t, counted from 1. */
const corrected = ({ rate, beta_1: b1, beta_2: b2 }, t) => rate * (Math.sqrt(1 - b2 ** t) / (1 - b1 ** t));

class Training {
  constructor(shipped) {
    this.shipped = shipped;
    this.rows = shipped.rows;
    this.tape = shipped.tape ? new Tape(shipped.tape) : null;
    this.recorded = new Map(
      Object.entries(shipped.recorded ?? {}).map(([index, x]) => [Number(index), unpacked(x)]),
    );
    const arrays = Object.fromEntries(
      Object.entries(shipped.arrays).map(([name, x]) => [name, unpacked(x)]),
    );
    this.kept = [shipped, ...shipped.later.filter((one) => one.parameters)].map(({ at = 0, parameters, slots }) =>
      new State(arrays, unpacked(parameters).data, slots && slots.map((slot) => unpacked(slot).data), at));
    this.drawn = new Map(shipped.later.map(({ at, constants }) =>
      [at, Object.entries(constants).map(([index, x]) => [Number(index), unpacked(x)])]));
    this.lines = new Lines(shipped.lines, shipped.iteration);
    this.traced = Array.from(unpacked(shipped.losses).data);
    this.trained = shipped.segments.map(([, , , , trained], n) => (trained ? n : null)).filter((n) => n !== null);
    this.count = Math.max(0, ...this.trained.map((n) => shipped.segments[n][2]));
    this.start(this.kept[0]);
  }

  /** A step begins here, and the reader comes back to it. */
  start(initial) {
    this.initial = initial;
    this.restart();
  }

  /** Back to what was traced. */
  restart() {
    this.base = this.initial;
    this.state = this.initial.copy();
    this.losses = this.traced.slice(0, this.state.made);
    this.untouched = true;
    this.refresh();
  }

  /** Whether steps that are not in the page are made again as they were traced. */
  get repeats() {
    const { slots, drawn, later, steps } = this.shipped;
    return this.editable && slots !== null && (!drawn || later.length === steps - 1);
  }

  /** Show the nth step that was traced, from 0; the sentence that says why not. */
  choose(n) {
    const before = this.initial;
    const nearest = this.kept.findLast(({ made }) => made <= n);
    if (nearest.made !== n && !this.repeats) {
      return `Step ${n + 1} is not in this page, because its numbers would make it too large; trace it alone.`;
    }
    this.start(nearest);
    while (this.state.made < n && this.canStep) this.makeStep();
    if (nearest.made !== n && !this.agrees(n)) {
      const own = number(this.loss);
      this.start(before);
      return `Step ${n + 1} is not shown, because made again in this page it has the loss ${own} where ${number(this.traced[n])} was traced.`;
    }
    this.start(this.state);
    return "";
  }

  /** Whether the loss is that of the nth traced step, as far as float32 goes. */
  agrees(n) {
    if (this.state.made !== n) return false;
    const [own, traced] = [this.loss, this.traced[n]];
    if (!Number.isFinite(traced)) return !Number.isFinite(own);
    return Math.abs(own - traced) <= 1e-4 * Math.max(Math.abs(traced), 1e-3 * Math.abs(this.traced[0]));
  }

  /** The loss before each step and the last: as traced, until something is changed. */
  get course() {
    return this.untouched && this.shipped.steps > 1 ? this.traced : [...this.losses, this.loss];
  }

  /** Numbers are computed again when they are next asked for. */
  refresh() {
    this.run = this.tape ? new Run(this.tape, this.given(this.state)) : null;
    this.pairRun = this.update = this.later = undefined;
  }

  get editable() {
    return this.tape !== null;
  }

  given(state) {
    const { sources, segments } = this.shipped;
    let next = 0;
    return sources.flatMap(([index, kind, name]) => {
      if (kind === "rows") return [[index, state.arrays[name]]];
      if (kind !== "parameter") return [];
      const [, start, stop, shape] = segments[next++];
      return [[index, make(shape, state.parameters.subarray(start, stop))]];
    }).concat(this.drawn.get(this.drawnAt) ?? []);
  }

  /** The traced step, from 0, whose draws by chance are those of this step. */
  get drawnAt() {
    return [...this.drawn.keys()].findLast((at) => at <= this.state.made) ?? 0;
  }

  /** A value of the tape before the update. */
  of(index) {
    if (index === null || index === undefined) return undefined;
    return this.run ? this.run.of(index) : this.recorded.get(index);
  }

  get loss() {
    return this.of(this.shipped.lossIndex).data[0];
  }

  get rowLosses() {
    return this.of(this.shipped.lossParts.row_losses).data;
  }

  get penalties() {
    return Object.entries(this.shipped.lossParts)
      .filter(([name]) => name.startsWith("penalty/"))
      .map(([name, index]) => [name.slice("penalty/".length), this.of(index).data[0]]);
  }

  /** A parameter as it is: shape and numbers. */
  parameter(segment) {
    const [, start, stop, shape] = this.shipped.segments[segment];
    return make(shape, this.state.parameters.subarray(start, stop));
  }

  /** The gradient of the loss by a parameter; undefined where no gradient moves it. */
  gradient(segment) {
    const place = this.trained.indexOf(segment);
    return place < 0 ? undefined : this.of(this.shipped.gradients[place]);
  }

  /** The part of the tape behind the seam: the update, as a run of its own. */
  get moving() {
    if (this.update === undefined && this.tape && this.state.slots) {
      const gradient = new Float64Array(this.count);
      for (const segment of this.trained) {
        gradient.set(this.gradient(segment).data, this.shipped.segments[segment][1]);
      }
      const flat = (data) => make([this.count], data);
      const line = this.line.map((value) => make([], Float64Array.of(value)));
      const slots = this.state.slots.map(flat);
      const values = {
        weight: () => flat(this.state.parameters.subarray(0, this.count)),
        gradient: () => flat(gradient),
        slot: () => slots.shift(),
        line: () => line.shift(),
      };
      const given = this.shipped.sources
        .filter(([, kind]) => kind in values)
        .map(([index, kind]) => [index, values[kind]()]);
      this.update = new Run(this.tape, given);
    }
    return this.update;
  }

  /** The numbers of the step: learning rate and others that change by step. */
  get line() {
    return this.lines.at(this.state.made);
  }

  /** What the step makes of parameters and state; undefined where it is not known. */
  get after() {
    if (this.later === undefined) this.later = this.stepped();
    return this.later ?? undefined;
  }

  stepped() {
    const [weight, ...slots] = this.shipped.updates;
    const found = (index) => (this.tape ? this.moving?.of(index) : this.recorded.get(index));
    const moved = weight === undefined ? undefined : found(weight);
    if (!moved) return null;
    const state = this.state.copy();
    if (!Number.isFinite(this.loss)) return state;
    state.parameters.set(moved.data);
    for (const [segment, index] of this.tape ? this.shipped.states : []) {
      state.parameters.set(this.of(index).data, this.shipped.segments[segment][1]);
    }
    state.slots = slots.map((index) => found(index).data);
    return state;
  }

  /** The loss of the same rows, with the same random numbers, after the step. */
  get lossAfter() {
    if (!this.tape) return unpacked(this.shipped.loss.after).data[0];
    if (!this.after && this.untouched) return unpacked(this.shipped.loss.after).data[0];
    if (!this.after || !Number.isFinite(this.loss)) return NaN;
    return this.lossOf(this.after);
  }

  lossOf(state) {
    return new Run(this.tape, this.given(state)).of(this.shipped.lossIndex).data[0];
  }

  /** A value of the stable pair taken apart: "p/0", "by_p/0", "by_logit/k", "delta/0". */
  pair(name) {
    const { pair } = this.shipped;
    if (!this.pairRun) {
      const values = [this.of(pair.logits), this.of(pair.targets)];
      this.pairRun = new Run(new Tape(pair.tape), pair.sources.map((index, n) => [index, values[n]]));
    }
    return this.pairRun.of(pair.results[name]);
  }

  /** The slope of the loss along one parameter, measured: the central difference, and both sides'. */
  measured(place) {
    const moved = this.state.copy();
    const kept = moved.parameters[place];
    return settledSlope((offset) => {
      moved.parameters[place] = kept + offset;
      return this.lossOf(moved);
    }, kept);
  }

  /** A number that can be changed: {source, place} of the rows, {place} of the parameters. */
  get({ source, place }, state = this.state) {
    return source === undefined ? state.parameters[place] : state.arrays[source].data[place];
  }

  set(what, value) {
    if (what.source === undefined) this.state.parameters[what.place] = value;
    else this.state.arrays[what.source].data[what.place] = value;
    this.untouched = false;
    this.refresh();
  }

  reset(what) {
    this.set(what, this.get(what, this.base));
  }

  get canStep() {
    return this.whyNot === "";
  }

  /** Why no step can be made; empty where one can. */
  get whyNot() {
    if (!this.editable) return this.shipped.why;
    if (!Number.isFinite(this.loss)) return `No step is made from a loss that is ${number(this.loss)}.`;
    if (this.after === undefined) return "No step can be made here, because the optimizer's state is not in this page.";
    const { known } = this.lines;
    if (this.state.made + 1 < known) return "";
    return `This page knows the learning rates of ${known.toLocaleString("en")} steps, and no more steps can be made.`;
  }

  /** Steps that were made in the page. */
  get made() {
    return this.state.made - this.initial.made;
  }

  /** Make the step: what it gave is what the next one starts from. */
  makeStep() {
    const next = this.after.copy();
    this.losses.push(this.loss);
    next.made += 1;
    this.base = next;
    this.untouched = false;
    this.state = next.copy();
    this.refresh();
  }
}
