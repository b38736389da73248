#!/usr/bin/env python3
"""Figures about the C++ sources of the product (proto, node, mesh, client, tools), by which the house is kept in order.

    figures.py               prints a table
    figures.py --largest N   the N largest classes, by methods and by private fields
    figures.py --check       fails when a class has more than METHODS methods or FIELDS private fields and gives no reason:
                             a comment in its body that begins "More methods than 40" or "More fields than 15", or says both;
                             or when comments, pronouns or assertions pass the bounds below
    figures.py --self-test   counts planted sources

- lines of a file: median and 95th percentile
- methods of a class: declarations with parameters in its body, overloads and constructors counted one by one, without
  `= delete`; private fields: data members whose name ends in an underscore
- comment lines: of 100 lines that are not empty, those that hold nothing but a comment
- pronouns: of 100 words in comments, those that name no thing (PRONOUNS)
- assertions: TULLE_ASSERT and static_assert in 1,000 lines
"""
import argparse
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOPS = ("mesh", "node", "client", "tools")
METHODS, FIELDS = 40, 15
COMMENTS_TITLE, PRONOUNS_TITLE = "comment lines, of 100", "pronouns, of 100 words of comment"
ASSERTIONS_TITLE = "assertions, in 1,000 lines"
# Of all sources together. Small trees, as those of the self-test, have no such figures.
LEAST_COMMENTS, MOST_PRONOUNS, LEAST_ASSERTIONS, FEW_SOURCES = 15.0, 4.0, 3.9, 100
REASON = re.compile(r"// More [^.]*\bthan \d+[^.]*: ")
PRONOUNS = {"it", "its", "that", "this", "these", "those", "what", "who", "whom", "whose", "which", "one", "they", "them", "their"}
LITERAL = re.compile(r'R"(\w*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'')
COMMENT = re.compile(r"//[^\n]*|/\*(?:.|\n)*?\*/")
CLASS = re.compile(r"\b(?:class|struct)\s+(?:\[\[\w+\]\]\s*)?((?:\w+::)*\w+)\s*(?:final\s*)?(?::[^;{]*)?\{")
ACCESS = re.compile(r"\b(?:public|protected|private)\s*:(?!:)")
FIELD = re.compile(r"(\w+_)\s*(?:\[[^\]]*\])?\s*(?:=.*|\{.*)?$", re.DOTALL)
METHOD = re.compile(r"(~?\w+|operator\s*[^\s(]+(?:\(\))?)\s*\(")


def without(text, pattern):
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def code_of(text):
    """Without comments and literals; every offset stays."""
    kept = re.sub(r'//[^\n]*|/\*(?:.|\n)*?\*/|' + LITERAL.pattern,
                  lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    return re.sub(r"(?<=\d)'(?=\d)", " ", kept)


def comments_of(text):
    blank = LITERAL.sub(lambda match: re.sub(r"[^\n]", "_", match.group()), text)
    return [match.group() for match in COMMENT.finditer(blank)]


def statements(body):
    """The declarations of a class body, those of nested braces left out: "text" up to ';' or a function's '{'."""
    depth, text = 0, ""
    at = 0
    while at < len(body):
        char = body[at]
        if char in "{":
            if depth == 0:
                text += "{"
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0 and re.search(r"\)\s*(const|noexcept|override|final|->[^{]*|:[^{]*|\s)*\{$", text):
                yield text[:-1]
                text = ""
        elif depth == 0:
            if char == ";":
                yield text
                text = ""
            else:
                text += char
        at += 1


def classes(text):
    """(name, methods, private fields, whether a reason is given) of each class that is defined in `text`."""
    code = code_of(text)
    for match in CLASS.finditer(code):
        if re.search(r"\benum\s*$", code[:match.start()]):
            continue
        depth, end = 1, match.end()
        while depth and end < len(code):
            depth += {"{": 1, "}": -1}.get(code[end], 0)
            end += 1
        methods = fields = 0
        for part in statements(ACCESS.sub(" ", code[match.end():end - 1])):
            part = " ".join(part.split())
            part = re.sub(r"^(?:template <[^{}]*?>+ |\[\[\w+\]\] |explicit |static |inline |constexpr |virtual |mutable )*", "", part)
            if re.match(r"(using|friend|typedef|class|struct|enum|union|static_assert)\b", part) or part.endswith("= delete"):
                continue
            head = re.split(r"(?<![=!<>])=(?!=)", part)[0]
            while head != (plain := re.sub(r"<[^<>]*>", "", head)):
                head = plain
            field = FIELD.search(part)
            if METHOD.search(head):
                methods += 1
            elif field:
                fields += 1
        yield match.group(1), methods, fields, REASON.search(text[match.end():end]) is not None


def sources(root):
    for top in TOPS:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".cpp", ".hpp"):
                yield path


def measure(root):
    found, lengths, comment_lines, full_lines, words, pronouns, assertions = [], [], 0, 0, 0, 0, 0
    for path in sources(root):
        text = path.read_text(encoding="utf-8")
        name = str(path.relative_to(root))
        found += [(methods, fields, f"{name}:{title}", reason) for title, methods, fields, reason in classes(text)]
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        lengths.append(len(text.splitlines()))
        full_lines += len(lines)
        comment_lines += sum(line.startswith(("//", "/*", "*")) for line in lines)
        said = re.findall(r"[A-Za-z']+", " ".join(comments_of(text)))
        words += len(said)
        pronouns += sum(word.lower() in PRONOUNS for word in said)
        assertions += len(re.findall(r"\b(?:TULLE_ASSERT|static_assert)\b", code_of(text)))
    lengths.sort()
    return found, {
        "sources": len(lengths),
        "lines of a file, median / p95": f"{lengths[len(lengths) // 2]} / {lengths[len(lengths) * 95 // 100]}",
        "most methods in a class": "{0[0]} ({0[2]})".format(max(found)),
        "most private fields in a class": "{0[1]} ({0[2]})".format(max(found, key=lambda one: one[1])),
        COMMENTS_TITLE: f"{100 * comment_lines / full_lines:.1f}",
        PRONOUNS_TITLE: f"{100 * pronouns / max(1, words):.1f}",
        ASSERTIONS_TITLE: f"{1000 * assertions / sum(lengths):.1f}",
    }


def check(root):
    found, table = measure(root)
    comments, pronouns, assertions = (float(table[name]) for name in (COMMENTS_TITLE, PRONOUNS_TITLE, ASSERTIONS_TITLE))
    bounds = ((COMMENTS_TITLE, comments < LEAST_COMMENTS, f"at least {LEAST_COMMENTS}"),
              (PRONOUNS_TITLE, pronouns > MOST_PRONOUNS, f"at most {MOST_PRONOUNS}: name the thing"),
              (ASSERTIONS_TITLE, assertions < LEAST_ASSERTIONS, f"at least {LEAST_ASSERTIONS}"))
    wrong = [f"{title}: {bound}" for title, is_wrong, bound in bounds if is_wrong and table["sources"] >= FEW_SOURCES]
    return wrong + [f"{name}: {methods} methods and {fields} private fields, limits {METHODS} and {FIELDS} (part the class, or say in "
            f"its body why not: \"// More fields than {FIELDS}: …\")"
            for methods, fields, name, reason in found
            if (methods > METHODS or fields > FIELDS) and not reason]


PLANTED = '''
class Large final : public Base {
public:
    Large() : a_(1), b_{2} {}
    Large(const Large&) = delete;
    [[nodiscard]] int get() const { return a_; }
    void set(std::function<void(int)> f, int x = g(1));
    template <class T>
    bool operator==(const T& other) const noexcept { return other.a_ == a_; }  // ; {
private:
    struct Inner { int c_ = 0; void f(); };
    enum class Kind { kA, kB };
    using Map = std::map<int, std::function<void()>>;
    int a_ = 0;
    std::vector<int> b_{1, 2};
    const std::function<void(int)> callback_;
    static constexpr int kMost = 3;
};
'''


def self_test():
    counted = {name: (methods, fields) for name, methods, fields, _ in classes(PLANTED)}
    expected = {"Large": (4, 3), "Inner": (1, 1)}
    if counted != expected:
        sys.exit(f"counted {counted} instead of {expected}")
    many = "".join(f"int field{number}_;\n" for number in range(FIELDS + 1))
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "mesh").mkdir()
        (root / "mesh/a.hpp").write_text(f"class NoReason {{\n{many}}};\nclass Reasoned {{\n    // More fields than 15: of a test.\n{many}}};\n")
        wrong = check(root)
        if len(wrong) != 1 or "NoReason: 0 methods and 16 private fields" not in wrong[0]:
            sys.exit(f"the planted fault was not found alone: {wrong}")
        for number in range(FEW_SOURCES):
            (root / f"mesh/b{number}.hpp").write_text("// What it is that they say of this.\nint a;\nint b;\n")
        wrong = check(root)
        if len(wrong) != 3 or not wrong[0].startswith("pronouns") or not wrong[1].startswith("assertions"):
            sys.exit(f"planted comments without a subject were not found: {wrong}")
    print("planted classes are counted, and the one that is too large without a reason is found")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, metavar="N")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    if options.check:
        wrong = check(ROOT)
        print("\n".join(wrong) or "no class is too large without a reason, and comments, pronouns and assertions are within their bounds")
        return 1 if wrong else 0
    found, table = measure(ROOT)
    if options.largest:
        for title, key in (("methods", 0), ("private fields", 1)):
            print(title)
            for one in sorted(found, key=lambda one: -one[key])[:options.largest]:
                print(f"  {one[key]:4}  {one[2]}")
        return 0
    for name, value in table.items():
        print(f"{name:36}{value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
