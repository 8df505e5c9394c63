#include "components/split/options.h"

#include <cmath>

#include "components/model_format/column.h"
#include "components/sdk/step.h"
#include "operator/base/try.h"

namespace penstock::split {
namespace {

// {"train": 0.8, "valid": 0.1, "test": 0.1}; what is left out is 0, and the sum must be 1.
void ReadFractions(sdk::Parameters& p, SplitOptions& options) {
  const Json fractions = p.Object("fractions");
  if (fractions.empty()) return;
  double sum = 0;
  options.fractions = {0, 0, 0};
  for (const auto& [name, value] : fractions.items()) {
    bool known = false;
    for (std::size_t i = 0; i < kPartNames.size(); ++i) {
      if (name != kPartNames[i]) continue;
      known = true;
      if (!value.is_number() || value < 0) return p.Fail("fractions." + name + ": must be >= 0");
      options.fractions[i] = value.get<double>();
      sum += options.fractions[i];
    }
    if (!known) return p.Fail("fractions: has train, valid and test, not " + name);
  }
  if (std::abs(sum - 1) > 1e-9) p.Fail("fractions: must add up to 1, not " + Json(sum).dump());
}

std::int64_t ReadCut(sdk::Parameters& p, const Json& cuts, const char* name) {
  if (cuts.contains(name) && cuts[name].is_string()) {
    const auto time = sdk::ParseTimestamp(cuts[name].get<std::string>());
    if (time) return *time;
  }
  p.Fail(std::string("cuts.") + name + ": must be a time such as \"2013-08-01\"");
  return 0;
}

using Duplicates = SplitOptions::Duplicates;

// Rows that are equal are told apart where the whole row decides: rows of equal content are many
// where there are few columns, and sent one way, label and all, they make a part unlike the others.
// A key or a group that was named decides alone.
void ReadDuplicates(sdk::Parameters& p, SplitOptions& options) {
  const bool whole_row =
      options.by == SplitOptions::By::kHash && options.columns.empty() && options.group.empty();
  const std::string duplicates =
      p.OneOf("duplicates", whole_row ? "spread" : "together", {"spread", "together", "drop"});
  options.duplicates = duplicates == "spread" ? Duplicates::kSpread
                       : duplicates == "drop" ? Duplicates::kDrop
                                              : Duplicates::kTogether;
  if (options.duplicates != Duplicates::kSpread) return;
  if (options.by == SplitOptions::By::kTime) p.Fail("duplicates: spread is not for by: time");
  if (!options.group.empty()) p.Fail("duplicates: spread would part a group's rows");
}

void ReadFolds(sdk::Parameters& p, SplitOptions& options) {
  options.folds = int(p.Integer("folds", 0, 0, 100));
  options.repeats = int(p.Integer("repeats", 1, 1, 100));
  if (options.folds == 1) p.Fail("folds: must be 0 (none) or 2 to 100");
  if (options.folds == 0 && options.repeats > 1) p.Fail("repeats: only with folds");
  if (options.by == SplitOptions::By::kTime && options.folds > 0) {
    p.Fail("folds: not with by: time, whose order they would break");
  }
}

void ReadTime(sdk::Parameters& p, const Json& cuts, SplitOptions& options) {
  options.valid_cut = ReadCut(p, cuts, "valid");
  options.test_cut = ReadCut(p, cuts, "test");
  if (options.valid_cut > options.test_cut) p.Fail("cuts: valid must not be after test");
  if (!options.stratify.empty()) p.Fail("stratify: not with by: time, which decides alone");
  if (!options.columns.empty()) p.Fail("columns: only when by is hash");
}

}  // namespace

bool SplitOptions::IsExpected(Part part) const {
  if (by == By::kHash) return fractions[std::size_t(part)] > 0;
  return part != Part::kValid || valid_cut != test_cut;
}

std::vector<std::string> SplitOptions::FoldColumns() const {
  if (folds == 0) return {};
  if (repeats == 1) return {"fold"};
  std::vector<std::string> names;
  for (int i = 1; i <= repeats; ++i) names.push_back("fold_" + std::to_string(i));
  return names;
}

Result<SplitOptions> ReadOptions(const Json& parameters) {
  sdk::Parameters p(parameters);
  SplitOptions options;
  const std::string by = p.OneOf("by", "hash", {"hash", "group", "time"});
  const std::string column = p.String("column", "");
  options.columns = p.Strings("columns");
  options.group = p.String("group", "");
  options.stratify = p.String("stratify", "");
  options.label = p.String("label", options.stratify);
  options.seed = std::uint64_t(p.Integer("seed", 0, 0, INT64_MAX));
  ReadFractions(p, options);
  const Json cuts = p.Object("cuts");
  const std::string null_times =
      p.OneOf("nullTimes", "refuse", {"refuse", "train", "valid", "test", "drop"});
  if (by != "hash" && column.empty()) p.Fail("column: is required when by is " + by);
  if (by == "hash" && !column.empty()) options.columns.push_back(column);
  if (by == "group") options.group = column;
  if (by == "time") {
    options.by = SplitOptions::By::kTime;
    options.time = column;
    ReadTime(p, cuts, options);
    for (std::size_t i = 0; i < kPartNames.size(); ++i) {
      if (null_times == kPartNames[i]) options.null_times = Part(i);
    }
    if (null_times == "drop") options.null_times = Part::kDropped;
  } else if (!cuts.empty()) {
    p.Fail("cuts: only when by is time");
  } else if (null_times != "refuse") {
    p.Fail("nullTimes: only when by is time");
  } else if (!options.group.empty() && !options.columns.empty()) {
    p.Fail("columns: not with a group, which decides alone");
  }
  ReadDuplicates(p, options);
  ReadFolds(p, options);
  PENSTOCK_TRY(p.Finish());
  return options;
}

}  // namespace penstock::split
