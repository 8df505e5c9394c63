// The label by groups of protected columns, and features that stand for these. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "components/audit/facts/finding.h"
#include "components/audit/facts/target.h"
#include "components/audit/leakage/strength.h"

namespace penstock::audit {

// Of one value of a protected column; null is one.
struct GroupLabels {
  std::string value;
  std::int64_t rows = 0;
  double rate = 0;  // share of the class, or the label's mean
  double low = 0;   // its interval: Wilson's, or the normal approximation
  double high = 0;
};
struct LabelBias {
  std::string column;
  std::string of_class;             // of a classification; of two classes the second
  std::vector<GroupLabels> groups;  // of 30 rows or more, the largest first; 50 at most
  std::int64_t small_groups = 0;    // with fewer: only counted
  double gap = 0;  // largest rate - smallest; of a regression in standard deviations
  double low = 0;  // of the gap: where the two intervals are nearest, at least 0
};
// One for each class (of two, one; of more, the class of the largest gap).
[[nodiscard]] std::optional<LabelBias> LabelBiasOf(const TableColumn& column, const Target& target,
                                                   double confidence);

// Findings labelBias: a warning where the gap is above `most_gap` and its interval above 0, else
// an info where its interval is.
void SayLabelBias(const LabelBias& bias, double most_gap, Findings* findings);

struct Proxy {
  std::string feature;
  std::string protected_column;
  Strength strength;
};
// Features that tell a protected column with a lower bound above `proxy` (AUC; R2 where it is a
// number), the strongest first. The label is no feature.
[[nodiscard]] std::vector<Proxy> ProxiesOf(const Table& table, const std::string& protected_column,
                                           const std::string& label, double proxy,
                                           double confidence);
void SayProxies(const std::vector<Proxy>& proxies, Findings* findings);

[[nodiscard]] Json ToJson(const LabelBias& bias);

}  // namespace penstock::audit
