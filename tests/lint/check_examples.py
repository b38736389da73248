#!/usr/bin/env python3
"""Checks the examples in every document (*.md) of the repository.

- C++ (```cpp) is the C++ of client/examples, which is compiled and run: line by line, whatever the indentation.
- Python and JSON blocks parse. So does TOML, whether it stands in a ```toml block or indented under a first line that is a table or
  names a file (*.toml).
- The documents that must have examples still have them.

Prints the first line of each block that is wrong, and exits 1 when there is one.
--self-test changes a block of each kind and fails unless each change is found.
"""
import ast
import json
import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED = {".git", "build", "node_modules"}
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?:(?<=\n\n)|\A)((?: {4}.*\n)(?:(?: {4}.*)?\n)*)")
TOML_BEGINS = re.compile(r"(#.*\.toml|\[\[?\w)")
COMMAND = re.compile(r"\w+ .*--\w")  # a line of a shell, which ends a file that is shown above it
REQUIRED = {"client/README.md": {"cpp"}, "README.md": {"toml"}, "node/doc/apps.md": {"python", "toml"}, "node/doc/webhooks.md": {"toml"}}


def documents():
    return sorted(path for path in ROOT.rglob("*.md") if not SKIPPED & set(path.relative_to(ROOT).parts))


def blocks(text):
    """Every example of a text as (kind, content)."""
    found = FENCED.findall(text)
    for block in INDENTED.findall(FENCED.sub("", text)):
        lines = [line[4:] for line in block.splitlines()]
        if TOML_BEGINS.match(lines[0]):
            end = next((i for i, line in enumerate(lines) if COMMAND.match(line)), len(lines))
            found.append(("toml", "\n".join(lines[:end])))
    return found


def stripped(text):
    return "\n" + "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


def fault(kind, content, examples):
    """Why this example is wrong; None when it is right, or when nobody here can tell."""
    if kind == "cpp":
        return None if any(stripped(content) in example for example in examples) else "is in no program of client/examples"
    parsers = {"python": ast.parse, "json": json.loads, "toml": tomllib.loads}
    try:
        parsers.get(kind, str)(content)
    except (SyntaxError, ValueError) as error:
        return f"does not parse as {kind}: {error}"
    return None


def check(name, text, examples):
    found = blocks(text)
    wrong = [f"{name}: has no example in {kind}" for kind in sorted(REQUIRED.get(name, set()) - {kind for kind, _ in found})]
    for kind, content in found:
        why = fault(kind, content, examples)
        if why:
            wrong.append(f"{name}: {content.strip().splitlines()[0].strip()} ... {why}")
    return wrong


def self_test(texts, examples):
    planted = [("client/README.md", "```cpp\n", "```cpp\nint planted();\n"),
               ("node/doc/apps.md", "```python\n", "```python\ndef planted(:\n"),
               ("node/doc/webhooks.md", "    [[apps.webhooks]]", "    planted = [\n    [[apps.webhooks]]"),
               ("README.md", "    [[apps]]\n", "    [[apps]\n")]
    for name, right, wrong in planted:
        found = check(name, texts[name].replace(right, wrong, 1), examples)
        if len(found) != 1:
            print(f"{name}: {wrong!r} was planted, and {len(found)} faults were found: {found}", file=sys.stderr)
            return 1
    return 0


def main():
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in documents()}
    examples = [stripped(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "client/examples").glob("*.cpp"))]
    if sys.argv[1:] == ["--self-test"]:
        return self_test(texts, examples)
    wrong = [line for name, text in texts.items() for line in check(name, text, examples)]
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    print(f"{sum(len(blocks(text)) for text in texts.values())} examples in {len(texts)} documents, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
