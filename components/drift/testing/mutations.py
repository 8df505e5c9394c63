#!/usr/bin/env python3
"""Plants faults in the detectors, one at a time, and holds that component_drift_test fails of each.

usage: mutations.py [NAME]...      in a worktree that nobody else builds in; BUILD names the build folder

Each fault is a text of a file and what takes its place; the file is put back afterwards.
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
DRIFT = ROOT / "components/drift"
FAULTS = {
    "l-infinity compares counts and not shares": ("methods/l_infinity.cc", "double(b[i]) / all_b)", "double(b[i]) / all_a)"),
    "Jensen-Shannon by the natural logarithm": ("methods/jensen_shannon.cc", "if (b > 0) sum += b * std::log2", "if (b > 0) sum += b * std::log"),
    "re-bucketing forgets the width of a bucket": ("methods/jensen_shannon.cc", " / (bucket.high - bucket.low))", " / bucket.high)"),
    "NaN of both count as alike": ("methods/jensen_shannon.cc", "q.insert(q.end(), {0, parts_b.endless, 0, b.nan});",
                                   "q.insert(q.end(), {0, parts_b.endless, b.nan, 0});"),
    "PSI takes a share of 0 for 0.01": ("methods/population_stability.cc", "kLeastShare = 1e-4", "kLeastShare = 1e-2"),
    "a bin's lower edge is outside": ("methods/population_stability.cc", "std::lower_bound(from, sorted.end(), edge)",
                                      "std::upper_bound(from, sorted.end(), edge)"),
    "KS stops within equal values": ("methods/kolmogorov_smirnov.cc", "while (j < b.size() && b[j] == x) ++j;",
                                     "if (j < b.size() && b[j] == x) ++j;"),
    "the exact p leaves out what is equal": ("methods/kolmogorov_smirnov.cc", ">= k) {", "> k) {"),
    "the limit of KS takes n for both": ("methods/kolmogorov_smirnov.cc", "double(n) * double(m) / double(n + m)", "double(n)"),
    "Wasserstein is not weighed by the distance": ("methods/wasserstein.cc", "sum += difference * (next - x);", "sum += difference;"),
    "chi-squared counts empty columns": ("methods/chi_squared.cc", "a[i] + b[i] > 0 ? 1 : 0", "1"),
    "KS adds nulls to the order": ("methods/statistic.cc", "const bool ordered = i < shape.ordered;", "const bool ordered = true;"),
    "draws are of the wrong number of rows": ("null/hypergeometric.cc", "    draws -= drawn[i];\n", ""),
    "the ratio of uniforms' hat is too narrow": ("null/hypergeometric.cc", "1.7155277699214135 * std::sqrt(variance + 0.5)",
                                                 "0.8 * std::sqrt(variance + 0.5)"),
    "p may be zero": ("null/null_draws.cc", "null.p = double(1 + reached) / double(1 + null.draws);",
                      "null.p = double(reached) / double(null.draws);"),
    "a draw that is equal does not count": ("null/null_draws.cc", "if (value >= bound) ++reached;", "if (value > observed) ++reached;"),
    "Benjamini-Hochberg is not made monotone": ("null/false_discovery.cc", "least = std::min(least, ", "least = std::min(1.0, "),
    "blocks are not drawn, rows are": ("measure.cc", "column.pair.kind == Kind::kText || !options_.blocks.empty()",
                                       "column.pair.kind == Kind::kText"),
    "no floor": ("compare.cc", " && tests[i]->effect >= tests[i]->floor", ""),
    "p is not adjusted": ("compare.cc", "tests[i]->drifted = adjusted[i] < alpha", "tests[i]->drifted = p[i] < alpha"),
    "nulls are left out": ("bins.cc", "if (reference.specials[s] + current.specials[s] == 0) continue;", "continue;"),
    "a slice sees all rows": ("bins.cc", "const std::size_t row = rows == nullptr ? i : (*rows)[i];", "const std::size_t row = i;"),
    "the classifier answers rows that it learnt": ("classifier/domain.cc", "if (fold_of[row] != fold) learnt", "learnt"),
    "folds part a block": ("classifier/domain.cc", "if (rows.blocks.empty()) {\n      fold_of", "if (true) {\n      fold_of"),
    "the sample is the first rows": ("sample.cc", "const bool take =", "const bool take = wanted_ > 0 ||"),
}


def build_and_test():
    """Whether the program was built, and whether its tests pass."""
    built = subprocess.run(["ninja", "-C", str(BUILD), "-j2", "component_drift_test"], capture_output=True, text=True)
    if built.returncode != 0:
        return False, built.stdout[-1500:]
    return True, subprocess.run([str(BUILD / "tests/component_drift_test"), "--gtest_brief=1"], capture_output=True).returncode == 0


def main():
    names = sys.argv[1:] or list(FAULTS)
    survived = []
    for name in names:
        file, old, new = FAULTS[name]
        path = DRIFT / file
        text = path.read_text()
        if text.count(old) < 1:
            sys.exit(f"{name}: {file} does not hold {old!r}")
        path.write_text(text.replace(old, new))
        try:
            built, passed = build_and_test()
        finally:
            path.write_text(text)
        if not built:
            sys.exit(f"{name}: does not build: {passed}")
        print(f"{'SURVIVED' if passed else 'killed'}: {name}", flush=True)
        if passed:
            survived.append(name)
    sys.exit(1 if survived else 0)


main()
