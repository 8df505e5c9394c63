"""Named faults in the detectors of audit, fairness and explain: each is planted by itself, and its test must fail.

    tests/bench/data_faults.py [NAME]...      plants these, or all, in this tree; each is taken out again

A fault is (name, file, what stands there, what is planted, program, test). The tree must be clean there, and built once.
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEAKAGE, ROWS, LABELS = (f"components/audit/{part}/" for part in ("leakage", "rows", "labels"))
FAULTS = [
    ("order-never-falls", LEAKAGE + "dependence.cc", "pair.y = -pair.y", "pair.y = pair.y", "audit_leakage_test", "Leakage.FindsACopy*"),
    ("order-takes-discord", LEAKAGE + "dependence.cc", "(*pairs)[r].y < (*pairs)[r - 1].y", "false", "audit_leakage_test", "OrderOf.*"),
    ("chance-without-ties", LEAKAGE + "dependence.cc", "log_orders + LogWithoutDiscord(pairs) - all", "log_orders - all",
     "audit_leakage_test", "OrderOf.GivesTheChance*"),
    ("purity-without-levels", LEAKAGE + "dependence.cc", "double(used) * std::log(double(rows.size()))", "0.0", "audit_leakage_test",
     "PurityChance.*"),
    ("xi-without-its-reach", LEAKAGE + "dependence.cc", "(1 - ratio * steps) / (1 - ratio * least_steps)", "(1 - ratio * steps)",
     "audit_leakage_test", "Xi.*"),
    ("strength-in-sample", LEAKAGE + "strength.cc", "const int other = InFirstHalf(r) ? 1 : 0", "const int other = InFirstHalf(r) ? 0 : 1",
     "audit_leakage_test", "Leakage.FindsIds*"),
    ("nulls-know-nothing", LEAKAGE + "alone.cc", "column.IsNull(r) ? 1 : 0", "0", "audit_leakage_test", "Leakage.FindsAFunctionThatTurns*"),
    ("good-is-a-leak", LEAKAGE + "alone.cc", "strength->low >= options.leak", "strength->low >= 0", "audit_leakage_test",
     "Leakage.SaysOfAVeryGood*"),
    ("sums-not-screened", LEAKAGE + "few_features.cc", "Unexplained(screen, chosen) > kWorthALook", "Unexplained(screen, chosen) > -1",
     "audit_leakage_test", "Leakage.FindsASum*"),
    ("any-constant-is-a-mean", LEAKAGE + "group_mean.cc", "s.is_constant && Near(s.n * s.first, s.y, scale)", "s.is_constant",
     "audit_leakage_test", "Leakage.FindsAMeanOfTheLabelByGroup*"),
    ("means-of-train-alone", LEAKAGE + "group_mean.cc", "&part != &parts.back()", "true", "audit_leakage_test",
     "Leakage.FindsTheMeanOfTheLabelThatWasMadeOfAllParts"),
    ("future-is-the-past", LEAKAGE + "future.cc", "direction > 0 ? at + k : at - k", "at - k", "audit_leakage_test",
     "Leakage.FindsWhatWasMadeOfLater*"),
    ("known-at-the-moment-is-late", LEAKAGE + "availability.cc", "*known_at <= *asked_at", "*known_at < *asked_at", "audit_leakage_test",
     "Leakage.FindsWhatIsKnownOnlyAfter*"),
    ("every-row-is-distinct", ROWS + "duplicates.cc", "seen[h->part] ? 0 : 1", "1", "audit_rows_test", "Duplicates.AreCounted*"),
    ("sample-parts-equal-rows", ROWS + "duplicates.cc", "sdk::UnitInterval(of_features[r]) >= share",
     "sdk::UnitInterval(sdk::MixBits(of_features[r] ^ r)) >= share", "audit_rows_test", "Duplicates.HaveTheSameShare*"),
    ("two-labels-are-one", ROWS + "duplicates.cc", "labels.size() < 2", "labels.size() < 3", "audit_rows_test", "Duplicates.TellOfEqual*"),
    ("four-bits-are-near", ROWS + "sim_hash.cc", "hashes[order[j]]) > kNear", "hashes[order[j]]) > kNear + 1", "audit_rows_test", "SimHash.*"),
    ("auc-of-other-scores", ROWS + "sufficiency.cc", "auc / (2 - auc)", "auc / 2", "audit_rows_test", "Sufficiency.HasTheHalfWidths*"),
    ("no-size-of-an-effect", ROWS + "parts_agree.cc", "d.effect < kEffect", "d.effect < 0", "audit_rows_test", "PartsDisagree.OfColumns*"),
    ("small-groups-count", ROWS + "bias.cc", "sums[l].n < double(kLeastRows)", "sums[l].n < 0", "audit_rows_test", "LabelBias.*"),
    ("thresholds-of-a-half", LABELS + "confident.cc", "sums[k] / rows[k]", "0.5", "audit_labels_test", "ConfidentLearning.HasCleanlabs*"),
    ("margin-of-one-class", LABELS + "confident.cc", "probabilities[r * classes + j] - probabilities[r * classes + i]",
     "-probabilities[r * classes + i]", "audit_labels_test", "ConfidentLearning.NamesTheRows*"),
    ("alpha-of-all-pairs", LABELS + "labellers.cc", "DistancesOf(labelled, counts) / (n - 1)", "DistancesOf(labelled, counts) / n",
     "audit_labels_test", "Agreement.OfKrippendorff*"),
    ("fleiss-with-gaps", LABELS + "labellers.cc", "SumOf(counts) != raters", "SumOf(counts) < 0", "audit_labels_test", "Agreement.OfFleiss*"),
    ("null-is-a-group", "components/evaluate/fairness.cc", "groups[g].small || groups[g].value.is_null()", "groups[g].small",
     "component_evaluate_test", "Fairness.KeepsNullApart*"),
    ("fifths-turned-round", "components/evaluate/fairness.cc", "return least / most", "return most / least", "component_evaluate_test",
     "Fairness.HasTheGaps*"),
    ("plane-without-background", "components/explain/linear.cc", "w[f] * (row[f] - means_[f])", "w[f] * row[f]", "component_explain_test",
     "ExplainTest.OfAPlane*"),
    ("permutations-not-of-pairs", "components/explain/sampled.cc", "(gain(m) + gain(m + 1)) / 2", "gain(m)", "component_explain_test",
     "ExplainTest.OfANetwork*"),
]


def killed(fault, build):
    """Plants the fault, builds and runs its test; True where that fails."""
    name, file, before, after, program, test = fault
    path = ROOT / file
    text = path.read_text()
    if text.count(before) != 1:
        sys.exit(f"{name}: '{before}' stands {text.count(before)} times in {file}")
    path.write_text(text.replace(before, after))
    try:
        subprocess.run(["ninja", "-C", build, "-j2", f"tests/{program}"], check=True, stdout=subprocess.DEVNULL)
        ran = subprocess.run([build / "tests" / program, f"--gtest_filter={test}", "--gtest_brief=1"], stdout=subprocess.DEVNULL)
        return ran.returncode != 0
    finally:
        path.write_text(text)


def main(names):
    unknown = set(names) - {fault[0] for fault in FAULTS}
    if unknown:
        sys.exit(f"no such fault: {', '.join(sorted(unknown))}")
    chosen = [fault for fault in FAULTS if not names or fault[0] in names]
    alive = [fault[0] for fault in chosen if not killed(fault, ROOT / "build/release")]
    print(f"{len(chosen) - len(alive)} of {len(chosen)} faults make their test fail{': not ' + ', '.join(alive) if alive else ''}")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
