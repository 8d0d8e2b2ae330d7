"""Claim 15: no Go that is here builds the program as printed, and each names all of its faults."""

import pathlib
import sys
import tempfile
import unittest

from evidence.go import printed, toolchains


class AsPrinted(unittest.TestCase):
    def test_no_go_builds_it_and_each_names_its_faults(self):
        work, found = toolchains.here()
        with tempfile.TemporaryDirectory(dir=work) as folder:
            for toolchain in found:
                with self.subTest(toolchain.version):
                    self.assertEqual(printed.ask(toolchain, work, pathlib.Path(folder)), list(printed.FAULTS))

    def test_without_its_faults_it_is_built(self):
        work, found = toolchains.here()
        mended = printed.SOURCE.replace("messags", "messages").replace("return message", "_ = message").replace('    "runtime"\n', "")
        with tempfile.TemporaryDirectory(dir=work) as folder:
            source = pathlib.Path(folder)
            (source / "main.go").write_text(mended)
            (source / "go.mod").write_text("module printed\n\ngo 1.19\n")
            self.assertIsNone(toolchains.build(found[-1], source, work, source / "printed"))


if __name__ == "__main__":
    if not toolchains.here()[1]:
        sys.exit(toolchains.none_is_here("printed_test", True))
    unittest.main(verbosity=2)
