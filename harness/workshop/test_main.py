"""How the test programs here end: a test that could not run makes 77 of an exit code 0, which ctest shows as skipped, with why."""

import sys
import unittest


def main():
    result = unittest.main(module="__main__", verbosity=2, exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.skipped:
        print("SKIPPED:", "; ".join(sorted({reason for _, reason in result.skipped})))
        sys.exit(77)
