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
  "any>tool": "A any does not fit a tool port.",
  "text>number": "A text does not fit a number port.",
  "text>boolean": "A text does not fit a boolean port.",
  "text>object": "A text does not fit a object port.",
  "text>list": "A text does not fit a list port.",
  "text>file": "A text does not fit a file port.",
  "text>message": "A text does not fit a message port.",
  "text>document": "A text does not fit a document port.",
  "text>tool": "A text does not fit a tool port.",
  "number>boolean": "A number does not fit a boolean port.",
  "number>object": "A number does not fit a object port.",
  "number>list": "A number does not fit a list port.",
  "number>file": "A number does not fit a file port.",
  "number>message": "A number does not fit a message port.",
  "number>document": "A number does not fit a document port.",
  "number>tool": "A number does not fit a tool port.",
  "boolean>number": "A boolean does not fit a number port.",
  "boolean>object": "A boolean does not fit a object port.",
  "boolean>list": "A boolean does not fit a list port.",
  "boolean>file": "A boolean does not fit a file port.",
  "boolean>message": "A boolean does not fit a message port.",
  "boolean>document": "A boolean does not fit a document port.",
  "boolean>tool": "A boolean does not fit a tool port.",
  "object>text": "A object does not fit a text port.",
  "object>number": "A object does not fit a number port.",
  "object>boolean": "A object does not fit a boolean port.",
  "object>list": "A object does not fit a list port.",
  "object>file": "A object does not fit a file port.",
  "object>message": "A object does not fit a message port.",
  "object>document": "A object does not fit a document port.",
  "object>tool": "A object does not fit a tool port.",
  "list>text": "A list does not fit a text port.",
  "list>number": "A list does not fit a number port.",
  "list>boolean": "A list does not fit a boolean port.",
  "list>object": "A list does not fit a object port.",
  "list>file": "A list does not fit a file port.",
  "list>message": "A list does not fit a message port.",
  "list>document": "A list does not fit a document port.",
  "list>tool": "A list does not fit a tool port.",
  "file>text": "A file does not fit a text port.",
  "file>number": "A file does not fit a number port.",
  "file>boolean": "A file does not fit a boolean port.",
  "file>object": "A file does not fit a object port.",
  "file>list": "A file does not fit a list port.",
  "file>message": "A file does not fit a message port.",
  "file>document": "A file does not fit a document port.",
  "file>tool": "A file does not fit a tool port.",
  "message>text": "A message does not fit a text port.",
  "message>number": "A message does not fit a number port.",
  "message>boolean": "A message does not fit a boolean port.",
  "message>object": "A message does not fit a object port.",
  "message>list": "A message does not fit a list port.",
  "message>file": "A message does not fit a file port.",
  "message>document": "A message does not fit a document port.",
  "message>tool": "A message does not fit a tool port.",
  "document>text": "A document does not fit a text port.",
  "document>number": "A document does not fit a number port.",
  "document>boolean": "A document does not fit a boolean port.",
  "document>object": "A document does not fit a object port.",
  "document>list": "A document does not fit a list port.",
  "document>file": "A document does not fit a file port.",
  "document>message": "A document does not fit a message port.",
  "document>tool": "A document does not fit a tool port.",
  "tool>any": "A tool does not fit a any port.",
  "tool>text": "A tool does not fit a text port.",
  "tool>number": "A tool does not fit a number port.",
  "tool>boolean": "A tool does not fit a boolean port.",
  "tool>object": "A tool does not fit a object port.",
  "tool>list": "A tool does not fit a list port.",
  "tool>file": "A tool does not fit a file port.",
  "tool>message": "A tool does not fit a message port.",
  "tool>document": "A tool does not fit a document port."
};

export const SETTINGS = {
  "timeout_s": 60.0,
  "retries": 0,
  "retry_delay_s": 5.0,
  "backoff": "exponential",
  "on_error": "stop",
  "default": null,
  "disabled": false,
  "tool_name": "",
  "tool_description": ""
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
      "reset",
      "run",
      "steps",
      "spans",
      "tokens",
      "approvals",
      "logs"
    ]
  }
};
