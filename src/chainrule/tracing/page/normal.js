// Normalization layers: mean, variance and what is made of them, forward and backward, from what
// the layer is given as it is now.

class Normalization {
  constructor(narration, c) {
    const { network, training, data } = narration;
    const { epsilon, size, fixed, units, axes, names, number: place } = narration.formulasOf(c).normal;
    const column = network.columns[c];
    const positions = column.names.length / units;
    this.rows = new Rows(narration);
    this.across = !size && !fixed && data.rows > 1;
    Object.assign(this, { narration, network, training, data, c, column, epsilon, size, fixed, units, axes, names, positions, place });
  }

  /** The places, {unit, row}, of the numbers that have one mean with a unit's. */
  members(unit, row = this.network.row) {
    const { size, units } = this;
    if (!size) return this.rows.all.flatMap((one) => this.atPositions(unit).map((other) => ({ unit: other, row: one })));
    const start = unit - (unit % size);
    const together = Array.from({ length: size }, (_, n) => start + n);
    const all = this.isOfPosition ? together : this.atPositions(0).flatMap((first) => together.map((one) => first + (one % units)));
    return all.map((other) => ({ unit: other, row }));
  }

  /** The units with the same gamma, one at each position of a row. */
  atPositions(unit) {
    return Array.from({ length: this.positions }, (_, position) => position * this.units + (unit % this.units));
  }

  /** Whether the numbers at each position have a mean of their own. */
  get isOfPosition() {
    return this.column.layer.builtIn === "LayerNormalization";
  }

  at(name, row) {
    return this.across ? this.rows.at(name, row) : name;
  }

  x({ unit, row }) {
    return this.network.value(this.c, "x", unit, row);
  }

  xName(unit) {
    return this.network.baseName(this.c, unit);
  }

  hatName(unit) {
    return `hat${sub(this.xName(unit))}`;
  }

  /** Mean and variance of the numbers beside a unit's, or those that are kept with the model. */
  statistics(unit, row) {
    if (this.fixed) return ["moving_mean", "moving_variance"].map((name) => this.learned(name, unit).value);
    const values = this.members(unit, row).map((one) => this.x(one));
    const mean = sumOf(values) / values.length;
    return [mean, sumOf(values.map((one) => (one - mean) ** 2)) / values.length];
  }

  statisticName(letter, unit) {
    const { size, axes, units, place } = this;
    if (!size && !axes) return letter + sub(this.xName(unit));
    const group = size && size < units ? `${Math.floor((unit % units) / size) + 1}` : "";
    const low = [place, group].filter(Boolean).join(",");
    return `${low ? letter + sub(low) : letter}${this.where(unit)}`;
  }

  /** Of which unit, or position, a mean is at positions, as its name has it. */
  where(unit) {
    if (!this.axes) return "";
    if (!this.size) return indexOn([this.units], unit);
    return this.isOfPosition ? indexOn(this.training.of(this.column.results.a).shape.slice(1, -1), Math.floor(unit / this.units)) : "";
  }

  /** A unit's number of a parameter: {name, value}; undefined where the layer has none. */
  learned(name, unit) {
    const segment = this.column.layer.parameters[name];
    if (segment === undefined) return undefined;
    const place = unit % this.units; // all positions share it
    const own = new OwnParameters(this.narration, this.c);
    return { name: own.name(name, place), value: this.training.parameter(segment).data[place] };
  }

  hat({ unit, row }) {
    const [mean, variance] = this.statistics(unit, row);
    return (this.x({ unit, row }) - mean) / Math.sqrt(variance + this.epsilon);
  }

  /** A table of symbols with mean and variance in it, and formulas that stand in many lines. */
  table(unit) {
    const table = symbolTable();
    const [mean, variance] = this.statistics(unit);
    const mu = table.put(this.statisticName("μ", unit), mean);
    const raised = ["+", table.put(this.statisticName("σ²", unit), variance), this.epsilon];
    const left = () => ["+", table.put(this.xName(unit), this.x({ unit, row: this.network.row })), ["−", mu]];
    return { ...table, mu, raised, left, mean, variance };
  }

  /** Mean and variance, each a sum. */
  statisticsLines(unit) {
    const [mu, variance] = ["μ", "σ²"].map((letter) => this.statisticName(letter, unit));
    const [mean, spread] = this.statistics(unit);
    if (this.fixed) {
      return [[mu, "moving_mean", mean], [variance, "moving_variance", spread]].map(([name, kept, value]) => {
        const { put, symbols } = symbolTable();
        return equationLine(name, put(this.learned(kept, unit).name, value), symbols, value);
      });
    }
    const members = this.members(unit);
    const [sums, squares] = [symbolTable(), symbolTable()];
    const put = (table, one) => table.put(this.at(this.xName(one.unit), one.row), this.x(one));
    const center = squares.put(mu, mean);
    const sum = added(members.map((one) => put(sums, one)), sums);
    const square = added(members.map((one) => ["^", ["+", put(squares, one), ["−", center]], 2]), squares);
    return [
      equationLine(mu, partOf(sum, members.length), sums.symbols, mean),
      equationLine(variance, partOf(square, members.length), squares.symbols, spread),
    ];
  }

  /** What a unit gives: brought to mean 0 and deviation 1, then scaled and moved. */
  forwardLines(unit) {
    const { network } = this;
    const { symbols, raised, left } = this.table(unit);
    const hat = this.hat({ unit, row: network.row });
    const given = symbolTable();
    const [gamma, beta] = ["gamma", "beta"].map((name) => this.learned(name, unit));
    const own = given.put(this.hatName(unit), hat);
    const scaled = gamma ? ["·", given.put(gamma.name, gamma.value), own] : own;
    const whole = beta ? ["+", scaled, given.put(beta.name, beta.value)] : scaled;
    return [
      ...this.statisticsLines(unit),
      equationLine(this.hatName(unit), ["/", left(), ["sqrt", raised]], symbols, hat),
      equationLine(network.valueName(this.c, unit), whole, given.symbols, network.value(this.c, "a", unit)),
    ];
  }

  /** The derivative by a number brought to normal. */
  hatSlope({ unit, row }) {
    const upstream = this.network.sign * this.network.value(this.c, "upstream", unit, row);
    return upstream * (this.learned("gamma", unit)?.value ?? 1);
  }

  slopeName(name) {
    return this.network.slopeName(name);
  }

  /** The derivatives by variance and mean, over all numbers that have them. */
  statisticSlopes(unit) {
    const { variance } = this.table(unit);
    const members = this.members(unit);
    const slopes = members.map((one) => this.hatSlope(one));
    const byHats = sumOf(members.map((one, n) => slopes[n] * this.hat(one)));
    return [-byHats / (2 * (variance + this.epsilon)), -sumOf(slopes) / Math.sqrt(variance + this.epsilon)];
  }

  statisticSlopeLines(unit) {
    const [bySquares, byMeans] = [this.table(unit), this.table(unit)];
    const [byVariance, byMean] = this.statisticSlopes(unit);
    const members = this.members(unit);
    const slope = (table, one) => table.put(this.slopeName(this.at(this.hatName(one.unit), one.row)), this.hatSlope(one));
    const products = members.map((one) => ["·", slope(bySquares, one), bySquares.put(this.at(this.hatName(one.unit), one.row), this.hat(one))]);
    const first = ["·", ["−", ["/", 1, ["·", 2, bySquares.raised]]], added(products, bySquares)];
    const second = ["·", ["−", ["/", 1, ["sqrt", byMeans.raised]]], added(members.map((one) => slope(byMeans, one)), byMeans)];
    return [
      equationLine(this.slopeName(this.statisticName("σ²", unit)), first, bySquares.symbols, byVariance),
      equationLine(this.slopeName(this.statisticName("μ", unit)), second, byMeans.symbols, byMean),
    ];
  }

  /** From what arrives at a unit back to what the layer is given, over three paths. */
  backwardLines(unit) {
    const { network, narration } = this;
    const place = { unit, row: network.row };
    const arrives = symbolTable();
    const gamma = this.learned("gamma", unit);
    const upstream = arrives.put(this.slopeName(network.valueName(this.c, unit)), network.sign * network.value(this.c, "upstream", unit));
    const scaled = gamma ? ["·", upstream, arrives.put(gamma.name, gamma.value)] : upstream;
    const { put, symbols, raised, left } = this.table(unit);
    const terms = [["·", ["/", 1, ["sqrt", raised]], put(this.slopeName(this.hatName(unit)), this.hatSlope(place))]];
    if (!this.fixed) {
      const n = this.members(unit).length;
      const [byVariance, byMean] = this.statisticSlopes(unit);
      const [square, mean] = [["σ²", byVariance], ["μ", byMean]].map(([letter, value]) => put(this.slopeName(this.statisticName(letter, unit)), value));
      const twice = { 1: [2], 2: [] }[n] ?? [["/", 2, n]];
      terms.push(["·", ...twice, left(), square], partOf(mean, n));
    }
    return [
      ...narration.upstreamLines(this.c, unit),
      equationLine(this.slopeName(this.hatName(unit)), scaled, arrives.symbols, this.hatSlope(place)),
      ...(this.fixed ? [] : this.statisticSlopeLines(unit)),
      equationLine(this.slopeName(this.xName(unit)), terms.length > 1 ? ["+", ...terms] : terms[0], symbols, network.delta(this.c, unit)),
    ].filter(Boolean);
  }

  /** The gradients of a unit's gamma and beta: sums over the rows. */
  gradientLines(unit) {
    const { network, narration, rows, c } = this;
    const found = ["gamma", "beta"].flatMap((name) => {
      const one = this.learned(name, unit);
      const gradient = one && this.training.gradient(this.column.layer.parameters[name]);
      return gradient ? [{ ...one, kind: name, value: network.sign * gradient.data[unit % this.units] }] : [];
    });
    if (!found.length) return [];
    if (this.axes) return this.gradientLinesAtPositions(unit, found.map(({ kind }) => kind));
    const factorAt = (row) => ({ name: this.hatName(unit), value: this.hat({ unit, row }) });
    return [...rows.reportedLines(c, unit, false), ...found.map(({ name, kind, value }) => {
      const how = { sums: false, factorAt: kind === "gamma" ? factorAt : null };
      const sum = narration.summed(c, unit, `${this.column.layer.name}/${kind}`, value, how);
      return narration.toldSum(network.gradientName(name), sum);
    })];
  }

  /** Where a gamma or beta is used: in each row at all positions. */
  uses(kind, place) {
    const { rows } = this;
    const factor = (unit, row) => (kind === "gamma" ? { size: this.hat({ unit, row }), name: () => this.hatName(unit) } : { size: 1 });
    const all = rows.all.flatMap((row) => this.atPositions(place).map((unit) => ({ row, unit, ...factor(unit, row) })));
    return { sums: false, all };
  }

  gradientLinesAtPositions(unit, kinds) {
    const own = new OwnParameters(this.narration, this.c);
    const place = unit % this.units;
    return [...own.reportedLines(kinds[0], place, [unit]), ...kinds.map((kind) => own.gradientLine(kind, place))];
  }

  /** Whether there is a gradient of gamma or beta. */
  get learns() {
    return this.gradientLines(this.column.shown[0]).length > 0;
  }

  gradientMoment(units) {
    const { narration, c } = this;
    return {
      phase: "gradient", title: `The gradient of γ and β of ${narration.named(c, units)}`, shows: [], uses: keysOf("u", c, units),
      lines: () => units.filter((unit, n) => units.findIndex((one) => (one - unit) % this.units === 0) === n)
        .slice(0, 3).flatMap((unit) => this.gradientLines(unit)),
    };
  }
}
