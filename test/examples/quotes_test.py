"""Holds that the C++ that documents quote is C++ that the examples compile.

    quotes_test.py EXAMPLE... -- DOCUMENT...

Every block fenced as cpp in a document must stand, indentation of the whole aside, in an example.
"""

import re
import sys
import textwrap
import unittest


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def stands_in(block, text):
    """Whether the block's lines stand in the text one after the other, all indented alike."""
    for indent in ("", "  ", "    "):
        if textwrap.indent(block, indent) in text:
            return True
    return False


class QuotesTest(unittest.TestCase):
    examples = []
    documents = []

    def test_every_quoted_block_is_compiled(self):
        texts = [read(path) for path in self.examples]
        for document in self.documents:
            blocks = re.findall(r"(?ms)^```cpp\n(.*?)^```$", read(document))
            self.assertTrue(blocks, f"{document} quotes nothing")
            for block in blocks:
                with self.subTest(document=document, block=block):
                    self.assertTrue(any(stands_in(block, text) for text in texts))


if __name__ == "__main__":
    split = sys.argv.index("--")
    QuotesTest.examples = sys.argv[1:split]
    QuotesTest.documents = sys.argv[split + 1:]
    unittest.main(argv=sys.argv[:1])
