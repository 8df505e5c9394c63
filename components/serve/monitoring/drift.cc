#include "components/serve/monitoring/drift.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "components/serve/telemetry/exposition.h"
#include "operator/base/json.h"

namespace penstock::serve {
namespace {

constexpr std::size_t kTopValues = 20;
constexpr double kLeastShare = 1e-4;

// Shares of bins; the nulls' is added last.
std::vector<double> Shares(const std::vector<std::uint64_t>& counts, std::uint64_t nulls) {
  double total = double(nulls);
  for (const std::uint64_t n : counts) total += double(n);
  std::vector<double> shares;
  for (const std::uint64_t n : counts) shares.push_back(double(n) / std::max(total, 1.0));
  shares.push_back(double(nulls) / std::max(total, 1.0));
  return shares;
}

bool IsCount(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_number_unsigned();
}

}  // namespace

std::optional<DriftBins> DriftBins::Make(const Json& statistics) {
  if (!statistics.is_object() || !IsCount(statistics, "nulls") || !IsCount(statistics, "count") ||
      statistics.value("type", "") == "timestamp") {
    return std::nullopt;
  }
  const auto nulls = statistics["nulls"].get<std::uint64_t>();
  DriftBins bins;
  try {
    if (statistics.contains("bins")) {
      bins.numbers_ = true;
      bins.edges_ = statistics["bins"].at("edges").get<std::vector<double>>();
      const auto counts = statistics["bins"].at("counts").get<std::vector<std::uint64_t>>();
      if (counts.size() != bins.edges_.size() + 1 ||
          !std::is_sorted(bins.edges_.begin(), bins.edges_.end())) {
        return std::nullopt;
      }
      bins.expected_ = Shares(counts, nulls);
      return bins;
    }
    if (!statistics.contains("top")) return std::nullopt;
    std::vector<std::uint64_t> counts;
    auto rest = statistics["count"].get<std::uint64_t>();
    for (const Json& entry : statistics["top"]) {
      if (counts.size() == kTopValues) break;
      bins.values_.emplace_back(entry.at("value").get<std::string>(), counts.size());
      counts.push_back(entry.at("count").get<std::uint64_t>());
      rest -= std::min(rest, counts.back());
    }
    counts.push_back(rest);
    std::sort(bins.values_.begin(), bins.values_.end());
    bins.expected_ = Shares(counts, nulls);
    return bins;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::uint16_t DriftBins::FindNumber(double value) const {
  if (!std::isfinite(value)) return Null();
  return std::uint16_t(std::upper_bound(edges_.begin(), edges_.end(), value) - edges_.begin());
}

std::uint16_t DriftBins::FindText(std::string_view value) const {
  const auto at =
      std::lower_bound(values_.begin(), values_.end(), value,
                       [](const auto& entry, std::string_view v) { return entry.first < v; });
  if (at != values_.end() && at->first == value) return at->second;
  return std::uint16_t(expected_.size() - 2);  // the rest
}

template <typename Values>
std::vector<std::uint16_t> DriftBins::FindAll(const Values& values, bool boolean,
                                              const std::vector<std::uint8_t>& nulls) const {
  std::vector<std::uint16_t> found;
  found.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    using T = typename Values::value_type;
    if (!nulls.empty() && nulls[i] != 0) {
      found.push_back(Null());
    } else if constexpr (std::is_arithmetic_v<T>) {
      if (numbers_) {
        found.push_back(FindNumber(static_cast<double>(values[i])));
      } else if (boolean) {
        found.push_back(FindText(values[i] != 0 ? "true" : "false"));
      } else {
        found.push_back(FindText(std::to_string(values[i])));
      }
    } else {
      found.push_back(numbers_ ? Null() : FindText(values[i]));
    }
  }
  return found;
}

std::vector<std::uint16_t> DriftBins::Find(const InputTensor& input) const {
  return std::visit(
      [&](const auto& v) { return FindAll(v, input.datatype == Datatype::kBool, input.nulls); },
      input.data);
}

std::vector<std::uint16_t> DriftBins::Find(const Tensor& output) const {
  return std::visit(
      [&](const auto& v) { return FindAll(v, output.datatype == Datatype::kBool, {}); },
      output.data);
}

double Psi(const std::vector<double>& expected, const std::vector<std::uint64_t>& counts) {
  double total = 0;
  for (const std::uint64_t n : counts) total += double(n);
  if (total == 0) return std::numeric_limits<double>::quiet_NaN();
  double psi = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double a = std::max(double(counts[i]) / total, kLeastShare);
    const double e = std::max(expected[i], kLeastShare);
    psi += (a - e) * std::log(a / e);
  }
  return psi;
}

DriftMonitor::DriftMonitor(const Json& statistics, const Signature& signature,
                           std::chrono::steady_clock::duration window, const Clock* clock)
    : half_(window / 2), clock_(clock), since_(clock->Steady()) {
  const auto add = [&](const char* part, const char* kind, const std::string& name, bool single) {
    Column& column = columns_.emplace_back();
    column.name = name;
    column.kind = kind;
    if (!single || !statistics.is_object() || !statistics.contains(part) ||
        !statistics[part].is_object() || !statistics[part].contains(name)) {
      return;
    }
    column.bins = DriftBins::Make(statistics[part][name]);
    if (!column.bins) return;
    column.now.resize(column.bins->size());
    column.before.resize(column.bins->size());
  };
  for (const InputSpec& spec : signature.inputs) {
    add("columns", "input", spec.name, spec.is_column);
  }
  inputs_ = columns_.size();
  for (const OutputSpec& spec : signature.outputs) {
    add("outputs", "output", spec.name, spec.shape.size() == 1);
  }
}

std::size_t DriftMonitor::watched() const {
  return std::size_t(std::count_if(columns_.begin(), columns_.end(),
                                   [](const Column& c) { return c.bins.has_value(); }));
}

DriftMonitor::Bins DriftMonitor::Find(const std::vector<InputTensor>& inputs) const {
  Bins found(inputs_);  // the columns' bins never change, so no lock
  for (std::size_t i = 0; i < std::min(inputs_, inputs.size()); ++i) {
    if (columns_[i].bins) found[i] = columns_[i].bins->Find(inputs[i]);
  }
  return found;
}

void DriftMonitor::Count(const std::vector<std::uint16_t>& found, Column* column) {
  for (const std::uint16_t bin : found) ++column->now[bin];
}

void DriftMonitor::Slide() const {
  const auto now = clock_->Steady();
  if (now - since_ < half_) return;
  const bool long_ago = now - since_ >= 2 * half_;
  for (Column& column : columns_) {
    column.before = long_ago ? std::vector<std::uint64_t>(column.now.size()) : column.now;
    std::fill(column.now.begin(), column.now.end(), 0);
  }
  rows_before_ = long_ago ? 0 : rows_now_;
  rows_now_ = 0;
  since_ = now;
}

void DriftMonitor::Add(const Bins& inputs, const std::vector<Tensor>& outputs) {
  Bins answered(columns_.size() - inputs_);
  std::size_t rows = 0;
  for (std::size_t i = 0; i < std::min(answered.size(), outputs.size()); ++i) {
    const Column& column = columns_[inputs_ + i];
    if (column.bins) answered[i] = column.bins->Find(outputs[i]);
    rows = std::max(rows, answered[i].size());
  }
  std::lock_guard lock(mutex_);
  Slide();
  for (std::size_t i = 0; i < inputs_; ++i) {
    Count(inputs[i], &columns_[i]);
    rows = std::max(rows, inputs[i].size());
  }
  for (std::size_t i = 0; i < answered.size(); ++i) Count(answered[i], &columns_[inputs_ + i]);
  rows_now_ += rows;
}

std::string DriftMonitor::MetricsText() const {
  std::lock_guard lock(mutex_);
  Slide();
  const std::uint64_t rows = rows_now_ + rows_before_;
  std::vector<Sample> psi;
  for (const Column& column : columns_) {
    if (!column.bins) continue;
    std::vector<std::uint64_t> counts = column.now;
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += column.before[i];
    psi.push_back({rows < kEnoughRows ? std::numeric_limits<double>::quiet_NaN()
                                      : Psi(column.bins->expected(), counts),
                   {{"kind", column.kind}, {"column", column.name}}});
  }
  return Expose("penstock_serve_drift_rows", FamilyType::kGauge,
                "Answered rows in the window that drift is measured on.",
                {Sample{double(rows), {}}}) +
         Expose("penstock_serve_drift_psi", FamilyType::kGauge,
                "Population stability index against the training data; NaN below " +
                    std::to_string(kEnoughRows) + " rows.",
                psi);
}

}  // namespace penstock::serve
