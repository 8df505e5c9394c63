"""Runs a folder's unittest files and says after each test how long it took, and at the end which took longest.

usage: python3 tests/timed.py FOLDER

PENSTOCK_DEADLINE (seconds since 1970): a class of tests that would begin later is skipped, and says so.
"""
import os
import sys
import time
import unittest

SLOWEST = 20


class Timed(unittest.TextTestResult):
    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.took = {}

    def startTest(self, test):
        self.took[test.id()] = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        self.took[test.id()] = time.monotonic() - self.took[test.id()]
        super().stopTest(test)


class InTime(unittest.TestSuite):
    """The tests of a class (or what holds such), begun before the deadline or not at all."""

    def run(self, result, debug=False):
        tests = list(self)
        late = time.time() > float(os.environ.get("PENSTOCK_DEADLINE") or "inf")
        if not late or not all(isinstance(test, unittest.TestCase) for test in tests):
            return super().run(result, debug)
        for test in tests:
            result.startTest(test)
            result.addSkip(test, "left out: the time is over")
            result.stopTest(test)
        return result


def main(folder):
    loader = unittest.TestLoader()
    loader.suiteClass = InTime
    suite = loader.discover(folder, "test_*.py")
    begun = time.monotonic()
    result = unittest.TextTestRunner(sys.stdout, verbosity=2, resultclass=Timed).run(suite)
    if time.monotonic() - begun > 60:
        for name, seconds in sorted(result.took.items(), key=lambda t: -t[1])[:SLOWEST]:
            print(f"   {seconds:5.0f} s  {name}")
        print(f"   {time.monotonic() - begun - sum(result.took.values()):5.0f} s  before and after classes")
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
