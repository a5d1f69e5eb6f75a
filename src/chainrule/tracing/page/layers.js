// Where the nodes of an expression stand, and what of arrays fits beside them.

const NODE_RADIUS = 22;
const FIXED_RADIUS = 17;
const LINE_HEIGHT = 14;
const MOST_DRAWN = 4; // numbers of an array
const IN_A_LINE = 2;

/** Where the middle of a path lies, for its label. */
function ends(points) {
  const n = Math.floor((points.length - 1) / 2);
  return { x1: points[n].x, y1: points[n].y, x2: points[n + 1].x, y2: points[n + 1].y };
}

/** An array for the drawing, in lines of two numbers; of many how many there are. */
function inLines(x, before = "") {
  const texts = numbersOf(x, short).split(", ");
  const size = x.shape.length > 1 ? `${x.shape.join("×")} numbers` : counted(x.data.length, "number");
  if (x.data.length > MOST_DRAWN) return [before + size];
  const lines = Array.from({ length: Math.ceil(texts.length / IN_A_LINE) }, (_, n) => texts.slice(n * IN_A_LINE, (n + 1) * IN_A_LINE));
  return lines.map((line, n) => `${n ? "" : before}${line.join(", ")}${n < lines.length - 1 ? "," : ""}`);
}

/** Nodes in columns by how far the result is; long edges pass through places of their own. */
function layered(nodes, byNumber, linesOf, arrows) {
  const depth = depths(nodes);
  const columns = Array.from({ length: Math.max(...depth.values()) + 1 }, () => []);
  const slots = new Map();
  const slot = (key, column) => {
    const made = { key, column, order: columns[column].length, before: [], after: [] };
    columns[column].push(made);
    slots.set(key, made);
    return made;
  };
  for (const node of nodes) slot(`n/${node.number}`, depth.get(node.number));
  const chains = new Map();
  for (const node of nodes) {
    node.edges.forEach(({ from }, place) => {
      const chain = [slots.get(`n/${from}`)];
      for (let column = depth.get(from) + 1; column < depth.get(node.number); column++) {
        chain.push(slot(`e/${node.number}/${place}/${column}`, column));
      }
      chain.push(slots.get(`n/${node.number}`));
      for (let k = 1; k < chain.length; k++) {
        chain[k].before.push(chain[k - 1]);
        chain[k - 1].after.push(chain[k]);
      }
      chains.set(`e/${node.number}/${place}`, chain);
    });
  }
  ordered(columns);
  const tallest = Math.max(...columns.map((column) => column.length));
  const lines = new Map(nodes.map((node) => [node.number, Object.values(linesOf(node)).flat()]));
  const tall = [...lines.values()].map(({ length }) => length).filter((length) => length > 2);
  const rise = Math.max(92, ...tall.map((length) => 72 + LINE_HEIGHT * length));
  const widths = columns.map(() => 2 * NODE_RADIUS);
  for (const node of nodes) {
    const column = depth.get(node.number);
    widths[column] = Math.max(widths[column], paperWidth(lines.get(node.number).map((text) => ({ text }))));
  }
  const step = Math.max(112, ...arrows.map((text) => 2 * NODE_RADIUS + 6.6 * lettersOf(text) + 22));
  const middles = [Math.max(48, widths[0] / 2 + 4)];
  for (let k = 1; k < widths.length; k++) middles.push(middles[k - 1] + Math.max(step, (widths[k - 1] + widths[k]) / 2 + 12));
  for (const column of columns) {
    column.forEach((one, n) => {
      one.x = middles[one.column];
      one.y = 58 + (n + (tallest - column.length) / 2) * rise;
    });
  }
  const routes = new Map([...chains].map(([key, chain]) => [key, trimmed(chain, byNumber)]));
  const at = new Map(nodes.map((node) => [node.number, slots.get(`n/${node.number}`)]));
  const last = nodes.filter((node) => depth.get(node.number) === columns.length - 1);
  const right = Math.max(48, widths.at(-1) / 2 + 4, ...last.map((node) => 4 + 3.5 * node.operation.length)); // half a name
  return { at, routes, width: middles.at(-1) + right, height: 58 + tallest * rise };
}

/** The column of each node: behind its operands; of a leaf just before its first use. */
function depths(nodes) {
  const depth = new Map();
  for (const node of nodes) {
    depth.set(node.number, Math.max(0, ...node.edges.map(({ from }) => depth.get(from) + 1)));
  }
  for (const node of nodes.filter(({ edges }) => !edges.length)) {
    const users = nodes.filter((user) => user.edges.some(({ from }) => from === node.number));
    if (users.length) depth.set(node.number, Math.min(...users.map((user) => depth.get(user.number))) - 1);
  }
  return depth;
}

/** Columns in an order in which neighbours lie near what they are joined with. */
function ordered(columns) {
  for (let round = 0; round < 8; round++) {
    const forward = round % 2 === 0;
    for (const column of forward ? columns : [...columns].reverse()) {
      for (const one of column) {
        const near = forward ? one.before : one.after;
        const share = (other) => (other.order + 0.5) / columns[other.column].length;
        one.wish = near.length ? near.reduce((sum, other) => sum + share(other), 0) / near.length : (one.order + 0.5) / column.length;
      }
      column.sort((a, b) => a.wish - b.wish || a.order - b.order);
      column.forEach((one, n) => { one.order = n; });
    }
  }
}

/** The points of an edge, from border to border of its nodes. */
function trimmed(chain, byNumber) {
  const points = chain.map(({ x, y }) => ({ x, y }));
  const radius = ({ key }) => (byNumber.get(Number(key.split("/")[1])).fixed ? FIXED_RADIUS : NODE_RADIUS);
  points[0].x += radius(chain[0]);
  points.at(-1).x -= radius(chain.at(-1)) + 3;
  return points;
}
