import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { numberOf, parse, write } from "../../../../app/components/js/exact.js";
import { brief, gist, gistOfPreview } from "../../../../app/components/js/format.js";
import { readJson, showJson } from "../../../../app/components/inspector/schema.js";

const COMPONENTS = new URL("../../../../app/components/", import.meta.url);
const TEXTS = [
  '{"id":12345678901234567890}', '{"id":-9007199254740993,"n":[9007199254740993,1]}', "18446744073709551615", "[9223372036854775807]",
  '{"12345678901234567":"12345678901234567890 \\"12345678901234567891"}', '{"a":1.5,"b":"x"}', '[9007199254740991,1.2345678901234567,1e+21]',
];

test("whole numbers come out as they went in", () => {
  for (const text of TEXTS) assert.equal(write(parse(text)), text);
});

test("small numbers and texts stay what they are", () => {
  assert.deepEqual(parse('{"a": 1, "b": "9007199254740993", "c": 1234567890123456}'), { a: 1, b: "9007199254740993", c: 1234567890123456 });
  assert.throws(() => parse('{"a": 12345678901234567890,}'), SyntaxError);
});

test("they are shown, typed and read exactly", () => {
  const id = parse("12345678901234567890");
  assert.equal(`${id}`, "12345678901234567890");
  assert.equal(brief({ id }), '{"id":12345678901234567890}');
  assert.equal(gist({ id }), "12345678901234567890");
  assert.equal(gistOfPreview('{"id":12345678901234567890}'), "12345678901234567890");
  assert.equal(showJson(readJson('{"id": 9007199254740993}')), '{\n  "id": 9007199254740993\n}');
  assert.equal(write({ n: numberOf("9007199254740993"), m: numberOf(" 7 "), f: numberOf("1.5") }), '{"n":9007199254740993,"m":7,"f":1.5}');
});

test("JSON is read and written in one place", () => {
  const files = readdirSync(COMPONENTS, { recursive: true }).filter((file) => /\.jsx?$/.test(file) && !file.endsWith("exact.js"));
  const others = files.filter((file) => /\bJSON\.(parse|stringify)\(/.test(readFileSync(new URL(file, COMPONENTS), "utf8")));
  assert.deepEqual(others, []);
});
