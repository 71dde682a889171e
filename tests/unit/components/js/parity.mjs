// Applies the ops it is given on standard input with the canvas's own rules, and answers with what came out.
import { readFileSync } from "node:fs";
import { apply } from "../../../../app/components/editor/ops.js";

const answers = JSON.parse(readFileSync(0, "utf8")).map(({ graph, ops }) => {
  try {
    const applied = apply(graph, ops);
    return { graph: applied.graph, inverse: applied.inverse, undone: apply(applied.graph, applied.inverse).graph };
  } catch (error) {
    if (error.name === "TypeError") throw error;
    return { refused: true };
  }
});
process.stdout.write(JSON.stringify(answers));
