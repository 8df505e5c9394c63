#!/usr/bin/env python3
"""Plants faults in validate, each of which a test must find.

usage: components/validate/testing/mutations.py [BUILD_FOLDER]     of a configured build; build/release when not given

Each fault is an expression and what stands in its place. All are compiled at once, each behind a number that the environment
variable MUTANT chooses; then the tests run once a fault, and must fail. The sources are put back at the end, whatever happens.
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
HERE = ROOT / "components/validate"
PROGRAMS = ["component_validate_personal_test", "component_validate_test"]
FAULTS = [
    # name, file, expression, what stands in its place
    ("the largest value is excluded", "contract/domain.h", "value > bound.get<T>()", "value >= bound.get<T>()"),
    ("six nulls pass where none may be", "contract/column_anomalies.cc", "counts_.nulls > 0 :", "counts_.nulls > 6 :"),
    ("the least number of values is not asked", "contract/column_anomalies.cc", "present < least", "false"),
    ("no value at all is a small share", "contract/column_anomalies.cc", "if (present == 0)", "if (false)"),
    ("the mass of a domain does not count", "contract/column_anomalies.cc", "double(present) > outside", "double(present) > 0"),
    ("NaN is a number", "contract/column_check.cc", "std::isnan(*number)", "false"),
    ("minus infinity is finite", "contract/column_check.cc", "std::isinf(*number)", "(std::isinf(*number) && *number > 0)"),
    ("a list of the least length is too short", "contract/column_check.cc", "length < *range.minimum", "length <= *range.minimum"),
    ("a list of the largest length is too long", "contract/column_check.cc", "length > *range.maximum", "length >= *range.maximum"),
    ("every type is the right one", "contract/column_anomalies.cc", "type_ != column_.type && counts_.present() > 0", "false"),
    ("notIn excuses nothing", "contract/schema_check.cc", "Names(c.not_in, environment)", "false"),
    ("half of the least rows are enough", "contract/schema_check.cc", "rows < *count.minimum", "rows < *count.minimum / 2"),
    ("as many keys as asked are too few", "contract/comparators.cc", "+ margin < double(*range.minimum)",
     "+ margin <= double(*range.minimum)"),
    ("fewer rows than before are more", "contract/comparators.cc", "ratio < *rows.least_of_before",
     "ratio > *rows.least_of_before"),
    ("only what grows is a distance", "contract/distance.cc", "std::abs(p - q) > distance.value", "(p - q) > distance.value"),
    ("a divergence is twice as large", "contract/distance.cc", "std::clamp(sum / 2, 0.0, 1.0)", "std::clamp(sum, 0.0, 1.0)"),
    ("a part of a text may match", "findings/pattern.cc", "re2::RE2::FullMatch(", "re2::RE2::PartialMatch("),
    ("the first of two equal keys is set aside", "rules/unique_rule.cc", "rows_.Add(keys[i].row)", "rows_.Add(keys[first].row)"),
    ("two equal values do not increase", "rules/order_rules.cc", "(strictly_ && order == 0)) {\n        outcome_.breaches.AddShown(first_row",
     "(order == 0)) {\n        outcome_.breaches.AddShown(first_row"),
    ("mostly is more than its share", "rules/rule.cc", "held >= rule.mostly", "held > rule.mostly"),
    ("a newest row just in time is stale", "rules/order_rules.cc", "*newest_ < now_ - within_", "*newest_ <= now_ - within_"),
    ("null breaks a condition", "rules/sql_rules.cc", "AS BOOLEAN), true) AS holds", "AS BOOLEAN), false) AS holds"),
    ("Luhn's nines are not cast out", "personal/check_digits.cc", "digit > 4 ? digit * 2 - 9 : digit * 2", "digit * 2"),
    ("foreigners have the citizens' digit", "personal/check_digits.cc", "foreigner ? 13 : 11", "11"),
    ("any IBAN passes", "personal/check_digits.cc", "return rest == 1", "return rest != 0"),
    ("what is personal is told", "personal/mask.cc", "Detect(value).Any()", "false"),
    ("a form alone is proof", "personal_scan.cc", "2 * tally.proved >= tally.form", "true"),
    ("the dataset is there after a Fail", "run.cc", "(passes || options.on_error != OnError::kWithhold)", "true"),
    ("the rules' rows stay", "inspection.cc", "rule.quarantine && rule.IsOfRows()", "false"),
]
HEADER = """#ifndef PENSTOCK_MUTANT
#define PENSTOCK_MUTANT
#include <cstdlib>
inline bool Mutant(int number) {
  const char* text = std::getenv("MUTANT");
  return text != nullptr && std::atoi(text) == number;
}
#endif
"""


def planted(number, text, old, new):
    """The text with both, behind the number. Statements and halves of expressions are told apart by hand: a fault that
    is no expression by itself stands in a conditional around the smallest one that is."""
    if text.count(old) != 1:
        raise SystemExit(f"fault {number}: '{old}' stands {text.count(old)} times")
    if old.startswith("if ("):  # the condition alone
        return text.replace(old, f"if (Mutant({number}) ? {new[4:-1]} : {old[4:-1]})")
    if old.startswith("re2::"):
        return text.replace(old, f"(Mutant({number}) ? {new[:-1]} : {old[:-1]})(")
    if old.endswith("AS holds"):
        a, b = "true", "false"
        return text.replace(old, f'AS BOOLEAN), " + std::string(Mutant({number}) ? "{b}" : "{a}") + ") AS holds')
    if old.startswith("return "):
        return text.replace(old, f"return Mutant({number}) ? ({new[7:]}) : ({old[7:]})")
    if old.startswith("rows_.Add"):
        return text.replace(old, f"rows_.Add(Mutant({number}) ? keys[first].row : keys[i].row)")
    if old.endswith(" :"):
        return text.replace(old, f"(Mutant({number}) ? ({new[:-2]}) : ({old[:-2]})) :")
    if old.startswith("(strictly_"):
        return text.replace(old, f"((Mutant({number}) || strictly_) && order == 0)) {{" + old.split("{", 1)[1])
    if old.startswith("+ margin"):
        return text.replace(old, f"+ margin < double(*range.minimum) + (Mutant({number}) ? 0.5 : 0)")
    if old.startswith("double(present) >"):
        return text.replace(old, f"double(present) > (Mutant({number}) ? 0 : outside)")
    if old.startswith("foreigner"):
        return text.replace(old, f"(Mutant({number}) ? 11 : {old})")
    return text.replace(old, f"(Mutant({number}) ? ({new}) : ({old}))")


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release")
    files = {name: (HERE / name).read_text() for name in {fault[1] for fault in FAULTS}}
    changed = dict(files)
    for number, (_, name, old, new) in enumerate(FAULTS, 1):
        changed[name] = planted(number, changed[name], old, new)
    survivors = []
    try:
        for name, text in changed.items():
            (HERE / name).write_text(HEADER + text)
        subprocess.run(["ninja", "-C", str(build), "-j2", *PROGRAMS], check=True)
        for number in range(len(FAULTS) + 1):  # 0: none
            failed = [p for p in PROGRAMS if subprocess.run(
                [str(build / "tests" / p), "--gtest_fail_fast", "--gtest_brief=1"], env={**os.environ, "MUTANT": str(number)},
                capture_output=True, timeout=300).returncode != 0]
            name = FAULTS[number - 1][0] if number else "no fault"
            print(f"{number:2} {'found' if failed else 'not found'}: {name}", flush=True)
            if bool(failed) != bool(number):
                survivors.append(name)
    finally:
        for name, text in files.items():
            (HERE / name).write_text(text)
    if survivors:
        raise SystemExit("not as they should: " + "; ".join(survivors))


if __name__ == "__main__":
    main()
