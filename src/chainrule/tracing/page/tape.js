// Arrays and tapes as they are shipped, and the running of a tape.

const kinds = {
  float64: Float64Array, float32: Float32Array, int64: BigInt64Array, uint64: BigUint64Array,
  int32: Int32Array, uint32: Uint32Array, int16: Int16Array, uint16: Uint16Array,
  int8: Int8Array, uint8: Uint8Array, bool: Uint8Array,
};

/** An array as it was shipped: [shape, type, base64 of its bytes], or [shape, number] of one number. */
function unpacked([shape, type, bytes]) {
  if (bytes === undefined) return make(shape, new Float64Array(count(shape)).fill(Number(type)));
  return make(shape, Float64Array.from(new kinds[type](decoded(bytes).buffer), Number));
}

/** The bytes that a text of base64 stands for. */
function decoded(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let n = 0; n < letters.length; n++) bytes[n] = letters.charCodeAt(n);
  return bytes;
}

/** A tape: instructions [operation, operands, result, attributes] in order, and its constants. */
class Tape {
  constructor({ instructions, constants }) {
    this.instructions = instructions;
    this.constants = Object.entries(constants).map(([index, x]) => [index, unpacked(x)]);
    this.madeBy = new Map(instructions.map(([, , result], place) => [result, place]));
  }
}

/** A tape with what it is given; a value is computed when it is first asked for. */
class Run {
  constructor(tape, given) {
    this.tape = tape;
    this.values = new Map([...tape.constants.map(([index, x]) => [Number(index), x]), ...given]);
  }

  of(index) {
    if (!this.values.has(index)) this.compute(index);
    return this.values.get(index);
  }

  compute(index) {
    const { instructions, madeBy } = this.tape;
    const needed = new Set([index]);
    const places = [];
    for (let place = madeBy.get(index); place >= 0; place--) {
      const [, operands, result] = instructions[place];
      if (!needed.has(result) || this.values.has(result)) continue;
      places.push(place);
      operands.forEach((operand) => needed.add(operand));
    }
    for (const place of places.reverse()) {
      const [name, operands, result, attributes] = instructions[place];
      const values = operands.map((operand) => this.values.get(operand));
      this.values.set(result, operations[name](...values, attributes ?? {}));
    }
  }
}

const LENGTHS = [1e-3, 1e-4, 1e-5, 1e-6]; // of steps, until none reaches over a kink
const SETTLED = 1e-5; // of the larger slope, how far those below and above a smooth point differ at most
const ROUNDINGS = 100; // of a value, and of the point it is taken at, that count as rounding alone
const KINK = 1e-3; // of the larger, how far slopes differ where a kink is told

/** The slope of a function of an offset: a central difference of fourth order, those of second order
 *  below and above the point (where only rounding parts them, the first again), and how far rounding
 *  may move them. The rule is that of settled_slope in Python. */
function settledSlope(value, at) {
  const here = value(0);
  const found = [];
  for (const length of LENGTHS) {
    const h = length * Math.max(1, Math.abs(at));
    const [after, before, farAfter, farBefore] = [h, -h, 2 * h, -2 * h].map(value);
    const center = (8 * (after - before) - (farAfter - farBefore)) / (12 * h);
    const [below, above] = [(3 * here - 4 * before + farBefore) / (2 * h), (4 * after - farAfter - 3 * here) / (2 * h)];
    const rounding = roundingOf([here, after, before, farAfter, farBefore], length) / h;
    const gap = Math.abs(above - below);
    if (gap <= Math.max(SETTLED * Math.max(Math.abs(below), Math.abs(above)), rounding)) return [center, center, center, rounding];
    found.push([center, below, above, rounding]);
  }
  const gap = ([, below, above]) => Math.abs(above - below);
  return found.reduce((best, one) => (gap(one) < gap(best) ? one : best));
}

/** How far rounding may move values: a rounding of the point, a share of it, moves them by their spread. */
function roundingOf(values, length) {
  const spread = Math.max(...values) - Math.min(...values);
  return ROUNDINGS * Number.EPSILON * (Math.max(...values.map(Math.abs)) + spread / length);
}

/** How measured slopes and the gradient agree, in words that `text` writes numbers of. */
function verdictOn([slope, below, above, rounding], gradient, text) {
  const apart = (one, other) => Math.abs(one - other) / (Math.max(Math.abs(one), Math.abs(other)) || 1);
  if (apart(slope, gradient) < SETTLED) return "they agree";
  if (Math.abs(slope - gradient) <= rounding) return "the same but for rounding";
  const isKink = apart(below, above) > KINK && apart(slope, gradient) > KINK;
  const kink = isKink ? `; at a kink, where the slope is ${text(below)} below and ${text(above)} above` : "";
  return `apart by ${Number((100 * apart(slope, gradient)).toPrecision(2))} % of the larger${kink}`;
}
