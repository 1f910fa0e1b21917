"""What tests of the built program share: running it in a folder of its own, and small inputs."""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHIPPED = os.path.join(ROOT, "test/data/node-prometheus-1s/series.jsonl.zst")
# In builds with a sanitizer, which are slow: less of the same, of each kind.
SHORT = "TSDB_TEST_SHORT" in os.environ
PROM = """# HELP up Whether it is up.
# TYPE up gauge
up{job="a"} 1 1000
up{job="b"} 0 1000
up{job="a"} 0.5 2000
load NaN 1500
"""
JSONL = """{"metric":{"__name__":"up","job":"a"},"values":[1,0.5],"timestamps":[1000,2000]}
{"metric":{"__name__":"up","job":"b"},"values":[0],"timestamps":[1000]}
{"metric":{"__name__":"load"},"values":["NaN"],"timestamps":[1500]}
"""
OPENMETRICS = """# TYPE up gauge
up{job="a"} 1 1.0
up{job="a"} 0.5 2.0
up{job="b"} 0 1.0
# TYPE load gauge
load NaN 1.5
# EOF
"""
UP_CSV = """__name__,job,timestamp_ms,value
up,a,1000,1
up,a,2000,0.5
up,b,1000,0
"""


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


class CliTest(unittest.TestCase):
    program = ""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, content):
        if isinstance(content, str):
            content = content.encode()
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(content)
        return name

    @staticmethod
    def zstd(content):
        return subprocess.run(["zstd", "-c"], input=content, stdout=subprocess.PIPE,
                              check=True).stdout

    @staticmethod
    def lz4(content):
        """An LZ4 frame of stored blocks: the smallest thing that is one, and needs no tool."""
        frame = bytes.fromhex("04224d18604082")
        for begin in range(0, len(content), 1 << 16):
            block = content[begin:begin + (1 << 16)]
            frame += (len(block) | 1 << 31).to_bytes(4, "little") + block
        return frame + bytes(4)

    def run_tsdb(self, *arguments, stdin=b"", columns="120"):
        environment = {**os.environ, "COLUMNS": columns, "NO_COLOR": ""}
        done = subprocess.run([self.program, *arguments], input=stdin, capture_output=True,
                              check=False, cwd=self.folder, timeout=120, env=environment)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start_import(self, *files):
        """An import that has begun to read standard input, after `files`: it has the database."""
        command = [self.program, "import", "--db", "db", *files, "-", "--on-error", "skip"]
        process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        # More than is looked at to tell the format.
        process.stdin.write(b"up 1 1000\n" + b"x\n" * 100000)
        process.stdin.flush()
        self.assertIn(b"skipped", process.stderr.readline())
        return process

    def assert_fails(self, result, message):
        """A failure says why on stderr and prints nothing that could be taken for data."""
        self.assertEqual(result.code, 1, result.err)
        self.assertEqual(result.out, "")
        self.assertIn(message, result.err)

    def assert_usage(self, result, message):
        """A command line that makes no sense."""
        self.assertEqual(result.code, 2, result.err)
        self.assertEqual(result.out, "")
        self.assertIn(message, result.err)


def main():
    """Runs the tests of the script that was started with the program's path."""
    CliTest.program = os.path.abspath(sys.argv.pop(1))
    unittest.main()
