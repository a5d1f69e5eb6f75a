// A loss of the user's own, operation by operation. Keys of formulas are "o/1" and "t/1" for an output
// and a target.

class OwnLoss extends OwnOperations {
  /** Of a network whose loss is told so; null of another. */
  static of(network) {
    return network.data.ownLoss ? new OwnLoss(network) : null;
  }

  constructor(network) {
    super(network, network.data.ownLoss);
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
    const own = this.nameOf(step, place);
    const value = (kind) => this.numbers(`${kind}/${step}`).data[row * this.steps[step].width + Number(place)];
    if (slope) return { name: network.slopeName(own), value: network.sign * value("slope") };
    if (step < this.steps.length - 1) return { name: own, value: value("value") };
    return { name: data.formulas.oneLoss ? data.loss.name : "ℓ", value: this.training.rowLosses[row] };
  }

  /** What operations make of the row's numbers; the last is the row's own loss. */
  forwardLines() {
    return this.steps.flatMap((step, n) => {
      const { by, width, shown, values } = step;
      const others = width - shown.length;
      return [...shown.map((place) => this.line(`${n}/${place}`, values[place], `by ${by}`)), ...(others ? [this.leftLine(step, others)] : [])];
    });
  }

  /** The derivatives of a row's own loss from behind; that by an output comes last. */
  backwardLines(unit) {
    const { network } = this;
    const why = "through the operations of the loss";
    const places = this.placesIn([this.outputs[unit]], "slopes");
    const behind = this.steps.flatMap((step, n) => {
      if (!step.moved) return [];
      const told = this.told(places[n], step);
      return [(told.length ? told : step.shown).map((place) => this.line(`d${n}/${place}`, step.slopes[place], why))]; // by a number that is not spelled all follow
    }).reverse().flat();
    const name = network.slopeName(network.valueName(network.end, unit));
    const arrives = network.sign * network.value(network.end, "upstream", unit);
    return [...behind, equationLine(name, this.outputs[unit], this.symbols, arrives, why)];
  }
}
