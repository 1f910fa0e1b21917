#!/usr/bin/env python3
"""tools/style_check catches each violation planted in a small tree, and nothing in a clean one."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADER = "// What it is for.\n#pragma once\n"


def check(files, *arguments):
    """Runs the check on a tree of {path: text}; returns (exit code, lines of output)."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)) or root, exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        result = subprocess.run(
            [sys.executable, os.path.join(ROOT, "tools/style_check"), "--root", root, *arguments],
            capture_output=True, text=True)
        return result.returncode, result.stdout.splitlines()


def function_of(lines, head="int Count(int a) {"):
    return "\n".join([head] + ["  a += 1;"] * (lines - 2) + ["}"]) + "\n"


class StyleCheckTest(unittest.TestCase):
    def assert_clean(self, files):
        self.assertEqual(check(files, "--no-format"), (0, []))

    def assert_found(self, files, location, rule):
        code, lines = check(files, "--no-format")
        self.assertEqual(code, 1)
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith(f"{location}: "), lines[0])
        self.assertTrue(lines[0].endswith(f"[{rule}]"), lines[0])

    def test_a_clean_tree_has_no_messages(self):
        self.assert_clean({
            "storage/base/a.h": HEADER,
            "storage/codec/CMakeLists.txt": "add_library(codec b.cc)\n",
            "storage/codec/b.cc": '#include "storage/base/a.h"\n' + function_of(70),
        })

    def test_includes_run_downwards_only(self):
        for path, target in [
                ("storage/base/a.h", "storage/codec/block.h"),
                ("storage/codec/a.h", "index/tree/tree.h"),
                ("storage/segment/a.h", "storage/wal/log.h"),
                ("index/tree/a.h", "storage/segment/segment.h"),
                ("index/label/a.h", "index/tree/tree.h"),
                ("index/label/a.h", "storage/wal/log.h"),
                ("tsdb/scan/a.h", "tsdb/ingest/slot.h"),
                ("tsdb/scan/a.h", "tsdb/merge/pipeline.h"),
                ("tsdb/ingest/a.h", "tsdb/durability/flush.h"),
                ("tsdb/ingest/a.h", "tsdb/database_state.h"),
                ("tsdb/database.h", "tools/command.h"),
                ("tools/a.h", "test/model/model.h")]:
            with self.subTest(f"{path} includes {target}"):
                self.assert_found({path: HEADER + f'#include "{target}"\n'}, f"{path}:3", "layer")

    def test_names_come_with_their_headers(self):
        code = "#include <vector>\n// std::map\nstd::vector<int> a;\n"
        header = {"storage/base/a.h": HEADER + code}
        self.assert_clean(header)
        self.assert_found({"storage/base/a.h": HEADER + code + "std::map<int> b;\n"},
                          "storage/base/a.h:6", "missing-include")
        # By way of another file of the tree.
        self.assert_clean(header | {
            "storage/base/b.h": HEADER + '#include "storage/base/a.h"\n',
            "storage/base/c.h": HEADER + '#include "storage/base/b.h"\nstd::vector<int> c;\n'})

    def test_all_precompiled_headers_have_names_to_find(self):
        def read(path):
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                return file.read()

        listed = re.search(r"set\(tsdb_common_headers\s+([^)]*)\)", read("CMakeLists.txt"))[1]
        for header in listed.split():
            self.assertIn(f'\n    "{header.strip("<>")}": ', read("tools/style_check"))

    def test_allowed_includes_pass(self):
        for path, target in [
                ("tsdb/scan/a.h", "index/tree/tree.h"),
                ("tsdb/scan/a.h", "storage/segment/segment.h"),
                ("tsdb/merge/a.h", "tsdb/ingest/chunk.h"),
                ("tsdb/ingest/a.h", "tsdb/options.h"),
                ("test/tsdb/a.h", "tsdb/ingest/chunk.h"),
                ("tools/a.h", "tsdb/database.h")]:
            with self.subTest(f"{path} includes {target}"):
                self.assert_clean({path: HEADER + f'#include "{target}"\n'})

    def test_tbb_stays_behind_parallel(self):
        include = "#include <tbb/parallel_for.h>\n"
        self.assert_found({"tsdb/merge/a.h": HEADER + include}, "tsdb/merge/a.h:3", "layer")
        self.assert_clean({"storage/base/CMakeLists.txt": "add_library(base parallel_tbb.cc)\n",
                           "storage/base/parallel_tbb.cc": include})

    def test_public_headers_include_no_heavy_containers(self):
        self.assert_found(
            {"tsdb/database.h": HEADER + '#include "absl/container/flat_hash_map.h"\n'},
            "tsdb/database.h:3", "public-header")

    def test_long_files_functions_and_lines(self):
        self.assert_clean({"storage/base/a.h": HEADER + "// x\n" * 498})
        self.assert_found({"storage/base/a.h": HEADER + "// x\n" * 499}, "storage/base/a.h:501",
                          "file-length")
        self.assert_found({"storage/base/a.h": HEADER + function_of(71)}, "storage/base/a.h:3",
                          "function-length")
        self.assert_found({"storage/base/a.h": HEADER + "// " + "x" * 98 + "\n"},
                          "storage/base/a.h:3", "columns")

    def test_function_length_sees_constructors_and_methods(self):
        head = "A::A(int a)\n    : a_(a), b_{2} {"
        self.assert_found({"storage/base/a.h": HEADER + function_of(71, head)},
                          "storage/base/a.h:4", "function-length")
        method = "class A {\n public:\n" + function_of(71, "int Get() const {") + "};\n"
        self.assert_found({"storage/base/a.h": HEADER + method}, "storage/base/a.h:5",
                          "function-length")

    def test_function_length_is_not_fooled_by_text_types_or_namespaces(self):
        for body in ("class A {\n" + "  int a;\n" * 90 + "};\n",
                     "namespace a {\n" + "int F(int a);\n" * 90 + "}\n",
                     "const int kTable[] = {\n" + "    1,\n" * 90 + "};\n",
                     'const char* kText = R"x(\nint F() {\n' + "a\n" * 90 + ')x";\n',
                     "char Open() { return '{'; }\n" + "// {\n" * 90 + "int F() { return 1'0; }\n"):
            self.assert_clean({"storage/base/a.h": HEADER + body})

    def test_markers_sleeps_and_tabs(self):
        for text, rule in [("// TO" "DO: later\n", "marker"),
                           ("// good enough for n" "ow\n", "marker"),
                           ("pause::sleep_" "for(t);\n", "sleep"),
                           ("u" "sleep(5);\n", "sleep"), ("\tint a;\n", "tab"),
                           ("int a; \n", "trailing-space")]:
            with self.subTest(text):
                self.assert_found({"test/a.h": HEADER + text}, "test/a.h:3", rule)

    def test_test_names_pass_through_cmake(self):
        text = 'TEST_CASE("range: [begin, end) holds", "[x]") {}\n'
        self.assert_found({"test/a.h": HEADER + text}, "test/a.h:3", "test-name")
        self.assert_clean({"test/a.h": HEADER + 'TEST_CASE("range: holds its begin", "[x]") {}\n'})

    def test_headers_need_a_comment_and_a_guard(self):
        self.assert_found({"storage/base/a.h": "// What.\n"}, "storage/base/a.h:1", "pragma-once")
        self.assert_found({"storage/base/a.h": "#pragma once\n"}, "storage/base/a.h:1",
                          "header-comment")

    def test_every_source_is_named_by_a_build_file(self):
        self.assert_found({"storage/base/a.cc": "int a;\n",
                           "storage/base/CMakeLists.txt": "# a.cc\nadd_library(x b.cc)\n"},
                          "storage/base/a.cc:1", "not-built")

    def test_unformatted_source_is_found(self):
        files = {".clang-format": "BasedOnStyle: Google\n", "a.h": HEADER + "int  a ;\n"}
        code, lines = check(files)
        if subprocess.run(["which", "clang-format"], capture_output=True).returncode == 0:
            self.assertEqual((code, len(lines)), (1, 1))
            self.assertTrue(lines[0].startswith("a.h:3: ") and lines[0].endswith("[format]"))
        else:
            self.assertEqual((code, lines), (0, []))

    def test_python_functions_are_measured_too(self):
        self.assert_found({"tools/a.py": "def f():\n" + "    x = 1\n" * 70}, "tools/a.py:1",
                          "function-length")


if __name__ == "__main__":
    unittest.main()
