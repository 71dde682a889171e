import assert from "node:assert/strict";
import { test } from "node:test";
import { dropOps, outline } from "../../../../app/components/editor/actions.js";
import { copyText, pasteOps, readText } from "../../../../app/components/editor/clipboard.js";
import { containerAt, freePlace, nodeSize, overlap, portTop } from "../../../../app/components/editor/geometry.js";
import { History } from "../../../../app/components/editor/history.js";
import { tidy } from "../../../../app/components/editor/layout.js";
import { bestWire, freeId, misfit, outputsOf, upstream, whyNot } from "../../../../app/components/editor/model.js";
import { apply } from "../../../../app/components/editor/ops.js";
import { find, grouped } from "../../../../app/components/canvas/search.js";
import { docOf, edge, node, TYPES } from "./fixture.mjs";

const wire = (source, source_port, target, target_port) => ({ source, source_port, target, target_port });

test("a wire is refused with the server's reason while it is drawn", () => {
  const doc = docOf([node("a", "tool.count"), node("b", "logic.for_each"), node("c", "model.chat")]);
  assert.match(whyNot(doc, wire("a", "n", "b", "input")), /gives a number, but that input takes a list/);
  assert.equal(whyNot(doc, wire("a", "n", "c", "input")), null);
  assert.match(misfit("text", "tool"), /tool/i);
});

test("a tool port leads into a slot and nowhere else", () => {
  const doc = docOf([node("t", "tool.count"), node("a", "agent.run"), node("c", "model.chat")]);
  assert.equal(whyNot(doc, wire("t", "tool", "a", "tools")), null);
  assert.notEqual(whyNot(doc, wire("t", "tool", "c", "input")), null);
  assert.notEqual(whyNot(doc, wire("c", "text", "a", "tools")), null);
});

test("a wire that would close a loop, repeat another or leave a container is refused", () => {
  const nodes = [node("a", "model.chat"), node("b", "model.chat"), node("l", "logic.for_each"), node("i", "model.chat", { parent: "l" })];
  const doc = docOf(nodes, [edge("a", "text", "b", "input")]);
  assert.match(whyNot(doc, wire("b", "text", "a", "input")), /loop/);
  assert.match(whyNot(doc, wire("a", "text", "b", "input")), /already/);
  assert.match(whyNot(doc, wire("a", "text", "i", "input")), /inside/);
  assert.match(whyNot(doc, wire("a", "text", "a", "input")), /itself/);
});

test("an error port exists only when the settings ask for it", () => {
  const plain = node("a", "model.chat");
  assert.deepEqual(outputsOf(plain, TYPES[1]).map((port) => port.name), ["text"]);
  const routed = { ...plain, settings: { on_error: "error_port" } };
  assert.deepEqual(outputsOf(routed, TYPES[1]).map((port) => port.name), ["text", "error"]);
});

test("a node of an unknown kind keeps the ports its edges use", () => {
  const doc = docOf([node("a", "model.chat"), node("x", "gone.kind")], [edge("a", "text", "x", "old_in"), edge("x", "old_out", "a", "input")]);
  assert.deepEqual(outputsOf(doc.byId.get("x"), undefined, {}, doc.graph.edges).map((port) => port.name), ["old_out"]);
});

test("the best wire takes a free port before a used one", () => {
  const doc = docOf([node("a", "model.chat"), node("g", "agent.run")]);
  assert.deepEqual(bestWire(doc, "a", "g"), wire("a", "text", "g", "input"));
  assert.equal(bestWire(doc, "g", "a", { from: "nothing" }), null);
});

test("upstream goes through the container of a body", () => {
  const nodes = [node("t", "trigger.manual"), node("l", "logic.for_each"), node("i", "model.chat", { parent: "l" })];
  assert.deepEqual(upstream(docOf(nodes, [edge("t", "data", "l", "input")]).graph, "i"), ["t"]);
});

test("ids come from the kind and never repeat", () => {
  assert.equal(freeId("model.chat", new Set()), "chat");
  assert.equal(freeId("model.chat", new Set(["chat", "chat_2"])), "chat_3");
  assert.equal(freeId("x.9-Lives", new Set()), "lives");
});

test("pasted nodes get new ids, and their expressions follow", () => {
  const first = node("a", "trigger.manual");
  const second = node("b", "model.chat", { config: { prompt: "{{ nodes.a.data.x }} and {{ nodes.other.y }}" } });
  const graph = docOf([first, second], [edge("a", "data", "b", "input")]).graph;
  const { ops, ids } = pasteOps(readText(copyText(graph, ["a", "b"])), docOf(graph.nodes, graph.edges));
  const pasted = apply(graph, ops).graph;
  assert.deepEqual(ids, ["a_2", "b_2"]);
  assert.equal(pasted.nodes.at(-1).config.prompt, "{{ nodes.a_2.data.x }} and {{ nodes.other.y }}");
  assert.deepEqual(pasted.edges.at(-1), { id: "a_2.data>b_2.input", source: "a_2", source_port: "data", target: "b_2", target_port: "input" });
});

test("a container is copied with its body", () => {
  const graph = docOf([node("l", "logic.for_each"), node("i", "model.chat", { parent: "l" })]).graph;
  const pasted = apply(graph, pasteOps(readText(copyText(graph, ["l"])), docOf(graph.nodes)).ops).graph;
  assert.equal(pasted.nodes.find((each) => each.id === "i_2").parent, "l_2");
});

test("text that is no graph is not pasted", () => {
  for (const text of ["", "hello", "{}", '{"nodes": 3}', '{"nodes": [{}]}', "[1]"]) assert.equal(readText(text), null);
});

test("changes of one field that follow quickly are one step of undo", () => {
  const history = new History();
  history.push({ ops: [1], inverse: ["a"], merge: "x", at: 0 });
  history.push({ ops: [2], inverse: ["b"], merge: "x", at: 500 });
  history.push({ ops: [3], inverse: ["c"], merge: "x", at: 9000 });
  assert.deepEqual(history.undo(), { ops: ["c"] });
  assert.deepEqual(history.undo(), { ops: ["b", "a"] });
  assert.deepEqual(history.redo(), { ops: [1, 2] });
  assert.equal(history.canUndo, true);
});

test("a hundred and fifty steps can be undone", () => {
  const history = new History();
  for (let i = 0; i < 150; i += 1) history.push({ ops: [i], inverse: [-i], at: i });
  for (let i = 149; i >= 0; i -= 1) assert.deepEqual(history.undo(), { ops: [-i] });
  assert.equal(history.undo(), null);
});

test("a node dropped into a container lies in it, and comes out again", () => {
  const box = node("l", "logic.for_each", { position: { x: 400, y: 0 }, size: [520, 280] });
  const doc = docOf([box, node("a", "model.chat")]);
  const [into] = dropOps(doc, [{ id: "a", x: 500, y: 100 }]);
  assert.deepEqual(into.moves, [{ id: "a", x: 100, y: 100, parent: "l" }]);
  const moved = apply(doc.graph, [into]).graph;
  const [out] = dropOps(docOf(moved.nodes), [{ id: "a", x: 0, y: 0 }]);
  assert.deepEqual(out.moves, [{ id: "a", x: 0, y: 0, parent: null }]);
});

test("what lies in a dragged container moves with it, not by itself", () => {
  const doc = docOf([node("l", "logic.for_each"), node("i", "model.chat", { parent: "l", position: { x: 40, y: 80 } })]);
  const [move] = dropOps(doc, [{ id: "l", x: 200, y: 200 }, { id: "i", x: 240, y: 280 }]);
  assert.deepEqual(move.moves.map((each) => each.id), ["l"]);
});

test("a container grows around what is dropped at its edge", () => {
  const box = node("l", "logic.for_each", { size: [320, 200] });
  const ops = dropOps(docOf([box, node("a", "model.chat", { position: { x: 900, y: 0 } })]), [{ id: "a", x: 200, y: 100 }]);
  const size = ops.find((op) => op.op === "resize").size;
  assert.ok(size[0] >= 420 && size[1] >= 200);
});

test("the innermost container under a point is found", () => {
  const boxes = [{ id: "o", depth: 0, x: 0, y: 0, width: 500, height: 500 }, { id: "i", depth: 1, x: 100, y: 100, width: 200, height: 200 }];
  assert.equal(containerAt({ x: 150, y: 150 }, boxes).id, "i");
  assert.equal(containerAt({ x: 150, y: 150 }, boxes, new Set(["i"])).id, "o");
  assert.equal(containerAt({ x: 600, y: 0 }, boxes), null);
});

test("a free place covers no other node", () => {
  const others = [{ x: 0, y: 0, width: 200, height: 80 }, { x: 0, y: 100, width: 200, height: 80 }];
  const place = freePlace({ x: 10, y: 10 }, [200, 80], others);
  assert.ok(others.every((other) => !overlap({ ...place, width: 200, height: 80 }, other)));
});

test("ports stand inside their node, each at its own height", () => {
  const outputs = ["a", "b", "c"];
  const [, height] = nodeSize({ inputs: ["x"], outputs });
  const tops = outputs.map((_, i) => portTop(i, outputs));
  assert.equal(new Set(tops).size, 3);
  assert.ok(Math.max(...tops) < height);
});

const SIZE = () => [200, 82];
const placed = (graph, ops) => apply(graph, ops).graph.nodes;

test("tidy puts every node after its sources, covers none, and changes nothing the second time", () => {
  const ids = [...Array(40).keys()];
  const nodes = ids.map((i) => node(`n${i}`, "model.chat", { position: { x: (i * 37) % 300, y: (i * 91) % 200 } }));
  const edges = ids.slice(1).flatMap((i) => [edge(`n${Math.floor(i / 2)}`, "text", `n${i}`, "input")]);
  const graph = { schema: 1, nodes, edges };
  const after = placed(graph, tidy(graph, { sizeOf: SIZE }));
  const at = new Map(after.map((each) => [each.id, each.position]));
  for (const each of edges) assert.ok(at.get(each.source).x < at.get(each.target).x, each.id);
  const boxes = after.map((each) => ({ ...each.position, width: 200, height: 82 }));
  boxes.forEach((box, i) => boxes.slice(i + 1).forEach((other) => assert.ok(!overlap(box, other))));
  assert.deepEqual(tidy({ ...graph, nodes: after }, { sizeOf: SIZE }), []);
});

test("tidy copes with cycles and keeps a body inside its container", () => {
  const nodes = [node("a", "model.chat"), node("b", "model.chat"), node("l", "logic.for_each"), node("i", "model.chat", { parent: "l" }), node("j", "model.chat", { parent: "l" })];
  const edges = [edge("a", "text", "b", "input"), edge("b", "text", "a", "input"), edge("i", "text", "j", "input")];
  const graph = { schema: 1, nodes, edges };
  const isContainer = (each) => each.kind === "logic.for_each";
  const after = apply(graph, tidy(graph, { sizeOf: (each) => each.size ?? SIZE(), isContainer })).graph.nodes;
  const [box, inner] = [after.find((each) => each.id === "l"), after.find((each) => each.id === "j")];
  assert.ok(inner.position.x + 200 <= box.size[0] && inner.position.y + 82 <= box.size[1]);
});

test("a tool stands below the agent it serves", () => {
  const graph = { schema: 1, nodes: [node("a", "agent.run"), node("t", "tool.count", { position: { x: 10, y: 10 } })], edges: [edge("t", "tool", "a", "tools")] };
  const after = new Map(placed(graph, tidy(graph, { sizeOf: SIZE, slot: (each) => each.source_port === "tool" })).map((each) => [each.id, each.position]));
  assert.ok(after.get("t").y > after.get("a").y);
});

test("the outline lists triggers first and a body below its container", () => {
  const nodes = [node("b", "model.chat"), node("i", "model.chat", { parent: "l" }), node("l", "logic.for_each"), node("t", "trigger.manual")];
  const rows = outline(docOf(nodes, [edge("t", "data", "l", "input"), edge("l", "results", "b", "input")]));
  assert.deepEqual(rows.map((row) => [row.node.id, row.depth]), [["t", 0], ["l", 0], ["i", 1], ["b", 0]]);
});

test("search ranks the beginning of a title first and groups keep the order of categories", () => {
  assert.deepEqual(find(TYPES, "a").map((type) => type.title)[0], "Ask a model");
  assert.deepEqual(find(TYPES, "nothing at all"), []);
  assert.deepEqual(grouped(TYPES).map((group) => group.name), ["trigger", "model", "logic", "tool"]);
  assert.deepEqual(grouped([TYPES[5], TYPES[0]], TYPES).map((group) => group.title), ["Triggers", "Tools"]);
});
