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

/** The slope of a function of an offset: a central difference of fourth order, and those of second
 *  order below and above the point. */
function settledSlope(value, at) {
  const here = value(0);
  const found = [];
  for (const length of LENGTHS) {
    const h = length * Math.max(1, Math.abs(at));
    const [after, before, farAfter, farBefore] = [h, -h, 2 * h, -2 * h].map(value);
    found.push([
      (8 * (after - before) - (farAfter - farBefore)) / (12 * h),
      (3 * here - 4 * before + farBefore) / (2 * h), (4 * after - farAfter - 3 * here) / (2 * h),
    ]);
    const [, below, above] = found.at(-1);
    if (Math.abs(above - below) <= 1e-5 * Math.max(Math.abs(below), Math.abs(above))) return found.at(-1);
  }
  const gap = ([, below, above]) => Math.abs(above - below);
  return found.reduce((best, one) => (gap(one) < gap(best) ? one : best));
}
