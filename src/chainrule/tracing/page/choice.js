// Which units of a network are drawn where a column has many.

const MOST_SHOWN = 10; // units of a column that are all drawn
const FOLDED_TO = 8;

/** All units of a column, or those that matter most for the row, as `shown`, and by what as `rule`. */
function chooseUnits(network) {
  const { columns } = network;
  columns.forEach((column, c) => {
    const few = column.names.length <= MOST_SHOWN;
    Object.assign(column, few ? { shown: column.names.map((_, unit) => unit) } : chosen(network, c, []));
  });
  columns.forEach((column, c) => {
    const wanted = column.names.length <= MOST_SHOWN ? [] : drawnBehind(network, c);
    if (wanted.length) Object.assign(column, chosen(network, c, wanted));
  });
}

/** The wanted units of a column, those that were brought into the drawing, and others of the largest score. */
function chosen(network, c, wanted) {
  const [score, rule] = scoreOf(network, c);
  const brought = [...network.brought].map((key) => key.split("/").map(Number)).filter(([k]) => k === c).map(([, unit]) => unit);
  const best = network.columns[c].names.map((_, unit) => unit).filter((unit) => !wanted.includes(unit)).sort((a, b) => score[b] - score[a]);
  const all = [...wanted, ...best.slice(0, Math.max(0, FOLDED_TO - wanted.length)), ...brought];
  return { shown: [...new Set(all)].sort((a, b) => a - b), rule };
}

/** Of a column whose units stand beside other numbers before the next weights those that are drawn there. */
function drawnBehind(network, c) {
  const { layer, names } = network.columns[c];
  const start = layer?.start ?? null;
  const next = start === null ? -1 : network.columns.findIndex(({ link }, k) => k > c && link === "weights");
  if (next < 0 || network.columns[next - 1].kind !== "given") return [];
  return network.columns[next - 1].shown.map((source) => source - start).filter((unit) => unit >= 0 && unit < names.length);
}

/** How much each unit of a column matters for the row, and what that is called. */
function scoreOf(network, c) {
  const column = network.columns[c];
  const units = column.names.map((_, unit) => unit);
  const size = (value) => Math.abs(value) || 0; // what is not known, or not a number, comes last
  const next = network.columns[c + 1];
  if (column.kind === "inputs" || column.kind === "given") {
    const target = network.columns.findIndex((one, k) => k > c && one.link === "weights");
    const reach = network.columns.slice(c + 1, target).every((one) => one.link === "same");
    if (target < 0 || !reach) return [units.map((unit) => size(network.value(c, "a", unit))), "|a|"];
    const kernel = network.training.parameter(network.segment(target, "kernel"));
    const deltas = network.columns[target].names.map((_, j) => network.value(target, "delta", j));
    const by = units.map((unit) => {
      const sum = deltas.reduce((total, d, j) => total + Math.abs(kernel.data[unit * deltas.length + j] * d), 0);
      return size(network.value(target, "x", unit) * sum);
    });
    return [by, "Σ |x·w·δ|"];
  }
  if (!next && network.isOfOthers(c)) return [units.map((unit) => size(network.value(c, "upstream", unit))), "|∂ℓ/∂a|"];
  if (!next) return [units.map((unit) => size(network.value(c, "delta", unit))), "|δ|"];
  return [units.map((unit) => size(network.value(c, "a", unit) * network.value(c, "upstream", unit))), "|a·∂ℓ/∂a|"];
}
