import assert from "node:assert/strict";
import { test } from "node:test";
import { EditorStore } from "../../../../app/components/editor/store.js";
import { node, TYPES } from "./fixture.mjs";

const tick = async () => { for (let i = 0; i < 6; i += 1) await new Promise((go) => setImmediate(go)); };
const graphOf = (prompt = "x") => ({ schema: 1, nodes: [node("a", "model.chat", { config: { prompt, more: "m" } }), node("b", "model.chat")], edges: [] });

// A store over a server whose answers to edits are given by hand.
async function opened(more = {}) {
  const server = { calls: [], loads: 0, graph: graphOf(), revision: 3 };
  const transport = {
    workflow: async () => { server.loads += 1; return { id: "w", revision: server.revision, graph: server.graph, name: "W" }; },
    types: async () => TYPES,
    compile: async () => ({ ok: true, problems: [], ports: {}, input_schema: null }),
    edits: (batch) => new Promise((answer, fail) => server.calls.push({ batch, answer, fail })),
    ...more,
  };
  const store = new EditorStore({ workflowId: "w", transport, now: () => 0 });
  await store.load();
  const done = (revision, rest = {}) => ({ revision, problems: [], ports: {}, ...rest });
  const prompt = () => store.get().byId.get("a")?.config.prompt;
  return { store, server, done, prompt };
}

const set = (value, more = {}) => ({ op: "set_config", id: "a", path: ["prompt"], value, ...more });

test("what others do shows, and the next edit is made on it", async () => {
  const { store, server, prompt } = await opened();
  await store.follower.hear({ revision: 4, client: "other", ops: [set("theirs")] });
  assert.equal(prompt(), "theirs");
  assert.equal(server.loads, 1);
  store.setConfig("a", ["prompt"], "mine");
  assert.deepEqual(server.calls[0].batch.ops, [set("mine", { was: "theirs" })]);
  assert.equal(server.calls[0].batch.base_revision, 4);
});

test("what is known already, and what we did ourselves, is not done again", async () => {
  const { store, server, done, prompt } = await opened();
  store.setConfig("a", ["prompt"], "mine");
  await store.follower.hear({ revision: 4, client: store.sync.client, ops: [set("mine")] });
  await store.follower.hear({ revision: 5, client: "other", ops: [{ op: "set_label", id: "b", label: "B" }] });
  server.calls[0].answer(done(4));
  await tick();
  await store.follower.hear({ revision: 4, client: "other", ops: [set("old")] });
  assert.deepEqual([prompt(), store.sync.revision, server.loads], ["mine", 5, 1]);
});

test("a gap, an edit that was too large to be told, and one that does not fit: the draft is loaded", async () => {
  for (const message of [{ revision: 6, client: "o", ops: [set("y")] }, { revision: 4, client: "o" }, { revision: 4, client: "o", ops: [{ op: "remove_node", id: "gone" }] }]) {
    const { store, server, prompt } = await opened();
    [server.graph, server.revision] = [graphOf("new"), 6];
    const b = store.get().byId.get("b");
    await store.follower.hear(message);
    assert.deepEqual([prompt(), store.sync.revision, server.loads], ["new", 6, 2]);
    assert.equal(store.get().byId.get("b"), b); // what is the same is not drawn again
  }
});

test("a load waits for what is on its way, and keeps what comes meanwhile", async () => {
  const { store, server, done, prompt } = await opened();
  store.setConfig("a", ["more"], "mine");
  const heard = store.follower.hear({ revision: 9, client: "other" });
  await tick();
  assert.equal(server.loads, 1);
  store.setLabel("b", "B");
  [server.graph, server.revision] = [graphOf("new"), 10];
  server.calls[0].answer(done(10, { behind: true }));
  await heard;
  await new Promise((go) => setTimeout(go, 200)); // who is behind first waits a moment for what others did
  assert.equal(prompt(), "new");
  assert.equal(store.get().byId.get("b").label, "B");
  assert.equal(server.calls[1].batch.base_revision, 10);
});

test("a field that somebody else changed first is asked about, and both answers are kept", async () => {
  for (const choice of ["keep", "take"]) {
    const { store, server, done, prompt } = await opened();
    store.edit([{ op: "set_label", id: "b", label: "B" }, set("mine")]);
    await store.follower.hear({ revision: 4, client: "other", ops: [set("theirs")] });
    server.calls[0].answer(done(4, { overtaken: [{ index: 1, value: "theirs" }] }));
    await tick();
    assert.equal(prompt(), "mine"); // what is asked about stays as it was typed
    const [ask] = store.get().asks;
    assert.deepEqual([ask.key, ask.mine, ask.theirs], ["node.a.config.prompt", "mine", "theirs"]);
    assert.deepEqual(server.calls[1].batch.ops.map((op) => op.op), ["set_label"]); // the rest of the batch goes on
    server.calls[1].answer(done(5));
    await tick();
    store.decide(ask.key, choice);
    assert.deepEqual(store.get().asks, []);
    assert.equal(prompt(), choice === "keep" ? "mine" : "theirs");
    assert.deepEqual(server.calls[2]?.batch.ops, choice === "keep" ? [set("mine", { was: "theirs" })] : undefined);
  }
});

// A store that asks about the prompt, and a person who types on in it.
async function asking() {
  const all = await opened();
  const { store, server, done } = all;
  const focused = [];
  store.toCanvas = () => focused.push("canvas");
  store.select(["a"]);
  store.setConfig("a", ["prompt"], "mine");
  await store.follower.hear({ revision: 4, client: "other", ops: [set("theirs")] });
  server.calls[0].answer(done(4, { overtaken: [{ index: 0, value: "theirs" }] }));
  await tick();
  return { ...all, focused, ask: () => store.get().asks[0] };
}

test("what is typed while a field is asked about is mine, is not sent, and theirs is the newest", async () => {
  for (const choice of ["keep", "take"]) {
    const { store, server, prompt, ask, focused } = await asking();
    store.setConfig("a", ["prompt"], "mine and more");
    await store.follower.hear({ revision: 5, client: "other", ops: [set("theirs again", { was: "theirs" })] });
    await tick();
    assert.deepEqual([prompt(), ask().mine, ask().theirs, store.get().asks.length], ["mine and more", "mine and more", "theirs again", 1]);
    assert.equal(server.calls.length, 1);
    store.setLabel("b", "B"); // other fields go on
    assert.deepEqual(server.calls[1].batch.ops.map((op) => op.op), ["set_label"]);
    server.calls[1].answer({ revision: 6, problems: [], ports: {} });
    await tick();
    store.decide(ask().key, choice);
    assert.equal(prompt(), choice === "keep" ? "mine and more" : "theirs again");
    assert.deepEqual(server.calls[2]?.batch.ops, choice === "keep" ? [set("mine and more", { was: "theirs again" })] : undefined);
    assert.deepEqual([focused, store.get().focus.node, store.get().focus.field], [["canvas"], "a", "config.prompt"]);
    store.setConfig("a", ["prompt"], "later");
    assert.deepEqual(store.get().asks, []);
  }
});

test("theirs never shows in a field whose edit is on its way, and what waits behind that is not sent", async () => {
  const { store, server, done, prompt } = await opened();
  store.setConfig("a", ["prompt"], "m");
  store.setConfig("a", ["prompt"], "mine");
  await store.follower.hear({ revision: 4, client: "other", ops: [set("theirs")] });
  store.setConfig("a", ["prompt"], "mine!");
  assert.equal(prompt(), "mine!");
  server.calls[0].answer(done(4, { overtaken: [{ index: 0, value: "theirs" }] }));
  await tick();
  const { asks } = store.get();
  assert.deepEqual([prompt(), asks.length, asks[0].mine, asks[0].theirs, server.calls.length], ["mine!", 1, "mine!", "theirs", 1]);
});

test("an answer given before the server's own is not asked for again", async () => {
  for (const choice of ["keep", "take"]) {
    const { store, server, done } = await opened();
    store.setConfig("a", ["prompt"], "mine");
    await store.follower.hear({ revision: 4, client: "other", ops: [set("theirs")] });
    store.decide(store.get().asks[0].key, choice);
    server.calls[0].answer(done(4, { overtaken: [{ index: 0, value: "theirs" }] }));
    await tick();
    assert.deepEqual(store.get().asks, []);
    assert.deepEqual(server.calls[1]?.batch.ops, choice === "keep" ? [set("mine", { was: "theirs" })] : undefined);
  }
});

test("what somebody made of our edit shows, though its answer is still on its way", async () => {
  const { store, prompt } = await opened();
  store.setConfig("a", ["prompt"], "mine");
  await store.follower.hear({ revision: 4, client: store.sync.client, ops: [set("mine")] });
  await store.follower.hear({ revision: 5, client: "other", ops: [set("mine, better", { was: "mine" })] });
  assert.deepEqual([prompt(), store.get().asks], ["mine, better", []]);
});

test("a draft that is loaded while a field is asked about keeps mine and brings their newest", async () => {
  const { store, server, prompt, ask } = await asking();
  [server.graph, server.revision] = [graphOf("newest"), 9];
  await store.follower.hear({ revision: 9, client: "other" });
  assert.deepEqual([prompt(), ask().mine, ask().theirs, server.calls.length], ["mine", "mine", "newest", 1]);
});

test("a text that is being typed when theirs comes is asked about, and the whole form takes up the question", async () => {
  const { store, server, prompt, ask } = await opened().then((all) => ({ ...all, ask: () => all.store.get().asks[0] }));
  await store.follower.hear({ revision: 4, client: "other", ops: [set("theirs")] });
  assert.equal(store.contest("Prompt", () => store.setConfig("a", ["prompt"], "typed")), true);
  assert.deepEqual([prompt(), ask().title, ask().mine, ask().theirs], ["typed", "Prompt", "typed", "theirs"]);
  store.setConfig("a", [], { prompt: "typed", more: "n" });
  assert.deepEqual([store.get().asks.length, ask().theirs], [1, { prompt: "theirs", more: "m" }]);
  assert.equal(server.calls.length, 0);
  store.edit([{ op: "remove_node", id: "a" }]);
  assert.deepEqual(store.get().asks, []);
});

test("the answer about a field that is not to be seen gives the keyboard to the canvas", async () => {
  const { store, ask, focused } = await asking();
  store.select(["b"]);
  store.decide(ask().key, "take");
  assert.deepEqual([focused, store.get().nodes, store.get().focus], [["canvas"], ["b"], null]);
});

test("undo leaves alone what somebody else has changed since", async () => {
  const { store, server, done, prompt } = await opened();
  store.setConfig("a", ["prompt"], "mine");
  server.calls[0].answer(done(4));
  await tick();
  await store.follower.hear({ revision: 5, client: "other", ops: [set("theirs")] });
  store.undo();
  assert.equal(prompt(), "theirs");
  assert.match(store.get().notice.text, /Somebody else/);
  assert.equal(server.calls.length, 1);
});

test("undo of other things goes on, also after the draft was loaded again", async () => {
  const { store, server, done, prompt } = await opened();
  store.setLabel("b", "B");
  server.calls[0].answer(done(4));
  await tick();
  [server.graph, server.revision] = [{ ...graphOf("new"), nodes: [graphOf("new").nodes[0], node("b", "model.chat", { label: "B" })] }, 6];
  await store.follower.hear({ revision: 6 });
  store.undo();
  assert.deepEqual([prompt(), store.get().byId.get("b").label], ["new", ""]);
});

test("nodes moved by two at once stand where the server has them", async () => {
  const { store } = await opened();
  store.edit([{ op: "move", moves: [{ id: "b", x: 100, y: 100 }] }]);
  await store.follower.hear({ revision: 4, client: "other", ops: [{ op: "move", moves: [{ id: "b", x: 500, y: 0 }] }] });
  assert.deepEqual(store.get().byId.get("b").position, { x: 100, y: 100 }); // ours comes after theirs
});

test("one edit that is refused takes no other along", async () => {
  const { store, server, done } = await opened();
  store.edit([set("mine")]);
  store.edit([{ op: "set_label", id: "b", label: "B" }]);
  server.calls[0].fail(Object.assign(new Error("Edit 1 cannot be made."), { status: 422, context: { index: 0 } }));
  await tick();
  assert.deepEqual(server.calls[1].batch.ops.map((op) => op.op), ["set_label"]);
  assert.equal(store.get().byId.get("b").label, "B");
  server.calls[1].answer(done(4));
  await tick();
  assert.equal(store.get().save.state, "saved");
});
