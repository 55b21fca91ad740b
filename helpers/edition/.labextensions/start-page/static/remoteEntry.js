/* The start page of the course, a plugin of JupyterLab.

   JupyterLab loads a plugin as a "container" with init(modules) and get(name). This one is written by hand, so that
   it needs no build: it takes what it needs from JupyterLab's own modules. It reads start.json beside it and
   progress.jsonl at the top of the learner's folder, and sends nothing anywhere. It also puts an exercise back as it
   was released: for a button above each lesson, and for check.reset. */
(() => {
  "use strict";
  const HERE = new URL(".", document.currentScript.src);
  const COMMAND = "start-page:open";
  const AGAIN = "start-page:start-again";
  const TARGET = "course-start-again"; // of helpers/checks/review.py
  let modules;

  async function shared(name) {
    const version = Object.values(modules[name])[0];
    return (await version.get())();
  }

  /** Return an HTML element; children are elements or texts. */
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "onclick") made.addEventListener("click", value);
      else made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== ""));
    return made;
  }

  const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

  // --- data -------------------------------------------------------------------------------------------------------

  /** Return the checks that were kept, oldest first; lines that cannot be read are left to the next check. */
  function parse(text) {
    return text.split("\n").flatMap((line) => {
      try {
        const event = JSON.parse(line);
        return event && typeof event.lesson === "string" && typeof event.exercise === "string" ? [event] : [];
      } catch {
        return [];
      }
    });
  }

  async function readProgress(contents) {
    try {
      const file = await contents.get("progress.jsonl", { type: "file", format: "text", content: true });
      return parse(file.content);
    } catch (error) {
      if (error.response && error.response.status === 404) return []; // nothing checked yet
      throw error;
    }
  }

  /** Return {lesson: solved exercises} for the lessons, in their order. */
  function solvedIn(lessons, events) {
    const right = new Set(events.filter((event) => event.right === true).map((one) => `${one.lesson} ${one.exercise}`));
    return new Map(
      lessons.map((lesson) => [lesson.name, lesson.exercises.filter((name) => right.has(`${lesson.name} ${name}`))]),
    );
  }

  /** Return {lesson, exercise} to go on with: after the last check, then the lessons after it; null if all is solved. */
  function next(lessons, solved, events) {
    const last = events.length ? events[events.length - 1] : null;
    const place = Math.max(0, lessons.findIndex((lesson) => last && lesson.name === last.lesson));
    for (const lesson of [...lessons.slice(place), ...lessons.slice(0, place)]) {
      const from = last && lesson.name === last.lesson ? Math.max(0, lesson.exercises.indexOf(last.exercise)) : 0;
      const order = [...lesson.exercises.slice(from), ...lesson.exercises.slice(0, from)];
      const exercise = order.find((name) => !solved.get(lesson.name).includes(name));
      if (exercise) return { lesson, exercise };
    }
    return null;
  }

  /** Return how many exercises are due; helpers/checks/progress.py keeps the days, and start.json has its rule. */
  function due(events, intervals) {
    const days = new Map();
    for (const event of events) {
      const key = `${event.lesson} ${event.exercise}`;
      if ("due" in event) days.set(key, event.due);
      else if (event.right === true && !days.has(key)) days.set(key, dayOf(later(event.when, intervals[0])));
    }
    const today = dayOf(new Date());
    return [...days.values()].filter((day) => typeof day === "string" && day <= today).length;
  }

  const later = (when, days) => new Date(Date.parse(when) + days * 864e5);

  const dayOf = (date) =>
    Number.isNaN(date.getTime()) ? null : [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");

  // --- exercises, once more ---------------------------------------------------------------------------------------

  /** Run Python in a kernel of its own, and return what it printed; an error of it is thrown. */
  async function python(app, code) {
    const kernel = await app.serviceManager.kernels.startNew({ name: "python3" });
    try {
      let printed = "";
      const future = kernel.requestExecute({ code, store_history: false });
      future.onIOPub = ({ header, content }) => {
        if (header.msg_type === "stream" && content.name === "stdout") printed += content.text;
      };
      const { content } = await future.done;
      if (content.status !== "ok") throw new Error(content.evalue || content.status);
      return printed.trim();
    } finally {
      kernel.shutdown().catch(() => {});
    }
  }

  /** Put an answer back as it was released; what stood there is kept in a text below it. Return whether it was there. */
  function startAgain(panel, exercise, stub) {
    const model = panel.content.model.sharedModel;
    const place = model.cells.findIndex((cell) => cell.getMetadata("nbgrader")?.grade_id === exercise);
    if (place < 0) return false;
    const old = model.cells[place].getSource();
    if (old !== stub) {
      const fence = "`".repeat(Math.max(3, ...[...old.matchAll(/`+/g)].map((found) => found[0].length + 1)));
      const source = `**Your answer to \`${exercise}\` before you started again:**\n\n${fence}python\n${old}\n${fence}`;
      model.transact(() => {
        model.insertCell(place + 1, { cell_type: "markdown", source, metadata: {} });
        model.cells[place].setSource(stub);
      });
    }
    return true;
  }

  /** Put the answer back in which the learner is, or above whose check. */
  async function startActiveAgain(app, panel, lessons) {
    const id = panel.content.activeCell?.model.getMetadata("nbgrader")?.grade_id?.replace(/^test_/, "");
    const lesson = lessons.find((one) => panel.context.path.endsWith(one.path));
    if (!lesson?.exercises.includes(id)) return "Go to the cell of an answer first, or to its check.";
    const path = `helpers/checks/thinking/${lesson.name}.json`;
    const file = await app.serviceManager.contents.get(path, { type: "file", format: "text", content: true });
    startAgain(panel, id, JSON.parse(file.content).exercises[id].stub);
    return `${id} is as it was released. Your answer stands below it.`;
  }

  // --- the page ---------------------------------------------------------------------------------------------------

  const address = (path) => new URL(`../../../tree/${path}`, HERE).href;

  /** Open a notebook at a cell, or a file at its beginning. */
  async function open(app, path, cell) {
    const widget = await app.commands.execute("docmanager:open", { path });
    if (widget && cell) {
      await widget.context.ready;
      await widget.revealed;
      widget.setFragment(`#cell-id=${cell}`);
    }
  }

  /** Return the cell of a lesson where the text of an exercise begins. */
  const textOf = (lesson, exercise) => lesson.texts[lesson.exercises.indexOf(exercise)];

  /** Return a link that opens a file here on a click, and in a new tab as any link. */
  function link(app, text, path, cell, attributes = {}) {
    const href = address(path) + (cell ? `#cell-id=${cell}` : "");
    const onclick = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open(app, path, cell);
    };
    return element("a", { href, onclick, ...attributes }, text);
  }

  function bar(done, all, label) {
    return element("progress", { value: done, max: Math.max(all, 1), "aria-label": label });
  }

  function goOn(app, lessons, solved, events) {
    const where = next(lessons, solved, events);
    if (!where) return element("p", { class: "sp-all" }, "All exercises are solved.");
    const { lesson, exercise } = where;
    const verb = events.length ? "Go on" : "Begin";
    const begun = events.some((event) => event.lesson === lesson.name); // else from its first line
    const text = `${verb}: lesson ${lesson.number} ${lesson.title}${begun ? `, ${exercise}` : ""}`;
    return link(app, text, lesson.path, begun ? textOf(lesson, exercise) : null, { class: "sp-go" });
  }

  /** Return what is due today with its button, or nothing. */
  function repeat(app, events, days) {
    const number = due(events, days);
    if (!number) return null;
    const said = element("p", { role: "status" });
    const button = element("button", { class: "sp-repeat" }, "Repeat some of them");
    button.addEventListener("click", async () => {
      button.disabled = true;
      said.textContent = "A fresh notebook is being made …";
      try {
        const path = await python(app, "from helpers.checks import review\nprint(review.make())");
        said.textContent = path ? "" : "Nothing is due any more.";
        if (path) await open(app, path);
      } catch (error) {
        said.textContent = `The notebook could not be made: ${error.message}`;
      }
      button.disabled = false;
    });
    return element(
      "section",
      { class: "sp-due", "aria-labelledby": "sp-due" },
      element("h2", { id: "sp-due" }, "Due today"),
      element("p", {}, `${count(number, "exercise")} that you solved before. A fresh notebook takes up to five, without your answers.`),
      button,
      said,
    );
  }

  function card(app, lesson, lessons, solved) {
    const done = solved.get(lesson.name);
    const complete = done.length === lesson.exercises.length;
    const needed = lesson.needs.map((choice) => {
      const one = (need) => {
        const there = lessons.find((other) => other.name === need.name);
        if (!there) return `${need.number} ${need.title}`;
        const got = solved.get(need.name).length === there.exercises.length;
        const onclick = (event) => {
          event.preventDefault();
          const target = document.getElementById(`sp-${need.name}`);
          target.scrollIntoView({ block: "nearest" });
          target.querySelector("h3 a").focus();
        };
        return element("a", { href: `#sp-${need.name}`, onclick }, `${need.number} ${need.title}${got ? " ✓" : ""}`);
      };
      const words = choice.flatMap((need, i) => (i ? [" or ", one(need)] : [one(need)]));
      return element("li", {}, ...words);
    });
    const exercises = lesson.exercises.map((name) =>
      element(
        "li",
        {},
        element("span", { class: "sp-mark" }, done.includes(name) ? "✓ solved: " : "○ open: "),
        link(app, name, lesson.path, textOf(lesson, name)),
      ),
    );
    const made = element(
      "li",
      { class: `sp-card${complete ? " sp-complete" : ""}`, id: `sp-${lesson.name}` },
      element("h3", {}, link(app, `${lesson.number} ${lesson.title}`, lesson.path)),
      element("p", { class: "sp-facts" }, `${count(lesson.minutes, "minute")}, ${count(lesson.exercises.length, "exercise")}`),
      element(
        "p",
        { class: "sp-progress" },
        bar(done.length, lesson.exercises.length, `Solved in lesson ${lesson.number}`),
        element("span", {}, `${done.length} of ${lesson.exercises.length} solved${complete ? " ✓" : ""}`),
      ),
      lesson.knowledge ? element("p", {}, `You need: ${lesson.knowledge}`) : null,
      needed.length ? element("div", { class: "sp-needs" }, "You need:", element("ul", {}, ...needed)) : null,
      element(
        "details",
        {},
        element("summary", { "aria-label": `Exercises of lesson ${lesson.number}` }, "Exercises"),
        element("ul", { class: "sp-exercises" }, ...exercises),
      ),
    );
    const mark = (on) => () => {
      for (const { name } of lesson.needs.flat()) {
        document.getElementById(`sp-${name}`)?.classList.toggle("sp-needed", on);
      }
    };
    for (const event of ["mouseenter", "focusin"]) made.addEventListener(event, mark(true));
    for (const event of ["mouseleave", "focusout"]) made.addEventListener(event, mark(false));
    return made;
  }

  function page(app, { courses, days }, events) {
    const lessons = courses.flatMap((course) => course.lessons);
    const solved = solvedIn(lessons, events);
    const of = (some) => [
      some.reduce((sum, lesson) => sum + solved.get(lesson.name).length, 0),
      some.reduce((sum, lesson) => sum + lesson.exercises.length, 0),
    ];
    const [done, all] = of(lessons);
    return [
      element("h1", {}, "Deep learning, piece by piece"),
      element("p", {}, "Read, fill in the functions, and run the checks: they say what is wrong, where, and which usual slip it looks like."),
      goOn(app, lessons, solved, events),
      repeat(app, events, days) ?? "",
      element("p", { class: "sp-progress sp-sum" }, bar(done, all, "Solved in all courses"), element("span", {}, `${done} of ${count(all, "exercise")} solved`)),
      ...courses.map((course) => {
        const [some, them] = of(course.lessons);
        return element(
          "section",
          { "aria-labelledby": `sp-course-${course.number}` },
          element("h2", { id: `sp-course-${course.number}` }, `${course.number} ${course.title}`),
          element("p", { class: "sp-facts" }, `${some} of ${them} solved`),
          element("ol", { class: "sp-map" }, ...course.lessons.map((lesson) => card(app, lesson, lessons, solved))),
        );
      }),
      element(
        "p",
        { class: "sp-facts" },
        "What you solved is kept in progress.jsonl in this folder, and nowhere else. Symbols: ",
        link(app, "NOTATION.md", "NOTATION.md"),
        ". How to start and update: ",
        link(app, "README.md", "README.md"),
        ".",
      ),
    ];
  }

  // --- the plugin -------------------------------------------------------------------------------------------------

  async function makePlugin() {
    const { Widget } = await shared("@lumino/widgets");
    const { ILayoutRestorer } = await shared("@jupyterlab/application");
    const { ICommandPalette, WidgetTracker } = await shared("@jupyterlab/apputils");
    const { ILauncher } = await shared("@jupyterlab/launcher");
    const { ToolbarButton, treeViewIcon } = await shared("@jupyterlab/ui-components");
    const { INotebookTracker } = await shared("@jupyterlab/notebook");

    class StartPage extends Widget {
      constructor(app) {
        super();
        this.app = app;
        this.id = "start-page";
        this.title.label = "Start";
        this.title.icon = treeViewIcon;
        this.title.caption = "The courses, and what you have solved";
        this.title.closable = true;
        this.addClass("sp-page");
        this.node.tabIndex = -1;
        this.node.setAttribute("aria-label", "Start page");
        this.focused = () => this.isVisible && this.refresh();
        window.addEventListener("focus", this.focused);
      }

      dispose() {
        window.removeEventListener("focus", this.focused);
        super.dispose();
      }

      onAfterShow() {
        this.refresh();
      }

      onActivateRequest() {
        this.refresh();
        this.node.focus({ preventScroll: true });
      }

      /** Read lessons and progress, and draw what changed; several calls at once are one. */
      refresh() {
        this.pending ??= this.draw().finally(() => (this.pending = null));
        return this.pending;
      }

      /** Draw if anything changed; the lists that are open stay open. */
      async draw() {
        try {
          this.known ??= await (await fetch(new URL("start.json", HERE))).json();
          const events = await readProgress(this.app.serviceManager.contents);
          const state = JSON.stringify(events);
          if (this.state === state || this.isDisposed) return;
          const before = this.node.querySelectorAll("details[open]");
          const opened = [...before].map((details) => details.closest(".sp-card").id);
          this.node.replaceChildren(...page(this.app, this.known, events));
          for (const id of opened) this.node.querySelector(`#${id} details`).open = true;
          this.state = state;
        } catch (error) {
          console.warn("start page:", error);
          this.node.replaceChildren(
            element("h1", {}, "Deep learning, piece by piece"),
            element("p", { role: "alert" }, `Your progress could not be read (${error.message}). Show this tab again to try once more. All lessons: `, link(this.app, "README.md", "README.md")),
          );
          this.state = undefined;
        }
      }
    }

    return {
      id: "start-page:plugin",
      description: "The start page of the course.",
      autoStart: true,
      optional: [ILayoutRestorer, ICommandPalette, ILauncher, INotebookTracker],
      activate(app, restorer, palette, launcher, notebooks) {
        document.head.append(element("link", { rel: "stylesheet", href: new URL("style.css", HERE).href }));
        const leadsElsewhere = /\/(tree|doc)\//.test(window.location.pathname);
        const tracker = new WidgetTracker({ namespace: "start-page" });
        let widget = null;

        const show = (activate) => {
          if (!widget || widget.isDisposed) {
            widget = new StartPage(app);
            tracker.add(widget);
          }
          if (!widget.isAttached) app.shell.add(widget, "main", { activate, mode: "tab-before" });
          if (activate) app.shell.activateById(widget.id);
          return widget;
        };

        app.commands.addCommand(COMMAND, {
          label: "Start page",
          icon: treeViewIcon,
          caption: "The courses, and what you have solved",
          execute: (options) => show(options.activate !== false),
        });
        if (palette) palette.addItem({ command: COMMAND, category: "Help" });
        if (launcher) launcher.add({ command: COMMAND, category: "Other", rank: 0 });
        if (restorer) restorer.restore(tracker, { command: COMMAND, args: () => ({ activate: false }), name: () => "start" });
        const again = async (panel) => {
          const { courses } = await (await fetch(new URL("start.json", HERE))).json();
          const lessons = courses.flatMap((course) => course.lessons);
          const said = await startActiveAgain(app, panel, lessons).catch((error) => `This did not work: ${error.message}`);
          app.commands.execute("apputils:notify", { message: said, type: "info", options: { autoClose: 8000 } });
        };
        app.commands.addCommand(AGAIN, {
          label: "Start this exercise again",
          caption: "Put the answer back as it was released; what you wrote stands below it",
          isEnabled: () => Boolean(notebooks?.currentWidget),
          execute: () => again(notebooks.currentWidget),
        });
        if (palette) palette.addItem({ command: AGAIN, category: "Notebook Operations" });
        const attend = (panel) => {
          const button = new ToolbarButton({ label: "Start again", tooltip: app.commands.caption(AGAIN), onClick: () => again(panel) });
          panel.toolbar.insertItem(9, "start-again", button);
          const listen = () => {
            panel.sessionContext.session?.kernel?.registerCommTarget(TARGET, (comm, message) => {
              startAgain(panel, message.content.data.exercise, message.content.data.stub);
              comm.close();
            });
          };
          panel.sessionContext.kernelChanged.connect(listen);
          listen();
        };
        // JupyterLab gives the field in which one answers, and pictures, no name; a screen reader needs one.
        const name = () => {
          for (const field of document.querySelectorAll(".jp-Stdin-input:not([aria-label])")) {
            const prompt = field.closest(".jp-Stdin").textContent.trim();
            if (prompt) field.setAttribute("aria-label", prompt);
          }
          for (const image of document.querySelectorAll(".jp-RenderedImage img:not([alt])")) {
            image.alt = "Picture; the text next to it says what it shows";
          }
        };
        new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
        notebooks?.forEach(attend);
        notebooks?.widgetAdded.connect((_, panel) => attend(panel));
        app.restored.then(() => {
          show(!leadsElsewhere);
          if (window.innerWidth < 760) app.shell.collapseLeft?.(); // else the list of files fills a phone
        });
      },
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["start-page"] = {
    init: async (scope) => {
      modules = scope;
    },
    get: async () => {
      const plugin = await makePlugin();
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
