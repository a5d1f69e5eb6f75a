// A layer that spreads numbers: how far each reaches into the parts of its range, and sums with
// weights of each part, from what the layer is given and its weights as they are now.

const MOST_PARTS = 8; // of a range, up to which all are told
const FEW_PARTS = 5;

class Spread {
  constructor(network, c, { input, starts }) {
    const { layer } = network.columns[c];
    const shape = network.data.segments[layer.parameters.kernel][3];
    Object.assign(this, { network, training: network.training, c, layer, input, starts, shape });
  }

  /** Which number a unit is made of, and which of that number's units it is. */
  origin(unit) {
    const units = this.shape[2];
    return [Math.floor(unit / units), unit % units];
  }

  /** Where a number lies in its range, counted in parts. */
  position(number, row) {
    return this.network.array(`input/${this.input}`).data[row * this.shape[0] + number];
  }

  positionName(number) {
    const { places } = this.network.columns[0];
    return this.network.valueName(0, places.findIndex(({ source, n }) => source === `input/${this.input}` && n === number));
  }

  /** How far a number reaches into a part of its range. */
  reach(number, part, row) {
    return Math.min(Math.max(this.position(number, row) - this.starts[part], 0), 1);
  }

  reachName(number, part) {
    return `reach${part + 1}${sub(this.positionName(number))}`;
  }

  weight(number, part, column) {
    const [, parts, units] = this.shape;
    return this.training.parameter(this.layer.parameters.kernel).data[(number * parts + part) * units + column];
  }

  bias(unit) {
    return this.training.parameter(this.layer.parameters.bias).data[unit];
  }

  /** Whether a number of a unit is found here, because the tape has it for no row alone. */
  finds(what) {
    return ["z", "slope", "delta", "reported"].includes(what);
  }

  value(what, unit, row) {
    const a = this.network.value(this.c, "a", unit, row);
    if (what === "slope") return holdsOf(a > 0);
    if (what === "z") return a > 0 ? a : Math.min(this.sum(unit, row), 0);
    return this.network.value(this.c, what === "delta" ? "upstream" : "upstream_reported", unit, row) * holdsOf(a > 0);
  }

  sum(unit, row) {
    const [number, column] = this.origin(unit);
    return sumOf([...this.starts.map((_, part) => this.reach(number, part, row) * this.weight(number, part, column)), this.bias(unit)]);
  }

  /** The parts that are told: of many where the number itself lies, and those with the largest terms. */
  parts(unit, row) {
    const all = this.starts.map((_, part) => part);
    if (all.length <= MOST_PARTS) return all;
    const [number, column] = this.origin(unit);
    const sizes = all.map((part) => {
      const reach = this.reach(number, part, row);
      return reach > 0 && reach < 1 ? Infinity : Math.abs(reach * this.weight(number, part, column));
    });
    const kept = all.sort((a, b) => sizes[b] - sizes[a]).slice(0, FEW_PARTS);
    return kept.filter((part, n) => n === 0 || sizes[part] > 0).sort((a, b) => a - b);
  }

  /** How far the unit's number reaches into each part, then its sum. */
  sumLines(unit, narration) {
    const { network, starts } = this;
    const { row } = network;
    const [number] = this.origin(unit);
    const parts = this.parts(unit, row);
    const lines = parts.map((part) => {
      const { put, symbols } = symbolTable();
      const position = put(this.positionName(number), this.position(number, row));
      const into = starts[part] ? ["+", position, ["−", starts[part]]] : position;
      return equationLine(this.reachName(number, part), ["clip", into, 0, 1], symbols, this.reach(number, part, row));
    });
    const others = starts.length - parts.length;
    const left = `${this.layer.name}: ${others.toLocaleString("en")} more of ${starts.length.toLocaleString("en")} parts of ${this.positionName(number)} are left out.`;
    const { tree, symbols } = this.sumTree(unit, parts, new OwnParameters(narration, this.c));
    return [...lines, ...(others ? [left] : []), equationLine(network.baseName(this.c, unit), tree, symbols, network.value(this.c, "z", unit))];
  }

  sumTree(unit, parts, own) {
    const { put, symbols } = symbolTable();
    const { row, data: { form } } = this.network;
    const [number, column] = this.origin(unit);
    const [, count, units] = this.shape;
    const terms = parts.map((part) => {
      const place = (number * count + part) * units + column;
      const pair = [put(this.reachName(number, part), this.reach(number, part, row)), put(own.name("kernel", place), this.weight(number, part, column))];
      return ["·", ...(form === "rows" ? pair : pair.reverse())];
    });
    const others = this.starts.map((_, part) => part).filter((part) => !parts.includes(part));
    const rest = sumOf(others.map((part) => this.reach(number, part, row) * this.weight(number, part, column)));
    const more = others.length ? [put(leftOut(others.length), rest)] : [];
    return { tree: ["+", ...terms, ...more, put(own.name("bias", unit), this.bias(unit))], symbols };
  }
}
