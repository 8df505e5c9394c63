#!/usr/bin/env python3
"""Plants faults in the detectors, and holds that component_drift_test fails of each (tests/bench/mutants.py).

usage: components/drift/testing/mutations.py [BUILD_FOLDER]     of a configured build; build/release when not given
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/bench"))
import mutants

FAULTS = [
    # name, file, what stands there, what takes its place; {m}: whether the fault is chosen
    ("l-infinity compares counts and not shares", "methods/l_infinity.cc", "double(b[i]) / all_b)", "double(b[i]) / ({m} ? all_a : all_b))"),
    ("Jensen-Shannon by the natural logarithm", "methods/jensen_shannon.cc", "sum += b * std::log2(b / middle)",
     "sum += b * ({m} ? std::log(b / middle) : std::log2(b / middle))"),
    ("re-bucketing forgets the width of a bucket", "methods/jensen_shannon.cc", " / (bucket.high - bucket.low))",
     " / ({m} ? bucket.high : bucket.high - bucket.low))"),
    ("NaN of both count as alike", "methods/jensen_shannon.cc", "{0, parts_b.endless, 0, b.nan}",
     "{0, parts_b.endless, {m} ? b.nan : 0, {m} ? 0 : b.nan}"),
    ("PSI takes a share of 0 for 0.01", "methods/population_stability.cc", "std::max(a, kLeastShare) / std::max(e, kLeastShare)",
     "std::max(a, {m} ? 1e-2 : kLeastShare) / std::max(e, {m} ? 1e-2 : kLeastShare)"),
    ("a bin's lower edge is outside", "methods/population_stability.cc", "sample.Below(edge)",
     "sample.Below({m} ? std::nextafter(edge, HUGE_VAL) : edge)"),
    ("KS stops within equal values", "methods/kolmogorov_smirnov.cc", "if (a.values()[i] == x) ++i;\n    if (j < b.size()",
     "const bool moved = a.values()[i] == x;\n    if (moved) ++i;\n    if (!({m} && moved) && j < b.size()"),
    ("the exact p leaves out what is equal", "methods/kolmogorov_smirnov.cc", "std::abs(i * m - j * n) >= k)",
     "std::abs(i * m - j * n) >= k + ({m} ? 1 : 0))"),
    ("the limit of KS takes n for both", "methods/kolmogorov_smirnov.cc", "double(n) * double(m) / double(n + m)",
     "({m} ? double(n) : double(n) * double(m) / double(n + m))"),
    ("Wasserstein is not weighed by the distance", "methods/wasserstein.cc", "* (next - x);", "* ({m} ? 1 : next - x);"),
    ("chi-squared counts empty columns", "methods/chi_squared.cc", "a[i] + b[i] > 0 ? 1 : 0", "{m} || a[i] + b[i] > 0 ? 1 : 0"),
    ("KS adds nulls to the order", "methods/statistic.cc", "const bool ordered = i < shape.ordered;",
     "const bool ordered = {m} || i < shape.ordered;"),
    ("a value counts once in the moments' rounding", "methods/runs.cc", "if (count > 1) sum.Add(", "if (!{m} && count > 1) sum.Add("),
    ("negative numbers are sorted as positive ones", "methods/runs.cc", "return bits >> 63 != 0 ? ~bits", "return !{m} && bits >> 63 != 0 ? ~bits"),
    ("a quantile's share is exact", "methods/quantile_bounds.cc", "(at + 1) / steps", "(at + ({m} ? 0 : 1)) / steps"),
    ("the quantiles' error is forgotten", "methods/quantile_bounds.cc", "at / steps - known.rank_error", "at / steps - ({m} ? 0 : known.rank_error)"),
    ("draws are of the wrong number of rows", "null/hypergeometric.cc", "draws -= drawn[i];", "draws -= {m} ? 0 : drawn[i];"),
    ("the ratio of uniforms' hat is too narrow", "null/hypergeometric.cc", "1.7155277699214135 * std::sqrt",
     "({m} ? 0.8 : 1.7155277699214135) * std::sqrt"),
    ("p may be zero", "null/null_draws.cc", "null.p = double(1 + reached)", "null.p = double(({m} ? 0 : 1) + reached)"),
    ("a draw that is equal does not count", "null/null_draws.cc", "if (value >= bound) ++reached;",
     "if ({m} ? value > observed : value >= bound) ++reached;"),
    ("Benjamini-Hochberg is not made monotone", "null/false_discovery.cc", "least = std::min(least, ", "least = std::min({m} ? 1.0 : least, "),
    ("blocks are not drawn, rows are", "measure.cc", "|| !options_.blocks.empty()) {", "|| (!{m} && !options_.blocks.empty())) {"),
    ("no floor", "compare.cc", "&& tests[i]->effect >= tests[i]->floor", "&& ({m} || tests[i]->effect >= tests[i]->floor)"),
    ("p is not adjusted", "compare.cc", "tests[i]->drifted = adjusted[i] < alpha", "tests[i]->drifted = ({m} ? p[i] : adjusted[i]) < alpha"),
    ("nulls are left out", "bins.cc", "if (reference.specials[s] + current.specials[s] == 0)",
     "if ({m} || reference.specials[s] + current.specials[s] == 0)"),
    ("a slice sees all rows", "bins.cc", "const std::size_t row = rows == nullptr ? i", "const std::size_t row = {m} || rows == nullptr ? i"),
    ("the classifier answers rows that it learnt", "classifier/domain.cc", "if (fold_of[row] != fold) learnt",
     "if ({m} || fold_of[row] != fold) learnt"),
    ("folds part a block", "classifier/domain.cc", "if (rows.blocks.empty()) {\n      fold_of", "if ({m} || rows.blocks.empty()) {\n      fold_of"),
    ("the larger child has its parent's rows", "classifier/boosted_trees.cc", "histogram[i].gradient -= less[i].gradient;",
     "histogram[i].gradient -= {m} ? 0 : less[i].gradient;"),
    ("the sample is the first rows", "sample.cc", "all || sdk::UnitInterval", "all || ({m} && wanted_ > 0) || sdk::UnitInterval"),
    ("the schema's floor is not read", "options.cc", "if (said != asked.end() && said->second.floor &&",
     "if (!{m} && said != asked.end() && said->second.floor &&"),
    ("the schema wins over a setting", "options.cc", "if (setting != settings.end() && setting->second.floor)",
     "if (!{m} && setting != settings.end() && setting->second.floor)"),
    ("what the schema ignores is compared", "pairing.cc", "asked->second.ignore)", "!{m} && asked->second.ignore)"),
    ("a value that is not listed has no rows", "stored_column.cc", "&& sides[side]->top_complete)", "&& ({m} || sides[side]->top_complete))"),
    ("values of one side only are not looked at", "methods/one_sided.cc", "test.effect = off / double(n + m);",
     "test.effect = {m} ? 0 : off / double(n + m);"),
    ("a value of one side only is none by chance", "methods/one_sided.cc", "expected += double(values)", "expected += {m} ? 0 : double(values)"),
    ("unlisted values are the same", "stored_column.cc", "if (!apart) {", "if ({m} || !apart) {"),
    ("few rows are compared", "compare.cc", "if (least < bound) return {};", "if ({m} || least < bound) return {};"),
    ("what is open is stable", "stored.cc", "most[i].drifted && !least[i].drifted", "!{m} && most[i].drifted && !least[i].drifted"),
    ("rows of before weigh by their own odds", "weigher.cc", "std::exp(score)", "std::exp({m} ? -score : score)"),
    ("weights are not cut", "weigher.cc", "std::min(odds, most_)", "({m} ? odds : std::min(odds, most_))"),
]


if __name__ == "__main__":
    mutants.run(ROOT, pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release"),
                [mutants.Fault(name, f"components/drift/{file}", old, new, "component_drift_test") for name, file, old, new in FAULTS])
