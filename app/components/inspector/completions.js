// What may be written in an expression: names in scope, outputs of the nodes upstream, keys seen in the last run.
import { spans, step, tokens } from "../editor/expressions.js";
import { portsOf, titleOf, typeName, upstream } from "../editor/model.js";
import { write } from "../js/exact.js";

const MAX_KEYS = 40;
const MAX_DEPTH = 4;

export const FUNCTIONS = [
  ["len", "number of items or letters"], ["str", "as text"], ["int", "as a whole number"], ["float", "as a number"],
  ["lower", "in small letters"], ["upper", "in capitals"], ["contains", "whether a text or list holds a value"],
];

const under = (path, key) => path + (typeof key === "number" ? `[${key}]` : step(key));

const hint = (value) => {
  if (value === undefined) return "";
  const text = write(value) ?? "";
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
};

// Paths into a value seen in a run.
function inside(path, value, title, depth = 0) {
  if (value === null || typeof value !== "object" || depth >= MAX_DEPTH) return [];
  const keys = Array.isArray(value) ? [0].filter(() => value.length) : Object.keys(value).slice(0, MAX_KEYS);
  return keys.flatMap((key) => {
    const at = under(path, key);
    return [
      { path: at, title, sample: hint(value[key]), value: value[key] }, ...inside(at, value[key], title, depth + 1),
    ];
  });
}

function fromSchema(path, schema, title, depth = 0) {
  if (depth >= MAX_DEPTH) return [];
  return Object.entries(schema?.properties ?? {}).flatMap(([key, field]) => [
    { path: under(path, key), title, sample: field.title ?? field.type ?? "" },
    ...fromSchema(under(path, key), field, title, depth + 1),
  ]);
}

const unique = (items) => {
  const seen = new Map();
  for (const item of items) {
    if (!seen.has(item.path) || (item.sample && item.value !== undefined)) seen.set(item.path, item);
  }
  return [...seen.values()];
};

function input(doc, node, outputs) {
  const { inputs } = portsOf(doc, node);
  const wires = doc.graph.edges.filter((edge) => edge.target === node.id && edge.source_port !== "tool");
  if (!inputs.length || !wires.length) return [];
  const valueOf = (edge) => outputs.get(edge.source)?.[edge.source_port];
  const value = inputs.length === 1 && wires.length === 1
    ? valueOf(wires[0])
    : inputs.length > 1
      ? Object.fromEntries(wires.map((edge) => [edge.target_port, valueOf(edge)]))
      : undefined;
  return [
    { path: "input", title: "What arrives here", sample: hint(value), value },
    ...inside("input", value, "What arrives here"),
  ];
}

function trigger(doc, outputs) {
  const node = doc.graph.nodes.find((each) => doc.catalog.get(each.kind)?.trigger);
  if (!node) return [];
  const title = titleOf(node, doc.catalog.get(node.kind));
  const seen = outputs.get(node.id);
  const value = seen && Object.keys(seen).length === 1 ? Object.values(seen)[0] : seen;
  return [
    { path: "trigger", title, sample: hint(value), value },
    ...fromSchema("trigger", doc.inputSchema, title),
    ...inside("trigger", value, title),
  ];
}

function nodes(doc, id, outputs) {
  return upstream(doc.graph, id).flatMap((each) => {
    const node = doc.byId.get(each);
    const type = doc.catalog.get(node.kind);
    const title = titleOf(node, type);
    const seen = outputs.get(each);
    const ports = doc.ports[each] ?? type?.outputs ?? [];
    return ports.flatMap((port) => {
      const path = under(under("nodes", each), port.name);
      const value = seen?.[port.name];
      return [
        { path, title, sample: value === undefined ? typeName(port.type) : hint(value), value },
        ...inside(path, value, title),
      ];
    });
  });
}

const BODY_NAMES = {
  item: "The item of this round", index: "Number of this round, from 0", last: "What the round before gave",
};

// What the containers around a node give to its expressions, the innermost first.
function bodyNames(doc, node) {
  const names = [];
  for (let around = doc.byId.get(node.parent); around; around = doc.byId.get(around.parent)) {
    names.push(...(doc.catalog.get(around.kind)?.body_names ?? ["item", "index"]));
  }
  return [...new Set(names)];
}

// Everything in scope of a node, as {path, title, sample}. `outputs` are the last outputs by node id.
export function completions(doc, id, outputs = new Map()) {
  const node = doc.byId.get(id);
  if (!node) return [];
  const looped = bodyNames(
    doc, node,
  ).map((name) => ({ path: name, title: BODY_NAMES[name] ?? "Given to this round", sample: "" }));
  const tool = doc.graph.edges.some((edge) => edge.source === id && edge.source_port === "tool")
    ? [{ path: "args", title: "What the agent passes", sample: "args.<name>" }]
    : [];
  return unique([
    ...looped, ...tool, ...input(doc, node, outputs), ...trigger(doc, outputs), ...nodes(doc, id, outputs),
    { path: "context.last_output", title: "Output of the step before", sample: "" },
  ]);
}

// The word being typed at the cursor, as {start, end, word}; null in a text, and outside of {{ }} in a template.
export function wordAt(text, cursor, mode) {
  const span = mode === "expression"
    ? { start: 0 }
    : spans(text).find(({ start, end }) => start <= cursor && cursor <= end);
  if (!span) return null;
  const found = /[A-Za-z_][\w.[\]"]*$/.exec(text.slice(span.start, cursor));
  const start = found ? span.start + found.index : cursor;
  if (isInText(text.slice(span.start, start))) return null;
  return { start, end: cursor, word: text.slice(start, cursor) };
}

// A quote that is never closed is no text: it stands alone.
const isInText = (expression) => tokens(expression).some(({ kind, text }) => kind === "sign" && /["']/.test(text));

// Completions for a word: those that begin with it first, then those that hold it.
export function matching(items, word, limit = 30) {
  const wish = word.toLowerCase();
  const starts = items.filter((item) => item.path.toLowerCase().startsWith(wish) && item.path !== word);
  const holds = wish.length > 1
    ? items.filter((item) =>
      !item.path.toLowerCase().startsWith(wish) && `${item.path} ${item.title}`.toLowerCase().includes(wish))
    : [];
  return [...starts, ...holds].slice(0, limit);
}

// The text after a completion was chosen, and where the cursor stands then. Outside of braces they are added.
export function insert(text, cursor, path, mode) {
  const word = wordAt(text, cursor, mode);
  if (word) {
    const after = text.slice(word.end);
    const close = mode !== "expression" && !/^[^{}]*}}/.test(after) ? " }}" : "";
    const space = mode !== "expression" && text[word.start - 1] === "{" ? " " : "";
    const head = text.slice(0, word.start) + space + path;
    return { text: head + close + after, cursor: head.length + close.length };
  }
  const piece = mode === "expression" ? path : `{{ ${path} }}`;
  return { text: text.slice(0, cursor) + piece + text.slice(cursor), cursor: cursor + piece.length };
}

// A template cut into plain text and expressions, for colouring.
export function pieces(text) {
  const found = [];
  let at = 0;
  for (const { start, end, closed } of spans(text)) {
    const [from, to] = [start - 2, closed ? end + 2 : end];
    if (from > at) found.push({ text: text.slice(at, from), code: false });
    found.push({ text: text.slice(from, to), code: true });
    at = to;
  }
  if (at < text.length) found.push({ text: text.slice(at), code: false });
  return found;
}
