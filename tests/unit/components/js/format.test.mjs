// Numbers read the same wherever they stand: the examples are those of the server's own formats.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { cost, duration } from "../../../../app/components/js/format.js";

const examples = JSON.parse(readFileSync(new URL("formats.json", import.meta.url), "utf8"));

test("costs", () => {
  for (const [usd, text] of examples.cost) assert.equal(cost(usd), text);
});

test("spans of time", () => {
  for (const [ms, text] of examples.duration_ms) assert.equal(duration(ms), text);
});
