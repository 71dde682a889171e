// Reading the JSON Schema of a form: which widget draws a field, when it is shown, what a new item is.
import { parse, write } from "../js/exact.js";

// Follows $ref and unwraps `T | null`; the outer keys (title, widget, mode, …) win.
export function resolve(schema, root) {
  let found = schema ?? {};
  for (let depth = 0; depth < 16; depth += 1) {
    if (found.$ref) {
      const target = found.$ref.split("/").slice(1).reduce((at, key) => at?.[key], root) ?? {};
      const rest = { ...found };
      delete rest.$ref;
      found = { ...target, ...rest };
    } else if (found.allOf?.length === 1) {
      const { allOf, ...rest } = found;
      found = { ...allOf[0], ...rest };
    } else if (found.anyOf) {
      const real = found.anyOf.filter((each) => each.type !== "null");
      if (real.length !== 1) return found;
      const { anyOf, ...rest } = found;
      found = { ...real[0], ...rest, nullable: anyOf.length > real.length };
    } else {
      return found;
    }
  }
  return found;
}

const BY_TYPE = {
  string: "text", number: "number", integer: "number", boolean: "switch", array: "list", object: "json",
};
const PLAIN = new Set(["long_text", "file_text"]);

// The name of the widget for a resolved field.
export function widgetOf(field) {
  if (field.widget === "boolean") return "switch";
  if (field.widget === "text" && field.mode !== "expression") return field.enum ? "choice" : "text";
  if (PLAIN.has(field.widget)) return "prompt";
  if (field.mode === "expression" && (!field.widget || field.widget === "text")) return "expression";
  if (field.widget) return field.widget;
  if (field.enum) return "choice";
  if (field.type === "object" && field.properties) return "group";
  if (field.type === "object" && field.additionalProperties?.type === "string") return "key_value";
  return BY_TYPE[field.type] ?? "json";
}

// Whether a field is shown for these values of its siblings.
export function isShown(field, values) {
  return Object.entries(field.show_if ?? {}).every(([name, wanted]) => {
    const value = values?.[name];
    return Array.isArray(wanted) ? wanted.includes(value) : value === wanted;
  });
}

// Fields of an object schema as {name, field}; `mode` literal is passed on to all that lies inside.
export function fieldsOf(schema, root, mode = null) {
  return Object.entries(schema.properties ?? {}).map(([name, raw]) => {
    const field = resolve(raw, root);
    return { name, field: { ...field, mode: mode === "literal" ? "literal" : (field.mode ?? "template") } };
  });
}

// A new value for a field: its default, or an empty one of its type.
export function blank(schema, root) {
  const field = resolve(schema, root);
  if (field.default !== undefined) return structuredClone(field.default);
  if (field.enum) return field.enum[0];
  if (field.type === "object") {
    const needed = fieldsOf(
      field, root,
    ).filter(({ name, field: each }) => field.required?.includes(name) || each.default !== undefined);
    return Object.fromEntries(needed.map(({ name, field: each }) => [name, blank(each, root)]));
  }
  return { string: "", number: 0, integer: 0, boolean: false, array: [] }[field.type] ?? null;
}

export const isExpression = (value) => typeof value === "string" && value.includes("{{");

// Whether a field may be switched to an expression: what is not text anyway and not literal.
export function canToggle(field, widget) {
  return field.mode === "template" && !["text", "prompt", "model", "expression", "code"].includes(widget);
}

// Reads what was typed into a JSON field: a JSON value when it is one, else the text.
export function readJson(text) {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  if (!/^[[{"\-\d]|^(true|false|null)$/.test(trimmed)) return text;
  try {
    return parse(trimmed);
  } catch {
    return text;
  }
}

export const showJson = (value) => (value === null || value === undefined
  ? ""
  : typeof value === "string" ? value : write(value, null, 2));

// What one item of a list is called in its header.
export function itemTitle(value, index) {
  const name = value && typeof value === "object" ? value.title || value.name || value.label || value.key : value;
  return typeof name === "string" && name.trim() ? name : `Item ${index + 1}`;
}

// Fields of a run form that are missing or wrong, by name.
export function missing(schema, values) {
  const found = {};
  for (const name of schema?.required ?? []) {
    const value = values?.[name];
    if (value === undefined || value === null || value === "") found[name] = "This is needed.";
  }
  return found;
}

// Values a run form starts with: the last input, else the example, else the defaults of the fields.
export function startValues(schema, ...given) {
  const fields = Object.entries(schema?.properties ?? {});
  const source = given.find((each) => each && typeof each === "object" && !Array.isArray(each)) ?? {};
  return Object.fromEntries(
    fields.map(([name, field]) => [name, source[name] ?? field.default ?? blank(field, schema)]),
  );
}
