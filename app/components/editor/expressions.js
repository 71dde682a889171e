// Where expressions stand in a text, and which nodes they read; the twin of template.py and renaming.py in
// app/engine/expressions.
import { write } from "../js/exact.js";

// A text of the language: quotes of one or three signs, with or without a letter before them.
const LONG = String.raw`"""(?:\\[\s\S]|[^\\])*?"""|'''(?:\\[\s\S]|[^\\])*?'''`;
const SHORT = String.raw`"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'`;
const TEXT = new RegExp(`[rRbBuUfF]{0,2}(${LONG}|${SHORT})`, "y");
const WORD = /[\p{L}_][\p{L}\p{N}_]*/uy;
const SPACE = /\s+/y;
const PLAIN_TEXT = /^(["'])([^"'\\]*)\1$/;

// Words, texts and signs of an expression as {kind, text, at}; what follows a # is none of it.
export function tokens(expression) {
  const found = [];
  for (let at = 0; at < expression.length && expression[at] !== "#"; ) {
    const [kind, text] = tokenAt(expression, at);
    if (kind !== "space") found.push({ kind, text, at });
    at += text.length;
  }
  return found;
}

function tokenAt(expression, at) {
  for (const [kind, rule] of [["space", SPACE], ["text", TEXT], ["word", WORD]]) {
    rule.lastIndex = at;
    const match = rule.exec(expression);
    if (match) return [kind, match[0]];
  }
  return ["sign", expression[at]];
}

// Where the braces that begin at `start` are closed: braces in quotes and of objects do not count. -1: nowhere.
function closing(text, start) {
  let [depth, quote] = [0, ""];
  for (let at = start; at < text.length; at += 1) {
    const sign = text[at];
    if (quote) {
      if (sign === "\\") at += 1;
      else if (sign === quote) quote = "";
    } else if (sign === "'" || sign === '"') quote = sign;
    else if (sign === "{") depth += 1;
    else if (sign === "}") {
      if (depth === 0 && text[at + 1] === "}") return at;
      depth -= depth > 0 ? 1 : 0;
    }
  }
  return text.indexOf("}}", start);
}

// The expressions of a template as {start, end, closed}, without their braces; one that is not closed goes to the end.
export function spans(text) {
  const found = [];
  for (let open = text.indexOf("{{"); open >= 0; ) {
    const start = open + 2;
    const end = closing(text, start);
    found.push({ start, end: end < 0 ? text.length : end, closed: end >= 0 });
    open = end < 0 ? -1 : text.indexOf("{{", end + 2);
  }
  return found;
}

// Words of Python cannot stand after a dot.
const KEYWORDS = new Set([
  "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
  "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or",
  "pass", "raise", "return", "try", "while", "with", "yield",
]);

// A step of a path as people write it: with a dot, and in brackets what is no name.
export const step = (key) => (/^[\p{L}_][\p{L}\p{N}_]*$/u.test(key) && !KEYWORDS.has(key)
  ? `.${key}`
  : `[${write(key)}]`);

// The reference to a node that begins with the nth token, as {start, end, id}; null when none does.
function reference(found, nth) {
  const [before, root, sign, name, close] = [found[nth - 1], ...found.slice(nth, nth + 4)];
  if (root.kind !== "word" || root.text !== "nodes" || before?.text === ".") return null;
  if (sign?.text === "." && name?.kind === "word") {
    return { start: root.at, end: name.at + name.text.length, id: name.text };
  }
  const plain = sign?.text === "[" && close?.text === "]" && name?.kind === "text" ? PLAIN_TEXT.exec(name.text) : null;
  return plain && { start: root.at, end: close.at + 1, id: plain[2] };
}

function renamedExpression(expression, names) {
  const found = tokens(expression);
  let [result, here] = ["", 0];
  for (let nth = 0; nth < found.length; nth += 1) {
    const place = reference(found, nth);
    if (!place || !names.has(place.id)) continue;
    result += `${expression.slice(here, place.start)}nodes${step(names.get(place.id))}`;
    here = place.end;
  }
  return result + expression.slice(here);
}

// The text with its references to nodes renamed, in both forms (`nodes.a`, `nodes["a"]`) and nowhere else.
export function renamed(text, mode, names) {
  if (mode === "literal") return text;
  if (mode === "expression") return renamedExpression(text, names);
  let [result, here] = ["", 0];
  for (const { start, end, closed } of spans(text)) {
    if (!closed) break;
    result += text.slice(here, start) + renamedExpression(text.slice(start, end), names);
    here = end;
  }
  return result + text.slice(here);
}

// A schema with its references followed and its alternatives laid side by side.
function options(schema, root, depth = 0) {
  if (!schema || depth > 8) return [];
  const target = schema.$ref ? [schema.$ref.split("/").slice(1).reduce((at, key) => at?.[key], root)] : [];
  const inner = [...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...target];
  return [schema, ...inner.flatMap((each) => options(each, root, depth + 1))];
}

function inside(schema, root, key) {
  const all = options(schema, root);
  if (typeof key === "number") return all.find((each) => each.items)?.items ?? {};
  const own = all.find((each) => Object.hasOwn(each.properties ?? {}, key));
  return own?.properties[key] ?? all.find((each) => typeof each.additionalProperties === "object")?.additionalProperties
    ?? {};
}

// A node's form with the references in its expressions renamed, by the mode of each field as its schema says.
export function renamedForm(value, schema, names, mode = "template", root = schema) {
  if (mode === "literal") return value;
  if (typeof value === "string") return renamed(value, mode, names);
  if (value === null || typeof value !== "object") return value;
  const part = (item, key) => {
    const field = inside(schema, root, key) ?? {};
    return renamedForm(item, field, names, typeof key === "number" ? mode : (field.mode ?? mode), root);
  };
  if (Array.isArray(value)) return value.map(part);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, part(item, key)]));
}
