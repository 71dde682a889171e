// What every script of the pages must fulfil: the same ceilings as Python, no unused name, and imports that only go down.
import importX from "eslint-plugin-import-x";
import globals from "globals";

// Complexity as ruff counts it (C901): statements that branch. ESLint's own rule counts every `?.`, `&&` and default as well.
const MOST_BRANCHES = 10;
const branches = {
  create(context) {
    const counts = [];
    const begin = () => counts.push(1);
    const end = (node) => {
      const count = counts.pop();
      if (count > MOST_BRANCHES) context.report({ node, message: `Complexity ${count}, at most ${MOST_BRANCHES}.` });
    };
    const add = () => { counts[counts.length - 1] += 1; };
    return {
      "Program": begin, "Program:exit": end, ":function": begin, ":function:exit": end,
      "IfStatement": add, "CatchClause": add, "SwitchCase[test]": add,
      ":matches(ForStatement, ForInStatement, ForOfStatement, WhileStatement, DoWhileStatement)": add,
    };
  },
};

const COMPONENTS = "app/components";

// Folders of scripts, and which of the others each may import. A new folder needs a line.
const BELOW = {
  js: [],
  ui: ["js"],
  editor: ["js", "ui"],
  inspector: ["js", "ui", "editor"],
  run: ["js", "ui", "editor", "inspector"],
  canvas: ["js", "ui", "editor", "inspector", "run"],
  trace: ["js", "ui", "run"],
  triggers: ["js", "ui", "inspector"],
  shell: ["js", "ui"],
};

// Forms that become Python when their page is next worked on: until then they may only shrink.
const LONG_FORMS = {
  "shell/auth.jsx": 80,
  "trace/fork.jsx": 88,
  "triggers/combobox.jsx": 89,
  "triggers/form.jsx": 176,
  "triggers/rule_fields.jsx": 67,
};

const forms = Object.entries(LONG_FORMS).map(([file, max]) => ({
  files: [`${COMPONENTS}/${file}`],
  rules: { "max-lines-per-function": ["error", { max, skipComments: true }] },
}));

const zones = Object.entries(BELOW).map(([folder, below]) => ({
  files: [`${COMPONENTS}/${folder}/**`],
  rules: {
    "no-restricted-imports": ["error", {
      patterns: [{
        regex: `^\\.\\./(?!(${below.join("|") || "-"})/)`,
        message: `${folder} may import only ${below.join(", ") || "nothing of ours"}.`,
      }],
    }],
  },
}));

const unknown = {
  files: [`${COMPONENTS}/**`],
  ignores: Object.keys(BELOW).map((folder) => `${COMPONENTS}/${folder}/**`),
  rules: { "no-restricted-syntax": ["error", { selector: "Program", message: "Give this folder a line in BELOW." }] },
};

export default [
  { ignores: ["**/*.gen.js"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: [`${COMPONENTS}/**/*.{js,jsx}`, "assets/*.js"],
    languageOptions: { globals: globals.browser, parserOptions: { ecmaFeatures: { jsx: true } } },
    plugins: { "import-x": importX, ours: { rules: { branches } } },
    rules: {
      "ours/branches": "error",
      "import-x/no-cycle": "error",
      "max-len": ["error", { code: 120 }],
      "max-lines": ["error", 500],
      "max-lines-per-function": ["error", { max: 60, skipComments: true }],
      "no-undef": "error",
      "no-unused-vars": "error",
      "prefer-const": "error",
    },
  },
  ...forms,
  ...zones,
  unknown,
];
