// Rules of schedules: choices and cron both ways, searching zones, reading an input.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromCron, matching, readInput, shown, START, toCron, until, zones } from "../../../../app/components/triggers/rule.js";

const CHOICES = [
  ["*/15 * * * *", { kind: "minutes", every: 15 }],
  ["* * * * *", { kind: "minutes", every: 1 }],
  ["5 * * * *", { kind: "hourly", minute: 5 }],
  ["30 2 * * *", { kind: "daily", time: "02:30" }],
  ["0 9 * * 1-5", { kind: "weekdays", time: "09:00" }],
  ["0 9 * * 0,3", { kind: "weekly", time: "09:00", days: [0, 3] }],
  ["15 18 31 * *", { kind: "monthly", time: "18:15", day: "31" }],
  ["0 0 L * *", { kind: "monthly", time: "00:00", day: "L" }],
];

test("a cron rule becomes the choice it stands for, and back", () => {
  for (const [cron, expected] of CHOICES) {
    const rule = fromCron(cron);
    assert.deepEqual({ ...rule, ...expected }, rule, cron);
    assert.equal(toCron(rule), cron);
  }
});

test("what fits no choice stays as it was written", () => {
  for (const cron of ["@daily", "*/7 * * * *", "0 9-17 * * *", "0 9 1 1 *", "0 9 1 * 1", "0 24 * * *", "0 9 0 * *", "nonsense", "0 9 * * MON#1"]) {
    const rule = fromCron(cron);
    assert.equal(rule.kind, "custom", cron);
    assert.equal(toCron(rule), cron);
  }
});

test("the choice one starts with is nine every morning", () => assert.equal(toCron(START), "0 9 * * *"));

test("zones have their present names, and are found by city", () => {
  const options = zones().map((zone) => ({ value: zone, words: zone }));
  const find = (text) => matching(options, text).map((one) => one.value);
  assert.ok(find("kathmandu").includes("Asia/Kathmandu"));
  assert.equal(find("berlin")[0], "Europe/Berlin");
  assert.equal(find("new york")[0], "America/New_York");
  assert.equal(find("utc")[0], "UTC");
  assert.deepEqual(find("no such place"), []);
});

test("a moment is shown on the clock of a zone", () => {
  assert.match(shown("2026-03-29T01:00:00Z", "Europe/Berlin"), /^Sun,? 29 Mar, 03:00$/);
  assert.match(shown("2026-03-29T01:00:00Z", "Asia/Kathmandu"), /^Sun,? 29 Mar, 06:45$/);
});

test("how long until", () => {
  const from = Date.parse("2026-01-01T00:00:00Z");
  const words = [["2026-01-01T00:00:20Z", "in a moment"], ["2026-01-01T00:05:00Z", "in 5 min"], ["2026-01-01T02:05:00Z", "in 2 h 5 min"],
    ["2026-01-03T03:00:00Z", "in 2 d 3 h"], ["2026-01-20T03:00:00Z", "in 19 d"], ["2026-07-01T00:00:00Z", "in 6 months"]];
  for (const [at, expected] of words) assert.equal(until(at, from), expected);
});

test("an input is JSON or nothing, and says where it stops being it", () => {
  assert.equal(readInput("  "), null);
  assert.deepEqual(readInput('{"a": [1]}'), { a: [1] });
  assert.throws(() => readInput("{\n  a: 1\n}"), /not valid JSON.*double quotes/);
});
