// Reads bodies as a service in JavaScript does: JSON.parse.  See read.go.

import { readFileSync, writeFileSync } from "node:fs";

const FIELDS = {
  c: ["model", "stream", "max_tokens", "max_completion_tokens", "temperature",
      "n", "user"],
  r: ["model", "stream", "max_output_tokens", "max_tokens",
      "max_completion_tokens", "temperature"],
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function told(value) {
  switch (typeof value) {
  case "string":
    return "s" + Buffer.from(value).toString("hex");
  case "boolean":
    return "b" + value;
  case "number":
    return "n" + value;
  default:
    return value ? "other" : null;
  }
}

function read(kind, body) {
  let value;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch {
    return "error";
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return "error";
  return Object.fromEntries(FIELDS[kind].map((name) =>
    [name, Object.hasOwn(value, name) ? told(value[name]) : null]));
}

const input = readFileSync(0);
const lines = [];

for (let at = 0; at < input.length;) {
  const kind = String.fromCharCode(input[at]);
  const length = input.readUInt32BE(at + 1);
  lines.push(JSON.stringify(read(kind, input.subarray(at + 5,
                                                      at + 5 + length))));
  at += 5 + length;
}

writeFileSync(1, lines.map((line) => line + "\n").join(""));
