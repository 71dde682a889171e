import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pasteOps } from "../../../../app/components/editor/clipboard.js";
import { pieces, wordAt } from "../../../../app/components/inspector/completions.js";
import { renamed, renamedForm } from "../../../../app/components/editor/expressions.js";
import { node } from "./fixture.mjs";

const CASES = JSON.parse(readFileSync(new URL("./renaming.json", import.meta.url), "utf8"));
const NAMES = new Map([["a", "fresh"]]);

for (const { text, mode, result } of CASES) {
  test(`references are renamed and nothing else: ${mode} ${text}`, () => assert.equal(renamed(text, mode, NAMES), result));
}

test("an expression that is not closed yet stays as it is", () => {
  assert.equal(renamed("{{ nodes.a.x", "template", NAMES), "{{ nodes.a.x");
});

test("a name that cannot stand after a dot is written in brackets", () => {
  assert.equal(renamed("{{ nodes.a.x }}", "template", new Map([["a", "if"]])), '{{ nodes["if"].x }}');
});

const SCHEMA = {
  $defs: { Row: { type: "object", properties: { when: { type: "string", mode: "expression" }, note: { type: "string", mode: "literal" } } } },
  properties: {
    text: { type: "string" },
    code: { type: "string", mode: "literal" },
    rows: { type: "array", items: { $ref: "#/$defs/Row" } },
    either: { anyOf: [{ $ref: "#/$defs/Row" }, { type: "null" }] },
    headers: { type: "object", additionalProperties: { type: "string" } },
  },
};

test("each field of a form is read by its own mode", () => {
  const row = { when: "nodes.a.ok", note: "nodes.a" };
  const form = { text: "nodes.a {{ nodes.a.x }}", code: "{{ nodes.a.x }}", rows: [row], either: row, headers: { "nodes.a": "{{ nodes.a.x }}" }, unknown: "{{ nodes.a.x }}" };
  assert.deepEqual(renamedForm(form, SCHEMA, NAMES), {
    text: "nodes.a {{ nodes.fresh.x }}", code: "{{ nodes.a.x }}", rows: [{ when: "nodes.fresh.ok", note: "nodes.a" }],
    either: { when: "nodes.fresh.ok", note: "nodes.a" }, headers: { "nodes.a": "{{ nodes.fresh.x }}" }, unknown: "{{ nodes.fresh.x }}",
  });
});

test("pasting renames by the kinds' forms", () => {
  const catalog = new Map([["x.y", { config_schema: SCHEMA }]]);
  const piece = { nodes: [node("a", "x.y"), node("b", "x.y", { config: { code: "nodes.a", text: "{{ nodes[\"a\"].x }}" } })], edges: [] };
  const { ops } = pasteOps(piece, { graph: { nodes: [node("a", "x.y")], edges: [] }, catalog });
  assert.deepEqual(ops[1].node.config, { code: "nodes.a", text: "{{ nodes.a_2.x }}" });
});

test("braces in texts and objects neither end an expression nor begin one", () => {
  const text = "a {{ '}}' + {'x': {}} }} b {{ c";
  assert.deepEqual(pieces(text).map((piece) => piece.text), ["a ", "{{ '}}' + {'x': {}} }}", " b ", "{{ c"]);
  assert.equal(wordAt("{{ '}}' + tri }}", 13, "template").word, "tri");
  assert.equal(wordAt("{{ 'tri", 7, "template"), null);
});
