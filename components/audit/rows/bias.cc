#include "components/audit/rows/bias.h"

#include <algorithm>
#include <cmath>

#include "components/audit/leakage/alone.h"
#include "components/sdk/delong.h"

namespace penstock::audit {
namespace {

constexpr std::int64_t kLeastRows = 30;
constexpr std::size_t kMostGroups = 50;

struct GroupSums {
  double n = 0, sum = 0, squares = 0;
};

GroupLabels RateOf(const GroupSums& s, bool share, double z) {
  GroupLabels group;
  group.rows = std::int64_t(s.n);
  group.rate = s.sum / s.n;
  double centre = group.rate;
  double half = 0;
  if (share) {
    centre = (group.rate + z * z / (2 * s.n)) / (1 + z * z / s.n);
    half = z * std::sqrt(group.rate * (1 - group.rate) / s.n + z * z / (4 * s.n * s.n)) /
           (1 + z * z / s.n);
  } else {
    const double variance = std::max(0.0, s.squares / s.n - group.rate * group.rate);
    half = z * std::sqrt(variance / s.n);
  }
  group.low = centre - half;
  group.high = centre + half;
  return group;
}

double DeviationOf(const std::vector<double>& values) {
  double n = 0, mean = 0, squares = 0;
  for (const double y : values) {
    if (y == y) n += 1, mean += y;
  }
  mean /= std::max(1.0, n);
  for (const double y : values) {
    if (y == y) squares += (y - mean) * (y - mean);
  }
  return n > 0 && squares > 0 ? std::sqrt(squares / n) : 1;
}

// `y`: 0 and 1 of a class, or standardised values around their mean.
std::optional<LabelBias> BiasOf(const TableColumn& column, const std::vector<double>& y, bool share,
                                double unit, double z) {
  const Levels levels = LevelsOf(column);
  std::vector<GroupSums> sums(levels.levels);
  for (std::size_t r = 0; r < y.size(); ++r) {
    if (y[r] != y[r]) continue;
    GroupSums& s = sums[levels.codes[r]];
    s.n += 1, s.sum += y[r], s.squares += y[r] * y[r];
  }
  LabelBias bias;
  bias.column = column.name;
  for (std::uint32_t l = 0; l < levels.levels; ++l) {
    if (sums[l].n < double(kLeastRows)) {
      bias.small_groups += sums[l].n > 0 ? 1 : 0;
      continue;
    }
    bias.groups.push_back(RateOf(sums[l], share, z));
    bias.groups.back().value = LevelText(column, levels, l);
  }
  std::stable_sort(bias.groups.begin(), bias.groups.end(),
                   [](const auto& a, const auto& b) { return a.rows > b.rows; });
  if (bias.groups.size() > kMostGroups) bias.groups.resize(kMostGroups);
  if (bias.groups.size() < 2) return std::nullopt;
  const auto [least, most] =
      std::minmax_element(bias.groups.begin(), bias.groups.end(),
                          [](const auto& a, const auto& b) { return a.rate < b.rate; });
  bias.gap = (most->rate - least->rate) / unit;
  bias.low = std::max(0.0, (most->low - least->high) / unit);
  return bias;
}

}  // namespace

std::optional<LabelBias> LabelBiasOf(const TableColumn& column, const Target& target,
                                     double confidence) {
  const double z = sdk::NormalQuantile(0.5 + confidence / 2);
  if (!target.classification) {
    return BiasOf(column, target.values, false, DeviationOf(target.values), z);
  }
  std::optional<LabelBias> worst;
  for (std::size_t k = target.width() == 2 ? 1 : 0; k < std::min<std::size_t>(target.width(), 20);
       ++k) {
    std::vector<double> is(target.values);
    for (double& y : is) {
      if (y == y) y = y == double(k) ? 1 : 0;
    }
    auto bias = BiasOf(column, is, true, 1, z);
    if (!bias || (worst && worst->gap >= bias->gap)) continue;
    bias->of_class = target.classes[k];
    worst = std::move(bias);
  }
  return worst;
}

void SayLabelBias(const LabelBias& bias, double most_gap, Findings* findings) {
  if (bias.low <= 0) return;
  const auto [least, most] =
      std::minmax_element(bias.groups.begin(), bias.groups.end(),
                          [](const auto& a, const auto& b) { return a.rate < b.rate; });
  const auto text = [](const GroupLabels& g) {
    return Short(g.rate) + " (" + Short(g.low) + " to " + Short(g.high) + ") of " +
           std::to_string(g.rows) + " rows with " + Quoted(g.value);
  };
  findings->Add(
      {"labelBias", bias.gap > most_gap ? Severity::kWarning : Severity::kInfo, bias.column,
       (bias.of_class.empty() ? std::string("the label's mean")
                              : "the share of the label " + Quoted(bias.of_class)) +
           " differs by " + Quoted(bias.column) + ": " + text(*most) + ", " + text(*least) +
           "; a model learns the difference, be it the world's or the "
           "labellers'",
       ToJson(bias)});
}

std::vector<Proxy> ProxiesOf(const Table& table, const std::string& protected_column,
                             const std::string& label, double proxy, double confidence) {
  std::vector<Proxy> found;
  const TableColumn* column = table.Find(protected_column);
  if (column == nullptr) return found;
  const auto target = AsTarget(*column);
  if (!target) return found;
  for (const auto& feature : table.columns) {
    if (feature.name == protected_column || feature.name == label ||
        feature.role != sdk::Role::kFeature) {
      continue;
    }
    const auto strength = StrengthOf(feature, *target, confidence);
    if (!strength || strength->low < proxy) continue;
    found.push_back({feature.name, protected_column, *strength});
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.strength.value > b.strength.value;
  });
  return found;
}

void SayProxies(const std::vector<Proxy>& proxies, Findings* findings) {
  for (const auto& p : proxies) {
    findings->Add({"proxies",
                   Severity::kWarning,
                   p.feature,
                   "column " + Quoted(p.feature) + " tells the protected " +
                       Quoted(p.protected_column) + " with " + StrengthText(p.strength) +
                       ": leaving that out does not keep a model from it",
                   {{"protected", p.protected_column}, {"strength", ToJson(p.strength)}}});
  }
}

Json ToJson(const LabelBias& bias) {
  Json json = {{"column", bias.column},
               {"gap", bias.gap},
               {"low", bias.low},
               {"smallGroups", bias.small_groups},
               {"groups", Json::array()}};
  if (!bias.of_class.empty()) json["class"] = bias.of_class;
  for (const auto& g : bias.groups) {
    json["groups"].push_back(
        {{"value", g.value}, {"rows", g.rows}, {"rate", g.rate}, {"low", g.low}, {"high", g.high}});
  }
  return json;
}

}  // namespace penstock::audit
