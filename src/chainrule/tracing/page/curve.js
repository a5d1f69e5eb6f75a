// The curve of the loss over steps: where its points and marks stand, and its drawing.

const CURVE = { width: 420, height: 190, left: 64, right: 26, top: 12, bottom: 42 };
const MOST_POINTS = 400; // beyond, each stretch of steps is drawn by its smallest and largest loss
const MOST_LOSSES = 50; // lines of the table

/** Points [step, loss] that are drawn: of many the extremes of each stretch, and always both ends. */
function thinned(points) {
  if (points.length <= MOST_POINTS) return points;
  const stretch = Math.ceil((2 * points.length) / MOST_POINTS);
  const found = [];
  for (let start = 0; start < points.length; start += stretch) {
    const part = points.slice(start, start + stretch).sort((a, b) => a[1] - b[1]);
    found.push(...new Set([part[0], part.at(-1)]));
  }
  return [...new Set([points[0], ...found.sort((a, b) => a[0] - b[0]), points.at(-1)])];
}

/** The smallest of 1, 2, 5, 10, 20, 50 ... that is at least so much. */
function roundUp(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * [1, 2, 5, 10].find((one) => one * power >= least * (1 - 1e-9));
}

/** Round numbers from least to most, about so many. */
function roundMarks(least, most, about) {
  const step = roundUp((0.75 * (most - least)) / about);
  const first = Math.ceil(least / step - 1e-9);
  const count = Math.floor(most / step + 1e-9) - first + 1;
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return Array.from({ length: count }, (_, n) => Number(((first + n) * step).toFixed(Math.min(places, 20))));
}

/** Powers of ten from least to most, at most about five. */
function powerMarks(least, most) {
  const [low, high] = [Math.ceil(Math.log10(least) - 1e-9), Math.floor(Math.log10(most) + 1e-9)];
  const every = Math.ceil((high - low + 1) / 5);
  return Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, n) => 10 ** (low + n * every));
}

/** Where everything of the curve stands; null where there are no two points. */
function curveOf(losses, first) {
  const points = losses.map((loss, n) => [first + n, loss]).filter(([, loss]) => Number.isFinite(loss));
  if (points.length < 2) return null;
  let [least, most] = [Infinity, -Infinity];
  for (const [, loss] of points) [least, most] = [Math.min(least, loss), Math.max(most, loss)];
  const log = least > 0 && most / least > 100;
  const put = log ? Math.log10 : (loss) => loss;
  const { width, height, left, right, top, bottom } = CURVE;
  const [from, to] = [points[0][0], points.at(-1)[0]];
  const room = put(most) - put(least) || 1;
  const x = (step) => left + ((step - from) / (to - from)) * (width - left - right);
  const y = (loss) => height - bottom - (most > least ? (put(loss) - put(least)) / room : 0.5) * (height - top - bottom);
  const marks = log ? powerMarks(least, most) : most > least ? roundMarks(least, most, 4) : [most];
  return {
    log, from, to, points: thinned(points).map(([step, loss]) => ({ x: x(step), y: y(loss) })),
    steps: roundMarks(from, to, 5).filter(Number.isInteger).map((step) => ({ x: x(step), text: step.toLocaleString("en") })),
    losses: marks.map((loss) => ({ y: y(loss), text: short(loss) })),
    at: (step, loss) => (Number.isFinite(loss) ? { x: x(step), y: y(loss) } : null),
  };
}

/** The drawing, with its caption; `now` is the step that is shown. */
function drawnCurve(losses, first, name, now) {
  const found = curveOf(losses, first);
  if (!found) return [];
  const { width, height, left, right, top, bottom } = CURVE;
  const label = `Curve of the loss ${name}: ${number(losses[0])} before step ${first}, ${number(losses.at(-1))} after step ${first + losses.length - 2}.`;
  const picture = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  const rule = (from, to) => picture.append(shape("path", { d: line([from, to]), class: "rule" }));
  for (const { y, text } of found.losses) {
    rule({ x: left, y }, { x: width - right, y });
    picture.append(shape("text", { x: left - 6, y: y + 4, class: "mark end" }, text));
  }
  for (const { x, text } of found.steps) {
    rule({ x, y: height - bottom }, { x, y: height - bottom + 4 });
    picture.append(shape("text", { x, y: height - bottom + 17, class: "mark" }, text));
  }
  const middle = top + (height - top - bottom) / 2;
  picture.append(
    shape("text", { x: (left + width - right) / 2, y: height - 6, class: "mark" }, "step of training"),
    shape("text", { x: 12, y: middle, class: "mark", transform: `rotate(-90 12 ${middle})` }, name),
    shape("path", { d: `M${found.points.map(point).join("L")}`, class: "course" }),
  );
  const here = found.at(first + now, losses[now]);
  if (here) picture.append(shape("circle", { cx: here.x, cy: here.y, r: 4, class: "here" }));
  const scale = found.log ? ", on a logarithmic scale" : "";
  const words = `The loss ${name} before each step${scale}; the dot is the step that is shown.`;
  return [picture, element("figcaption", { class: "over" }, words)];
}

/** The losses as a table; of many steps every so manyth, and the last. */
function tableOfLosses(losses, first, name) {
  const every = roundUp(Math.max(1, losses.length / MOST_LOSSES));
  const kept = losses.map((loss, n) => [n, loss]).filter(([n]) => n % every === 0 || n === losses.length - 1);
  return {
    title: `Losses${every > 1 ? `, every ${every} steps` : ""}`, head: ["step", `${name} before it`],
    rows: kept.map(([n, loss]) => [(first + n).toLocaleString("en"), number(loss)]),
  };
}
