"""Counts atomic read-modify-writes of a run, by function: what valgrind's callgrind saw executed,
instruction by instruction, of those with a lock prefix (and xchg with memory, which needs none).

The format of callgrind's output: https://valgrind.org/docs/manual/cl-format.html.
"""

import collections
import re
import subprocess

POSITION = re.compile(r"^(0x[0-9a-f]+|[+-]\d+|\*) (?:\+?-?\d+|\*) (\d+)$")
NAMED = re.compile(r"^(c?ob|c?fn|c?fi|fl|fe|cfl)=\((\d+)\)(?: (.*))?$")
ATOMIC = re.compile(r"^\s*([0-9a-f]+):\s.*\b(?:lock |xchg .*\()")


def read_counts(path):
    """{object: {address: executions}} of a callgrind file made with --dump-instr=yes."""
    counts = collections.defaultdict(lambda: collections.defaultdict(int))
    names, current, address, skip = {}, None, 0, False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            named = NAMED.match(line)
            if named:
                kind, number, name = named.groups()
                table = "ob" if kind.endswith("ob") else "other"
                if name is not None:
                    names[table, number] = name
                if kind == "ob":
                    current = names[table, number]
            elif line.startswith("calls="):
                skip = True  # the next line is the cost of the calls, not of an instruction
            elif position := POSITION.match(line):
                where, count = position.groups()
                if where.startswith("0x"):
                    address = int(where, 16)
                elif where != "*":
                    address += int(where)
                if not skip:
                    counts[current][address] += int(count)
                skip = False
    return counts


def atomic_addresses(path):
    """Addresses of an object's atomic read-modify-writes."""
    listed = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True,
                            text=True, check=True).stdout
    return {int(found.group(1), 16) for found in map(ATOMIC.match, listed.splitlines()) if found}


def functions_of(path, addresses):
    """{address: the functions it is in, innermost first}."""
    result = subprocess.run(["addr2line", "-Cfipe", path] + [hex(a) for a in addresses],
                            capture_output=True, text=True, check=True).stdout
    found, order = {}, iter(addresses)
    for line in result.splitlines():
        text = re.sub(r" at \S+( \(discriminator \d+\))?$", "", line)
        if line.startswith(" (inlined by) "):
            found[last].append(text.replace(" (inlined by) ", "", 1))
        else:
            last = next(order)
            found[last] = [text]
    return found
