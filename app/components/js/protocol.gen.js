// Made by `python -m app.components.canvas.protocol`; do not edit.

export const PORT_TYPES = [
  "any",
  "text",
  "number",
  "boolean",
  "object",
  "list",
  "file",
  "message",
  "document",
  "tool"
];

export const TYPE_NAMES = {
  "any": "any value",
  "text": "text",
  "number": "number",
  "boolean": "yes or no",
  "object": "object",
  "list": "list",
  "file": "file",
  "message": "message",
  "document": "document",
  "tool": "tool"
};

export const PORT_MATRIX = {
  "any>tool": "Only the tool port of a node can be connected to the tools of an agent.",
  "text>number": "This output gives a text, but that input takes a number. Put a Set values node between them that picks the number.",
  "text>boolean": "This output gives a text, but that input takes yes or no. Put a Set values node between them that decides it.",
  "text>object": "This output gives a text, but that input takes an object. Put a Set values node between them that makes an object of it.",
  "text>list": "This output gives a text, but that input takes a list. Put a Merge or a Set values node between them that makes a list.",
  "text>file": "This output gives a text, but that input takes a file.",
  "text>message": "This output gives a text, but that input takes a message.",
  "text>document": "This output gives a text, but that input takes a document.",
  "text>tool": "Only the tool port of a node can be connected to the tools of an agent.",
  "number>boolean": "This output gives a number, but that input takes yes or no. Put a Set values node between them that decides it.",
  "number>object": "This output gives a number, but that input takes an object. Put a Set values node between them that makes an object of it.",
  "number>list": "This output gives a number, but that input takes a list. Put a Merge or a Set values node between them that makes a list.",
  "number>file": "This output gives a number, but that input takes a file.",
  "number>message": "This output gives a number, but that input takes a message.",
  "number>document": "This output gives a number, but that input takes a document.",
  "number>tool": "Only the tool port of a node can be connected to the tools of an agent.",
  "boolean>number": "This output gives yes or no, but that input takes a number. Put a Set values node between them that picks the number.",
  "boolean>object": "This output gives yes or no, but that input takes an object. Put a Set values node between them that makes an object of it.",
  "boolean>list": "This output gives yes or no, but that input takes a list. Put a Merge or a Set values node between them that makes a list.",
  "boolean>file": "This output gives yes or no, but that input takes a file.",
  "boolean>message": "This output gives yes or no, but that input takes a message.",
  "boolean>document": "This output gives yes or no, but that input takes a document.",
  "boolean>tool": "Only the tool port of a node can be connected to the tools of an agent.",
  "object>text": "This output gives an object, but that input takes a text. Put a Text template between them.",
  "object>number": "This output gives an object, but that input takes a number. Put a Set values node between them that picks the number.",
  "object>boolean": "This output gives an object, but that input takes yes or no. Put a Set values node between them that decides it.",
  "object>list": "This output gives an object, but that input takes a list. Put a Merge or a Set values node between them that makes a list.",
  "object>file": "This output gives an object, but that input takes a file.",
  "object>message": "This output gives an object, but that input takes a message.",
  "object>document": "This output gives an object, but that input takes a document.",
  "object>tool": "Only the tool port of a node can be connected to the tools of an agent.",
  "list>text": "This output gives a list, but that input takes a text. Put a Text template between them.",
  "list>number": "This output gives a list, but that input takes a number. Put a Set values node between them that picks the number.",
  "list>boolean": "This output gives a list, but that input takes yes or no. Put a Set values node between them that decides it.",
  "list>object": "This output gives a list, but that input takes an object. Put a Set values node between them that makes an object of it.",
  "list>file": "This output gives a list, but that input takes a file.",
  "list>message": "This output gives a list, but that input takes a message.",
  "list>document": "This output gives a list, but that input takes a document.",
  "list>tool": "Only the tool port of a node can be connected to the tools of an agent.",
  "file>text": "This output gives a file, but that input takes a text. Put a Text template between them.",
  "file>number": "This output gives a file, but that input takes a number. Put a Set values node between them that picks the number.",
  "file>boolean": "This output gives a file, but that input takes yes or no. Put a Set values node between them that decides it.",
  "file>list": "This output gives a file, but that input takes a list. Put a Merge or a Set values node between them that makes a list.",
  "file>message": "This output gives a file, but that input takes a message.",
  "file>document": "This output gives a file, but that input takes a document.",
  "file>tool": "Only the tool port of a node can be connected to the tools of an agent.",
  "message>text": "This output gives a message, but that input takes a text. Put a Text template between them.",
  "message>number": "This output gives a message, but that input takes a number. Put a Set values node between them that picks the number.",
  "message>boolean": "This output gives a message, but that input takes yes or no. Put a Set values node between them that decides it.",
  "message>list": "This output gives a message, but that input takes a list. Put a Merge or a Set values node between them that makes a list.",
  "message>file": "This output gives a message, but that input takes a file.",
  "message>document": "This output gives a message, but that input takes a document.",
  "message>tool": "Only the tool port of a node can be connected to the tools of an agent.",
  "document>text": "This output gives a document, but that input takes a text. Put a Text template between them.",
  "document>number": "This output gives a document, but that input takes a number. Put a Set values node between them that picks the number.",
  "document>boolean": "This output gives a document, but that input takes yes or no. Put a Set values node between them that decides it.",
  "document>list": "This output gives a document, but that input takes a list. Put a Merge or a Set values node between them that makes a list.",
  "document>file": "This output gives a document, but that input takes a file.",
  "document>message": "This output gives a document, but that input takes a message.",
  "document>tool": "Only the tool port of a node can be connected to the tools of an agent.",
  "tool>any": "A tool port leads to the tools of an agent only.",
  "tool>text": "A tool port leads to the tools of an agent only.",
  "tool>number": "A tool port leads to the tools of an agent only.",
  "tool>boolean": "A tool port leads to the tools of an agent only.",
  "tool>object": "A tool port leads to the tools of an agent only.",
  "tool>list": "A tool port leads to the tools of an agent only.",
  "tool>file": "A tool port leads to the tools of an agent only.",
  "tool>message": "A tool port leads to the tools of an agent only.",
  "tool>document": "A tool port leads to the tools of an agent only."
};

export const SETTINGS = {
  "timeout_s": 60.0,
  "retries": 0,
  "retry_delay_s": 5.0,
  "backoff": "exponential",
  "on_error": "stop",
  "default": null,
  "cache_s": 0,
  "pinned": null,
  "max_iterations": 100,
  "disabled": false,
  "tool_name": "",
  "tool_description": ""
};

export const RECOVERY = {
  "retry": {
    "word": "Retry",
    "what": "runs the step again with its input."
  },
  "skip": {
    "word": "Skip",
    "what": "goes on without its output."
  },
  "stop": {
    "word": "Stop the run",
    "what": "ends the run as failed."
  },
  "done": {
    "word": "Give the result",
    "what": "takes the step for done, with an output that you enter."
  }
};

export const STATUSES = {
  "pending": {
    "word": "pending",
    "tone": "idle"
  },
  "running": {
    "word": "running",
    "tone": "run"
  },
  "paused": {
    "word": "paused",
    "tone": "wait"
  },
  "waiting": {
    "word": "waiting",
    "tone": "wait"
  },
  "waiting_human": {
    "word": "waiting for a person",
    "tone": "wait"
  },
  "succeeded": {
    "word": "succeeded",
    "tone": "ok"
  },
  "failed": {
    "word": "failed",
    "tone": "err"
  },
  "canceled": {
    "word": "canceled",
    "tone": "idle"
  },
  "skipped": {
    "word": "skipped",
    "tone": "idle"
  },
  "interrupted": {
    "word": "interrupted",
    "tone": "wait"
  },
  "draft": {
    "word": "draft",
    "tone": "idle"
  },
  "published": {
    "word": "published",
    "tone": "ok"
  },
  "archived": {
    "word": "archived",
    "tone": "idle"
  }
};

export const MESSAGES = {
  "edits": {
    "required": [
      "base_revision",
      "client",
      "seq",
      "ops"
    ],
    "optional": []
  },
  "start": {
    "required": [
      "key"
    ],
    "optional": [
      "input"
    ]
  },
  "control": {
    "required": [
      "run_id",
      "action"
    ],
    "optional": []
  },
  "decision": {
    "required": [
      "step_id",
      "choice"
    ],
    "optional": [
      "comment",
      "value"
    ]
  },
  "patch": {
    "required": [
      "run_id",
      "from",
      "seq"
    ],
    "optional": [
      "run",
      "steps",
      "spans",
      "tokens",
      "texts",
      "approvals",
      "waits",
      "logs"
    ]
  }
};
