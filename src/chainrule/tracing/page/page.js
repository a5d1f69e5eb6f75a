// The page: walks, chooses, changes; shows again what has changed. It knows subjects, not networks.

const FEW_FOLDS = 3; // columns with units left out, up to which the fields for them stand open

const found = (id) => document.getElementById(id);

class Page {
  constructor(subject) {
    this.subject = subject;
    this.moment = 0;
    this.selected = null;
    this.start = null;
    if (subject.moments) this.listen();
    else found("stage").hidden = true;
    this.show();
  }

  listen() {
    const { subject } = this;
    for (const button of document.querySelectorAll("[data-go]")) {
      button.addEventListener("click", () => this.go(button.dataset.go));
    }
    document.addEventListener("keydown", (event) => this.key(event));
    found("drawing").addEventListener("click", (event) => {
      const chosen = event.target.closest("[data-key]");
      if (chosen) this.choose(chosen.dataset.key);
    });
    found("drawing").addEventListener("keydown", (event) => {
      const chosen = event.target.closest("[data-key]");
      if (!chosen || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      this.choose(chosen.dataset.key, true);
    });
    document.addEventListener("click", (event) => {
      const link = event.target.closest("button[data-show]");
      if (link) this.choose(link.dataset.show, true);
    });
    if (subject.rows > 1) this.listenToRows();
    window.addEventListener("beforeprint", () => this.printed());
    if (subject.training) this.listenToSteps();
  }

  listenToRows() {
    const { subject } = this;
    const field = this.counter("row", subject.rows, () => subject.row + 1);
    field.addEventListener("input", () => {
      if (!this.within(field, "row")) return;
      subject.row = Number(field.value) - 1;
      this.show();
      if (this.selected) this.fill(this.selected);
      this.say(`Row ${field.value} of ${subject.rows.toLocaleString("en")}.`);
    });
  }

  listenToSteps() {
    const { subject } = this;
    const { training } = subject;
    if (training.editable) this.making = new Making(this, training);
    if (!subject.choosesSteps) return;
    const field = this.counter("step", subject.data.steps, () => training.initial.made + 1);
    field.addEventListener("change", () => {
      if (!this.within(field, "step")) return;
      if (this.making) this.making.left = 0;
      const refused = training.choose(Number(field.value) - 1);
      const { name, value } = subject.result;
      this.changed(refused || `Step ${field.value} of ${field.max}, as it was traced: ${name} is ${number(value)}.`);
      field.value = training.initial.made + 1;
    });
  }

  /** A field of a number from 1 to most; left with another, it shows again what is shown. */
  counter(name, most, shown) {
    found(`${name}s`).hidden = false;
    found(`${name}-count`).textContent = most.toLocaleString("en");
    const field = found(name);
    field.max = most;
    field.addEventListener("blur", () => { field.value = shown(); });
    return field;
  }

  /** Whether a field has a number that there is; what is wrong is said. */
  within(field, word) {
    const value = Number(field.value);
    if (field.value.trim() === "") return false;
    if (Number.isInteger(value) && value >= 1 && value <= Number(field.max)) return true;
    this.say(`There is no ${word} ${field.value}: give a number from 1 to ${Number(field.max).toLocaleString("en")}.`);
    return false;
  }

  say(text) {
    found("status").textContent = text;
  }

  /** On paper the walk is at its end, and the tables are open. */
  printed() {
    this.go("last");
    for (const details of document.querySelectorAll("details")) details.open = true;
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, summary, .box:focus")) return;
    const moves = { ArrowRight: "next", ArrowLeft: "previous", Home: "first", End: "last" };
    if (event.key in moves) {
      event.preventDefault();
      this.go(moves[event.key]);
    } else if (event.key === "Escape" && this.selected) this.close();
  }

  go(where) {
    const last = this.subject.moments.length - 1;
    const to = { first: 0, previous: this.moment - 1, next: this.moment + 1, last }[where];
    this.moment = Math.min(Math.max(to, 0), last);
    this.show();
    found("panel").parentElement.scrollTop = 0; // what the moment says comes into view
  }

  show() {
    const { subject } = this;
    found("lead").textContent = subject.lead();
    found("notes").replaceChildren(...subject.notes().map((text) => element("p", {}, text)));
    if (subject.moments) {
      this.showMoment();
      this.showDrawing();
      this.showFolds();
      this.making?.show();
      if (subject.training) this.showCourse();
      if (!this.selected) found("panel").replaceChildren(element("p", { class: "hint" }, subject.hint()));
    }
    this.showTables();
  }

  showMoment() {
    const { moments } = this.subject;
    const now = moments[this.moment];
    found("where").textContent = `${this.moment + 1} of ${moments.length} · ${now.phase}`;
    found("moment").replaceChildren(rich(now.title));
    const lines = now.lines().filter(Boolean);
    if (found("told").dataset.text !== lines.join("\n")) {
      found("told").dataset.text = lines.join("\n");
      found("told").replaceChildren(...lines.map(formula));
    }
    const bar = found("progress");
    bar.max = Math.max(1, moments.length - 1);
    bar.value = this.moment;
    bar.setAttribute("aria-valuetext", `${this.moment + 1} of ${moments.length}`);
    for (const [name, off] of [["first", 0], ["previous", 0], ["next", moments.length - 1], ["last", moments.length - 1]]) {
      document.querySelector(`[data-go=${name}]`).setAttribute("aria-disabled", String(this.moment === off));
    }
  }

  showDrawing() {
    if (!this.subject.drawable) {
      found("drawing").hidden = true;
      return;
    }
    const { moments } = this.subject;
    const seen = new Set(moments.slice(0, this.moment + 1).flatMap((one) => one.shows));
    const scene = this.subject.scene(seen, moments[this.moment].uses);
    found("legend").textContent = this.subject.legend() + (scene.isShort ? ` ${NO_PLACE}` : "");
    const focused = document.activeElement?.dataset?.key;
    const { scrollLeft } = found("drawing");
    found("drawing").replaceChildren(draw(scene, this.selected, document.title));
    found("drawing").scrollLeft = scrollLeft;
    if (this.followed !== this.moment) this.follow();
    if (focused) this.keyed(focused)?.focus({ preventScroll: true });
  }

  /** What the moment is about comes into view, where the drawing is wider than its box. */
  follow() {
    this.followed = this.moment;
    const box = found("drawing").getBoundingClientRect();
    const spots = [...found("drawing").querySelectorAll(".node.active")].map((one) => one.getBoundingClientRect());
    if (!spots.length) return;
    const [left, right] = [Math.min(...spots.map((one) => one.left)), Math.max(...spots.map((one) => one.right))];
    if (left < box.left || right > box.right) found("drawing").scrollLeft += (left + right - box.left - box.right) / 2;
  }

  keyed(key) {
    return [...found("drawing").querySelectorAll("[data-key]")].find((one) => one.dataset.key === key);
  }

  /** What is left out of the drawing, with a field that brings a unit in. */
  showFolds() {
    const { network } = this.subject;
    const folded = network?.folded ?? [];
    if (!this.subject.drawable || !folded.length) return;
    if (found("folded").hidden) found("folded").open = folded.length <= FEW_FOLDS;
    found("folded").hidden = false;
    const captions = this.subject.caption();
    const typed = document.activeElement?.closest?.("#folds") ? document.activeElement.dataset.column : null;
    found("folds").replaceChildren(...folded.map(({ column, c }, n) => {
      const field = element("input", { type: "text", "data-column": c, "aria-label": `Unit of ${column.title} by name or number`, placeholder: "name or number" });
      const said = element("span", { class: "said", role: "status" });
      const bring = (event) => {
        event.preventDefault();
        said.textContent = network.bring(c, field.value.trim());
        if (said.textContent) return;
        this.subject.retell();
        this.moment = Math.min(this.moment, this.subject.moments.length - 1);
        this.show();
      };
      const form = element("form", { class: "fold" }, element("p", {}, captions[n]), field, element("button", { type: "submit" }, "Bring in"), said);
      form.addEventListener("submit", bring);
      return form;
    }));
    if (typed !== null) found("folds").querySelector(`[data-column="${typed}"]`)?.focus();
  }

  /** The losses so far, where there are several steps. */
  showCourse() {
    const { training, data, result } = this.subject;
    const { course, state } = training;
    const shown = course.length > 2 || training.made > 0;
    found("course").replaceChildren(...(shown ? drawnCurve(course, data.iteration, result.name, state.made) : []));
  }

  /** Numbers have changed: everything that follows is shown again, but the field that was typed in. */
  changed(said, typed) {
    this.show();
    if (this.selected) this.fillPanel(typed);
    const { name, value } = this.subject.result;
    this.say(said ?? `${name} is now ${number(value)}.`);
  }

  choose(key, byKeyboard = false) {
    this.fill(key);
    this.reveal();
    if (byKeyboard) found("chosen").focus({ preventScroll: true });
  }

  /** The panel comes to the top of its column; below the drawing its title comes into view. */
  reveal() {
    const [panel, column] = [found("panel"), found("panel").parentElement];
    column.scrollTop += panel.getBoundingClientRect().top - column.getBoundingClientRect().top;
    found("chosen").scrollIntoView({ block: "nearest" });
  }

  fill(key) {
    this.selected = key;
    const panel = this.subject.panel(key);
    const title = element("h2", { id: "chosen", tabindex: "-1" }, rich(panel.title));
    const close = element("button", { type: "button", class: "close" }, "Close");
    close.addEventListener("click", () => this.close());
    this.filled = element("div", {});
    found("panel").replaceChildren(
      element("div", { class: "head" }, title, close), element("p", { class: "over" }, rich(panel.over)),
      ...panel.fields.map((field) => this.field(field)), this.filled,
    );
    this.fillPanel();
    if (this.subject.drawable) this.showDrawing();
  }

  close() {
    const key = this.selected;
    this.selected = null;
    this.show();
    this.keyed(key)?.focus({ preventScroll: true });
  }

  field({ label, what, whole }) {
    const { subject } = this;
    const id = `field-${Object.values(what).join("-").replace(/[^\w-]/g, "_")}`;
    const input = element("input", { type: "number", step: whole ? "1" : "any", id, disabled: !subject.editable });
    const said = element("span", { class: "said", role: "alert" });
    input.fill = () => {
      input.value = String(subject.get(what));
      input.style.setProperty("--letters", input.value.length);
    };
    input.fill();
    input.addEventListener("input", () => {
      const value = Number(input.value);
      said.textContent = "";
      if (input.value.trim() === "" || !Number.isFinite(value)) return;
      const kept = subject.get(what);
      subject.set(what, value);
      said.textContent = subject.refused(what, kept);
      this.changed(undefined, input);
    });
    input.addEventListener("change", () => {
      if (input.value.trim() !== "" && Number.isFinite(Number(input.value))) return;
      input.fill();
      said.textContent = `That is no number: it stays ${input.value}.`;
    });
    const reset = element("button", { type: "button", disabled: !subject.editable }, "Reset");
    reset.addEventListener("click", () => {
      subject.reset(what);
      input.fill();
      said.textContent = "";
      this.changed();
    });
    return element("p", { class: "field" }, filled(element("label", { for: id }), {}, [rich(label)]), input, reset, said);
  }

  fillPanel(typed) {
    const { sections } = this.subject.panel(this.selected);
    this.filled.replaceChildren(...sections.filter((one) => one.lines?.length || one.table || one.check !== undefined).map((one) => this.section(one)));
    for (const input of found("panel").querySelectorAll("input")) {
      if (input !== typed) input.fill();
    }
  }

  section({ title, lines = [], table: rows, check }) {
    const made = element("section", {}, title ? filled(element("h3"), {}, [rich(title)]) : null);
    if (rows) made.append(table(rows));
    made.append(...lines.map(formula));
    if (check !== undefined) made.append(this.checking(check));
    return made;
  }

  /** A button that measures the slope in the page, and what it found. */
  checking(what) {
    const { subject } = this;
    const said = element("p", { class: "formula", role: "status" });
    const measure = () => {
      const [slopes, gradient] = [subject.check(what), subject.gradientAt(what)];
      const word = subject.network?.errors ? "minus the gradient" : "gradient";
      said.textContent = `Central difference ${Number.isFinite(slopes[0]) ? number(slopes[0]) : "none"}, ${word} ${number(gradient)}: ${verdictOn(slopes, gradient, number, subject.whyApart)}.`;
    };
    const button = element("button", { type: "button" }, "Check by central difference");
    button.addEventListener("click", () => {
      measure();
      said.scrollIntoView({ block: "nearest" });
    });
    if (subject.data.checks) measure();
    return element("div", {}, button, said);
  }

  showTables() {
    const opened = new Set([...document.querySelectorAll("#tables details")].filter((one) => one.open).map((one) => one.dataset.title));
    const first = found("tables").childElementCount === 0;
    const open = (title) => (first ? !this.subject.drawable : opened.has(title.split(",")[0]));
    found("tables").replaceChildren(...this.subject.tables().map((one) =>
      element("details", { open: open(one.title), "data-title": one.title.split(",")[0] }, element("summary", {}, `Table: ${one.title.toLowerCase()}`), table(one))));
  }
}

const SENTENCE = /^(?!Row \d+: .* = )[A-Z][a-z]+[ :,]/; // a formula of one row has its row before it

/** A line of a formula, as text that wraps. */
function formula(text) {
  return filled(element("p", { class: SENTENCE.test(text) ? "line" : "formula" }), {}, [rich(text)]);
}

const NUMBER = /^[−–∞]?[\d.,]*(·10.*)?$/;

function table({ title, head, rows }) {
  const cell = (value, n) => {
    const right = n > 0 && NUMBER.test(value) ? "n" : null;
    const made = n === 0 ? element("th", { scope: "row" }) : element("td", { class: right });
    if (typeof value === "object") {
      const button = element("button", { type: "button", class: "link", "data-show": value.key });
      made.append(filled(button, {}, [rich(value.text)]));
    } else made.append(rich(String(value)));
    return made;
  };
  return element("div", { class: "box", tabindex: "0", role: "group", "aria-label": title },
    element("table", { "aria-label": title },
      element("thead", {}, element("tr", {}, ...head.map((text, n) => {
        const right = n > 0 && rows.some((row) => NUMBER.test(row[n])) ? "n" : null;
        return filled(element("th", { scope: "col", class: right }), {}, [rich(text)]);
      }))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell))))));
}

const shippedNumbers = JSON.parse(found("numbers").textContent);
const page = new Page(
  shippedNumbers.kind === "step" ? new NetworkSubject(shippedNumbers) : new ExpressionSubject(shippedNumbers),
);
