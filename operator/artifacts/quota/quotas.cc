#include "operator/artifacts/quota/quotas.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

#include "operator/base/try.h"

namespace penstock::artifacts {
namespace {

// A whole number of bytes, as Kubernetes writes quantities.
std::optional<std::uint64_t> ParseBytes(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || end == text.data()) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 11> kUnits = {
      {{"", 1},
       {"k", 1000},
       {"M", 1000'000},
       {"G", 1000'000'000},
       {"T", 1000'000'000'000},
       {"P", 1000'000'000'000'000},
       {"Ki", 1ULL << 10},
       {"Mi", 1ULL << 20},
       {"Gi", 1ULL << 30},
       {"Ti", 1ULL << 40},
       {"Pi", 1ULL << 50}}};
  for (const auto& [name, factor] : kUnits) {
    if (unit != name) continue;
    if (number > (1ULL << 62) / factor) return std::nullopt;
    return number * factor;
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t Quotas::Of(const std::string& ns) const {
  const auto own = namespaces.find(ns);
  return own == namespaces.end() ? others : own->second;
}

bool Quotas::Any() const {
  if (others != 0) return true;
  for (const auto& [ns, bytes] : namespaces)
    if (bytes != 0) return true;
  return false;
}

Result<Quotas> ParseQuotas(const std::vector<std::string>& entries) {
  Quotas quotas;
  bool others = false;
  for (const std::string& entry : entries) {
    const std::size_t mark = entry.find('=');
    const std::string ns = mark == std::string::npos ? "" : entry.substr(0, mark);
    const std::string amount = mark == std::string::npos ? entry : entry.substr(mark + 1);
    const auto bytes = ParseBytes(amount);
    if (!bytes || mark == 0)
      return Invalid("'" + entry.substr(0, 200) +
                     "' is no quota: write NAMESPACE=100Gi for one namespace, 10Gi for all others, "
                     "0 for no limit");
    if (ns.empty()) {
      if (others) return Invalid("there are two quotas for namespaces that are not named");
      others = true;
      quotas.others = *bytes;
    } else if (!quotas.namespaces.emplace(ns, *bytes).second) {
      return Invalid("namespace " + ns + " has two quotas");
    }
  }
  return quotas;
}

std::string Gibibytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g GiB", static_cast<double>(bytes) / double(1ULL << 30));
  return text;
}

}  // namespace penstock::artifacts
