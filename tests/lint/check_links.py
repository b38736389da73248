#!/usr/bin/env python3
"""Checks the links in every document (*.md) of the repository.

- A relative link or image leads to a file or folder of the repository, spelled as it is (also in upper and lower case).
- An anchor (#…) names a heading of the document that it leads to, by the id that GitHub gives the heading.
- A reference ([text][label]) has its definition.
- A file or folder that is named in `code` exists: a path from the top, from the document's folder, from tests/ or from client/include/; a name
  without a folder anywhere. NAME in it stands for a name that the reader chooses, * for any.
- Every document can be reached from README.md by links, and so can every picture in node/doc.

Nothing is fetched: links to other hosts are left alone. Prints FILE:LINE: what is wrong, and exits 1 when there is one.
--self-test builds a tree with one fault of each kind and fails unless each is found, and nothing else.
"""
import fnmatch
import os
import pathlib
import posixpath
import re
import sys
import tempfile
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START = "README.md"
SKIPPED = {".git", "build", "node_modules"}
PICTURES = ("node/doc/",)  # folders whose pictures belong to documents
BASES = ("", "tests", "client/include")  # where a path that is named in `code` may begin, besides the document's folder

FENCE = re.compile(r"^ {0,3}(```|~~~)")
CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)")
HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
LINK = re.compile(r"\]\(\s*<?([^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:\s+[\"'(][^)]*)?\)")
DEFINITION = re.compile(r"^ {0,3}\[([^\]]+)\]:\s*<?(\S+?)>?(?:\s|$)")
REFERENCE = re.compile(r"(?<![\w\]])!?\[([^\[\]]+)\]\[([^\[\]]*)\]")
HTML = re.compile(r"<(?:img|a|source)\b[^>]*?\s(?:src|href|srcset)=\"([^\"]+)\"")
NAMED = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/|(?:[\w.*-]+/)*[\w*-][\w.*-]*\.(?:hpp|cpp|py|mjs|md|toml|proto|cmake|svg|html)")
ANCHOR = re.compile(r"<[^>]+\s(?:id|name)=\"([^\"]+)\"")


def prose(text):
    """(number, line) of each line that is not in a code block. Indented lines are a block only after an empty line."""
    fenced, before_is_empty, indented = None, True, False
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fenced or fence:
            fenced = None if fenced and fence and fence.group(1) == fenced else fenced or fence.group(1)
            before_is_empty, indented = False, False
            continue
        indented = line.startswith("    ") and (indented or before_is_empty) or (indented and not line.strip())
        before_is_empty = not line.strip()
        if not indented:
            yield number, line


def without_code(line):
    return CODE.sub(lambda match: " " * len(match.group()), line)


def slug(heading):
    """The id that GitHub gives a heading: its text in lower case, without punctuation, spaces as hyphens."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", re.sub(r"[*]", "", text).lower()).replace(" ", "-")


def anchors(text):
    found, seen = set(), {}
    for _, line in prose(text):
        heading = HEADING.match(line)
        if heading:
            name = slug(heading.group(2))
            times = seen.get(name, 0)
            seen[name] = times + 1
            found.add(f"{name}-{times}" if times else name)
        found.update(ANCHOR.findall(line))
    return found


def links(text):
    """(line, target) of every link, and (line, message) of every reference without a definition."""
    lines = [(number, without_code(line)) for number, line in prose(text)]
    labels = {match.group(1).lower() for _, line in lines if (match := DEFINITION.match(line))}
    targets, missing = [], []
    for number, line in lines:
        definition = DEFINITION.match(line)
        if definition:
            targets.append((number, definition.group(2)))
            continue
        targets += [(number, target) for pattern in (LINK, HTML) for target in pattern.findall(line)]
        missing += [(number, f"no definition of [{label or name}]") for name, label in REFERENCE.findall(line)
                    if (label or name).lower() not in labels]
    return targets, missing


def named_files(text):
    """(line, path) of each code span that names a file or a folder."""
    spans = ((number, match.group(2).strip()) for number, line in prose(text) for match in CODE.finditer(line))
    return [(number, span) for number, span in spans if NAMED.fullmatch(span) and "NAME" not in span and not span.startswith("build/")]


class Tree:
    def __init__(self, root):
        self.files, self.folders = set(), {"."}
        for path, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name not in SKIPPED]
            here = pathlib.Path(path).relative_to(root).as_posix()
            self.folders.add(here)
            self.files.update(posixpath.normpath(posixpath.join(here, name)) for name in names)
        self.names = {posixpath.basename(name) for name in self.files}
        self.texts = {name: (root / name).read_text(encoding="utf-8") for name in sorted(self.files) if name.endswith(".md")}
        self.anchors = {name: anchors(text) for name, text in self.texts.items()}

    def holds(self, source, path):
        """Whether a path that the document `source` names is there."""
        if "/" not in path:
            return bool(fnmatch.filter(self.names, path))
        places = [posixpath.normpath(posixpath.join(base, path)) for base in (posixpath.dirname(source), *BASES)]
        return any(place in self.folders or bool(fnmatch.filter(self.files, place)) for place in places)

    def resolve(self, source, target):
        """(where the link leads, what is wrong with it); either is None."""
        path, _, anchor = target.partition("#")
        path, anchor = urllib.parse.unquote(path), urllib.parse.unquote(anchor)
        if path.startswith("/"):
            return None, "a link begins at the document's own folder, not at /"
        place = posixpath.normpath(posixpath.join(posixpath.dirname(source), path)) if path else source
        if place not in self.files and place.rstrip("/") not in self.folders:
            return None, "there is no such file"
        if anchor and place in self.anchors and anchor not in self.anchors[place]:
            return place, f"{place} has no heading #{anchor}"
        return place, None


def check(root):
    tree = Tree(root)
    wrong, leads = [], {}
    for name, text in tree.texts.items():
        targets, missing = links(text)
        wrong += [f"{name}:{number}: {message}" for number, message in missing]
        wrong += [f"{name}:{number}: `{path}`: there is no such file" for number, path in named_files(text) if not tree.holds(name, path)]
        for number, target in targets:
            if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//", target):
                continue
            place, why = tree.resolve(name, target)
            leads.setdefault(name, set()).add(place)
            if why:
                wrong.append(f"{name}:{number}: {target}: {why}")
    reached, waiting = set(), [START]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [place for place in leads.get(name, ()) if place]
    needed = set(tree.texts) | {name for name in tree.files if name.endswith((".svg", ".png")) and name.startswith(PICTURES)}
    wrong += [f"{name}:1: no chain of links leads here from {START}" for name in sorted(needed - reached)]
    return sorted(wrong), len(tree.texts), sum(len(places) for places in leads.values())


GOOD = {
    "README.md": "# The top\n\n[a](doc/a.md#a-heading-with-code) [self](#the-top) [folder](doc) [out](https://example.com/none)\n\n"
                 "`[code](none.md)` `doc/a.md` `doc/` `a.md` `doc/*.md` `doc/NAME.md` `.md` `no/file` `build/x.md`\n\n    [block](none.md)\n\n```\n[fence](none.md)\n```\n[a picture][shown]\n\n[shown]: node/doc/p.svg\n",
    "doc/a.md": "# A heading, with `code`!\n\n## Twice\n\n## Twice\n\n[second](#twice-1) [up](../README.md)\n",
    "node/doc/p.svg": "<svg/>",
}
PLANTED = {
    "no such file": ("doc/a.md", "[x](b.md)\n", "b.md: there is no such file"),
    "other case": ("doc/a.md", "[x](../readme.md)\n", "../readme.md: there is no such file"),
    "no such heading": ("doc/a.md", "[x](../README.md#nowhere)\n", "README.md has no heading #nowhere"),
    "no such heading here": ("README.md", "[x](#twice)\n", "README.md has no heading #twice"),
    "no such picture": ("doc/a.md", "![x](gone.svg)\n", "gone.svg: there is no such file"),
    "no such picture in HTML": ("doc/a.md", '<img alt="x" src="gone.png">\n', "gone.png: there is no such file"),
    "no definition": ("doc/a.md", "[x][nowhere]\n", "no definition of [nowhere]"),
    "a named file": ("doc/a.md", "`doc/b.md`\n", "`doc/b.md`: there is no such file"),
    "a named file of no folder": ("doc/a.md", "`b.hpp`\n", "`b.hpp`: there is no such file"),
    "a named folder": ("README.md", "`docs/`\n", "`docs/`: there is no such file"),
    "from the top": ("doc/a.md", "[x](/README.md)\n", "not at /"),
    "a document apart": ("doc/island.md", "# Island\n", "no chain of links"),
    "a picture apart": ("node/doc/q.svg", "<svg/>", "no chain of links"),
}


def self_test():
    for planted, (name, text, message) in [("nothing", ("doc/a.md", "", ""))] + list(PLANTED.items()):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, content in {**GOOD, name: GOOD.get(name, "") + "\n" + text}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(content, encoding="utf-8")
            found = check(root)[0]
        if len(found) != (1 if message else 0) or not all(message in line for line in found):
            print(f"planted: {planted}; found: {found}", file=sys.stderr)
            return 1
    return 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    wrong, documents, count = check(ROOT)
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    print(f"{documents} documents, {count} places that they lead to, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
