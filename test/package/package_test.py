#!/usr/bin/env python3
"""Installs and packages a build as a user would, and uses what comes out.

    package_test.py --build DIRECTORY --compiler CXX CLASS...

The classes are Installed and DebianPackages; the second needs dpkg. Compiles the example twice, a
second or so each. cpack brings the build up to date before it packs, which is nothing to do when
all was built.
"""

import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXAMPLE = os.path.join(ROOT, "test/examples/embedding_example.cc")
EXAMPLE_OUTPUT = 'temperature{room="kitchen"}: 1000 samples, mean 22\n'
METRICS = os.path.join(ROOT, "test/data/node-prometheus-1s/series.jsonl.zst")
METRICS_SAMPLES, METRICS_SERIES = 1435494, 1028
PRIVATE = ("tsdb/internals.h", "tsdb/engine.h", "tsdb/stats_publisher.h")

options = argparse.Namespace(build="", compiler="")


def run(command, env=None):
    """What the command printed on both streams; fails with that when the command does."""
    result = subprocess.run(command, capture_output=True, text=True, env=env)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(command)} exited with {result.returncode}\n"
                             f"{result.stdout}{result.stderr}")
    return result.stdout


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(directory, name), folder)
                  for directory, _, names in os.walk(folder) for name in names)


class InFolder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="tsdb-package-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name


class Installed(InFolder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        first = os.path.join(cls.folder, "first")
        run(["cmake", "--install", options.build, "--prefix", first])
        cls.prefix = os.path.join(cls.folder, "moved")
        shutil.move(first, cls.prefix)  # nothing in it may know where it was

    def configure(self, project, *definitions):
        build = tempfile.mkdtemp(dir=self.folder)
        command = ["cmake", "-S", os.path.join(HERE, project), "-B", build, "-G", "Ninja",
                   f"-DCMAKE_CXX_COMPILER={options.compiler}"]
        run(command + [f"-D{definition}" for definition in definitions])
        return build

    def test_headers_need_no_other_of_ours(self):
        include = os.path.join(self.prefix, "include")
        headers = files_below(include)
        self.assertIn("tsdb/database.h", headers)
        self.assertFalse(set(PRIVATE) & set(headers))
        for header in headers:
            with open(os.path.join(include, header), encoding="utf-8") as file:
                for name in re.findall(r'^#include "(.*)"', file.read(), re.MULTILINE):
                    self.assertTrue(name in headers or name.startswith("absl/"),
                                    f"{header} includes {name}, which is not installed")

    def test_program_has_its_pages_and_completions(self):
        version = run([os.path.join(self.prefix, "bin/tsdb"), "--version"])
        self.assertRegex(version, r"^tsdb \d+\.\d+\.\d+\n$")
        share = files_below(os.path.join(self.prefix, "share"))
        for path in ("man/man1/tsdb.1", "man/man1/tsdb-import.1", "zsh/site-functions/_tsdb",
                     "bash-completion/completions/tsdb", "fish/vendor_completions.d/tsdb.fish",
                     "doc/tsdb/README.md", "doc/tsdb/LICENSE", "doc/tsdb/docs/embedding.md"):
            self.assertIn(path, share)

    def test_find_package(self):
        build = self.configure("installed", f"CMAKE_PREFIX_PATH={self.prefix}",
                               "TSDB_WANTED=0.1", f"TSDB_EXAMPLE={EXAMPLE}")
        run(["cmake", "--build", build])
        self.assertEqual(run([os.path.join(build, "example")]), EXAMPLE_OUTPUT)

    def test_find_package_refuses_another_version(self):
        with self.assertRaisesRegex(AssertionError, r'compatible\s+with requested version "0.2"'):
            self.configure("installed", f"CMAKE_PREFIX_PATH={self.prefix}", "TSDB_WANTED=0.2",
                           f"TSDB_EXAMPLE={EXAMPLE}")

    def test_pkg_config(self):
        folders = glob.glob(os.path.join(self.prefix, "lib*/**/pkgconfig"), recursive=True)
        env = dict(os.environ, PKG_CONFIG_PATH=":".join(folders))
        flags = run(["pkg-config", "--cflags", "--libs", "--static", "tsdb"], env=env).split()
        self.assertNotIn(os.path.join(self.folder, "first"), " ".join(flags))
        program = os.path.join(self.folder, "by_pkg_config")
        run([options.compiler, "-std=c++20", EXAMPLE, "-o", program] + flags)
        self.assertEqual(run([program]), EXAMPLE_OUTPUT)

    def test_part_of_another_project_installs_nothing(self):
        build = self.configure("embedded", f"TSDB_SOURCE={ROOT}")
        prefix = os.path.join(self.folder, "nothing")
        run(["cmake", "--install", build, "--prefix", prefix])
        self.assertEqual(files_below(prefix), [])


class DebianPackages(InFolder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # gzip is quicker than what packages have by default.
        run(["cpack", "--config", os.path.join(options.build, "CPackConfig.cmake"),
             "-B", cls.folder, "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip"])
        cls.packages = {}
        for path in glob.glob(os.path.join(cls.folder, "*.deb")):
            name = run(["dpkg-deb", "-f", path, "Package"]).strip()
            cls.packages[name] = path
            run(["dpkg-deb", "-x", path, os.path.join(cls.folder, name)])

    def unpacked(self, name):
        return os.path.join(self.folder, name)

    def depends(self, name):
        return run(["dpkg-deb", "-f", self.packages[name], "Depends"])

    def test_two_packages(self):
        self.assertEqual(sorted(self.packages), ["libtsdb-dev", "tsdb"])
        self.assertRegex(self.depends("tsdb"), r"\blibc6\b.*\blibstdc\+\+6\b")
        self.assertNotIn("-dev", self.depends("tsdb"))
        self.assertRegex(self.depends("libtsdb-dev"),
                         r"libabsl-dev \(>= .*\), libabsl-dev \(<< .*\bliblz4-dev\b.*libre2-dev")

    def test_files(self):
        program = files_below(self.unpacked("tsdb"))
        library = files_below(self.unpacked("libtsdb-dev"))
        self.assertEqual(set(program) & set(library), set())
        for path in ("usr/bin/tsdb", "usr/share/man/man1/tsdb.1.gz",
                     "usr/share/zsh/vendor-completions/_tsdb", "usr/share/doc/tsdb/copyright",
                     "usr/share/doc/tsdb/changelog.gz"):
            self.assertIn(path, program)
        for path in ("usr/include/tsdb/database.h", "usr/share/doc/libtsdb-dev/copyright"):
            self.assertIn(path, library)
        self.assertEqual([os.path.basename(path) for path in library if path.endswith(".a")],
                         ["libtsdb.a"])

    def test_program_keeps_metrics_and_answers(self):
        program = os.path.join(self.unpacked("tsdb"), "usr/bin/tsdb")
        database = os.path.join(self.folder, "metrics.db")
        run([program, "import", "--db", database, METRICS])
        answer = run([program, "query", "--db", database, "--format", "csv",
                      'count(last_over_time({__name__=~".+"}[1h]))'])
        self.assertEqual(answer.splitlines()[-1].split(",")[-1], str(METRICS_SERIES))
        verdict = run([program, "verify", "--db", database])
        self.assertRegex(verdict, rf"samples read +{METRICS_SAMPLES:,}\n")
        self.assertRegex(verdict, r"intact +yes\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("classes", nargs="+", metavar="CLASS")
    parser.parse_args(namespace=options)
    # What a user's shell or a build around the test says must not lead it elsewhere.
    for name in ("DESTDIR", "CMAKE_PREFIX_PATH", "CMAKE_INSTALL_PREFIX", "PKG_CONFIG_PATH"):
        os.environ.pop(name, None)
    unittest.main(argv=[sys.argv[0], "--verbose"] + options.classes)


if __name__ == "__main__":
    main()
