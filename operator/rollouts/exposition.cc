#include "operator/rollouts/exposition.h"

#include <charconv>
#include <limits>
#include <optional>

namespace penstock::rollouts {
namespace {

constexpr std::size_t kMostSamples = 20'000;

std::optional<double> NumberOf(std::string_view text) {
  if (text == "NaN" || text == "Nan") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  double v = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), v);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size()) return std::nullopt;
  return v;
}

// A label's value from after its opening quote; `line` is left behind the closing one.
std::optional<std::string> ReadQuoted(std::string_view& line) {
  std::string value;
  while (!line.empty()) {
    const char c = line.front();
    line.remove_prefix(1);
    if (c == '"') return value;
    if (c != '\\') {
      value += c;
      continue;
    }
    if (line.empty()) return std::nullopt;
    value += line.front() == 'n' ? '\n' : line.front();
    line.remove_prefix(1);
  }
  return std::nullopt;
}

// {a="x",b="y"}, from behind the opening brace to behind the closing one.
bool ReadLabels(std::string_view& line, std::map<std::string, std::string>& labels) {
  while (!line.empty() && line.front() != '}') {
    const auto equals = line.find("=\"");
    if (equals == std::string_view::npos) return false;
    const std::string name(line.substr(0, equals));
    line.remove_prefix(equals + 2);
    auto value = ReadQuoted(line);
    if (!value) return false;
    labels.insert_or_assign(name, *std::move(value));
    if (!line.empty() && line.front() == ',') line.remove_prefix(1);
  }
  if (line.empty()) return false;
  line.remove_prefix(1);
  return true;
}

std::optional<Sample> ReadSample(std::string_view line) {
  Sample sample;
  const auto end = line.find_first_of("{ ");
  if (end == std::string_view::npos) return std::nullopt;
  sample.name = line.substr(0, end);
  const bool labelled = line[end] == '{';
  line.remove_prefix(end + 1);
  if (labelled && !ReadLabels(line, sample.labels)) return std::nullopt;
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  const auto value = NumberOf(line.substr(0, line.find(' ')));  // a time may follow
  if (!value) return std::nullopt;
  sample.value = *value;
  return sample;
}

}  // namespace

std::vector<Sample> ReadSamples(std::string_view text, std::string_view prefix) {
  std::vector<Sample> samples;
  while (!text.empty() && samples.size() < kMostSamples) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!line.starts_with(prefix)) continue;
    if (auto sample = ReadSample(line)) samples.push_back(*std::move(sample));
  }
  return samples;
}

}  // namespace penstock::rollouts
