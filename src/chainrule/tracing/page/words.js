// Numbers and names as text. Lowered letters stand between two marks, which `rich` makes <sub> of.

const MARKS = ["\u0002", "\u0003"];
let digits = 6;

/** A name written below the line: sub("h1") after "z". */
const sub = (name) => MARKS[0] + name + MARKS[1];

/** Text without marks, for labels that are read aloud. */
const plain = (text) => text.replaceAll(MARKS[0], " ").replaceAll(MARKS[1], "");

const dashed = (text) => text.replaceAll("-", "−");

/** A number with as many digits as the trace shows; very small and large ones with an exponent. */
function number(value) {
  if (value === undefined || value === null) return "–";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const small = size > 0 && size < 0.5 * 10 ** (1 - digits);
  if (!small && size < 1e7) return dashed(value.toFixed(digits));
  const [mantissa, exponent] = value.toExponential(Math.min(digits, 4)).replace(/\.?0+e/, "e").split("e");
  return `${dashed(mantissa)}·10${raised(Number(exponent))}`;
}

const raised = (exponent) =>
  String(exponent).replace(/./g, (letter) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[letter] ?? "⁻");

/** A number for the drawing: short, so that it fits. */
function short(value) {
  if (value === undefined || value === null || !Number.isFinite(value)) return number(value);
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-4 || size >= 1e5) {
    const [mantissa, exponent] = value.toExponential(1).split("e");
    const power = `10${raised(Number(exponent))}`;
    return mantissa === "1.0" ? power : `${dashed(mantissa)}·${power}`;
  }
  const places = size >= 1000 ? 1 : size >= 10 ? 2 : size >= 0.01 ? 4 : 6;
  return dashed(value.toFixed(Math.min(places, digits)).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, ""));
}

/** A number without zeros at its end. */
function bare(value) {
  const text = number(value);
  return /^[^·]*\.\d+$/.test(text) ? text.replace(/\.?0+$/, "") : text;
}

/** A number that is put into a formula: negative ones in brackets. */
const factor = (value) => (value < 0 ? `(${bare(value)})` : bare(value));

/** Terms of a sum with their signs. */
const summed = (texts) => texts.join(" + ").replaceAll("+ −", "− ");

const counted = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

/** A few of many, in words: "a, b, c and 7 more". */
function few(texts, most = 6, joined = ", ") {
  if (texts.length <= most) return texts.join(joined);
  const others = (texts.length - most).toLocaleString("en");
  const rest = joined === " + " ? ` + … (${others} more)` : `${joined.trimEnd()} and ${others} more`;
  return `${texts.slice(0, most).join(joined)}${rest}`;
}

/** Numbers in words: "a vector of 3: 1, 2, 3". */
function numbersOf(x) {
  if (x === undefined) return "–";
  if (x.data.length === 1) return number(x.data[0]);
  return `[${few(Array.from(x.data.slice(0, 60), number), 6)}]`;
}
