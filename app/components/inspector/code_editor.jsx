// CodeMirror in our colours; loaded only when a form has a code field.
import CodeMirror, { EditorView } from "@uiw/react-codemirror";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";

const STYLE = syntaxHighlighting(HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--accent-ink)" },
  { tag: [tags.string], color: "var(--ok-ink)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--run-ink)" },
  { tag: [tags.comment], color: "var(--muted)", fontStyle: "italic" },
  { tag: [tags.propertyName, tags.function(tags.variableName)], color: "var(--wait-ink)" },
]));
const THEME = EditorView.theme({
  "&": { fontSize: "12px", backgroundColor: "var(--panel)", color: "var(--text)" },
  ".cm-content": { fontFamily: "var(--mono)", caretColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--panel-2)", color: "var(--faint)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": { backgroundColor: "var(--accent-2) !important" },
});
const LANGUAGES = { python: python(), json: json() };

export default function CodeEditor({ text, language, label, onChange }) {
  const named = EditorView.contentAttributes.of({ "aria-label": label });
  return (
    <CodeMirror
      value={text} onChange={onChange} minHeight="120px" maxHeight="420px" theme="none" indentWithTab={false}
      basicSetup={{ foldGutter: false, highlightActiveLine: false, autocompletion: false, searchKeymap: false }}
      extensions={[THEME, STYLE, EditorView.lineWrapping, named, LANGUAGES[language] ?? []]}
    />
  );
}
