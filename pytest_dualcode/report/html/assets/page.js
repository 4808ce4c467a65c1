"use strict";
// The list is built from the index; a problem's story is parsed and built when it is opened.
// All text of models goes in as text nodes, never as HTML.
const index = JSON.parse(document.getElementById("index").textContent);
const SIGNS = { passed: "✓", failed: "✗", error: "!" };
const FLIPS = { improved: "▲", regressed: "▼" };
const WORDS = { passed: "passed", failed: "failed", error: "error, not an answer" };
const list = document.getElementById("problems");
const filters = document.forms.filters;

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
}

function chip(name, cell) {
  const flip = cell.flip ? ` ${FLIPS[cell.flip]}` : "";
  const words = WORDS[cell.outcome] + (cell.flip ? `, ${cell.flip}` : "") + (cell.kind ? `: ${cell.kind}` : "");
  const label = `${SIGNS[cell.outcome]} ${name}${cell.samples ? " " + cell.samples : ""}${flip}`;
  return make("span", { class: `chip ${cell.outcome}${cell.flip ? " flipped" : ""}`, title: `${name}: ${words}` },
    make("span", { "aria-hidden": "true" }, label),
    make("span", { class: "hidden-text" }, `${name} ${words}; `));
}

function row(problem, place) {
  const chips = index.pipelines.map((name, n) => problem.cells[n] && chip(name, problem.cells[n])).filter(Boolean);
  const head = make("button", { class: "head", "aria-expanded": "false", "aria-controls": `story-${place}` },
    make("span", { class: "task" }, problem.id), ...chips);
  const story = make("div", { class: "story", id: `story-${place}`, hidden: "" });
  head.addEventListener("click", () => toggle(problem, head, story, place));
  const item = make("li", {}, head, story);
  problem.item = item;
  problem.head = head;
  problem.text = [problem.id, ...problem.cells.map((cell) => (cell && cell.kind) || "")].join(" ").toLowerCase();
  return item;
}

function toggle(problem, head, story, place) {
  const open = head.getAttribute("aria-expanded") !== "true";
  if (open && !story.hasChildNodes()) fill(story, place);
  head.setAttribute("aria-expanded", String(open));
  story.hidden = !open;
  if (open) history.replaceState(null, "", "#" + encodeURIComponent(problem.id));
}

function fill(story, place) {
  const data = JSON.parse(document.getElementById(`problem-${place}`).textContent);
  if (data.spec) story.append(more("Spec: all that a model saw", code(data.spec), true));
  const many = data.stories.length > 2;
  data.stories.forEach((one, n) => story.append(tell(one, data.calls, !many || n === 0)));
}

function tell(one, calls, open) {
  const sample = one.sample ? `, sample ${one.sample}` : "";
  const box = make("details", open ? { open: "" } : {},
    make("summary", { class: one.outcome }, `${SIGNS[one.outcome]} ${one.pipeline}${sample}`),
    make("p", {}, one.verdict));
  if (one.input) box.append(make("p", {}, "First failing input:"), code(one.input));
  if (one.examples) box.append(make("p", {}, one.examples[0].toUpperCase() + one.examples.slice(1) + "."));
  if (one.kind) box.append(make("p", {}, make("b", {}, `Cause: ${one.kind}. `), one.evidence));
  if (one.stages.length) box.append(make("ol", { class: "stages" }, ...one.stages.map((stage) => stageItem(stage, calls))));
  if (one.solution) box.append(make("p", {}, "Solution that was judged:"), code(one.solution));
  return box;
}

function stageItem(stage, calls) {
  const judged = stage.judged ? ` (this program ${stage.judged})` : "";
  const item = make("li", {}, make("b", {}, stage.name), `: ${stage.outcome.replaceAll("_", " ")}${judged}`);
  if (stage.steps) item.append(make("p", { class: "soft" }, `extraction: ${stage.steps.join(", ")}`));
  const call = calls[stage.call];
  if (stage.detail && stage.detail !== (call && call.finish)) item.append(make("pre", { class: "prose" }, stage.detail));
  if (stage.program) item.append(code(stage.program));
  if (stage.diff) item.append(stage.diff.length ? diff(stage.diff) : make("p", { class: "soft" }, "The program did not change."));
  if (call) item.append(callBox(call, stage));
  return item;
}

function callBox(call, stage) {
  const tries = call.attempts > 1 ? `, ${call.attempts} attempts` : "";
  const title = `${call.role} ${call.model}: ${call.prompt_tokens} + ${call.completion_tokens} tokens, ` +
    `${call.seconds} s, ended with ${call.finish}${tries}`;
  const box = more(title, make("pre", { class: "prose" }, call.text || "(an empty reply)"), !stage.program && !stage.diff);
  if (call.reasoning) box.append(more("Reasoning", make("pre", { class: "prose" }, call.reasoning), false));
  return box;
}

function more(title, content, open) {
  return make("details", open ? { class: "more", open: "" } : { class: "more" }, make("summary", {}, title), content);
}

function code(text) {
  return make("pre", { tabindex: "0" }, text);
}

function diff(lines) {
  const kinds = { "+": "add", "-": "del", "@": "at" };
  return make("pre", { tabindex: "0", class: "diff" }, ...lines.map((line) => {
    const kind = kinds[line[0]];
    return kind ? make("span", { class: kind }, line) : line + "\n";
  }));
}

function matches(problem, wanted) {
  if (wanted.text && !wanted.text.split(/\s+/).every((word) => problem.text.includes(word))) return false;
  if (wanted.dataset && problem.dataset !== wanted.dataset) return false;
  if (!wanted.what && !wanted.kind) return true;
  return problem.cells.some((cell, n) => cell && (!wanted.pipeline || index.pipelines[n] === wanted.pipeline) &&
    (!wanted.what || cell.outcome === wanted.what || cell.flip === wanted.what || (wanted.what === "flipped" && cell.flip)) &&
    (!wanted.kind || cell.kind === wanted.kind));
}

function apply() {
  const wanted = {
    text: filters.text.value.trim().toLowerCase(), dataset: filters.dataset.value,
    pipeline: filters.pipeline.value, what: filters.what.value, kind: filters.kind.value,
  };
  let shown = 0;
  for (const problem of index.problems) {
    problem.item.hidden = !matches(problem, wanted);
    shown += !problem.item.hidden;
  }
  document.getElementById("count").textContent = `${shown} of ${index.problems.length} problems`;
}

function options(select, names) {
  for (const name of names) select.append(make("option", { value: name }, name));
}

function step(by) {
  const shown = index.problems.filter((problem) => !problem.item.hidden);
  if (!shown.length) return;
  const here = shown.findIndex((problem) => problem.item.contains(document.activeElement));
  const next = here < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, here + by));
  shown[next].head.focus();
  shown[next].head.scrollIntoView({ block: "nearest" });
}

function theme(name) {
  document.documentElement.dataset.theme = name;
  document.getElementById("theme").textContent = name === "dark" ? "Light mode" : "Dark mode";
}

const otherTheme = () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
const keys = { "/": () => filters.text.focus(), j: () => step(1), k: () => step(-1), d: otherTheme };

document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "Escape" && typing) event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
document.getElementById("theme").addEventListener("click", otherTheme);
list.append(...index.problems.map(row));
options(filters.dataset, index.datasets);
options(filters.pipeline, index.pipelines);
options(filters.kind, index.kinds);
filters.addEventListener("input", apply);
filters.addEventListener("submit", (event) => event.preventDefault());
apply();
const asked = decodeURIComponent(location.hash.slice(1));
const linked = index.problems.find((problem) => problem.id === asked);
if (linked) { linked.head.click(); linked.head.scrollIntoView(); }
document.documentElement.dataset.ready = "yes";
