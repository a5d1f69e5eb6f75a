// Steps that are made in the page, one or many; many in slices, so that the page stays awake.

const SLICE = 100; // milliseconds
const MANY = [10, 100, 1000];

class Making {
  constructor(page, training) {
    Object.assign(this, { page, training, left: 0 });
    const one = element("button", { type: "button", id: "make" });
    const more = MANY.map((count) => element("button", { type: "button", "data-steps": count }));
    this.buttons = [[one, 1], ...more.map((button, n) => [button, MANY[n]])];
    for (const [button, count] of this.buttons) button.addEventListener("click", () => this.press(count));
    const again = element("button", { type: "button", id: "again" }, "Start again");
    again.addEventListener("click", () => {
      this.left = 0;
      page.subject.resetAll();
      page.changed();
    });
    this.losses = element("p", { class: "losses", id: "losses" });
    found("training").replaceChildren(element("div", { class: "steps" }, one, ...more, again), this.losses);
  }

  /** Make so many steps; while they are made, the same button stops. */
  press(count) {
    const { training } = this;
    if (this.left) {
      if (count === this.count) this.left = 0;
      return;
    }
    if (!training.canStep) {
      this.page.say(training.whyNot);
      return;
    }
    this.left = this.count = count;
    this.begun = { made: training.made, loss: training.loss };
    this.slice();
  }

  slice() {
    const { training, page } = this;
    const until = performance.now() + SLICE;
    while (this.left && training.canStep && performance.now() < until) {
      training.makeStep();
      this.left -= 1;
    }
    if (this.left && training.canStep) {
      this.show();
      page.showCourse();
      this.losses.textContent = this.told(); // which is not read aloud, as the status is at the end
      setTimeout(() => (this.left ? this.slice() : this.end()));
    } else this.end();
  }

  end() {
    this.left = 0;
    this.page.changed(this.told());
  }

  told() {
    const { training, begun, page } = this;
    const { name, value } = page.subject.result;
    const why = training.canStep ? "" : ` ${training.whyNot}`;
    return `${counted(training.made - begun.made, "step")} made: ${name} ${number(begun.loss)} → ${number(value)}.${why}`;
  }

  show() {
    const { training } = this;
    for (const [button, count] of this.buttons) {
      const word = count > 1 ? counted(count, "step") : training.made ? "Make the next step" : "Make this step";
      const stops = this.left > 0 && count === this.count;
      button.textContent = stops ? "Stop" : word;
      button.setAttribute("aria-disabled", String(!stops && (this.left > 0 || !training.canStep)));
    }
    this.losses.textContent = training.whyNot;
  }
}
