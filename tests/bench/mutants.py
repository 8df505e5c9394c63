"""Named faults in C++ sources, each of which a test must find.

All faults are compiled at once, each behind a number that the environment variable MUTANT chooses; then the test of each runs
with it, and must fail, and every test without any, and must pass. In what takes a text's place {m} is whether the fault is
chosen. Nobody else may build in the tree meanwhile; the sources are put back at the end, whatever happens.
"""
import collections
import os
import subprocess
import sys

# file: from the tree's root; old stands there once; test: a filter of GoogleTest
Fault = collections.namedtuple("Fault", "name file old new program test", defaults=["*"])
HEADER = """#ifndef PENSTOCK_MUTANT
#define PENSTOCK_MUTANT
#include <cstdlib>
inline bool Mutant(int number) {
  static const char* const text = std::getenv("MUTANT");
  static const int chosen = text == nullptr ? 0 : std::atoi(text);
  return chosen == number;
}
#endif
"""


def planted(files, faults):
    """The files with all faults in them."""
    changed = dict(files)
    for number, fault in enumerate(faults, 1):
        stands = changed[fault.file].count(fault.old)
        if stands != 1:
            sys.exit(f"{fault.name}: {fault.old!r} stands {stands} times in {fault.file}")
        changed[fault.file] = changed[fault.file].replace(fault.old, fault.new.replace("{m}", f"Mutant({number})"))
    return {name: HEADER + text for name, text in changed.items()}


def fails(build, program, test, number):
    return subprocess.run([str(build / "tests" / program), f"--gtest_filter={test}", "--gtest_fail_fast", "--gtest_brief=1"],
                          env={**os.environ, "MUTANT": str(number)}, capture_output=True, timeout=600).returncode != 0


def run(root, build, faults):
    """Ends the program with the names of those that no test found."""
    files = {name: (root / name).read_text() for name in {fault.file for fault in faults}}
    wrong = []
    try:
        for name, text in planted(files, faults).items():
            (root / name).write_text(text)
        programs = sorted({fault.program for fault in faults})
        subprocess.run(["ninja", "-C", str(build), "-j2", *programs], check=True, stdout=subprocess.DEVNULL)
        wrong += [f"{program} without any" for program in programs if fails(build, program, "*", 0)]
        for number, fault in enumerate(faults, 1):
            found = fails(build, fault.program, fault.test, number)
            print(f"{number:2} {'found' if found else 'not found'}: {fault.name}", flush=True)
            if not found:
                wrong.append(fault.name)
    finally:
        for name, text in files.items():
            (root / name).write_text(text)
    print(f"{len(faults)} faults, {len(wrong)} not as they should: {'; '.join(wrong)}" if wrong else f"all {len(faults)} faults were found")
    sys.exit(1 if wrong else 0)
