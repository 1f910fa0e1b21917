"""Runs the built program's `tsdb shell`, through a pseudo-terminal and through pipes.

    cli_shell_test.py PROGRAM [unittest options]
"""

import os
import pty
import re
import select
import signal
import stat
import subprocess
import termios
import time

from cli_fixture import CliTest, main

PROM = "".join(
    f'load{{host="{host}",job="node"}} {host} {(1000 + t) * 1000}\n'
    f'work_total{{host="{host}"}} {t * 10 * (host + 1)} {(1000 + t) * 1000}\n'
    for t in range(61) for host in range(3))
DEADLINE_S = 60
KEYS_AT_ONCE = 256  # which the terminal takes without waiting


class Terminal:
    """A program on a terminal of its own, which is read until what is expected has come."""

    def __init__(self, arguments, folder, environment):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(arguments[0], arguments, environment)
        self.screen = ""

    def type(self, keys):
        # The program's answers are read meanwhile: were they to fill the terminal, it would take no
        # more keys.
        rest = keys.encode()
        while rest:
            readable, writable, _ = select.select([self.master], [self.master], [], DEADLINE_S)
            if not readable and not writable:
                raise AssertionError(f"takes no keys: {rest!r} after {self.screen!r}")
            if readable and not self.read():
                raise AssertionError(f"ended before {rest!r}: {self.screen!r}")
            if writable:
                rest = rest[os.write(self.master, rest[:KEYS_AT_ONCE]):]

    def read(self):
        """What there is; false at the end."""
        try:
            more = os.read(self.master, 65536)
        except OSError:
            more = b""
        # Escape sequences that move or colour are of no interest.
        self.screen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r", "",
                              more.decode(errors="replace"))
        return bool(more)

    def expect(self, pattern):
        """What comes up to the pattern, and with it; later reads go on behind it."""
        deadline = time.monotonic() + DEADLINE_S
        while not (found := re.search(pattern, self.screen)):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise AssertionError(f"no {pattern!r} in {self.screen!r}")
            if not self.read():
                raise AssertionError(f"ended without {pattern!r}: {self.screen!r}")
        text = self.screen[:found.end()]
        self.screen = self.screen[found.end():]
        return text

    def exit_code(self):
        """Reads to the end, which has to come."""
        deadline = time.monotonic() + DEADLINE_S
        try:
            while select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]:
                if not os.read(self.master, 65536):
                    break
            else:
                os.kill(self.pid, signal.SIGKILL)
        except OSError:  # the other end is closed
            pass
        os.close(self.master)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class ShellTest(CliTest):
    def setUp(self):
        super().setUp()
        self.write("m.prom", PROM)

    def open(self, *arguments):
        environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "LC_ALL": "C.UTF-8",
                       "XDG_STATE_HOME": os.path.join(self.folder, "state")}
        terminal = Terminal([self.program, "shell", *arguments], self.folder, environment)
        terminal.expect("Ctrl-D leaves")
        terminal.expect("tsdb> ")
        return terminal

    def pipe(self, text, *arguments):
        return self.run_tsdb("shell", "--from", "m.prom", *arguments, stdin=text.encode())

    def test_asks_completes_and_leaves(self):
        shell = self.open("--from", "m.prom")
        shell.type("sum(wor\t{ho\t\t0\t})\n")  # the metric, the label with =, a quote, the value
        shell.expect(r'sum\(work_total\{host="0"\}\)')
        shell.expect(r"│ +600 │")
        shell.expect("tsdb> ")
        shell.type("\x04")
        self.assertEqual(shell.exit_code(), 0)

    def test_lists_what_fits(self):
        shell = self.open("--from", "m.prom")
        shell.type("count_over_time(load[1m]) + l\t")
        listed = shell.expect("log10\n")
        for name in ("label_replace", "last_over_time", "load", "ln"):
            self.assertIn(name, listed)
        shell.type("\x03")
        shell.expect(r"\^C")
        shell.expect("tsdb> ")
        shell.type(".quit\n")
        self.assertEqual(shell.exit_code(), 0)

    def test_lines_go_on_and_are_cleared(self):
        shell = self.open("--from", "m.prom")
        shell.type("sum(\n")
        shell.expect(r"\.\.\.> ")
        shell.type("load) * 2\n")
        shell.expect(r"│ +6 │")
        shell.expect("tsdb> ")
        shell.type("sum(\n")
        shell.expect(r"\.\.\.> ")
        shell.type("\x03")
        shell.expect("tsdb> ")
        shell.type("load +\n")  # were sum( still there, this would be no error of the next line
        shell.expect(r"\.\.\.> ")
        shell.type("* 2\n")
        shell.expect("parse error")
        shell.expect(r"\^")
        shell.expect("tsdb> ")
        shell.type("\x1b[A\x04")  # an entry of several lines comes back whole
        shell.expect(r"load \+\n?\s*\* 2")
        shell.type("\x03.exit\n")
        self.assertEqual(shell.exit_code(), 0)
        path = os.path.join(self.folder, "state", "tsdb", "history")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode), 0o700)
        again = self.open("--from", "m.prom")
        again.type(".history\n")
        self.assertIn("load) * 2", again.expect(r"\.exit\n"))
        again.expect("tsdb> ")
        again.type("\x04")
        self.assertEqual(again.exit_code(), 0)

    def test_an_interrupt_ends_the_question_and_not_the_shell(self):
        shell = self.open("--from", "m.prom", "--max-steps", "100000")
        shell.type(".last 60s 1ms\n")
        shell.expect("tsdb> ")
        # Each of 60,000 windows is sorted anew: an hour's work, if nothing ended it.
        shell.type("sum(quantile_over_time(0.5, load[60s:1ms]))\n")
        shell.expect(r"1ms\]\)\)")
        # Before the question has begun it has nothing to end, so it is typed until it has; not too
        # fast, as with each the terminal drops what is not read of the answer to the one before.
        deadline = time.monotonic() + DEADLINE_S
        while "interrupted" not in shell.screen and time.monotonic() < deadline:
            shell.type("\x03")
            while ("interrupted" not in shell.screen
                   and select.select([shell.master], [], [], 2)[0]):
                self.assertTrue(shell.read(), shell.screen)
        shell.expect("interrupted")
        shell.expect("tsdb> ")
        shell.type(".instant\n1 + 1\n")
        shell.expect(r"\n2\n")
        shell.expect("tsdb> ")
        shell.type("\x04")
        self.assertEqual(shell.exit_code(), 0)

    def test_many_interrupts_do_not_end_the_shell(self):
        shell = self.open("--from", "m.prom", "--max-steps", "100000")
        shell.type(".last 60s 1ms\n")
        shell.expect("tsdb> ")
        for _ in range(20):
            shell.type("sum(quantile_over_time(0.5, load[60s:1ms]))\n" + "\x03" * 20)
            for _ in range(20):
                shell.type("\x03")
                if select.select([shell.master], [], [], 0.002)[0]:
                    self.assertTrue(shell.read(), shell.screen[-500:])
        # What was typed last may have been dropped with a Ctrl-C that was still on its way.
        shell.screen = ""
        deadline = time.monotonic() + DEADLINE_S
        while not re.search(r"\n42\n", shell.screen):
            self.assertLess(time.monotonic(), deadline, shell.screen[-500:])
            shell.type("\x03\n.instant\n40 + 2\n")
            while select.select([shell.master], [], [], 2)[0]:
                self.assertTrue(shell.read(), shell.screen[-500:])
        shell.type("\x04")
        self.assertEqual(shell.exit_code(), 0)

    def test_a_signal_that_ends_it_leaves_the_terminal_as_it_was(self):
        shell = self.open("--from", "m.prom")
        raw = termios.tcgetattr(shell.master)
        self.assertFalse(raw[3] & termios.ICANON)
        os.kill(shell.pid, signal.SIGTERM)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(shell.pid, 0)[1]), -signal.SIGTERM)
        self.assertTrue(termios.tcgetattr(shell.master)[3] & termios.ICANON)
        os.close(shell.master)

    def test_history_that_cannot_be_kept_is_told_and_no_more(self):
        self.write("state", "a file, not a folder")
        environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1",
                       "XDG_STATE_HOME": os.path.join(self.folder, "state")}
        shell = Terminal([self.program, "shell", "--from", "m.prom"], self.folder, environment)
        shell.expect("kept in memory only")
        shell.expect("tsdb> ")
        shell.type("1 + 1\n")
        self.assertNotIn("warning", shell.expect(r"\n2\n"))
        shell.expect("tsdb> ")
        shell.type("\x04")
        self.assertEqual(shell.exit_code(), 0)

    def test_statements_from_a_pipe(self):
        result = self.pipe("# what was asked\nsum(load)\n\nmax(\n  load\n);\n.time 1030\n"
                           "max(work_total)")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual([line.split(",")[-1] for line in result.out.splitlines()],
                         ["value", "3", "value", "2", "value", "900"])
        self.assertNotIn("tsdb>", result.out)

    def test_a_pipe_stops_at_the_first_error(self):
        text = "sum(load)\nrate(load)\n.mod csv\nmax(load)\n"
        result = self.pipe(text)
        self.assertEqual(result.code, 1)
        self.assertIn("expected type range vector", result.err)
        self.assertEqual(len(result.out.splitlines()), 2)
        result = self.pipe(text, "--keep-going")
        self.assertEqual(result.code, 1)
        self.assertIn("did you mean .mode", result.err)
        self.assertEqual(len(result.out.splitlines()), 4)

    def test_commands(self):
        result = self.pipe(".metrics\n.metrics W*\n.labels load\n.values host work_total\n"
                           ".series load{host=\"1\"}\n.top\n.help\n")
        self.assertEqual(result.code, 0, result.err)
        self.assertTrue(result.out.startswith(
            'load\nwork_total\nwork_total\n__name__\nhost\njob\n0\n1\n2\n'
            'load{host="1",job="node"}\n6 series'), result.out)
        self.assertIn(".lookback", result.out)
        result = self.pipe(".timer on\n.mode json\n.last 10s 5s\nsum(load)\n.explain on\nload\n")
        self.assertEqual(result.code, 0, result.err)
        self.assertIn('"matrix"', result.out)
        self.assertIn("a step each 5s", result.out)
        self.assertRegex(result.err, r"\d\.\d{3} s, 3 series, \d+ samples? read")
        for line, message in ((".mode xml", "there is no format xml"),
                              (".limit x", "not a number"), (".time x", "not a time: x"),
                              (".lookback x", "not a duration"), (".top x", "takes no argument"),
                              (".range 1", "takes START END"), (".timer of", "on or off"),
                              (".refresh", "files were read"), (".series {", "in the selector")):
            with self.subTest(line):
                result = self.pipe(line + "\n")
                self.assertEqual(result.code, 1)
                self.assertIn(message, result.err)

    def test_output_goes_to_a_file(self):
        result = self.pipe(".output a.csv\nsum(load)\nmax(load)\n.output -\nmin(load)\n")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(result.out.count("value"), 1)
        with open(os.path.join(self.folder, "a.csv"), encoding="utf-8") as file:
            self.assertEqual(file.read().count("value"), 2)

    def test_refresh_sees_what_was_written(self):
        self.assertEqual(self.run_tsdb("import", "--db", "db", "m.prom").code, 0)
        shell = subprocess.Popen([self.program, "shell", "--db", "db"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True, cwd=self.folder)
        with shell:
            shell.stdin.write("count(load)\n")
            shell.stdin.flush()
            self.assertEqual(shell.stdout.readline(), "timestamp,value\n")
            self.assertTrue(shell.stdout.readline().endswith(",3\n"))
            self.write("more.prom", 'load{host="9"} 1 1060000\n')
            self.assertEqual(self.run_tsdb("import", "--db", "db", "more.prom").code, 0)
            out, _ = shell.communicate("count(load)\n.refresh\ncount(load)\n", timeout=DEADLINE_S)
            self.assertEqual([line[-1] for line in out.splitlines()], ["e", "3", "e", "4"])
        self.assertEqual(shell.returncode, 0)

    def test_usage(self):
        self.assert_usage(self.run_tsdb("shell"), "where from?")
        self.assert_usage(self.run_tsdb("shell", "--from", "-"), "standard input")
        self.assert_usage(self.pipe("", "--lookback", "x"), "not a duration")


if __name__ == "__main__":
    main()
