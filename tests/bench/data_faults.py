"""Named faults in the detectors of audit, fairness and explain, each of which its test must find (mutants.py).

    tests/bench/data_faults.py [NAME]...      plants these, or all, in this tree, and takes them out again

A fault is (name, file, what stands there, what takes its place, program, test).
"""
import pathlib
import sys

import mutants

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEAKAGE, ROWS, LABELS = (f"components/audit/{part}/" for part in ("leakage", "rows", "labels"))
FAULTS = [
    ("order-never-falls", LEAKAGE + "dependence.cc", "pair.y = -pair.y",
     "pair.y = {m} ? pair.y : -pair.y", "audit_leakage_test", "Leakage.FindsACopy*"),
    ("order-takes-discord", LEAKAGE + "dependence.cc", "(*pairs)[r].y < (*pairs)[r - 1].y",
     "!{m} && (*pairs)[r].y < (*pairs)[r - 1].y", "audit_leakage_test", "OrderOf.*"),
    ("chance-without-ties", LEAKAGE + "dependence.cc", "log_orders + LogWithoutDiscord(pairs) - all",
     "log_orders + ({m} ? 0 : LogWithoutDiscord(pairs)) - all", "audit_leakage_test", "OrderOf.GivesTheChance*"),
    ("purity-without-levels", LEAKAGE + "dependence.cc", "double(used) * std::log(double(rows.size()))",
     "({m} ? 0.0 : double(used) * std::log(double(rows.size())))", "audit_leakage_test", "PurityChance.*"),
    ("xi-without-its-reach", LEAKAGE + "dependence.cc", "(1 - ratio * steps) / (1 - ratio * least_steps)",
     "(1 - ratio * steps) / ({m} ? 1 : 1 - ratio * least_steps)", "audit_leakage_test", "Xi.*"),
    ("strength-in-sample", LEAKAGE + "strength.cc", "const int other = InFirstHalf(r) ? 1 : 0",
     "const int other = InFirstHalf(r) != {m} ? 1 : 0", "audit_leakage_test", "Leakage.FindsIds*"),
    ("nulls-know-nothing", LEAKAGE + "alone.cc", "column.IsNull(r) ? 1 : 0",
     "!{m} && column.IsNull(r) ? 1 : 0", "audit_leakage_test", "Leakage.FindsAFunctionThatTurns*"),
    ("good-is-a-leak", LEAKAGE + "alone.cc", "strength->low >= options.leak",
     "strength->low >= ({m} ? 0 : options.leak)", "audit_leakage_test", "Leakage.SaysOfAVeryGood*"),
    ("sums-not-screened", LEAKAGE + "few_features.cc", "Unexplained(screen, chosen) > kWorthALook",
     "Unexplained(screen, chosen) > ({m} ? -1 : kWorthALook)", "audit_leakage_test", "Leakage.FindsASum*"),
    ("any-constant-is-a-mean", LEAKAGE + "group_mean.cc", "s.is_constant && Near(s.n * s.first, s.y, scale)",
     "s.is_constant && ({m} || Near(s.n * s.first, s.y, scale))", "audit_leakage_test", "Leakage.FindsAMeanOfTheLabelByGroup*"),
    ("means-of-train-alone", LEAKAGE + "group_mean.cc", "&part != &parts.back()",
     "({m} || &part != &parts.back())", "audit_leakage_test", "Leakage.FindsTheMeanOfTheLabelThatWasMadeOfAllParts"),
    ("future-is-the-past", LEAKAGE + "future.cc", "direction > 0 ? at + k : at - k",
     "!{m} && direction > 0 ? at + k : at - k", "audit_leakage_test", "Leakage.FindsWhatWasMadeOfLater*"),
    ("known-at-the-moment-is-late", LEAKAGE + "availability.cc", "*known_at <= *asked_at",
     "({m} ? *known_at < *asked_at : *known_at <= *asked_at)", "audit_leakage_test", "Leakage.FindsWhatIsKnownOnlyAfter*"),
    ("every-row-is-distinct", ROWS + "duplicates.cc", "seen[h->part] ? 0 : 1",
     "!{m} && seen[h->part] ? 0 : 1", "audit_rows_test", "Duplicates.AreCounted*"),
    ("sample-parts-equal-rows", ROWS + "duplicates.cc", "sdk::UnitInterval(of_features[r]) >= share",
     "sdk::UnitInterval({m} ? sdk::MixBits(of_features[r] ^ r) : of_features[r]) >= share", "audit_rows_test", "Duplicates.HaveTheSameShare*"),
    ("two-labels-are-one", ROWS + "duplicates.cc", "labels.size() < 2",
     "labels.size() < ({m} ? 3 : 2)", "audit_rows_test", "Duplicates.TellOfEqual*"),
    ("four-bits-are-near", ROWS + "sim_hash.cc", "hashes[order[j]]) > kNear",
     "hashes[order[j]]) > kNear + ({m} ? 1 : 0)", "audit_rows_test", "SimHash.*"),
    ("auc-of-other-scores", ROWS + "sufficiency.cc", "auc / (2 - auc)",
     "auc / ({m} ? 2 : 2 - auc)", "audit_rows_test", "Sufficiency.HasTheHalfWidths*"),
    ("no-size-of-an-effect", ROWS + "parts_agree.cc", "d.effect < kEffect",
     "d.effect < ({m} ? 0 : kEffect)", "audit_rows_test", "PartsDisagree.OfColumns*"),
    ("small-groups-count", ROWS + "bias.cc", "sums[l].n < double(kLeastRows)",
     "sums[l].n < ({m} ? 0 : double(kLeastRows))", "audit_rows_test", "LabelBias.*"),
    ("thresholds-of-a-half", LABELS + "confident.cc", "sums[k] / rows[k]",
     "({m} ? 0.5 : sums[k] / rows[k])", "audit_labels_test", "ConfidentLearning.HasCleanlabs*"),
    ("margin-of-one-class", LABELS + "confident.cc", "probabilities[r * classes + j] - probabilities[r * classes + i]",
     "({m} ? 0 : probabilities[r * classes + j]) - probabilities[r * classes + i]", "audit_labels_test", "ConfidentLearning.NamesTheRows*"),
    ("alpha-of-all-pairs", LABELS + "labellers.cc", "DistancesOf(labelled, counts) / (n - 1)",
     "DistancesOf(labelled, counts) / ({m} ? n : n - 1)", "audit_labels_test", "Agreement.OfKrippendorff*"),
    ("fleiss-with-gaps", LABELS + "labellers.cc", "SumOf(counts) != raters",
     "({m} ? SumOf(counts) < 0 : SumOf(counts) != raters)", "audit_labels_test", "Agreement.OfFleiss*"),
    ("null-is-a-group", "components/evaluate/fairness.cc", "groups[g].small || groups[g].value.is_null()",
     "groups[g].small || (!{m} && groups[g].value.is_null())", "component_evaluate_test", "Fairness.KeepsNullApart*"),
    ("fifths-turned-round", "components/evaluate/fairness.cc", "return least / most",
     "return {m} ? most / least : least / most", "component_evaluate_test", "Fairness.HasTheGaps*"),
    ("plane-without-background", "components/explain/linear.cc", "w[f] * (row[f] - means_[f])",
     "w[f] * (row[f] - ({m} ? 0 : means_[f]))", "component_explain_test", "ExplainTest.OfAPlane*"),
    ("permutations-not-of-pairs", "components/explain/sampled.cc", "(gain(m) + gain(m + 1)) / 2",
     "({m} ? gain(m) : (gain(m) + gain(m + 1)) / 2)", "component_explain_test", "ExplainTest.OfANetwork*"),
]


def main(names):
    unknown = set(names) - {fault[0] for fault in FAULTS}
    if unknown:
        sys.exit(f"no such fault: {', '.join(sorted(unknown))}")
    mutants.run(ROOT, ROOT / "build/release", [mutants.Fault(*fault) for fault in FAULTS if not names or fault[0] in names])


if __name__ == "__main__":
    main(sys.argv[1:])
