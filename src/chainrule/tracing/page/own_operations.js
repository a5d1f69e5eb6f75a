// Operations of the user's own, in a loss or a layer: what each makes of a row's numbers, and the
// derivatives by these. Keys of formulas are "2/0" for a number of the third operation and "d2/0" for the
// derivative by it, places counted from 0; others stand for what the operations are given.

class OwnOperations {
  constructor(network, told) {
    Object.assign(this, { network, training: network.training, data: network.data, row: network.row }, told);
  }

  /** What a number of an operation is called. */
  nameOf(step, place) {
    const { name, width } = this.steps[step];
    return styled(width > 1 ? `${name}_${Number(place) + 1}` : name);
  }

  /** The equation of what a key stands for. */
  line(key, tree, why) {
    const { name, value } = this.symbols(key);
    return equationLine(name, tree, this.symbols, value, why);
  }

  /** By operation the places of numbers, or of derivatives with "d", that formulas are made of. */
  placesIn(trees, kind) {
    const found = this.steps.map(() => new Set());
    const follow = (tree) => keysIn(tree ?? 0).forEach((key) => {
      const [, letter, step, place] = /^(d?)(\d+)\/(\d+)$/.exec(key) ?? [];
      if (step === undefined || (letter === "d") !== (kind === "slopes") || found[step].has(Number(place))) return;
      found[step].add(Number(place));
      follow(this.steps[step][kind][place]);
    });
    trees.forEach(follow);
    return found;
  }

  /** Of places those that are told: of many the same as in text. */
  told(places, { shown }) {
    return places.size > shown.length ? shown.filter((one) => places.has(one)) : [...places].sort((a, b) => a - b);
  }

  /** How many numbers of an operation are not told. */
  leftLine({ name }, others) {
    return `${styled(name)}: ${others.toLocaleString("en")} more ${others === 1 ? "is" : "are"} left out.`;
  }

  /** All formulas of a direction, for what their functions mean. */
  formulas(kind) {
    return this.steps.flatMap((step) => Object.values(step[kind]));
  }
}
