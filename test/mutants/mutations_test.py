#!/usr/bin/env python3
"""mutations.py finds what it should in a piece of source, and nothing else; and in the source of
the project every call that syncs. Exits 1 when it does not."""

import re
import sys
import unittest

import mutate
import mutations

SOURCE = """#include "a - b"
// return true; x < y
absl::Status Log::Sync(int from) {
  TSDB_CHECK(from >= 0 && "a < b");
  if (from < 7 && Ready()) {
    TSDB_RETURN_IF_ERROR(files_->Sync(
        from));
    Notify("1 + 1");
  }
  return std::exchange(file_, nullptr)->SyncData();
}
"""


class MutationsTest(unittest.TestCase):
    def made(self, kind):
        return [(mutant, mutant.apply(SOURCE)) for mutant in mutations.mutants("a.cc", SOURCE)
                if mutant.kind == kind]

    def test_a_call_that_syncs_is_removed_and_its_definition_is_not(self):
        texts = [text for _, text in self.made("sync")]
        self.assertEqual(len(texts), 2)
        self.assertIn("TSDB_RETURN_IF_ERROR(absl::OkStatus()\n);", texts[0])
        self.assertIn("return absl::OkStatus();", texts[1])
        self.assertNotIn("exchange", texts[1])

    def test_one_token_each_and_none_of_comments_strings_and_assertions(self):
        self.assertEqual([mutant.after for mutant, _ in self.made("comparison")],
                         ["if (from <= 7 && Ready()) {"])
        self.assertEqual([mutant.after for mutant, _ in self.made("operator")],
                         ["if (from < 7 || Ready()) {"])
        self.assertEqual([mutant.after for mutant, _ in self.made("constant")],
                         ["if (from < 8 && Ready()) {"])
        self.assertEqual([mutant.after for mutant, _ in self.made("condition")],
                         ["if (!(from < 7 && Ready())) {"])

    def test_calls_errors_and_whole_functions(self):
        self.assertEqual([mutant.before for mutant, _ in self.made("statement")],
                         ['Notify("1 + 1");'])
        self.assertEqual(len(self.made("error dropped")), 1)
        self.assertIn("(files_->Sync(\n        from)).IgnoreError();",
                      self.made("error dropped")[0][1])
        self.assertEqual(len(self.made("empty function")), 1)

    def test_line_breaks_stay_where_they_are(self):
        for mutant in mutations.mutants("a.cc", SOURCE):
            self.assertEqual(mutant.apply(SOURCE).count("\n"), SOURCE.count("\n"), str(mutant))

    def test_every_call_that_syncs_in_the_source_is_found(self):
        keys = set()
        for path in mutate.measured_files():
            text = mutate.read_text(path)
            calls = re.findall(r"(?:->|\.|::)(?:Sync|SyncData|SyncDirectory|fsync|fdatasync)\(",
                               mutations.blank_out(text))
            found = mutations.mutants(path, text)
            self.assertEqual(sum(mutant.kind == "sync" for mutant in found), len(calls), path)
            keys.update(mutant.key() for mutant in found)
        # And what is said to be equivalent is still there.
        self.assertEqual(set(mutate.read_equivalents()) - keys, set())


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
