import assert from "node:assert/strict";
import { test } from "node:test";
import { EditorStore } from "../../../../app/components/editor/store.js";
import { Sync } from "../../../../app/components/editor/sync.js";
import { node, TYPES } from "./fixture.mjs";

const tick = () => new Promise((go) => setImmediate(go));

// As localStorage: what is kept are properties.
class Shelf {
  getItem(key) { return this[key] ?? null; }
  setItem(key, value) { this[key] = value; }
  removeItem(key) { delete this[key]; }
}

// A sync over a server that answers by hand: `server.calls` holds {batch, answer, fail}.
function syncOf(more = {}) {
  const server = { calls: [], states: [], refused: [], behind: 0, timers: [] };
  const sync = new Sync({
    client: "c1",
    send: (batch) => new Promise((answer, fail) => server.calls.push({ batch, answer, fail })),
    wait: (job) => { server.timers.push(job); return server.timers.length; },
    on: {
      state: (state) => server.states.push(state), saved: () => {}, refused: (error) => server.refused.push(error),
      behind: async () => { server.behind += 1; return 9; },
    },
    ...more,
  });
  return { sync, server };
}

const offline = () => Object.assign(new Error("gone"), { status: 0 });

test("one batch is in flight; what comes meanwhile goes out together, on the new revision", async () => {
  const { sync, server } = syncOf();
  sync.push(["a"]);
  sync.push(["b"]);
  sync.push(["c"]);
  assert.equal(server.calls.length, 1);
  server.calls[0].answer({ revision: 5, problems: [] });
  await tick();
  assert.deepEqual(server.calls[1].batch, { base_revision: 5, client: "c1", seq: 2, ops: ["b", "c"] });
  server.calls[1].answer({ revision: 6, problems: [] });
  await tick();
  assert.equal(sync.state, "saved");
  assert.deepEqual(sync.pending, []);
});

test("after a lost connection the same batch is sent again with the same number", async () => {
  const { sync, server } = syncOf();
  sync.push(["a"]);
  server.calls[0].fail(offline());
  await tick();
  assert.equal(sync.state, "offline");
  sync.push(["b"]);
  assert.equal(sync.state, "offline");
  server.timers[0]();
  assert.deepEqual(server.calls[1].batch, server.calls[0].batch);
  server.calls[1].answer({ revision: 2, problems: [] });
  await tick();
  assert.deepEqual(server.calls[2].batch.ops, ["b"]);
});

test("what the server refuses is dropped and said", async () => {
  const { sync, server } = syncOf();
  sync.push(["a"]);
  server.calls[0].fail(Object.assign(new Error("no"), { status: 422 }));
  await tick();
  assert.equal(server.refused.length, 1);
  assert.deepEqual(sync.pending, []);
  assert.equal(sync.state, "refused");
});

test("a signed-out session keeps the edits", async () => {
  const { sync, server } = syncOf();
  sync.push(["a"]);
  server.calls[0].fail(Object.assign(new Error("sign in"), { status: 401 }));
  await tick();
  assert.deepEqual(sync.pending, ["a"]);
});

test("an editor that is behind loads again and goes on from that revision", async () => {
  const { sync, server } = syncOf();
  sync.push(["a"]);
  server.calls[0].answer({ revision: 7, behind: true, problems: [] });
  await tick();
  sync.push(["b"]);
  assert.equal(server.behind, 1);
  assert.equal(server.calls[1].batch.base_revision, 9);
});

test("edits of a closed page are sent by the next one under the old name", async () => {
  const storage = new Shelf();
  const first = syncOf({ storage, key: "k" });
  first.sync.push(["a"]);
  first.sync.push(["b"]);
  assert.deepEqual(syncOf({ storage, key: "k", client: "c9" }).sync.restore(), []); // that page is still there
  first.sync.leave();
  const { sync, server } = syncOf({ storage, key: "k", client: "c2" });
  assert.deepEqual(sync.restore(), ["a", "b"]);
  sync.flush();
  assert.deepEqual(server.calls[0].batch, { base_revision: 0, client: "c1", seq: 1, ops: ["a"] });
  server.calls[0].answer({ revision: 1, problems: [] });
  await tick();
  server.calls[1].answer({ revision: 2, problems: [] });
  await tick();
  assert.deepEqual(Object.keys(storage), []);
});

function editorOf(more = {}) {
  const graph = { schema: 1, nodes: [node("a", "model.chat", { config: { prompt: "x" } })], edges: [] };
  const sent = [];
  const transport = {
    workflow: async () => ({ id: "w", revision: 3, graph, name: "W" }),
    types: async () => TYPES,
    compile: async () => ({ ok: true, problems: [], ports: {}, input_schema: { properties: {} } }),
    edits: async (batch) => { sent.push(batch); return { revision: batch.base_revision + 1, problems: [], ports: {} }; },
    ...more,
  };
  return { store: new EditorStore({ workflowId: "w", transport, now: () => 0 }), sent };
}

test("an edit shows at once, is saved, and is undone and done again", async () => {
  const { store, sent } = editorOf();
  await store.load();
  store.setConfig("a", ["prompt"], "y");
  assert.equal(store.get().byId.get("a").config.prompt, "y");
  assert.equal(store.get().save.state, "saving");
  await tick();
  assert.equal(store.get().save.state, "saved");
  store.undo();
  assert.equal(store.get().byId.get("a").config.prompt, "x");
  store.redo();
  assert.equal(store.get().byId.get("a").config.prompt, "y");
  await tick();
  await tick();
  assert.deepEqual(sent.flatMap((batch) => batch.ops.map((op) => op.value)), ["y", "x", "y"]);
});

test("a node asked for is open as soon as the document is there; one that is not there is not", async () => {
  const { store } = editorOf();
  const first = [];
  store.subscribe(() => store.get().phase === "ready" && first.push(store.get().nodes));
  await store.load({ node: "a", field: "url" });
  assert.deepEqual(first[0], ["a"]);
  assert.deepEqual([store.get().focus.node, store.get().focus.field], ["a", "url"]);
  const { store: other } = editorOf();
  await other.load({ node: "gone", field: null });
  assert.deepEqual([other.get().nodes, other.get().focus], [[], null]);
});

test("an edit that does not fit changes nothing and says why", async () => {
  const { store, sent } = editorOf();
  await store.load();
  assert.equal(store.edit([{ op: "remove_node", id: "nobody" }]), false);
  assert.match(store.get().notice.text, /no node 'nobody'/);
  assert.equal(sent.length, 0);
});

test("removing a selection takes bodies along and forgets them as selected", async () => {
  const { store } = editorOf();
  await store.load();
  store.edit([
    { op: "add_node", node: node("l", "logic.for_each") },
    { op: "add_node", node: node("i", "model.chat", { parent: "l" }) },
  ]);
  store.select(["l", "i"]);
  store.removeSelected();
  assert.deepEqual([...store.get().byId.keys()], ["a"]);
  assert.deepEqual(store.get().nodes, []);
  store.undo();
  assert.equal(store.get().byId.get("i").parent, "l");
});

test("a workflow that is not there is said to be missing", async () => {
  const { store } = editorOf({ workflow: async () => { throw Object.assign(new Error("none"), { status: 404 }); } });
  await store.load();
  assert.equal(store.get().phase, "missing");
});

test("a refused edit is taken back by loading the draft again", async () => {
  const { store } = editorOf({ edits: async () => { throw Object.assign(new Error("Edit 1 cannot be made."), { status: 422 }); } });
  await store.load();
  store.setConfig("a", ["prompt"], "y");
  await tick();
  await tick();
  assert.equal(store.get().byId.get("a").config.prompt, "x");
  assert.match(store.get().notice.text, /cannot be made/);
});
