// What the loss compares: outputs and targets of a row, by name, and the formulas of both.

const MOST_OUTPUTS = 12; // up to which a row's own loss has a term of each

class Outputs {
  constructor(network) {
    const { training, data } = network;
    Object.assign(this, { network, training, data });
  }

  get column() {
    return this.network.columns[this.network.last];
  }

  /** How many there are in a row. */
  get count() {
    return this.column.names.length;
  }

  /** The axes of those of a row; of several the last is that of the units at a position. */
  get axes() {
    return this.training.of(this.column.results.a).shape.slice(1);
  }

  /** Position and unit of an output in its name; of outputs without positions its number, from `first`. */
  index(k, first = 1) {
    const { axes } = this;
    return axes.length > 1 ? indexOn(axes, k) : sub(k + first);
  }

  /** The places of the targets of a row: one a number; with the output unit that it belongs to. */
  targets(row = this.network.row) {
    const { targets } = this.network;
    return targets.flatMap(({ source, labels }, place) => {
      const width = count(this.network.array(source).shape.slice(1));
      const fits = targets.length === 1 && !labels && width === this.count;
      const name = (n) => {
        if (fits) return width > 1 || this.axes.length > 1 ? `t${this.index(n)}` : "t";
        if (labels) return `class t${width > 1 ? indexOn(this.axes.slice(0, -1), n) : ""}`;
        return `t${place + 1}${width > 1 ? `[${n + 1}]` : ""}`;
      };
      return Array.from({ length: width }, (_, n) => ({
        what: { source, place: row * width + n }, unit: fits ? n : null, labels, n, name: name(n),
      }));
    });
  }

  /** Of a target that is a label: in brackets the unit of its class. */
  className({ labels, what, n }) {
    const first = n * this.axes.at(-1);
    const name = labels ? this.column.base[first + this.training.get(what)] : undefined;
    return name === undefined ? "" : ` (${styled(name)})`;
  }

  /** Names and numbers of the loss's formulas: outputs o/k and targets t/k of the row. */
  symbols(row = this.network.row) {
    const targets = this.targets(row);
    return (key) => {
      const [letter, place, partner] = key.split("/");
      const k = Number(place);
      if (letter === "mix") return this.network.mixing.share();
      if (!(k < this.count)) return undefined;
      if (partner) return this.network.mixing.target(k);
      return letter === "o" ? this.output(k, row) : this.target(k, targets);
    };
  }

  /** The target of an output; classes are counted from 0, but at positions all is from 1. */
  target(k, targets) {
    const { count, axes, training } = this;
    const classes = axes.at(-1);
    const { labels } = targets[0];
    const value = labels ? holdsOf(training.get(targets[Math.floor(k / classes)].what) === k % classes) : training.get(targets[k].what);
    return { name: count > 1 || axes.length > 1 ? `t${this.index(k, labels ? 0 : 1)}` : "t", value };
  }

  /** What the loss compares with targets: what the network gives, or what the loss makes of it. */
  output(k, row) {
    const { network, count } = this;
    if (this.data.formulas.outputs === "a") return { name: network.valueName(network.last, k), value: network.value(network.last, "a", k, row) };
    return { name: count > 1 ? `p${this.index(k)}` : "p", value: this.training.pair("p/0").data[row * count + k] };
  }

  /** The row's own loss as a formula: a part of a sum over outputs, or positions, of many the largest;
   *  `whose` says whose targets are in it. */
  lossTree({ put, symbols }, whose = (tree) => tree) {
    const { term, width, part } = this.data.formulas.loss;
    const terms = Array.from({ length: this.count / width }, (_, n) => simplified(whose(shifted(term, n * width)), symbols));
    const kept = terms.filter((one) => one !== 0);
    return kept.length ? partOf(added(kept, { put, symbols }, MOST_OUTPUTS), part) : 0;
  }

  /** The slope of the row's own loss by an output, as a formula: that of the first term, moved there. */
  slopeTree(unit) {
    const { slopes } = this.data.formulas;
    const first = unit % slopes.length;
    return slopes[first] && this.network.mixing.both(shifted(slopes[first], unit - first));
  }

  /** Those among which an output is one class: all, or those at its position. */
  classesOf(unit) {
    const width = this.axes.at(-1);
    return Array.from({ length: width }, (_, n) => unit - (unit % width) + n);
  }

  /** By what the pair's slopes are divided in the row's own loss: a mean over outputs, or positions. */
  get pairPart() {
    return this.data.pair.link === "sigmoid" ? this.count : count(this.axes.slice(0, -1));
  }
}
