#include "components/drift/details.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "components/drift/methods/chi_squared.h"
#include "components/drift/methods/jensen_shannon.h"
#include "components/drift/methods/kolmogorov_smirnov.h"
#include "components/drift/methods/l_infinity.h"
#include "components/drift/methods/population_stability.h"
#include "components/drift/methods/wasserstein.h"

namespace penstock::drift {
namespace {

constexpr int kBins = 10;
constexpr std::size_t kNamed = 10;  // values that only one side has

Json Summary(const Sorted& sorted) {
  const Runs& values = sorted.values;
  if (values.empty()) return Json::object();
  return {{"mean", sorted.moments.mean},
          {"std", sorted.moments.std},
          {"min", values.front()},
          {"median", values.At((values.total() - 1) / 2)},
          {"max", values.back()}};
}

Json ChiSquaredJson(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  const ChiSquared test = TestChiSquared(a, b);
  return {{"value", test.value},
          {"degrees", test.degrees},
          {"p", test.p},
          {"cramersV", test.cramers_v}};
}

// Where the last bin begins at the greatest value of the reference, what is above has a bin of its
// own: a constant that has grown, one category's number more.
std::vector<double> PsiEdges(const Runs& reference) {
  if (reference.empty()) return {};
  std::vector<double> edges = QuantileEdges(reference, kBins);
  if (edges.back() == reference.back())
    edges.push_back(std::nextafter(reference.back(), std::numeric_limits<double>::infinity()));
  return edges;
}

double PsiOf(const Sorted& reference, const Sorted& current) {
  const std::vector<double> edges = PsiEdges(reference.values);
  auto expected = CountBetween(reference.values, edges);
  auto actual = CountBetween(current.values, edges);
  for (std::size_t s = 1; s < kSpecialNames.size(); ++s) {
    expected.push_back(reference.specials[s]);
    actual.push_back(current.specials[s]);
  }
  return PopulationStability(expected, actual).value;
}

// Values that `has` has and `lacks` has not.
Json OnlyIn(const Dictionary& dictionary, const std::vector<std::int64_t>& has,
            const std::vector<std::int64_t>& lacks) {
  std::vector<std::uint32_t> codes;
  double rows = 0;
  for (std::size_t code = 0; code < has.size(); ++code) {
    if (has[code] == 0 || lacks[code] > 0) continue;
    codes.push_back(std::uint32_t(code));
    rows += double(has[code]);
  }
  std::sort(codes.begin(), codes.end(), [&](auto a, auto b) {
    return has[a] != has[b] ? has[a] > has[b] : dictionary.TextOf(a) < dictionary.TextOf(b);
  });
  Json first = Json::array();
  for (std::size_t i = 0; i < std::min(codes.size(), kNamed); ++i) {
    first.push_back(dictionary.TextOf(codes[i]));
  }
  return {{"count", codes.size()}, {"share", rows / Total(has)}, {"first", first}};
}

}  // namespace

Json NumberMethods(const Sorted& reference, const Sorted& current) {
  Json methods = {{"reference", Summary(reference)},
                  {"current", Summary(current)},
                  {"psi", PsiOf(reference, current)}};
  const auto& a = reference.values;
  const auto& b = current.values;
  if (a.empty() || b.empty()) return methods;
  const KolmogorovSmirnov ks = TestKolmogorovSmirnov(a, b);
  methods["ks"] = {{"value", ks.value}, {"p", ks.p}, {"exact", ks.exact}, {"at", ks.at}};
  const double wasserstein = Wasserstein(a, b);
  methods["wasserstein"] = wasserstein;
  methods["wassersteinNormed"] = NormedWasserstein(wasserstein, reference.moments.std);
  const double low = std::min(a.front(), b.front());
  const double high = std::max(a.back(), b.back());
  methods["jensenShannon"] = low == high ? 0
                                         : JensenShannon(CountEqualWidth(a, low, high, kBins),
                                                         CountEqualWidth(b, low, high, kBins));
  Histogram histogram_a = EqualWidth(a, kBins);
  Histogram histogram_b = EqualWidth(b, kBins);
  histogram_a.nan = double(reference.specials[std::size_t(Special::kNan)]);
  histogram_b.nan = double(current.specials[std::size_t(Special::kNan)]);
  methods["jensenShannonRebucketed"] = JensenShannonRebucketed(histogram_a, histogram_b);
  return methods;
}

Json CategoryMethods(const Dictionary& dictionary, const CodeCounts& counts) {
  const auto& [a, b] = counts;
  const Largest largest = LInfinity(a, b);
  return {{"lInfinity", {{"value", largest.value}, {"at", dictionary.TextOf(largest.at)}}},
          {"normalizedAbsoluteDifference", NormalizedAbsoluteDifference(a, b)},
          {"jensenShannon", JensenShannon(a, b)},
          {"psi", PopulationStability(a, b).value},
          {"chiSquared", ChiSquaredJson(a, b)},
          {"newValues", OnlyIn(dictionary, b, a)},
          {"goneValues", OnlyIn(dictionary, a, b)}};
}

Json ClockMethods(const ColumnValues& column, const Bins& bins) {
  const auto& [a, b] = bins.counts;
  const Largest largest = LInfinity(a, b);
  Json methods = {{"lInfinity", {{"value", largest.value}, {"at", bins.names[largest.at]}}},
                  {"jensenShannon", JensenShannon(a, b)},
                  {"psi", PopulationStability(a, b).value},
                  {"chiSquared", ChiSquaredJson(a, b)}};
  const std::array<const char*, 2> names = {"reference", "current"};
  for (std::size_t side = 0; side < names.size(); ++side) {
    const Values& values = column.sides[side];
    if (values.first_time > values.last_time) continue;
    methods[names[side]] = {{"first", sdk::TimeText(values.first_time).value_or("")},
                            {"last", sdk::TimeText(values.last_time).value_or("")}};
  }
  return methods;
}

}  // namespace penstock::drift
