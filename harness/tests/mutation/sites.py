"""All mutants of some C++ sources in one text: where a small change can be made, and the sources rewritten so that each is made or
not at run time (mutant.h).

Clang says where: the sites come from its syntax tree, which it prints as JSON. Only what runs is changed: bodies of functions,
initializers of members. What a constant expression needs stays, and so does what a macro wrote. The changes:

    conditions     x becomes !(x), == and != become each other, < becomes <= and >=, && and || become each other
    arithmetic     + and -, * and /, & and |, << and >> become each other, and so with += and its like; ++ and -- too
    literals       0, false become 1, true; another number becomes the next one
    statements     an expression, return, break or continue that stands alone is taken out
    std::min       becomes std::max, and the other way round
"""

import concurrent.futures
import json
import re
import subprocess
import sys

from evidence.common.children import Unavailable

CLANG = "clang++-19"  # Debian 12's own clang, 14, has no std::source_location
NAMES = {"<": "Less", "<=": "LessEqual", ">": "Greater", ">=": "GreaterEqual", "==": "Equal", "!=": "NotEqual", "+": "Plus", "-": "Minus",
         "*": "Times", "/": "Over", "%": "Modulo", "&": "And", "|": "Or", "<<": "Left", ">>": "Right"}
COMPARISONS = {"<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "==": ["!="], "!=": ["=="]}
ARITHMETIC = {"+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["/"], "&": ["|"], "|": ["&"], "<<": [">>"], ">>": ["<<"]}
LOGIC = {"&&": "||", "||": "&&"}
TRANSPARENT = ("ImplicitCastExpr", "ExprWithCleanups", "ParenExpr", "MaterializeTemporaryExpr", "CXXBindTemporaryExpr", "ConstantExpr")
# What is not evaluated, is a constant, or repeats what is written elsewhere.
LEFT_ALONE = ("ConstantExpr", "StaticAssertDecl", "TemplateArgument", "UnaryExprOrTypeTraitExpr", "RequiresExpr", "ConceptDecl",
              "CXXDefaultArgExpr", "CXXDefaultInitExpr", "CXXNoexceptExpr", "ParmVarDecl", "EnumDecl")
ALONE = ("CallExpr", "CXXMemberCallExpr", "CXXOperatorCallExpr", "BinaryOperator", "CompoundAssignOperator", "UnaryOperator",
         "ExprWithCleanups", "CXXDeleteExpr", "BreakStmt", "ContinueStmt")


class Mutant:
    """A change of one source: the text from begin to end becomes `new`."""

    def __init__(self, source, begin, end, new):
        self.source, self.begin, self.end, self.new = source, begin, end, new
        self.line = source.text.count("\n", 0, begin) + 1

    def __str__(self):
        """The change in its lines, which names it also when lines above it come and go."""
        text = self.source.text
        first, last = text.rfind("\n", 0, self.begin) + 1, text.find("\n", self.end)
        parts = text[first:self.begin], f"[{text[self.begin:self.end]} -> {self.new}]", text[self.end:last]
        return f"{self.source.name}: {' '.join(''.join(parts).split())}"


class Source:
    """A file, its mutants, and how it is to be rewritten for them."""

    def __init__(self, path, name):
        self.path, self.name = path, name
        self.text = path.read_text(encoding="latin-1")  # a character a byte: Clang counts bytes
        self.sites = {}

    def add(self, begin, end, changes, write):
        """A site. changes: its mutants, as (begin, end, new). write: makes, of the number of the first, [(begin, end, text)] that
        replace parts of the site; empty parts at its begin or end go around all that is inside."""
        self.sites.setdefault((begin, end, changes), ([Mutant(self, *change) for change in changes], write))


def mutants_of(sources):
    """All of them; the first has number 1."""
    return [mutant for source in sources for mutants, _ in source.sites.values() for mutant in mutants]


def rewrite(sources):
    """The new text of each source."""
    number, texts = 1, {}
    for source in sources:
        opened, closed, replaced = {}, {}, {}
        numbers = {}
        for key, (mutants, _) in source.sites.items():
            numbers[key] = number
            number += len(mutants)
        for key, (_, write) in sorted(source.sites.items(), key=lambda site: (site[0][0], -site[0][1])):
            for begin, end, text in write(numbers[key]):
                if begin < end:
                    replaced[begin, end] = text
                elif begin == key[0]:
                    opened[begin] = opened.get(begin, "") + text
                else:
                    closed[begin] = text + closed.get(begin, "")
        out, at = [], 0
        starts = {begin: (end, text) for (begin, end), text in replaced.items()}
        for position in sorted({*opened, *closed, *starts}):
            out += [source.text[at:position], closed.get(position, ""), opened.get(position, "")]
            at = position
            if position in starts:
                at, text = starts[position]
                out.append(text)
        texts[source] = "".join(out) + source.text[at:]
    return texts


def syntax_trees(file, include):
    """What the namespaces named afterleak in a file, and in what it includes, hold."""
    done = subprocess.run([CLANG, "-std=c++20", "-fsyntax-only", "-w", f"-I{include}", "-Xclang", "-ast-dump=json", "-Xclang",
                           "-ast-dump-filter=afterleak", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Unavailable(f"{CLANG} refuses {file}: {done.stderr.strip()[:400]}")
    return done.stdout


def trees_in(text):
    decoder, at, place = json.JSONDecoder(), 0, {"file": None}
    while at < len(text):
        tree, at = decoder.raw_decode(text, at)
        name_files(tree, place)
        yield tree
        at += len(text[at:]) - len(text[at:].lstrip())


def name_files(value, place):
    """Clang leaves out the file of a location where it is that of the location before."""
    if isinstance(value, dict):
        if "offset" in value:
            place["file"] = value["file"] = value.get("file", place["file"])
        for name, inner in value.items():
            if name != "includedFrom":
                name_files(inner, place)
    elif isinstance(value, list):
        for inner in value:
            name_files(inner, place)


class Finder:
    """Walks a syntax tree, and adds what it finds to the sources: by_path maps the files that are rewritten to them."""

    def __init__(self, by_path):
        self.by_path = by_path
        self.any_result = False  # within a function whose result is decltype(auto)

    def range(self, node):
        """(source, begin, end) of what is written out in one of the sources; None otherwise."""
        begin, end = node.get("range", {}).get("begin", {}), node.get("range", {}).get("end", {})
        source = self.by_path.get(begin.get("file"))
        if source is None or end.get("file") != begin["file"]:
            return None
        return source, begin["offset"], end["offset"] + end["tokLen"]

    def visit(self, node, runs=False):
        kind = node.get("kind", "")
        if kind in LEFT_ALONE or kind.endswith("Attr") or node.get("constexpr") and kind == "VarDecl" or node.get("explicitlyDefaulted"):
            return
        if kind == "CallExpr" and (where := self.range(node)) and where[0].text.startswith("__builtin_", where[1]):
            return  # the compiler wants constants there
        inner, before = [child for child in node.get("inner", []) if child], self.any_result
        if any(child.get("kind", "").endswith("NoReturnAttr") for child in inner):
            return  # taking something out of it would let it return
        if kind == "FunctionTemplateDecl" and any(child.get("type", {}).get("qualType", "").startswith("decltype(auto)") for child in inner):
            self.any_result = True  # what is a bool here may be nothing at all in another of its instances
        runs = runs or kind in ("CompoundStmt", "CXXCtorInitializer", "FieldDecl")
        if runs:
            find = getattr(self, f"find_{kind}", None)
            if find:
                find(node, node.get("inner", []))
        if kind == "CXXForRangeStmt":  # the rest of it is not written out
            inner = [child for child in inner if child.get("kind") == "DeclStmt"][:1] + inner[-1:]
        if kind == "IfStmt" and node.get("isConstexpr"):
            inner = inner[1:]
        while kind == "CXXRewrittenBinaryOperator" and inner[0]["kind"] == "UnaryOperator":  # the ! in a != b that was made from ==
            inner = inner[0]["inner"]
        for child in inner:
            self.visit(child, runs)
        self.any_result = before

    # ---- conditions

    def condition(self, node):
        """Negates what has no other mutant that does so."""
        while node.get("kind") in TRANSPARENT and len(node.get("inner", [])) == 1:
            node = node["inner"][0]
        kind, opcode = node.get("kind"), node.get("opcode")
        if kind in ("CXXRewrittenBinaryOperator", "CXXBoolLiteralExpr") or kind == "BinaryOperator" and (opcode in COMPARISONS or opcode in LOGIC):
            return
        if kind == "CXXOperatorCallExpr" and self.operator_of(node) in COMPARISONS:
            return
        where = self.range(node)
        if where:
            source, begin, end = where
            old = source.text[begin:end]
            new = old[1:] if old.startswith("!") else f"!{old}" if re.fullmatch(r"[\w.:>()-]+", old) else f"!({old})"
            source.add(begin, end, ((begin, end, new),),
                       lambda n: [(begin, begin, f"(::mutant::On({n}) != bool("), (end, end, "))")])

    def find_IfStmt(self, node, inner):
        if not node.get("hasVar") and not node.get("isConstexpr"):
            self.condition(inner[1 if node.get("hasInit") else 0])
        for child in inner[-2 if node.get("hasElse") else -1:]:
            self.statement(child)

    def find_WhileStmt(self, node, inner):
        if not node.get("hasVar"):
            self.condition(inner[0])
        self.statement(inner[-1])

    def find_DoStmt(self, _, inner):
        self.condition(inner[1])
        self.statement(inner[0])

    def find_ForStmt(self, _, inner):
        if inner[2]:
            self.condition(inner[2])
        self.statement(inner[-1])

    def find_CXXForRangeStmt(self, _, inner):
        self.statement(inner[-1])

    def find_ConditionalOperator(self, _, inner):
        self.condition(inner[0])

    def find_UnaryOperator(self, node, inner):
        if node.get("opcode") == "!":
            self.condition(node)
        elif node.get("opcode") in ("++", "--"):
            self.step(node, node["opcode"], node.get("isPostfix"))

    def find_ReturnStmt(self, node, inner):
        if inner and inner[0].get("type", {}).get("qualType") == "bool" and not self.any_result:
            self.condition(inner[0])

    # ---- operators

    def operator_of(self, node):
        """What is written between its two operands."""
        found = self.between(node)
        return found[3] if found else None

    def between(self, node):
        """(source, its begin, the operator's begin, the operator, its end)"""
        where, operands = self.range(node), [self.range(child) for child in node.get("inner", [])[-2:]]
        if not where or len(operands) < 2 or None in operands:
            return None
        source, begin, end = where
        (_, first, first_end), (_, second, second_end) = sorted(operands, key=lambda operand: operand[1])
        text = source.text[first_end:second]
        if not (begin == first and second_end == end) or "//" in text or not text.strip():
            return None
        return source, begin, first_end + len(text) - len(text.lstrip()), text.strip(), end

    def find_BinaryOperator(self, node, inner):
        found = self.between(node)
        if not found:
            return
        source, begin, at, operator, end = found
        after = at + len(operator)
        if operator in LOGIC:
            for child in inner:
                self.condition(child)
            source.add(begin, end, ((at, after, LOGIC[operator]),), lambda n: [
                (begin, begin, f"(::mutant::On({n}) != ((::mutant::On({n}) != bool("), (at, after, f")) {operator} (::mutant::On({n}) != bool("),
                (end, end, "))))")])
        elif others := COMPARISONS.get(operator) or ARITHMETIC.get(operator):
            if operator in ARITHMETIC and any("basic_string" in str(child.get("type")) for child in inner):
                return
            names = ", ".join(f"::mutant::{NAMES[name]}" for name in (operator, *others))
            source.add(begin, end, tuple((at, after, other) for other in others), lambda n: [
                (begin, begin, f"::mutant::Operator<{n}, {names}>::Of("), (at, after, ","), (end, end, ")")])

    def find_CXXOperatorCallExpr(self, node, inner):
        operator = self.operator_of(node)
        if operator in COMPARISONS or operator in ("+", "-", "*", "/", "%"):
            self.find_BinaryOperator(node, inner[-2:])

    def find_CompoundAssignOperator(self, node, inner):
        found = self.between(node)
        if not found:
            return
        source, begin, at, operator, end = found
        for other in ARITHMETIC.get(operator[:-1], ()):
            names = f"::mutant::{NAMES[operator[:-1]]}, ::mutant::{NAMES[other]}"
            source.add(begin, end, ((at, at + len(operator), f"{other}="),), lambda n: [
                (begin, begin, f"::mutant::Assignment<{n}, {names}>::Of("), (at, at + len(operator), ","), (end, end, ")")])

    def step(self, node, operator, later):
        where = self.range(node)
        if not where:
            return
        source, begin, end = where
        at = end - 2 if later else begin
        if source.text[at:at + 2] != operator:
            return
        up, other = ("true", "--") if operator == "++" else ("false", "++")
        call = f"::mutant::Step<{{}}, {up}>::{'Later' if later else 'First'}("
        source.add(begin, end, ((at, at + 2, other),), lambda n: [
            (begin, begin, call.format(n)), (at, at + 2, ""), (end, end, ")")])

    # ---- literals

    def find_IntegerLiteral(self, node, _):
        where = self.range(node)
        if where and (old := where[0].text[where[1]:where[2]]) and re.fullmatch(r"[\d']+", old):
            self.literal(where, old, str(int(old.replace("'", "")) + 1))

    def find_CXXBoolLiteralExpr(self, node, _):
        where = self.range(node)
        if where and (old := where[0].text[where[1]:where[2]]) in ("true", "false"):
            self.literal(where, old, "false" if old == "true" else "true")

    def literal(self, where, old, new):
        source, begin, end = where
        source.add(begin, end, ((begin, end, new),), lambda n: [(begin, end, f"::mutant::Literal<{n}>({old}, {new})")])

    # ---- statements

    def find_CompoundStmt(self, _, inner):
        for child in inner:
            self.statement(child)

    def find_CaseStmt(self, _, inner):
        self.statement(inner[-1])

    find_DefaultStmt = find_CaseStmt

    def statement(self, node):
        """Takes it out, if it stands alone."""
        where = self.range(node)
        if not where or not (node.get("kind") in ALONE or node.get("kind") == "ReturnStmt" and not node.get("inner")):
            return
        source, begin, end = where
        semicolon = re.compile(r"\s*;").match(source.text, end)
        if semicolon:
            end = semicolon.end()
            source.add(begin, end, ((begin, end, ";"),), lambda n: [
                (begin, begin, f"{{ if (!::mutant::On({n})) "), (end, end, " }")])

    # ---- std::min and std::max

    def find_CallExpr(self, node, inner):
        where = self.range(inner[0]) if len(inner) == 3 else None
        if where is None:
            return
        source, begin, _ = where
        called = re.compile(r"std::(min|max)\b").match(source.text, begin)
        if called:
            name, other = called[1], "max" if called[1] == "min" else "min"
            at, end, flag = called.start(1), called.end(), "true" if name == "min" else "false"
            source.add(begin, end, ((at, end, other),), lambda n: [(begin, end, f"::mutant::Extreme<{n}, {flag}>::Of")])


def find(units, sources, include, jobs):
    """Fills the sources with what is found in the translation units, which see them under `include`."""
    sys.setrecursionlimit(20_000)
    finder = Finder({str(source.path): source for source in sources})
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for text in pool.map(lambda unit: syntax_trees(unit, include), units):
            for tree in trees_in(text):
                finder.visit(tree)
