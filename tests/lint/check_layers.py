#!/usr/bin/env python3
"""Checks the sources against layers.toml: who includes what, which words stand where, sizes. Part of every build.

Prints one line for each finding, FILE:LINE: what is wrong (why), and exits 1 when there is one.
--self-test plants a violation of each rule in a tree of its own and fails unless each is found.
"""
import argparse
import bisect
import pathlib
import re
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOTS = ("mesh", "node", "client", "tools", "tests")
CODE = (".cpp", ".hpp")
TEXTS = CODE + (".py", ".mjs", ".html", ".cmake", ".sh", ".proto")
SKIPPED = ("node_modules", "lint")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)
TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|(?P<raw>R"(?P<delimiter>[^\s()\\]{0,16})\(.*?\)(?P=delimiter)")'
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<number>\b\d[\w.]*(?:'[\w.]+)+)"
    r"|(?P<character>'(?:\\.|[^'\\\n])+')",
    re.DOTALL)


def blank(text):
    """The text without comments and without the inside of literals; offsets and lines stay."""
    def replace(match):
        kind = match.lastgroup if match.lastgroup != "delimiter" else "raw"
        found = match.group()
        if kind == "number":
            return found
        empty = re.sub(r"[^\n]", " ", found)
        if kind == "comment":
            return empty
        line_start = text.rfind("\n", 0, match.start()) + 1
        if re.match(r"[ \t]*#[ \t]*include", text[line_start:match.start()]):
            return found
        return '"' + empty[1:-1] + '"' if kind != "character" else "'" + empty[1:-1] + "'"
    return TOKEN.sub(replace, text)


class Source:
    def __init__(self, root, path):
        self.name = path.relative_to(root).as_posix()
        self.folder = path.parent.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8")
        self.is_code = path.suffix in CODE
        self.code = blank(self.text) if self.is_code else ""
        self._starts = [0] + [match.end() for match in re.finditer("\n", self.text)]

    def line_of(self, offset):
        return bisect.bisect_right(self._starts, offset)

    def line_count(self):
        return len(self.text.splitlines())

    def includes(self):
        """(line, is_quoted, header) of each include, in order."""
        for match in INCLUDE.finditer(self.code):
            yield self.line_of(match.start()), match.group(1) == '"', match.group(2)


def is_within(name, folder):
    return name == folder or name.startswith(folder + "/")


class Checker:
    def __init__(self, root, rules):
        self.root = root
        self.size = rules["size"]
        self.bans = [(ban, re.compile(ban["pattern"])) for ban in rules["ban"]]
        self.folders = sorted(rules["folder"], key=lambda folder: -len(folder["path"]))
        self.files = {file["path"]: file for file in rules.get("file", [])}
        self.prefixes = sorted(((prefix, group) for group, prefixes in rules["external"].items() for prefix in prefixes),
                               key=lambda pair: -len(pair[0]))
        self.findings = []

    def say(self, source, line, text):
        self.findings.append(f"{source.name}:{line}: {text}")

    def folder_of(self, name):
        return next((folder for folder in self.folders if is_within(name, folder["path"])), None)

    def group_of(self, header):
        return next((group for prefix, group in self.prefixes if header.startswith(prefix)), None)

    def check(self, source):
        folder = self.folder_of(source.name)
        exempt = self.files.get(source.name, {})
        if source.is_code:
            if folder is None:
                self.say(source, 1, "no layer: name its folder in tests/lint/layers.toml")
                return
            self.check_includes(source, folder, exempt)
            self.check_own_header(source, exempt)
            self.check_test_namespace(source)
            self.check_functions(source)
        self.check_bans(source, folder, exempt)
        limit = self.size["test_file_lines" if is_within(source.name, "tests") else "file_lines"]
        if source.line_count() > limit:
            self.say(source, limit + 1, f"{source.line_count()} lines, limit {limit} (split it where its seam is)")

    def check_includes(self, source, folder, exempt):
        own = [folder["path"], source.folder] + folder.get("own", []) + exempt.get("own", [])
        external = folder.get("external", []) + exempt.get("external", [])
        for line, is_quoted, header in source.includes():
            group = self.group_of(header)
            if group is not None and (not is_quoted or group == "protobuf"):
                if group not in external:
                    self.say(source, line, f"includes {header} ({folder['path']} has no business with {group})")
            elif header.split("/")[0] in ROOTS:
                if not is_quoted:
                    self.say(source, line, f"includes <{header}> (our own headers are included with quotes)")
                elif not any(is_within(header, allowed) for allowed in own):
                    self.say(source, line, f"includes {header} ({folder['path']} may include only {', '.join(own[2:] or own[:1])})")
            elif is_quoted:
                self.say(source, line, f"includes \"{header}\" (includes are always from the top of the project)")
            elif "/" in header or header.endswith((".h", ".hpp")):
                self.say(source, line, f"includes {header} (in no group of tests/lint/layers.toml)")

    def check_own_header(self, source, exempt):
        if source.name.endswith(".hpp"):
            if not re.search(r"^#pragma once$", source.code, re.MULTILINE):
                self.say(source, 1, "no #pragma once (a header is included more than once)")
            return
        own = re.sub(r"\.cpp$", ".hpp", source.name)
        if "own-header" in exempt.get("allow", []) or not (self.root / own).exists():
            return
        first = next(source.includes(), None)
        if first is None or first[2] != own:
            self.say(source, first[0] if first else 1, f"does not include its own {own} first (so that the header is complete)")

    def check_test_namespace(self, source):
        name = pathlib.PurePath(source.name).stem
        if source.name.startswith("tests/") and source.name.endswith("_test.cpp") and \
                not re.search(rf"^namespace tulle[\w:]*::{name} {{$", source.code, re.MULTILINE):
            self.say(source, 1, f"no namespace tulle…::{name} (tests that are compiled together may have names in common)")

    def check_bans(self, source, folder, exempt):
        for ban, pattern in self.bans:
            if "only" in ban and not any(is_within(source.name, within) for within in ban["only"]):
                continue
            if ban.get("in") != "text":
                allowed = not source.is_code or folder["layer"] in ban.get("layers", [])
                allowed = allowed or any(is_within(source.name, within) for within in ban.get("folders", []))
                if allowed or ban["name"] in exempt.get("allow", []):
                    continue
            for match in pattern.finditer(source.text if ban.get("in") == "text" else source.code):
                what = " ".join(match.group().split())
                self.say(source, source.line_of(match.start()), f"{ban['name']}: '{what}' ({ban['why']})")

    def check_functions(self, source):
        limit = self.size["function_lines"]
        for begin, end in functions(source.code):
            first, last = source.line_of(begin), source.line_of(end)
            if last - first + 1 > limit:
                self.say(source, first, f"a function of {last - first + 1} lines, limit {limit} (split it)")

    def run(self):
        count = 0
        for path in sources(self.root):
            self.check(Source(self.root, path))
            count += 1
        return count


def functions(code):
    """(begin, end) offsets of each function body that is not inside another."""
    code = re.sub(r"^[ \t]*#[^\n]*(?:\\\n[^\n]*)*", lambda match: re.sub(r"[^\n]", " ", match.group()), code,
                  flags=re.MULTILINE)
    scopes = []  # (kind, offset); kind: outer (namespace or type), function, data
    head = 0
    for match in re.finditer(r"[{};]", code):
        inside = scopes and scopes[-1][0] != "outer"
        if match.group() == "{":
            text = code[head:match.start()].strip()
            if inside:
                kind = scopes[-1][0]
            elif re.match(r"(inline\s+)?namespace\b|extern\s*\"", text):
                kind = "outer"
            elif "(" not in re.sub(r"\b(alignas|decltype)\s*\([^)]*\)", "", text) and \
                    re.search(r"\b(class|struct|union|enum)\b", text):
                kind = "outer"
            elif not re.search(r"[^=!<>]=\s*$", text) and ("(" in text or not text or text.startswith((",", ")"))):
                kind = "function"
            else:
                kind = "data"
            scopes.append((kind, match.start()))
        elif match.group() == "}" and scopes:
            kind, begin = scopes.pop()
            if kind == "function" and not (scopes and scopes[-1][0] == "function"):
                yield begin, match.start()
        if not (scopes and scopes[-1][0] != "outer"):
            head = match.end()


def sources(root):
    for top in ROOTS:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in TEXTS and path.is_file() and not any(part in SKIPPED for part in path.relative_to(root).parts):
                yield path


# What --self-test plants: (file, text, what the finding says). The text of each stands in a file that is right otherwise.
PLANTED = (
    ("mesh/base/a.hpp", '#pragma once\n#include "mesh/core/records/record.hpp"\n', "a.hpp:2: includes mesh/core/records/record.hpp"),
    ("mesh/core/b.cpp", '#include "mesh/wire/codec.hpp"\n', "b.cpp:1: includes mesh/wire/codec.hpp"),
    ("mesh/io/c.cpp", '#include "node/core/limits.hpp"\n', "c.cpp:1: includes node/core/limits.hpp"),
    ("node/edge/d.cpp", '#include "mesh/io/mesh_runner.hpp"\n', "d.cpp:1: includes mesh/io/mesh_runner.hpp"),
    ("node/edge/e.cpp", '#include "mesh/core/node/mesh_node.hpp"\n', "e.cpp:1: includes mesh/core/node/mesh_node.hpp"),
    ("node/app/f.cpp", '#include "tests/sim/world.hpp"\n', "f.cpp:1: includes tests/sim/world.hpp"),
    ("node/app/g.cpp", '#include "tools/cli/output.hpp"\n', "g.cpp:1: includes tools/cli/output.hpp"),
    ("client/include/tulle/h.hpp", '#pragma once\n#include "mesh/base/time.hpp"\n', "h.hpp:2: includes mesh/base/time.hpp"),
    ("node/edge/i.cpp", "#include <zmq.hpp>\n", "i.cpp:1: includes zmq.hpp"),
    ("node/core/j.cpp", "#include <boost/asio/io_context.hpp>\n", "j.cpp:1: includes boost/asio/io_context.hpp"),
    ("mesh/wire/k.cpp", "#include <boost/beast/core.hpp>\n", "k.cpp:1: includes boost/beast/core.hpp"),
    ("node/pusher/wire/l.cpp", "#include <openssl/hmac.h>\n", "l.cpp:1: includes openssl/hmac.h"),
    ("mesh/base/m.cpp", "#include <openssl/evp.h>\n", "m.cpp:1: includes openssl/evp.h"),
    ("node/core/n.cpp", "#include <openssl/ssl.h>\n", "n.cpp:1: includes openssl/ssl.h"),
    ("mesh/core/o.cpp", "#include <spdlog/spdlog.h>\n", "o.cpp:1: includes spdlog/spdlog.h"),
    ("client/wire/p.cpp", "#include <sodium.h>\n", "client/wire/p.cpp:1: includes sodium.h"),
    ("mesh/core/p.cpp", "#include <google/protobuf/arena.h>\n", "p.cpp:1: includes google/protobuf/arena.h"),
    ("node/app/q.cpp", '#include "proto/mesh/v1/envelope.pb.h"\n', "q.cpp:1: includes proto/mesh/v1/envelope.pb.h"),
    ("mesh/io/q.cpp", '#include "proto/mesh/v1/envelope.pb.h"\n', "mesh/io/q.cpp:1: includes proto/mesh/v1/envelope.pb.h"),
    ("mesh/core/r.cpp", "#include <uv.h>\n", "r.cpp:1: includes uv.h (in no group"),
    ("mesh/core/s.cpp", '#include "../base/time.hpp"\n', "s.cpp:1: parent-include"),
    ("mesh/core/t.cpp", '#include "peer.hpp"\n', 't.cpp:1: includes "peer.hpp" (includes are always'),
    ("mesh/core/u.cpp", "#include <mesh/base/time.hpp>\n", "u.cpp:1: includes <mesh/base/time.hpp>"),
    ("mesh/core/v.cpp", "auto t = std::chrono::steady_clock::now();\n", "v.cpp:1: clock:"),
    ("client/wire/v.cpp", "auto t = std::chrono::system_clock::now();\n", "client/wire/v.cpp:1: clock:"),
    ("node/core/w.cpp", "std::random_device device;\n", "w.cpp:1: random:"),
    ("node/edge/w.cpp", "std::uniform_int_distribution<int> d;\n", "node/edge/w.cpp:1: distribution:"),
    ("mesh/wire/x.cpp", "std::thread t;\n", "x.cpp:1: thread:"),
    ("mesh/core/x.cpp", "std::mutex m;\n", "mesh/core/x.cpp:1: lock:"),
    ("node/pusher/wire/y.cpp", "void f() { throw 1; }\n", "y.cpp:1: throw:"),
    ("node/edge/z.cpp", "std::this_thread::sleep_for(1s);\n", "z.cpp:1: sleep:"),
    ("tests/unit/z.cpp", "usleep(1);\n", "tests/unit/z.cpp:1: sleep:"),
    ("node/core/aj.cpp", "std::unordered_map<std::string, int> m;\n", "node/core/aj.cpp:1: foreseeable-hash:"),
    ("client/core/aj.cpp", "auto h = std::hash<std::string_view>{}(s);\n", "client/core/aj.cpp:1: foreseeable-hash:"),
    ("node/app/aa.cpp", "std::regex r;\n", "aa.cpp:1: regex:"),
    ("mesh/io/ab.cpp", "void f() {\n  co_await g(\n      [&x] { x(); });\n}\n", "ab.cpp:2: co_await-lambda:"),
    ("node/app/ab.cpp", "void f(O& o) { o.planted = g(); }\n", "node/app/ab.cpp:1: planted:"),
    ("mesh/io/ac.cpp", "auto a = Planted::kBarrierOff;\n", "mesh/io/ac.cpp:1: planted:"),
    ("node/edge/aa.hpp", "#pragma once\n// As Pusher has it.\n", "node/edge/aa.hpp:2: protocol:"),
    ("node/edge/ab.cpp", '#include "node/web/ws_connection.hpp"\n', "node/edge/ab.cpp:1: includes node/web/"),
    ("node/pusher/edge/ac.cpp", '#include "node/redis/edge/redis_edge.hpp"\n', "ac.cpp:1: includes node/redis/"),
    ("mesh/core/bi.cpp", "bool a = options.planted_late_lists;\n", "mesh/core/bi.cpp:1: planted:"),
    ("mesh/core/ac.cpp", "// TO" "DO\n", "ac.cpp:1: left-open:"),
    ("tests/browser/ac.test.mjs", "// FIX" "ME\n", "ac.test.mjs:1: left-open:"),
    ("mesh/core/session/peer.cpp", '#include <vector>\n#include "mesh/core/session/peer.hpp"\n', "peer.cpp:1: does not include its own"),
    ("mesh/core/ad.hpp", "struct A {};\n", "ad.hpp:1: no #pragma once"),
    ("mesh/other/ae.cpp", "\n", "ae.cpp:1: no layer"),
    ("tests/unit/mesh/core/ae_test.cpp", "namespace tulle::mesh {\n}\n", "ae_test.cpp:1: no namespace tulle…::ae_test"),
    ("mesh/core/af.cpp", "\n" * 501, "af.cpp:501: 501 lines"),
    ("mesh/core/ag.cpp", "namespace a {\nvoid f(int b) {\n" + "  g();\n" * 69 + "}\n}\n", "ag.cpp:2: a function of 71 lines"),
    ("mesh/core/ah.cpp", "A::A() : a_{1},\n  b_{2} {\n" + "  g();\n" * 69 + "}\n", "ah.cpp:2: a function of 71 lines"),
)

# What must not be found: right, though it looks like one of the above.
INNOCENT = (
    ("mesh/core/session/peer.hpp", "#pragma once\n"),
    ("mesh/core/ba.cpp", '// steady_clock::now() would be wrong here; so would throw\nconst char* a = "std::thread";\n'),
    ("mesh/core/bb.cpp", "const int a = 1'000'000; const char b = '{'; const char* c = R\"(throw { \" )\";\n"),
    ("mesh/core/bc.cpp", "constexpr int table[] = {\n" + "  1,\n" * 90 + "};\n"),
    ("mesh/core/bd.cpp", "namespace {\nclass A {\n" + "  void f() { g(); }\n" * 90 + "};\n}\n"),
    ("mesh/base/digest.cpp", "#include <openssl/hmac.h>\n"),
    ("client/wire/encryption.cpp", "#include <sodium.h>\n"),
    ("mesh/base/hash.cpp", '#include "mesh/base/hash.hpp"\n#include <sodium.h>\n'),
    ("mesh/base/hash.hpp", "#pragma once\nusing A = std::unordered_map<std::string, int>;\n"),
    ("node/core/bj.cpp", "std::unordered_map<std::uint64_t, std::string> m;\n"),
    ("mesh/base/mailbox.hpp", "#pragma once\n#include <mutex>\nstd::mutex m;\n"),
    ("mesh/io/be.cpp", "void f() { co_await g(a[i](1)); auto h = [&x] { x(); }; co_await h(); }\n"),
    ("node/edge/bf.cpp", "auto t = std::chrono::steady_clock::now();\nvoid f() { throw 1; }\n"),
    ("node/pusher/core/bf.cpp", "// As Pusher has it.\n"),
    ("client/io/bg.cpp", "#include <tulle/client.hpp>\n"),
    ("tests/sim/bi.cpp", "bool a = o.planted == Planted::kBarrierOff;  // planted\n"),
    ("tests/unit/mesh/core/bk_test.cpp", "namespace tulle::mesh::bk_test {\n}\n"),
    ("mesh/wire/bh.cpp", '#include "proto/mesh/v1/envelope.pb.h"\n'),
)


def self_test(rules):
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for name, text in [planted[:2] for planted in PLANTED] + list(INNOCENT):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        checker = Checker(root, rules)
        checker.run()
    wrong = []
    for name, _, expected in PLANTED:
        if not any(finding.startswith(name) and expected in finding for finding in checker.findings):
            wrong.append(f"not found: {expected}")
    for name, _ in INNOCENT:
        wrong += [f"found without cause: {finding}" for finding in checker.findings if finding.startswith(name + ":")]
    print("\n".join(wrong) if wrong else f"{len(PLANTED)} planted violations found, {len(INNOCENT)} innocents left alone")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=HERE.parent.parent)
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    with open(HERE / "layers.toml", "rb") as file:
        rules = tomllib.load(file)
    if arguments.self_test:
        return self_test(rules)
    checker = Checker(arguments.root, rules)
    count = checker.run()
    if checker.findings:
        print("\n".join(checker.findings), file=sys.stderr)
        print(f"{len(checker.findings)} findings in {count} files; the rules are in tests/lint/layers.toml", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
