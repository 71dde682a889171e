// A small catalogue and graph for the tests.
import { catalogOf } from "../../../../app/components/editor/model.js";

const port = (name, type = "any", more = {}) => ({ name, type, title: name, socket: true, ...more });

export const TYPES = [
  { kind: "trigger.manual", title: "Manual start", category: "trigger", version: 1, trigger: true, inputs: [], outputs: [port("data", "object")], summary: "Start by hand.", default_config: { fields: [] } },
  { kind: "model.chat", title: "Ask a model", category: "model", version: 1, inputs: [port("input")], outputs: [port("text", "text")], summary: "Ask.", default_config: { prompt: "{{ input }}" } },
  { kind: "logic.if", title: "If", category: "logic", version: 1, inputs: [port("input")], outputs: [port("true"), port("false")], summary: "Choose." },
  { kind: "logic.for_each", title: "For each", category: "logic", version: 1, container: true, inputs: [port("input", "list")], outputs: [port("results", "list")], summary: "Repeat." },
  { kind: "agent.run", title: "Agent", category: "model", version: 1, tool: true, inputs: [port("input"), port("tools", "tool", { many: true })], outputs: [port("text", "text"), port("data", "any", { socket: false })], summary: "Work." },
  { kind: "tool.count", title: "Count", category: "tool", version: 1, tool: true, inputs: [port("input", "list")], outputs: [port("n", "number")], summary: "Count." },
];

export const node = (id, kind, more = {}) => ({
  id, kind, version: 1, label: "", config: {}, settings: {}, position: { x: 0, y: 0 }, parent: null, size: null, ...more,
});

export const edge = (source, source_port, target, target_port) => ({
  id: `${source}.${source_port}>${target}.${target_port}`, source, source_port, target, target_port,
});

export function docOf(nodes, edges = [], more = {}) {
  return {
    graph: { schema: 1, nodes, edges }, byId: new Map(nodes.map((each) => [each.id, each])), catalog: catalogOf(TYPES),
    ports: {}, nodes: [], edges: [], inputSchema: null, ...more,
  };
}
