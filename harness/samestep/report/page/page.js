// The page's only script: filters, charts, tables, the dialog of a verdict, and two sources side by side.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);
  const filters = document.querySelector("body > form");
  const figures = all("figure");

  /** An element with attributes and children; texts are texts, whatever they hold. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // -- the state: what stands in the address, and what it shows --------------------------------------------

  const state = {};

  function read() {
    const found = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    for (const name of Object.keys(state)) delete state[name];
    if (location.hash.includes("=")) Object.assign(state, found);
    else if (location.hash) state.at = location.hash.slice(1);
    for (const select of all("select", filters)) choose(select, state[select.name] || "");
  }

  function choose(select, value) {
    select.value = value;
    if (select.selectedIndex < 0) select.selectedIndex = 0;
  }

  function remember(changes) {
    Object.assign(state, changes);
    for (const [name, value] of Object.entries(state)) if (!value) delete state[name];
    history.replaceState(null, "", "#" + new URLSearchParams(state));
  }

  function hidden(element) {
    const task = element.dataset.task;
    if (task && !state.task && !("main" in element.dataset)) return true;
    if (task && state.task && state.task !== "all" && task !== state.task) return true;
    const differs = (name) => state[name] && element.dataset[name] && element.dataset[name] !== state[name];
    return ["run", "workload", "framework", "device"].some(differs);
  }

  function show() {
    const filtered = "[data-run],[data-workload],[data-framework],[data-device],[data-task]";
    for (const element of all(filtered)) element.hidden = hidden(element);
    for (const row of all(".matrix tbody tr")) row.hidden ||= !row.querySelector("td:not([hidden]) button");
    const seen = figures.filter((figure) => !figure.hidden).length;
    byId("shown").textContent = `${seen} of ${figures.length} charts`;
    return draw();
  }

  // -- charts and their tables -----------------------------------------------------------------------------

  for (const picture of data.pictures) {
    picture.rows = Array.from({ length: picture.many }, () => ({}));
    for (const [name, { values, texts }] of Object.entries(picture.columns)) {
      picture.rows.forEach((row, i) => { row[name] = texts ? texts[values[i]] : values[i]; });
    }
  }

  /** Copies of the rows that the framework filter leaves. */
  function rows(picture) {
    const kept = state.framework && picture.columns.framework
      ? picture.rows.filter((row) => row.framework === state.framework) : picture.rows;
    return kept.map((row) => ({ ...row }));
  }

  function baseline(picture) {
    const known = picture.columns.baseline?.texts.includes(state.baseline);
    return known ? state.baseline : picture.filters.baseline;
  }

  /** A text in lines of N letters at most, unless a word is longer. */
  function wrapped(text, letters) {
    const lines = [];
    for (const word of text.split(" ")) {
      if (lines.length && `${lines.at(-1)} ${word}`.length <= letters) lines.push(`${lines.pop()} ${word}`);
      else lines.push(word);
    }
    return lines;
  }

  /** The chart's specification for this reader: as wide as there is room, its title in the page. */
  function specification(picture, width) {
    const own = (key, value) => key === "columns" ? undefined : value;  // of a legend: here by the width
    const { title, ...spec } = JSON.parse(JSON.stringify(picture.spec), own);
    const narrow = width < 480;
    const config = structuredClone(data.themes.light);
    const layout = { bottom: { direction: "vertical", anchor: "start" } };
    Object.assign(config.legend, { orient: "bottom", columns: Math.max(2, Math.floor((width - 130) / 95)), layout });
    Object.assign(config.axis, { labelLimit: narrow ? 120 : 240 });
    if (narrow) {
      config.axisX = { titleAnchor: "end" };
      for (const { encoding } of spec.layer || [spec]) {
        if (typeof encoding?.x?.title === "string") encoding.x.title = wrapped(encoding.x.title, (width - 130) / 6.5);
      }
    }
    for (const parameter of spec.params || []) {
      if (parameter.name !== "baseline") continue;
      parameter.value = baseline(picture);
      delete parameter.bind;
    }
    return {
      ...spec, width: "container", datasets: { rows: rows(picture) },
      config: { ...config, background: null, padding: { left: 4, top: 4, bottom: 4, right: 16 }, aria: false },
    };
  }

  /** What a chart says stands in its label and its table too: hidden from readers aloud, and where it has no room. */
  function trim(place) {
    place.querySelector("svg").setAttribute("aria-hidden", "true");
    const room = place.getBoundingClientRect();
    for (const text of all(".mark-text text", place)) {
      const box = text.getBoundingClientRect();
      if (box.left < room.left || box.right > room.right) text.style.visibility = "hidden";
    }
  }

  let turn = 0;

  /** Draw what is shown and not drawn yet, one after another, so that the page stays usable meanwhile. */
  async function draw() {
    const mine = ++turn;
    document.body.dataset.drawn = "no";
    for (const figure of figures) {
      if (figure.hidden) continue;
      const picture = data.pictures[figure.dataset.picture];
      const place = figure.querySelector(".chart");
      const wanted = JSON.stringify([state.framework, baseline(picture), place.clientWidth < 480]);
      if (figure.dataset.drawn !== wanted) {
        const options = { renderer: "svg", actions: false, hover: false };
        await vegaEmbed(place, specification(picture, place.clientWidth), options);
        trim(place);
        figure.dataset.drawn = wanted;
        tabulate(figure);
        await new Promise((resolve) => setTimeout(resolve));
      }
      if (mine !== turn) return;
    }
    document.body.dataset.drawn = "yes";
  }

  const shortened = (value) => typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value ?? "");

  function tabulate(figure) {
    const details = figure.querySelector("details");
    if (!details.open) return;
    const picture = data.pictures[figure.dataset.picture];
    const chosen = baseline(picture);
    const shown = rows(picture).filter((row) => !("baseline" in row) || !chosen || row.baseline === chosen);
    const names = Object.keys(picture.columns).filter((name) => shown.some((row) => (row[name] ?? "") !== ""));
    const head = make("tr", {}, ...names.map((name) => make("th", { scope: "col" }, name.replaceAll("_", " "))));
    const body = shown.map((row) => make("tr", {}, ...names.map((name) =>
      make("td", typeof row[name] === "number" ? { class: "number" } : {}, shortened(row[name])))));
    const caption = make("caption", {}, figure.querySelector("h3").textContent);
    const table = make("table", {}, caption, make("thead", {}, head), make("tbody", {}, ...body));
    details.querySelector(".wide").replaceChildren(table);
  }

  // -- what a verdict rests on -----------------------------------------------------------------------------

  function open(number) {
    const cell = data.cells[number];
    const parts = [make("p", {}, `${cell.dtype} on the ${cell.device}, ${cell.run}: `, make("strong", {}, cell.verdict))];
    if (cell.reason) parts.push(make("p", {}, cell.reason));
    if (cell.divergence) parts.push(make("p", {}, "First divergence: ", make("strong", {}, cell.divergence)));
    if (cell.worst.length) {
      const head = ["tensor", "worst error, σ", "limit, σ"].map((name) => make("th", { scope: "col" }, name));
      const body = cell.worst.map(([name, ...numbers]) => make("tr", {}, make("th", { scope: "row" }, name),
        ...numbers.map((value) => make("td", { class: "number" }, shortened(value)))));
      parts.push(make("table", {}, make("caption", {}, "The tensors that came nearest to their limit"),
        make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)));
    }
    byId("cell-name").textContent = cell.name;
    byId("cell-body").replaceChildren(...parts);
    byId("cell").showModal();
    remember({ cell: number });
  }

  // -- two sources side by side ----------------------------------------------------------------------------

  /** Lines as [left, right] pairs in order; null where a side has no such line. Longest common subsequence. */
  function compare(left, right) {
    const best = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
    for (let i = left.length - 1; i >= 0; i--) {
      for (let j = right.length - 1; j >= 0; j--) {
        best[i][j] = left[i] === right[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
      }
    }
    const pairs = [];
    let [i, j] = [0, 0];
    while (i < left.length || j < right.length) {
      const same = i < left.length && j < right.length && left[i] === right[j];
      if (same) pairs.push([i++, j++]);
      else if (j >= right.length || (i < left.length && best[i + 1][j] >= best[i][j + 1])) pairs.push([i++, null]);
      else pairs.push([null, j++]);
    }
    return aligned(pairs);
  }

  /** The pairs with what only the left has beside what only the right has in its place. */
  function aligned(pairs) {
    const [found, lefts, rights] = [[], [], []];
    const flush = () => {
      while (lefts.length || rights.length) found.push([lefts.shift() ?? null, rights.shift() ?? null]);
    };
    for (const [i, j] of pairs) {
      if (i !== null && j !== null) { flush(); found.push([i, j]); }
      else if (j === null) lefts.push(i);
      else rights.push(j);
    }
    flush();
    return found;
  }

  function sources() {
    const names = [byId("left").value, byId("right").value];
    if (!names[0]) return;
    const [left, right] = names.map((name) => data.sources[name].replace(/\n$/, "").split("\n"));
    const side = (lines, at, tag, same, where) => [
      make("td", { class: `at ${where}` }, at === null ? "" : String(at + 1)),
      make("td", { class: where }, at === null ? "" : same ? lines[at] || " " : make(tag, {}, lines[at] || " ")),
    ];
    const body = compare(left, right).map(([i, j]) => {
      const same = i !== null && j !== null && left[i] === right[j];
      return make("tr", same ? { class: "same" } : {}, ...side(left, i, "del", same, "left"),
        ...side(right, j, "ins", same, "right"));
    });
    const columns = make("colgroup", {}, ...["at", "", "at", ""].map((name) => make("col", { class: name })));
    const caption = make("caption", {}, `${names[0]} and ${names[1]}`);
    byId("code").replaceChildren(make("table", {}, caption, columns, make("tbody", {}, ...body)));
  }

  function offer() {
    const names = Object.keys(data.sources);
    for (const select of [byId("left"), byId("right")]) {
      select.replaceChildren(...names.map((name) => make("option", {}, name)));
    }
    choose(byId("left"), state.left || data.pair[0]);
    choose(byId("right"), state.right || data.pair[1]);
    byId("changed").textContent = data.changed.join(", ") || "none";
    sources();
  }

  // -- events ----------------------------------------------------------------------------------------------

  filters.addEventListener("change", (event) => {
    remember({ [event.target.name]: event.target.value });
    show();
  });
  filters.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const select of all("select", filters)) { choose(select, ""); remember({ [select.name]: "" }); }
    show();
  });
  for (const select of [byId("left"), byId("right")]) {
    select.addEventListener("change", () => { remember({ [select.id]: select.value }); sources(); });
  }
  for (const figure of figures) figure.querySelector("details").addEventListener("toggle", () => tabulate(figure));
  for (const button of all("[data-cell]")) button.addEventListener("click", () => open(button.dataset.cell));
  byId("cell").addEventListener("close", () => remember({ cell: "" }));
  for (const link of all("nav a, article a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      remember({ at: link.hash.slice(1) });
      scrollToPlace();
    });
  }
  function scrollToPlace() {
    const place = state.at && byId(state.at);
    if (place) place.scrollIntoView();
  }
  async function restore() {
    read();
    offer();
    const drawn = show();
    scrollToPlace();
    if (data.cells[state.cell]) open(state.cell);
    await drawn;
    scrollToPlace();
  }
  window.addEventListener("hashchange", restore);
  let width = innerWidth;
  window.addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
  restore();
})();
