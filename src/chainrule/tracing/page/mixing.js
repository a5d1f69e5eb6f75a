// Rows that are mixed with a partner: forward, backward to both, and a row's own loss, which has the
// targets of both; all from the shares that were drawn for this step.

/** Two formulas in shares: one's own share, and what is left of the other's. */
const inShares = (own, partner, share = "mix", other = share) => ["+", ["·", share, own], ["·", ["+", 1, ["−", other]], partner]];

/** A formula with the targets of the partner in place of one's own. */
const ofPartner = (tree) => {
  if (Array.isArray(tree)) return [tree[0], ...tree.slice(1).map(ofPartner)];
  return typeof tree === "string" && tree.startsWith("t/") ? `${tree}/partner` : tree;
};

class Mixing {
  constructor(network) {
    const { training, data } = network;
    const shares = data.layers.map(({ results }) => results.share).find((share) => share !== null);
    Object.assign(this, { network, training, data, shares });
  }

  /** Whether a column's layer mixes each row with a partner, in shares that are known. */
  mixes(c) {
    const { share, x } = this.network.columns[c].results ?? {};
    return this.isKnown && share === this.shares && x !== null;
  }

  get isKnown() {
    return this.shares !== undefined;
  }

  /** The row that the one that is shown is mixed with. */
  get partner() {
    return this.data.rows - 1 - this.network.row;
  }

  /** A name in the row that is shown, or in its partner. */
  at(name, row) {
    return row === this.network.row ? name : `${name}(${row + 1})`;
  }

  /** The share that a row has of itself. */
  share(row = this.network.row) {
    return { name: this.at("mix", row), value: this.training.of(this.shares).data[row] };
  }

  /** With which row the one that is shown is mixed, and a row's share. */
  partnerLine(row) {
    const { name, value } = this.share(row);
    const whom = this.partner === this.network.row ? "itself" : `row ${this.partner + 1}`;
    return `mixed with ${whom}: ${name} = ${bare(value)}`;
  }

  forwardLines(c, unit) {
    const { network } = this;
    const { put, symbols } = this.table();
    const [own, partner] = [network.row, this.partner].map((row) => put(this.at(network.baseName(c, unit), row), network.value(c, "x", unit, row)));
    return [
      this.partnerLine(network.row),
      equationLine(network.valueName(c, unit), inShares(own, partner), symbols, network.value(c, "a", unit)),
    ];
  }

  /** The derivative by what the layer is given: through the row itself, and through its partner. */
  backwardLines(c, unit, narration) {
    const { network, partner: other } = this;
    const { put, symbols } = this.table();
    const name = network.slopeName(network.valueName(c, unit));
    const [own, partner] = [network.row, other].map((row) => put(this.at(name, row), network.sign * network.value(c, "upstream", unit, row)));
    const { name: share, value } = this.share(other);
    return [
      narration.upstreamLine(c, unit),
      ...(other === network.row ? [] : [this.partnerLine(other)]),
      equationLine(network.deltaName(c, unit), inShares(own, partner, "mix", put(share, value)), symbols, network.delta(c, unit)),
    ].filter(Boolean);
  }

  /** A table of symbols with the share of the row that is shown. */
  table() {
    const table = symbolTable();
    const { name, value } = this.share();
    table.put(name, value);
    return table;
  }

  /** Whether a row's own loss has the targets of two; and whether they and their shares are known. */
  get ofTwo() {
    return this.data.formulas.targets !== "own";
  }

  get ofBoth() {
    return this.data.formulas.targets === "both";
  }

  /** A formula in a row's targets; of mixed rows with those of both, in their shares. */
  both(tree) {
    return tree && this.ofBoth ? inShares(tree, ofPartner(tree)) : tree;
  }

  /** The row's own loss; what stands for many terms has other numbers with the targets of the partner. */
  lossTree({ put, symbols }) {
    const { outputs } = this.network;
    const own = outputs.lossTree({ put, symbols });
    if (!this.ofBoth) return own;
    const apart = (name, value) => put(name, value, `${name} of the partner`);
    return inShares(own, outputs.lossTree({ put: apart, symbols }, ofPartner));
  }

  /** What the partner's output is compared with. */
  target(k) {
    const { outputs } = this.network;
    const { name, value } = outputs.target(k, outputs.targets(this.partner));
    return { name: this.at(name, this.partner), value };
  }

  /** Delta of the stable pair: the output less the targets of both in their shares. */
  pairLine(c, unit, symbol) {
    const { network } = this;
    const delta = network.delta(c, unit);
    if (!this.ofBoth) return equationLine(symbol, null, null, delta, "through the operations of the loss");
    const [o, t] = [`o/${unit}`, this.both(`t/${unit}`)];
    const tree = network.errors ? ["+", t, ["−", o]] : ["+", o, ["−", t]];
    const line = equationLine(symbol, partOf(tree, network.outputs.pairPart), network.outputs.symbols(), delta);
    return `${line}, as training computes both together`;
  }
}
