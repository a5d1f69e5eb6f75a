// Numbers and names as text. Lowered letters stand between two marks, which `rich` makes <sub> of.

const MARKS = ["\u0002", "\u0003"];
let digits = 6;
const LARGE = 1e8; // from here on numbers have a power of ten

const GREEK = {
  alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ε", zeta: "ζ", eta: "η", theta: "θ", iota: "ι", kappa: "κ",
  lambda: "λ", mu: "μ", nu: "ν", xi: "ξ", pi: "π", rho: "ρ", sigma: "σ", tau: "τ", upsilon: "υ", phi: "φ", chi: "χ",
  psi: "ψ", omega: "ω", Gamma: "Γ", Delta: "Δ", Theta: "Θ", Lambda: "Λ", Xi: "Ξ", Pi: "Π", Sigma: "Σ", Phi: "Φ",
  Psi: "Ψ", Omega: "Ω",
};
const NAME = new RegExp(`^(${Object.keys(GREEK).join("|")}|\\p{L})(?:(\\d+(?:_\\d+)*)|_(\\w+))?(\\[[\\d,]+\\])?(~*)$`, "u");

/** A reader's name as it is shown: w5 and w_ij with what follows the letter below the line, theta as θ. */
function styled(name) {
  const [, letter, digits, low, place = "", mark] = NAME.exec(name) ?? [];
  if (letter === undefined) return name;
  const below = digits?.replaceAll("_", ",") ?? low;
  return `${GREEK[letter] ?? letter}${below === undefined ? "" : MARKS[0] + below + MARKS[1]}${place}${mark}`;
}

/** A name written below the line: sub("h1") after "z". */
const sub = (name) => MARKS[0] + unmarked(styled(`${name}`)) + MARKS[1];

/** A name as it is shown, all of it below the line: W_dense after "momentum". */
const lowered = (shown) => MARKS[0] + unmarked(shown.replace(/\u0002(?=\p{L})/gu, "_")) + MARKS[1];

const unmarked = (text) => text.replaceAll(MARKS[0], "").replaceAll(MARKS[1], "");

/** How many letters wide a text is; those below the line are smaller. */
const lettersOf = (text) => unmarked(text).length - 0.3 * [...text.matchAll(/\u0002([^\u0003]*)/g)].reduce((sum, [, low]) => sum + low.length, 0);

/** Text without marks, for labels that are read aloud: "w5", but "z h1". */
const plain = (text) => text.replace(/(\p{L})\u0002(?=\d)/gu, "$1").replaceAll(MARKS[0], " ").replaceAll(MARKS[1], "");

const dashed = (text) => text.replaceAll("-", "−").replaceAll("<=", "≤").replaceAll(">=", "≥");

/** A number with as many digits as the trace shows; very small and large ones with an exponent. */
function number(value) {
  if (value === undefined || value === null) return "–";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const small = size > 0 && size < 0.5 * 10 ** (1 - digits);
  if (!small && size < LARGE) {
    const text = value.toFixed(digits);
    const wanted = Math.min(digits, 3) - 1 - Math.floor(Math.log10(size)); // decimals, for three digits that count
    if (digits >= wanted || Number(text) === value) return dashed(text);
    if (size >= 1e-4) return dashed(value.toFixed(wanted));
  }
  return powered(value);
}

/** A number with a power of ten: with no fewer digits than the number in full would have. */
function powered(value) {
  const places = Math.abs(value) >= LARGE ? 8 : Math.max(Math.min(digits, 4), digits - 5);
  const [mantissa, exponent] = value.toExponential(places).replace(/\.?0+e/, "e").split("e");
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

/** The terms of a sum that are left out: as the name of one term, and as its number. */
const leftOut = (count) => `[${count.toLocaleString("en")} more]`;
const sumLeftOut = (value) => `[${bare(value)}]`;
const standsForMore = (name) => name.startsWith("[") && name.endsWith(" more]");

/** What stands for a gradient in tables; a number that is not trained has none. */
const gradientCell = (value) => (value === undefined ? HELD : number(value));
const HELD = "held fixed";

/** A few of many, in words: "a, b, c and 7 more"; of terms "a + b + c + [7 more]". */
function few(texts, most = 6, joined = ", ") {
  if (texts.length <= most) return texts.join(joined);
  const others = texts.length - most;
  const rest = joined === " + " ? ` + ${leftOut(others)}` : `${joined.trimEnd()} and ${others.toLocaleString("en")} more`;
  return `${texts.slice(0, most).join(joined)}${rest}`;
}

/** Whether all numbers of an array are written: few, or of a small matrix. */
function isWhole({ shape, data }) {
  return data.length <= 6 || (shape.length === 2 && Math.max(...shape) <= 4);
}

/** Numbers in words, each as `text` writes it: "[1, 2, 3]", few of several axes "[[1, 2], [3, 4]]". */
function numbersOf(x, text) {
  if (x === undefined) return "–";
  if (x.data.length === 1) return text(x.data[0]);
  if (x.shape.length > 1 && isWhole(x)) return nested(Array.from(x.data, text), x.shape);
  return `[${few(Array.from(x.data, text))}]`;
}

function nested(texts, [size, ...inner]) {
  const width = texts.length / size;
  const parts = Array.from({ length: size }, (_, n) => texts.slice(n * width, (n + 1) * width));
  return `[${parts.map((part) => (inner.length ? nested(part, inner) : part[0])).join(", ")}]`;
}
