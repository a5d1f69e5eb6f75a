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

// How slopes are measured and told: the rule and the numbers of graph/settling.py.
const SHARES = [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10]; // steps, of the larger of 1 and the point
const NEAR_ZERO = 1e-5; // points so near to 0 are moved by shares of themselves too
const OWN_SHARES = [1e-3, 1e-4, 1e-5, 1e-6];
const SETTLED = 1e-5; // of the larger slope, how far slopes at a smooth point differ at most
const KINK = 1e-3; // of how far both sides differ, how far they change with the step where a kink is told
const CLEAR = 0.1; // how much of a difference of slopes may be rounding where something is told from it
const ROUNDINGS = 100; // of a value, and of the point it is taken at, that count as rounding alone
const UNSEEN = 1e4; // how much more rounding values may have by what cancels inside of them, unseen,
const GROWN = 10; // and how much more it parts the slopes of the shortest step

const smooth = ([, , , rounding], slope) => [slope, slope, slope, rounding];
const gapOf = ([, below, above]) => Math.abs(above - below);
const spreadOf = ([slope, below, above]) => Math.max(slope, below, above) - Math.min(slope, below, above);
const toleranceOf = ([, below, above, rounding]) => Math.max(SETTLED * Math.max(Math.abs(below), Math.abs(above)), rounding);
const driftOf = ([longer, shorter]) => Math.abs(longer[1] - shorter[1]) + Math.abs(longer[2] - shorter[2]);
const leastBy = (found, key) => found.reduce((best, one) => (key(one) < key(best) ? one : best));

/** The slope of a function of an offset by the longest step that serves: a central difference of fourth
 *  order; those of second order below and above the point, which differ from it at a kink alone; and how
 *  far rounding may move them. `added`: how large the numbers are that the value is added up of. */
function settledSlope(value, at, added = 0) {
  const here = value(0);
  const found = [];
  for (const [length, share] of Number.isFinite(here) ? lengthsAt(at) : []) {
    const [after, before, farAfter, farBefore] = [1, -1, 2, -2].map((offset) => value(offset * length));
    const values = [here, after, before, farAfter, farBefore];
    const one = [
      (8 * (after - before) - (farAfter - farBefore)) / (12 * length),
      (3 * here - 4 * before + farBefore) / (2 * length),
      (4 * after - farAfter - 3 * here) / (2 * length),
      roundingOf(values, added, length, share),
    ];
    if (![...values, ...one].every(Number.isFinite)) continue;
    if (found.length && one[3] > spreadOf(found.at(-1))) break; // a shorter step tells of rounding alone
    if (spreadOf(one) <= toleranceOf(one)) return smooth(one, one[0]);
    found.push(one);
  }
  return unsettled(found);
}

/** The steps, each with the share of the point, or of 1, that it is. */
function lengthsAt(at) {
  if (!Number.isFinite(at)) return [];
  const own = Math.abs(at) > 0 && Math.abs(at) < NEAR_ZERO ? OWN_SHARES.map((share) => [share * Math.abs(at), share]) : [];
  return [
    ...SHARES.map((share) => [share * Math.max(1, Math.abs(at)), share]),
    ...own.filter(([length]) => length < SHARES.at(-1)),
  ];
}

/** How far rounding may part slopes: a rounding of the point, a share of it, moves values by their spread. */
function roundingOf(values, added, length, share) {
  const spread = Math.max(...values) - Math.min(...values);
  return (ROUNDINGS * Number.EPSILON * (Math.max(added, ...values.map(Math.abs)) + spread / share)) / length;
}

/** What is told of a point for which no step served: at a kink the slope of each side stays the same as
 *  steps become shorter. */
function unsettled(found) {
  if (!found.length) return [NaN, NaN, NaN, NaN];
  const clear = found.filter((one) => one[3] <= CLEAR * spreadOf(one));
  const pairs = clear.slice(1).map((one, place) => [clear[place], one]);
  const last = pairs.at(-1);
  if (last && driftOf(last) <= KINK * gapOf(last[1]) + last[1][3]) {
    const [best] = leastBy(pairs, (pair) => driftOf(pair) + pair[0][3]);
    const [center, below, above, rounding] = best;
    const sides = [below, above].map((one) => (Math.abs(one) <= rounding ? 0 : one));
    return gapOf(best) > toleranceOf(best) ? [center, ...sides, rounding] : smooth(best, (best[1] + best[2]) / 2);
  }
  const [best, shortest] = [leastBy(found, spreadOf), found.at(-1)];
  const isUnseen = GROWN * spreadOf(best) < spreadOf(shortest) && spreadOf(shortest) <= UNSEEN * shortest[3];
  const unseen = isUnseen ? Math.max(...found.filter((one) => one[3] > 0).map((one) => spreadOf(one) / one[3])) : 1;
  return smooth([...best.slice(0, 3), unseen * best[3]], best[0]);
}

/** How measured slopes and the gradient agree, in words that `text` writes numbers of; `why` they are
 *  apart, where that is known. */
function verdictOn([slope, below, above, rounding], gradient, text, why = "") {
  if (!Number.isFinite(slope)) return "not measurable here";
  const kink = below === above ? "" : `; at a kink, where the slope is ${text(below)} below and ${text(above)} above`;
  const [gap, larger] = [Math.abs(slope - gradient), Math.max(Math.abs(slope), Math.abs(gradient))];
  if (!Number.isFinite(gap)) return `apart${kink}`;
  if (gap === 0 || gap < SETTLED * larger) return `they agree${kink}`;
  if (gap <= rounding + SETTLED * larger) return `the same but for rounding${kink}`;
  const apart = `apart by ${Number(((100 * gap) / larger).toPrecision(2))} % of the larger`;
  return kink ? apart + kink : apart + (why && `: ${why}`);
}
