import assert from "node:assert/strict";
import { test } from "node:test";
import { completions, insert, matching, pieces, wordAt } from "../../../../app/components/inspector/completions.js";
import { blank, canToggle, fieldsOf, isShown, missing, readJson, resolve, startValues, widgetOf } from "../../../../app/components/inspector/schema.js";
import { docOf, edge, node } from "./fixture.mjs";

const ROOT = {
  $defs: { Label: { type: "object", required: ["name"], properties: { name: { type: "string" }, note: { type: "string", default: "-" }, more: { type: "string" } } } },
  type: "object",
  properties: {
    n: { anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }], default: null, title: "N" },
    labels: { type: "array", items: { $ref: "#/$defs/Label" }, mode: "literal", widget: "list" },
    when: { type: "string", mode: "expression" },
  },
};

test("optional types and references become what a widget can draw", () => {
  assert.deepEqual(resolve(ROOT.properties.n, ROOT), { type: "integer", minimum: 1, default: null, title: "N", nullable: true });
  assert.equal(widgetOf(resolve(ROOT.properties.labels.items, ROOT)), "group");
  const widgets = { string: "text", integer: "number", boolean: "switch", array: "list", object: "json" };
  for (const [type, widget] of Object.entries(widgets)) assert.equal(widgetOf({ type }), widget);
  assert.equal(widgetOf({ enum: ["a"], type: "string" }), "choice");
  assert.equal(widgetOf({ type: "object", additionalProperties: { type: "string" } }), "key_value");
  assert.equal(widgetOf({ type: "string", mode: "expression" }), "expression");
  assert.equal(widgetOf({ widget: "long_text", type: "string" }), "prompt");
  assert.equal(widgetOf({}), "json");
});

test("what lies inside a literal field is literal", () => {
  const labels = fieldsOf(ROOT, ROOT).find(({ name }) => name === "labels").field;
  assert.ok(fieldsOf(resolve(labels.items, ROOT), ROOT, labels.mode).every(({ field }) => field.mode === "literal"));
});

test("a field is shown for the values it names", () => {
  assert.equal(isShown({ show_if: { mode: ["a", "b"] } }, { mode: "b" }), true);
  assert.equal(isShown({ show_if: { mode: "a" } }, { mode: "b" }), false);
  assert.equal(isShown({}, {}), true);
});

test("a new item has its defaults and its required fields", () => {
  assert.deepEqual(blank({ $ref: "#/$defs/Label" }, ROOT), { name: "", note: "-" });
  assert.equal(blank({ enum: ["x", "y"] }, ROOT), "x");
});

test("only what is not text anyway can be switched to an expression", () => {
  assert.equal(canToggle({ mode: "template" }, "number"), true);
  assert.equal(canToggle({ mode: "template" }, "prompt"), false);
  assert.equal(canToggle({ mode: "literal" }, "number"), false);
});

test("a JSON field reads JSON and leaves other text alone", () => {
  assert.deepEqual(['{"a": 1}', "[1]", "3", "true", "", "hello", "{{ input }}", "{broken"].map(readJson),
    [{ a: 1 }, [1], 3, true, null, "hello", "{{ input }}", "{broken"]);
});

test("a run form starts with the last input, then the example, then defaults", () => {
  const schema = { properties: { a: { type: "string" }, b: { type: "number", default: 4 } }, required: ["a"] };
  assert.deepEqual(startValues(schema, { a: "last" }, { a: "example", b: 9 }), { a: "last", b: 4 });
  assert.deepEqual(startValues(schema, null, { a: "example", b: 9 }), { a: "example", b: 9 });
  assert.deepEqual(missing(schema, { a: "" }), { a: "This is needed." });
  assert.deepEqual(missing(schema, { a: 0 }), {});
});

const doc = docOf(
  [node("start", "trigger.manual"), node("ask", "model.chat"), node("loop", "logic.for_each"), node("inner", "model.chat", { parent: "loop" }), node("far", "model.chat")],
  [edge("start", "data", "ask", "input"), edge("ask", "text", "loop", "input")],
  { inputSchema: { properties: { message: { title: "Message", type: "string" } } } },
);

test("completions name what lies upstream, with values of the last run", () => {
  const outputs = new Map([["start", { data: { message: "hi", "odd key": [1] } }], ["ask", { text: "yes" }]]);
  const found = new Map(completions(doc, "loop", outputs).map((item) => [item.path, item.sample]));
  assert.equal(found.get("nodes.ask.text"), '"yes"');
  assert.equal(found.get("trigger.message"), '"hi"');
  assert.equal(found.get('trigger["odd key"][0]'), "1");
  assert.equal(found.get("input"), '"yes"');
  assert.ok(![...found.keys()].some((path) => path.startsWith("nodes.far")));
  assert.ok(!found.has("item"));
});

test("in a loop item and index are offered, and nodes before the loop", () => {
  const paths = completions(doc, "inner").map((item) => item.path);
  assert.ok(["item", "index", "nodes.ask.text"].every((path) => paths.includes(path)));
  assert.ok(!paths.some((path) => path.startsWith("nodes.loop")));
});

test("a word is completed inside braces only, and never inside quotes", () => {
  assert.deepEqual(wordAt("Hi {{ trig", 10, "template"), { start: 6, end: 10, word: "trig" });
  assert.equal(wordAt("Hi trig", 7, "template"), null);
  assert.equal(wordAt("{{ a }} b", 9, "template"), null);
  assert.equal(wordAt("a == 'trig", 10, "expression"), null);
  assert.equal(wordAt("trig", 4, "expression").word, "trig");
});

test("choosing closes the braces once and puts the cursor behind", () => {
  assert.deepEqual(insert("Hi {{ trig", 10, "trigger.name", "template"), { text: "Hi {{ trigger.name }}", cursor: 21 });
  assert.deepEqual(insert("Hi {{ trig }}!", 10, "trigger.name", "template"), { text: "Hi {{ trigger.name }}!", cursor: 18 });
  assert.deepEqual(insert("Hi ", 3, "input", "template"), { text: "Hi {{ input }}", cursor: 14 });
  assert.deepEqual(insert("le", 2, "len", "expression"), { text: "len", cursor: 3 });
});

test("what begins with the word comes before what holds it", () => {
  const items = [{ path: "nodes.trial.x", title: "" }, { path: "trigger.a", title: "" }, { path: "input", title: "" }];
  assert.deepEqual(matching(items, "tri").map((item) => item.path), ["trigger.a", "nodes.trial.x"]);
});

test("a template is cut into text and expressions without losing a letter", () => {
  const text = "a {{ b }} c {{ open";
  assert.deepEqual(pieces(text).map((piece) => piece.code), [false, true, false, true]);
  assert.equal(pieces(text).map((piece) => piece.text).join(""), text);
});
