"""One-token faults in C++ source: what mutate.py makes of a file. Reads text, writes nothing.

Mutants(path, text) yields every Mutant of a file, in the order of the text. Comments, strings,
includes and assertions are left alone (an assertion that is changed only fails), so are memory
orders (the thread sanitizer's business). Line breaks stay where they are.
"""

import re
from dataclasses import dataclass

# The calls that make bytes or names durable, or wait until they are. Never left out of a sample.
SYNCS = ("Sync", "SyncData", "SyncDirectory", "fsync", "fdatasync")
WAITS = ("before_publish", "AwaitDurable")

COMPARISONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
OPERATORS = {"&&": "||", "||": "&&", "+": "-", "-": "+"}
NOT_CALLS = re.compile(r"(return|if|for|while|switch|case|else|do|using|static_assert|sizeof|"
                       r"TSDB_CHECK|TSDB_DCHECK|TSDB_ASSIGN_OR_RETURN|TSDB_RETURN_IF_ERROR)\b")


@dataclass(frozen=True)
class Mutant:
    path: str
    kind: str
    begin: int  # text[begin:end] is replaced
    end: int
    by: str
    line: int
    before: str  # the lines it changes, blanks squeezed
    after: str

    def apply(self, text):
        return text[:self.begin] + self.by + text[self.end:]

    def key(self):
        return self.path, self.before, self.after

    def __str__(self):
        return f"{self.path}:{self.line}: {self.kind}: {self.before}  =>  {self.after}"


def blank_out(text):
    """The text with what must not be changed as blanks: comments, strings, preprocessor lines and
    assertions; the same positions."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'|^#[^\n]*',
        re.DOTALL | re.MULTILINE)
    text = pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    for match in list(re.finditer(r"\b(TSDB_D?CHECK|static_assert)\(", text)):
        end = closing(text, match.end() - 1)
        inside = text[match.start():end]
        text = text[:match.start()] + re.sub(r"[^\n]", " ", inside) + text[end:]
    return text


def closing(text, at):
    """The place behind the bracket that closes the one at `at`."""
    depth = 0
    for place in range(at, len(text)):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    return len(text)


def keep_breaks(text, by):
    """`by` with as many line breaks behind it as the text that it replaces."""
    return by + "\n" * text.count("\n")


def callee_begin(text, at):
    """Where the expression begins whose last name begins at `at`: files_-> before Sync."""
    while at > 0:
        if text[at - 1].isalnum() or text[at - 1] in "_:.":
            at -= 1
        elif text[at - 2:at] == "->":
            at -= 2
        elif text[at - 1] == ")" and text[at:at + 1] in "-.":
            depth = 0
            while at > 0:
                at -= 1
                depth += {")": 1, "(": -1}.get(text[at], 0)
                if depth == 0:
                    break
        else:
            break
    return at


def syncs(text):
    names = "|".join(SYNCS + WAITS)
    for match in re.finditer(rf"\b({names})\(", text):
        begin = callee_begin(text, match.start())
        end = closing(text, match.end() - 1)
        before, behind = text[:begin].rstrip(), text[end:].lstrip()
        if before.endswith("absl::Status") or behind.startswith(("override", "{")):
            continue  # declared or defined here
        name = match.group(1)
        ok = "0" if name.startswith("f") else "absl::OkStatus()"
        yield ("wait" if name in WAITS else "sync"), begin, end, ok


def tokens(text):
    for match in re.finditer(r" (<=|>=|==|!=|<|>) ", text):
        yield "comparison", match.start(1), match.end(1), COMPARISONS[match.group(1)]
    for match in re.finditer(r" (&&|\|\||\+|-)[ \n]", text):
        yield "operator", match.start(1), match.end(1), OPERATORS[match.group(1)]
    for match in re.finditer(r"(?<![\w.'])(\d+)(?![\w.'])", text):
        value = int(match.group(1))
        yield "constant", match.start(1), match.end(1), {0: "1", 1: "0"}.get(value, str(value + 1))
    for match in re.finditer(r"\b(true|false)\b", text):
        yield "constant", match.start(), match.end(), {"true": "false"}.get(match.group(), "true")


def conditions(text):
    for match in re.finditer(r"\bif \(", text):
        begin, end = match.end(), closing(text, match.end() - 1) - 1
        depth = 0
        for place in range(begin, end):
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text[place], 0)
            if depth == 0 and text[place] == ";":
                begin = place + 1
        condition = text[begin:end]
        if re.match(r"\s*const\b[^=]*=[^=]|\s*auto\b", condition):
            continue  # declares what it asks
        yield "condition", begin, end, None


def statements(text):
    """Calls whose result nobody looks at, increments, and errors that would be passed up."""
    for match in re.finditer(r"(?<=[;{})])\s+(?=[A-Za-z_+:(-])", text):
        begin = match.end()
        end = text.find(";", begin)
        bracket = re.compile(r"[(\[{]").search(text, begin)
        while bracket and bracket.start() < end:
            behind = closing(text, bracket.start())
            end = text.find(";", behind)
            bracket = re.compile(r"[(\[{]").search(text, behind)
        statement = text[begin:end]
        if end < 0 or "{" in text[match.start():begin]:
            continue
        if re.match(r"TSDB_RETURN_IF_ERROR\(", statement):
            yield "error dropped", begin, end, ""
            if not re.search(r"\b(" + "|".join(SYNCS) + r")\(", statement):
                yield "statement", begin, end, ""
        elif NOT_CALLS.match(statement):
            continue
        elif re.match(r"[\w:.>\[\]-]+\(", statement) and statement.endswith(")") or re.match(
                r"(\+\+|--)[\w.>\[\]-]+$", statement):
            yield "statement", begin, end, ""


def functions(text):
    for match in re.finditer(
            r"\babsl::Status\s+(?:\w+::)*\w+\([^;{}]*\)\s*(?:const\s*)?(?:override\s*)?\{", text):
        yield "empty function", match.end(), match.end(), " return absl::OkStatus();"


def mutants(path, text):
    seen = blank_out(text)
    found = []
    for generator in (syncs, tokens, conditions, statements, functions):
        for kind, begin, end, by in generator(seen):
            old = text[begin:end]
            if by is None:
                by = "!(" + old.strip() + ")"
                by = (" " if old.startswith(" ") else "") + by
                by = by + "\n" * (old.count("\n") - by.count("\n"))
            elif kind == "error dropped":
                by = "(" + old[21:-1] + ").IgnoreError()"
            else:
                by = keep_breaks(old, by)
            line_begin = text.rfind("\n", 0, begin) + 1
            line_end = text.find("\n", end)
            before = " ".join(text[line_begin:line_end].split())
            after = " ".join((text[line_begin:begin] + by + text[end:line_end]).split())
            found.append(Mutant(path, kind, begin, end, by, text.count("\n", 0, begin) + 1, before,
                                after))
    return sorted(set(found), key=lambda mutant: (mutant.begin, mutant.kind, mutant.by))
