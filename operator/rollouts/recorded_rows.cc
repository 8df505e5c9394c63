#include "operator/rollouts/recorded_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "operator/api/rollout.h"
#include "operator/base/shown_text.h"

namespace penstock::rollouts {
namespace {

constexpr const char* kForm =
    R"(write {"request": {"inputs": [...]}, "response": {"outputs": [...]}}, as V2 has them)";

const Json& Part(const Json& j, const char* key) {
  static const Json kNone;
  if (!j.is_object()) return kNone;
  const auto it = j.find(key);
  return it == j.end() ? kNone : *it;
}

// What is wrong with outputs that are there to be compared; empty: nothing.
std::string WrongOutputs(const Json& outputs) {
  if (!outputs.is_array() || outputs.empty()) return "has no outputs";
  for (const Json& output : outputs)
    if (!Part(output, "data").is_array()) return "has an output without a list as its data";
  return "";
}

Result<RecordedRow> ParseRow(std::string_view line, int number, bool with_answers) {
  const std::string where = "line " + std::to_string(number);
  const auto row = ParseJson(line, where);
  if (!row) return row.error();
  const auto wrong = [&](const std::string& what) {
    return Invalid(where + " " + what + ": " + kForm);
  };
  const Json& request = Part(*row, "request");
  if (!Part(request, "inputs").is_array()) return wrong("has no request with inputs");
  const Json& outputs = Part(Part(*row, "response"), "outputs");
  if (with_answers)
    if (const std::string problem = WrongOutputs(outputs); !problem.empty())
      return wrong("has no response to compare: it " + problem);
  return RecordedRow{number, request.dump(), outputs};
}

void Flatten(const Json& value, std::vector<const Json*>* out) {
  if (!value.is_array()) return out->push_back(&value);
  for (const Json& one : value) Flatten(one, out);
}

std::string ValueText(const Json& value) { return plan::Shown(value.dump(), 80); }

double DefaultTolerance() {
  static const double kDefault = std::strtod(api::kRowsTolerance, nullptr);
  return kDefault;
}

bool AreWhole(const std::string& datatype, const Json& expected, const Json& got) {
  if (datatype.starts_with("INT") || datatype.starts_with("UINT")) return true;
  return datatype.empty() && expected.is_number_integer() && got.is_number_integer();
}

bool IsSame(const Json& expected, const Json& got, const std::string& datatype,
            std::optional<double> tolerance) {
  if (!expected.is_number() || !got.is_number()) return expected == got;
  if (!tolerance && AreWhole(datatype, expected, got)) {
    // As text: one of JSON's integers may have a sign where the other has none.
    const bool integers = expected.is_number_integer() && got.is_number_integer();
    return integers ? expected.dump() == got.dump() : expected == got;
  }
  const double want = expected.get<double>();
  const double allowed = tolerance.value_or(DefaultTolerance()) * std::max(1.0, std::fabs(want));
  return std::fabs(got.get<double>() - want) <= allowed;
}

const Json* OutputCalled(const Json& outputs, const Json& name) {
  for (const Json& output : outputs)
    if (Part(output, "name") == name) return &output;
  return nullptr;
}

std::optional<std::string> DifferenceOf(const Json& expected, const Json& got,
                                        std::optional<double> tolerance) {
  const std::string name = "output " + ValueText(Part(expected, "name"));
  for (const char* key : {"datatype", "shape"}) {
    const Json& want = Part(expected, key);
    const Json& have = Part(got, key);
    if (!want.is_null() && want != have)
      return name + ": expected " + key + " " + ValueText(want) + ", got " + ValueText(have);
  }
  const Json& datatype = Part(expected, "datatype");
  const std::string type = datatype.is_string() ? datatype.get<std::string>() : "";
  std::vector<const Json*> want;
  std::vector<const Json*> have;
  Flatten(Part(expected, "data"), &want);
  Flatten(Part(got, "data"), &have);
  if (want.size() != have.size())
    return name + ": expected " + std::to_string(want.size()) + " values, got " +
           std::to_string(have.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    if (!IsSame(*want[i], *have[i], type, tolerance))
      return name + "[" + std::to_string(i) + "]: expected " + ValueText(*want[i]) + ", got " +
             ValueText(*have[i]);
  return std::nullopt;
}

}  // namespace

Result<std::vector<RecordedRow>> ParseRows(std::string_view text, bool with_answers) {
  std::vector<RecordedRow> rows;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (rows.size() == kMostRows)
      return Invalid("it has more than " + std::to_string(kMostRows) + " rows: take some away");
    auto row = ParseRow(line, number, with_answers);
    if (!row) return row.error();
    rows.push_back(*std::move(row));
  }
  if (rows.empty()) return Invalid(std::string("it has no rows: ") + kForm);
  return rows;
}

Result<Json> OutputsOf(std::string_view answer) {
  const auto json = ParseJson(answer, "the answer");
  if (!json) return json.error();
  const Json& outputs = Part(*json, "outputs");
  if (const std::string problem = WrongOutputs(outputs); !problem.empty())
    return Invalid("the answer " + problem);
  return outputs;
}

std::optional<std::string> DifferenceIn(const Json& expected, const Json& got,
                                        std::optional<double> tolerance) {
  for (const Json& output : expected) {
    const Json* same = OutputCalled(got, Part(output, "name"));
    if (same == nullptr)
      return "output " + ValueText(Part(output, "name")) + ": expected, and is not there";
    if (auto difference = DifferenceOf(output, *same, tolerance)) return difference;
  }
  return std::nullopt;
}

}  // namespace penstock::rollouts
