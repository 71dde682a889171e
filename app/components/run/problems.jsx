// What is wrong with the workflow: each line names node and field, jumps there, and mends it where that is possible.
import { CircleAlert, CircleCheck, TriangleAlert, Wrench } from "lucide-react";
import { useEditor, useStore } from "../editor/context.jsx";
import { titleOf } from "../editor/model.js";

export const firstError = (problems) => problems.find((problem) => problem.severity === "error") ?? null;

function fieldTitle(type, field) {
  if (!field) return "";
  const name = field.replace(/^config\./, "").split(".")[0];
  return type?.config_schema?.properties?.[name]?.title ?? field;
}

export function ProblemList() {
  const store = useStore();
  const problems = useEditor((state) => state.problems);
  const byId = useEditor((state) => state.byId);
  const catalog = useEditor((state) => state.catalog);
  if (!problems.length) {
    return <p className="run-none"><CircleCheck size={15} className="tone-ok" />No problems. The workflow can run.</p>;
  }
  const jump = (problem) => {
    if (problem.node_id) store.jump(problem.node_id, problem.field ?? null);
    else if (problem.edge_id) store.select([], [problem.edge_id]);
  };
  return (
    <ul className="problems" aria-label="Problems" data-testid="problems">
      {problems.map((problem, i) => {
        const node = byId.get(problem.node_id);
        const type = node && catalog.get(node.kind);
        const error = problem.severity === "error";
        return (
          <li key={`${problem.code} ${problem.node_id} ${problem.field} ${i}`}>
            <button
              type="button" className="problem" onClick={() => jump(problem)} data-testid={`problem-${problem.code}`}
            >
              {error
                ? <CircleAlert size={14} className="tone-err" aria-label="Error" />
                : <TriangleAlert size={14} className="tone-wait" aria-label="Warning" />}
              <span className="problem-place">
                {node ? [titleOf(node, type), fieldTitle(type, problem.field)].filter(Boolean).join(" · ") : "Workflow"}
              </span>
              <span className="problem-text">{problem.message}</span>
            </button>
            {problem.fix && (
              <button
                type="button" className="btn btn-sm" onClick={() => store.edit([...problem.fix.ops])}
              >
                <Wrench size={12} />{problem.fix.title}
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}
