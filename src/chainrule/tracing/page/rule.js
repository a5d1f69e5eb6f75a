// The optimizer's rule on one number, in the lines that text has, with what this step puts in.

/** What formulas call a number of the step, as text does. */
const nameInRule = (scalar) => (scalar === "learning_rate" ? "rate" : scalar);

class Rule {
  constructor(narration) {
    this.narration = narration;
    this.network = narration.network;
    this.training = narration.training;
    this.data = narration.data;
    this.formulas = narration.data.formulas;
  }

  /** A weight's way from before to after. */
  lines(c, unit, source) {
    const { network } = this;
    const one = this.numberOf(network.place(c, unit, source), network.weightName(c, unit, source));
    return this.told(one, () => this.byErrors(c, unit, source, one));
  }

  /** What the rule makes of each slot, then of the number; or a brief line. */
  told(one, brief = () => null) {
    const { training, formulas } = this;
    if (!Number.isFinite(training.loss)) return ["The loss is not finite, so no weight is moved."];
    const { rule } = formulas;
    if (!rule || !training.state.slots) return [`${one.name}: ${bare(one.before)} → ${bare(one.after)}`];
    const simple = brief();
    if (simple) return [simple];
    const symbols = this.symbols(one);
    const slots = this.data.optimizer.slots.map((slot) => this.slotLine(slot, symbols));
    return [...this.clipping(one), ...slots, ...this.weightLines(one, symbols)];
  }

  /** What the rule makes of a slot, which sets numbers to 0 that are nearest to it. */
  slotLine(slot, symbols) {
    const { slots, flushed } = this.formulas.rule;
    const { name, value } = symbols(`new/${slot}`);
    const made = slots[slot] && evaluated(slots[slot], symbols);
    if (value !== 0 || !made || !(Math.abs(made) < flushed[slot])) return equationLine(name, slots[slot], symbols, value);
    const sides = equationLine(name, slots[slot], symbols, made).split(" = ").slice(0, -1);
    return [...sides, `0, set to 0, as all that is nearer to 0 than ${bare(flushed[slot])}`].join(" = ");
  }

  /** A number's name, what it is before and after, its gradient, and the one that the rule is given. */
  numberOf(found, name) {
    const { training } = this;
    const gradient = training.gradient(found.segment).data[found.element];
    const [before, after] = [training.state, training.after].map((state) => state.parameters[found.place]);
    const limit = this.limit(found, gradient);
    return { name, place: found.place, parameter: found.name, before, after, gradient, limit, used: limit?.used ?? gradient };
  }

  /** What clipping makes of a gradient, and by which length; none where it leaves it as it is. */
  limit({ segment }, gradient) {
    const { training, formulas } = this;
    const [[kind, most] = []] = Object.entries(formulas.clipping);
    if (kind === undefined) return null;
    if (kind === "clipvalue") {
      return Math.abs(gradient) > most ? { kind, most, tree: ["clip", "gradient", -most, most], used: Math.sign(gradient) * most } : null;
    }
    const segments = kind === "clipnorm" ? [segment] : training.trained;
    const length = Math.sqrt(sumOf(segments.flatMap((n) => Array.from(training.gradient(n).data, (one) => one * one))));
    const tree = ["·", "gradient", ["/", most, "length"]];
    return length > most ? { kind, most, length, tree, used: (gradient * most) / length } : null;
  }

  clipping(one) {
    if (!one.limit) return [];
    const { kind, most, length, tree, used } = one.limit;
    const name = `∂${this.data.loss.name}/∂${one.name}`;
    const symbols = (key) => (key === "length" ? { name: "length", value: length } : { name, value: one.gradient });
    const of = kind === "clipnorm" ? one.parameter : "the whole network";
    const lines = [`${equationLine(`g${lowered(one.name)}`, tree, symbols, used)}, the gradient after clipping by ${kind}=${bare(most)}`];
    return length === undefined ? lines : [`length = ${bare(length)}, of the gradient of ${of}`, ...lines];
  }

  /** The numbers of this step, which are the same for all weights. */
  stepLines() {
    const { training, data, formulas } = this;
    const { scalars } = data.optimizer;
    const told = scalars.map((one, n) => `${nameInRule(one)} ${bare(training.line[n])}`);
    const lines = [...this.numbersOfStep(), `This step: ${told.join(", ")}.`];
    if (this.network.errors && !formulas.rule?.plain) lines.unshift("The rule takes the gradients themselves, without the minus shown before them.");
    return lines;
  }

  /** How these come about: u+ and P+ are of the step after this one, P the product of all u. */
  numbersOfStep() {
    const { training, data, formulas } = this;
    const numbers = formulas.rule?.numbers ?? [];
    const trees = Object.fromEntries(numbers);
    const [step, base, made] = [data.iteration + training.state.made, this.symbols({}), {}];
    const product = () => {
      let found = 1;
      for (let k = 1; k <= step && found > 0; k++) found *= evaluated(trees.u, (key) => (key === "step" ? { value: k } : base(key)));
      return found;
    };
    const symbols = (key) => made[key] ?? base(key);
    return numbers.map(([key, tree]) => {
      const place = data.optimizer.scalars.indexOf(key);
      const found = tree === null ? product() : evaluated(tree, symbols);
      const value = place < 0 ? found : training.line[place];
      const name = place < 0 ? key[0] + sub(step + key.length - 1) : key;
      made[key] = { name, value };
      const shown = tree ?? (step === 1 ? "u" : null);
      return equationLine(name, shown, symbols, value, shown ? "" : `the product of u${sub(1)} to ${made.u.name}`);
    });
  }

  symbols(one) {
    const { training, data, formulas } = this;
    const { slots, scalars } = data.optimizer;
    const low = lowered(one.name ?? "");
    const at = (state, slot) => {
      const values = state.slots[slots.indexOf(slot)];
      return values[values.length === 1 ? 0 : one.place];
    };
    return (key) => {
      const [kind, name] = key.split("/");
      if (kind === "weight") return { name: one.name, value: one.before };
      if (kind === "descent") return { name: this.network.gradientName(one.name), value: 0 - one.gradient };
      if (kind === "gradient") return { name: one.limit === null ? `∂${data.loss.name}/∂${one.name}` : `g${low}`, value: one.used };
      if (kind === "slot") return { name: name + low, value: at(training.state, name) };
      if (kind === "new") return { name: `${name}${low}′`, value: at(training.after, name) };
      if (kind === "line") return { name: nameInRule(name), value: training.line[scalars.indexOf(name)] };
      const value = kind === "step" ? data.iteration + training.state.made : formulas.constants[kind];
      return { name: styled(kind), value };
    };
  }

  weightLines(one, symbols) {
    const { rule, constrained } = this.formulas;
    const byErrors = this.network.errors && rule.plain;
    const tree = byErrors ? ["+", "weight", ["·", "line/learning_rate", "descent"]] : rule.weight;
    const made = tree && evaluated(tree, symbols);
    const moved = `${one.name}′`;
    if (!constrained.includes(one.parameter) || close(made, one.after)) return [equationLine(moved, tree, symbols, one.after)];
    return [`${equationLine(`${one.name}*`, tree, symbols, made)}, by the rule`, `${moved} = ${bare(one.after)}, after the constraint`];
  }

  /** w + rate·Err·a, of plain descent on one row for a reader who writes errors. */
  byErrors(c, unit, source, one) {
    const { network, narration, formulas, data } = this;
    if (!network.errors || !formulas.rule.plain || data.rows > 1) return null;
    const { penalty, symbols } = narration.gradient(c, unit, source);
    const held = penalty !== null || !symbols || formulas.constrained.includes(one.parameter);
    if (held) return null;
    const told = {
      weight: { name: one.name, value: one.before }, rate: { name: "rate", value: this.training.line[0] },
      error: { name: narration.reportedName(c, unit), value: -network.value(c, "reported", unit) },
      a: source === "bias" ? null : { name: network.valueName(c - 1, source), value: network.value(c, "x", source) },
    };
    const product = ["·", "rate", "error", ...(told.a ? ["a"] : [])];
    return equationLine(`${one.name}′`, ["+", "weight", product], (key) => told[key], one.after);
  }
}
