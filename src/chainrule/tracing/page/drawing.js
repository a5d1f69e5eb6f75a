// A scene as SVG: titles, edges, nodes and what stands on them. Every text goes in as text.

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const WORD = /[\p{L}\d.]*(?:\x02[^\x03]*\x03)?/uy; // a name or number, with its lowered letters

/** Where the bracket that opens at a place is closed. */
function closing(text, at) {
  let depth = 0;
  for (let n = at; n < text.length; n += 1) {
    if ("([".includes(text[n])) depth += 1;
    if (")]".includes(text[n])) depth -= 1;
    if (depth === 0) return n;
  }
  return text.length - 1;
}

/** Where an exponent ends that begins at a place: of e^z, e^(z/2), e^min(z, 0), e^x[1,2]. */
function exponentEnd(text, start) {
  WORD.lastIndex = text[start] === "−" ? start + 1 : start;
  const [word] = WORD.exec(text);
  let end = WORD.lastIndex;
  if (word === "" || /\p{L}/u.test(word)) while ("([".includes(text[end] ?? " ")) end = closing(text, end) + 1;
  while (text[end] === "~") end += 1;
  return end;
}

/** Text with exponents above the line and lowered letters below it. */
function rich(text) {
  const found = document.createDocumentFragment();
  let at = 0;
  for (const { 0: sign, index: next } of text.matchAll(/[\^\x02]/g)) {
    const raises = sign === "^";
    const end = raises ? exponentEnd(text, next + 1) : text.indexOf(MARKS[1], next) + 1;
    if (next < at || end === next + 1) continue; // within an exponent, or there is none
    const part = text.slice(next + 1, raises ? end : end - 1);
    const bare = part.startsWith("(") && closing(part, 0) === part.length - 1 ? part.slice(1, -1) : part;
    found.append(text.slice(at, next), raises ? element("sup", {}, rich(bare)) : element("sub", {}, part));
    at = end;
  }
  found.append(text.slice(at));
  return found;
}

/** Text of the drawing: lowered letters are small and stand lower. */
function words(attributes, text) {
  const made = shape("text", attributes);
  text.split(MARKS[0]).forEach((part, n) => {
    const [low, rest] = n === 0 ? [null, part] : part.split(MARKS[1]);
    if (low !== null) made.append(shape("tspan", { class: "low", dy: "0.25em" }, low));
    if (rest) made.append(n === 0 ? rest : shape("tspan", { dy: "-0.18em" }, rest));
  });
  return made;
}

const classes = (...names) => names.filter(Boolean).join(" ");

/** What can be chosen: by mouse, and by keyboard where it is worth a stop of the tab key. */
const choosable = ({ key, label, focusable = true }, selected) =>
  key === null ? { "aria-hidden": "true" } : {
    "data-key": key, role: "button", "aria-label": plain(label), "aria-pressed": String(key === selected),
    tabindex: focusable ? "0" : "-1",
  };

function draw(scene, selected, label) {
  const picture = shape("svg", {
    class: scene.dense ? "dense" : null, viewBox: `0 0 ${scene.width} ${scene.height}`, role: "group", "aria-label": label,
    style: `--width: ${scene.width}px`,
  });
  for (const { x, y, text, soft } of scene.titles) {
    picture.append(words({ x, y, class: classes("title", soft && "soft") }, text));
  }
  for (const group of scene.groups) {
    for (const edge of group.edges) picture.append(wire(edge, selected));
  }
  for (const group of scene.groups) { // in the order in which the tab key goes: column by column
    for (const edge of group.edges) picture.append(drawnEdge(edge, selected));
    for (const node of group.nodes) picture.append(drawnNode(node, selected));
    for (const chip of group.chips) picture.append(drawnChip(chip, selected));
  }
  return picture;
}

const stateOf = (edge, selected) =>
  classes("edge", edge.kind, edge.active && "active", edge.moved && "moved", edge.key !== null && edge.key === selected && "selected");

const pathOf = (edge) =>
  edge.path ? curve(edge.path) : line([{ x: edge.x1, y: edge.y1 }, { x: edge.x2, y: edge.y2 }]);

/** The line of an edge: it lies below everything. */
function wire(edge, selected) {
  const made = shape("g", { class: stateOf(edge, selected), "aria-hidden": "true" });
  made.append(shape("path", { d: pathOf(edge), class: "glow" }));
  made.append(shape("path", { d: pathOf(edge), class: "wire", "stroke-width": edge.weight.toFixed(2) }));
  if (edge.kind === "arrow") made.append(arrow(edge.path));
  return made;
}

/** What of an edge is chosen: a broad line that is not seen, and its number. */
function drawnEdge(edge, selected) {
  const made = shape("g", { class: stateOf(edge, selected), ...choosable(edge, selected) });
  if (edge.key !== null) made.append(shape("path", { d: pathOf(edge), class: "reach" }));
  if (!edge.text) return made;
  const width = lettersOf(edge.text) * 6.2 + 6;
  made.append(shape("rect", { x: edge.textX - width / 2, y: edge.textY - 7, width, height: 14, rx: 3, class: "under" }));
  made.append(words({ x: edge.textX, y: edge.textY + 4, class: classes("on", edge.textKind) }, edge.text));
  return made;
}

const point = ({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`;

const line = ([from, to]) => `M${point(from)}L${point(to)}`;

/** Through points from left to right, level at each. */
function curve(points) {
  return points.map((to, n) => {
    if (n === 0) return `M${point(to)}`;
    const from = points[n - 1];
    const x = (from.x + to.x) / 2;
    return `C${point({ x, y: from.y })} ${point({ x, y: to.y })} ${point(to)}`;
  }).join("");
}

function arrow(points) {
  return shape("path", { d: "M-7 -4L1 0L-7 4Z", class: "head", transform: `translate(${point(points.at(-1))})` });
}

/** A name in a circle: smaller where it is long, in two lines where it has words, else cut. */
function fitted(name, room) {
  const letters = (text) => text.length + 0.5 * (text.split("~").length - 1); // "~" is broad
  const fit = (lines) => room / (0.58 * Math.max(...lines.map(letters), 1));
  const marks = name.match(/~~+$/)?.[0]; // they make short names long: they stand below
  const base = marks && name.slice(0, -marks.length);
  if (marks && fit([base, marks]) >= 7.5) return { lines: [base, marks], size: Math.min(13, fit([base, marks])) };
  if (fit([name]) >= 7.5) return { lines: [name], size: Math.max(Math.min(15, fit([name])), 8) };
  const words = name.split(" ");
  const halves = words.slice(1).map((_, n) => [words.slice(0, n + 1).join(" "), words.slice(n + 1).join(" ")]);
  const best = halves.sort((a, b) => fit(b) - fit(a))[0];
  if (best && fit(best) >= 6.5) return { lines: best, size: Math.min(10, fit(best)) };
  return { lines: [name.match(/(\[[\d,]+\]|_\d+)~*$/)?.[0] ?? `${name.slice(0, 6)}…`], size: 8 };
}

function drawnNode(node, selected) {
  const made = shape("g", { class: classes("node", node.active && "active", node.quiet && "quiet", node.key === selected && "selected"), ...choosable(node, selected) });
  const name = unmarked(node.name);
  made.append(shape("circle", { cx: node.x, cy: node.y, r: node.radius }));
  const sign = node.over?.length === 1;
  const over = sign ? 4 : 0;
  const { lines, size } = fitted(name, 2 * node.radius - 6);
  const styledAs = { [name]: node.name, [name.replace(/~+$/, "")]: node.name.replace(/~+$/, "") };
  lines.forEach((text, n) => {
    const y = node.y + 5 - over + (n - (lines.length - 1) / 2) * size * 1.1;
    const style = `font-size: ${size.toFixed(1)}px`;
    made.append(words({ x: node.x, y, class: "name", style }, styledAs[text] ?? text));
  });
  if (node.over) {
    const y = sign ? node.y + 15 : node.y - node.radius - 6;
    made.append(shape("text", { x: node.x, y, class: "made" }, node.over));
  }
  if (node.lines.length) made.append(paper(node.x, node.lines));
  for (const { text, kind, y } of node.lines) made.append(words({ x: node.x, y, class: classes("value", kind) }, text));
  made.append(shape("title", {}, plain(node.label)));
  return made;
}

const paperWidth = (lines) => Math.max(...lines.map(({ text }) => lettersOf(text))) * 6.6 + 6;

/** A piece of paper under lines of text, so that no edge runs through them. */
function paper(x, lines) {
  const width = paperWidth(lines);
  const top = lines[0].y - 11;
  return shape("rect", { x: x - width / 2, y: top, width, height: lines.at(-1).y - top + 4, rx: 3, class: "under" });
}

const chipWidth = (text) => lettersOf(text) * 6.4 + 10;

function drawnChip(chip, selected) {
  const made = shape("g", { class: classes("chip", chip.active && "active", chip.key === selected && "selected"), ...choosable(chip, selected) });
  const width = chipWidth(chip.text);
  made.append(shape("rect", { x: chip.x - width / 2, y: chip.y - 11, width, height: 15, rx: 4, class: "under" }));
  made.append(words({ x: chip.x, y: chip.y, class: classes("value", chip.kind) }, chip.text));
  return made;
}
