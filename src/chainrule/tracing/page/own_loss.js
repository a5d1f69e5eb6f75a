// A loss of the user's own: what each of its operations makes of a row's numbers, and the derivatives
// by these. Keys of formulas are "o/1" and "t/1" for an output and a target, "2/0" for a number of the
// third operation, "d2/0" for the derivative by it, places counted from 0.

class OwnLoss {
  /** Of a network whose loss is told so; null of another. */
  static of(network) {
    return network.data.ownLoss ? new OwnLoss(network) : null;
  }

  constructor(network) {
    const { training, data } = network;
    Object.assign(this, { network, training, data, row: network.row }, data.ownLoss);
    this.target = network.outputs.symbols();
    this.symbols = (key) => this.symbol(...key.split("/"));
  }

  /** The numbers of all rows that a result of the loss's own tape holds. */
  numbers(name) {
    const index = this.results[name];
    if (!this.tape) return unpacked(this.recorded[index]);
    const { network: { columns, last, targets: [{ source }] }, training } = this;
    const given = [training.of(columns[last].results.a), training.state.arrays[source]];
    this.run ??= new Run(new Tape(this.tape), this.sources.map((one, n) => [one, given[n]]));
    return this.run.of(index);
  }

  /** What a key stands for: its name and its number in the row. */
  symbol(what, place) {
    const { network, data, row } = this;
    if (what === "o") return { name: network.valueName(network.last, place), value: network.value(network.last, "a", Number(place)) };
    if (what === "t") return this.target(`t/${place}`);
    const slope = what.startsWith("d");
    const step = Number(what.slice(slope ? 1 : 0));
    const { name, width } = this.steps[step];
    const own = styled(width > 1 ? `${name}_${Number(place) + 1}` : name);
    const value = (kind) => this.numbers(`${kind}/${step}`).data[row * width + Number(place)];
    if (slope) return { name: network.slopeName(own), value: network.sign * value("slope") };
    if (step < this.steps.length - 1) return { name: own, value: value("value") };
    return { name: data.formulas.oneLoss ? data.loss.name : "ℓ", value: this.training.rowLosses[row] };
  }

  /** The equation of what a key stands for. */
  line(key, tree, why) {
    const { name, value } = this.symbols(key);
    return equationLine(name, tree, this.symbols, value, why);
  }

  /** What operations make of the row's numbers; the last is the row's own loss. */
  forwardLines() {
    return this.steps.flatMap(({ name, by, width, shown, values }, step) => {
      const others = width - shown.length;
      const left = `${styled(name)}: ${others.toLocaleString("en")} more ${others === 1 ? "is" : "are"} left out.`;
      return [...shown.map((place) => this.line(`${step}/${place}`, values[place], `by ${by}`)), ...(others ? [left] : [])];
    });
  }

  /** By operation the places whose derivatives the one by an output is made of; of many those that are told. */
  placesBehind(unit) {
    const found = this.steps.map(() => new Set());
    const follow = (tree) => keysIn(tree ?? 0).filter((key) => key.startsWith("d")).forEach((key) => {
      const [step, place] = key.slice(1).split("/").map(Number);
      if (found[step].has(place)) return;
      found[step].add(place);
      follow(this.steps[step].slopes[place]);
    });
    follow(this.outputs[unit]);
    return found.map((places, step) => {
      const { shown, moved } = this.steps[step];
      if (!moved) return [];
      const told = places.size > shown.length ? shown.filter((one) => places.has(one)) : [...places].sort((a, b) => a - b);
      return told.length ? told : shown; // by a number that is not spelled all follow
    });
  }

  /** The derivatives of a row's own loss from behind; that by an output comes last. */
  backwardLines(unit) {
    const { network } = this;
    const why = "through the operations of the loss";
    const behind = this.placesBehind(unit).flatMap((places, step) =>
      [places.map((place) => this.line(`d${step}/${place}`, this.steps[step].slopes[place], why))]).reverse().flat();
    const name = network.slopeName(network.valueName(network.end, unit));
    const arrives = network.sign * network.value(network.end, "upstream", unit);
    return [...behind, equationLine(name, this.outputs[unit], this.symbols, arrives, why)];
  }

  /** All formulas of a direction, for what their functions mean. */
  formulas(kind) {
    return this.steps.flatMap((step) => Object.values(step[kind]));
  }
}
