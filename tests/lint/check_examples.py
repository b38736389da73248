#!/usr/bin/env python3
"""Checks that the C++ in client/README.md is the C++ of client/examples, which is compiled and run: line by line, whatever the
indentation. Prints the first line of each block that is in no example, and exits 1 when there is one.
--self-test changes a block and fails unless that is found.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def stripped(text):
    return "\n" + "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


def foreign_blocks(readme, examples):
    return [block for block in BLOCK.findall(readme) if not any(stripped(block) in example for example in examples)]


def main():
    readme = (ROOT / "client/README.md").read_text(encoding="utf-8")
    examples = [stripped(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "client/examples").glob("*.cpp"))]
    if not BLOCK.search(readme):
        print("client/README.md has no C++ at all")
        return 1
    if sys.argv[1:] == ["--self-test"]:
        changed = readme.replace("```cpp\n", "```cpp\nint planted();\n", 1)
        found = foreign_blocks(changed, examples)
        print("the planted line was found" if len(found) == 1 else f"{len(found)} blocks found instead of the planted one")
        return 0 if len(found) == 1 else 1
    found = foreign_blocks(readme, examples)
    for block in found:
        print(f"client/README.md: in no example: {block.splitlines()[0].strip()} ...", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
