#include "operator/cli/objects/infer_rows.h"

#include <algorithm>
#include <sstream>

#include "operator/base/json.h"
#include "operator/base/whole_number.h"

namespace penstock::cli {
namespace {

std::string InputNames(const Json& inputs) {
  std::string names;
  for (const Json& input : inputs) {
    names += (names.empty() ? "" : ", ") + input.value("name", "");
  }
  return names;
}

// "0.731" for a number, text as it is, a list in brackets.
std::string Cell(const Json& value) {
  if (value.is_string()) return OneLine(value.get<std::string>());
  if (value.is_number_float()) {
    std::ostringstream text;
    text.precision(6);
    text << value.get<double>();
    return text.str();
  }
  return value.dump();
}

// As it is written, or not at all: what is sent on is what was read.
Result<Json> ParseExactly(const std::string& text, const std::string& what) {
  Result<Json> value = ParseJson(text, what);
  if (!value) return value;
  const std::string rounded = RoundedNumberIn(text);
  if (rounded.empty()) return value;
  return Invalid(what + ": " + rounded + " is a whole number of more than 64 bits, and no double");
}

}  // namespace

Result<Json> ParseRows(const std::string& text, const std::string& what) {
  Result<Json> whole = ParseExactly(text, what);
  if (whole && whole->is_object()) return Json(*whole);
  if (whole && whole->is_array()) {
    for (const Json& row : *whole) {
      if (!row.is_object()) return Invalid(what + ": each row is an object {\"column\": value}");
    }
    if (whole->empty()) return Invalid(what + ": there is no row");
    return whole;
  }
  if (whole) return Invalid(what + ": write a row {\"column\": value} or a list of rows");
  Json rows = Json::array();
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Result<Json> row = ParseExactly(line, what + ":" + std::to_string(number));
    // A text that is no list of lines either is told by its own error.
    if (!row) return number == 1 ? whole.error() : row.error();
    if (!row->is_object()) {
      return Invalid(what + ":" + std::to_string(number) + ": each row is an object");
    }
    rows.push_back(*row);
  }
  if (rows.empty()) return Invalid(what + ": there is no row");
  return rows;
}

Result<Json> BuildInferRequest(const Json& metadata, const Json& given) {
  const Json rows = given.is_array() ? given : Json::array({given});
  const Json inputs = metadata.value("inputs", Json::array());
  for (const Json& row : rows) {
    for (const auto& [key, value] : row.items()) {
      const bool known = std::any_of(inputs.begin(), inputs.end(), [&key = key](const Json& input) {
        return input.value("name", "") == key;
      });
      if (!known) {
        return Invalid("the model takes no column " + key + "; it takes " + InputNames(inputs));
      }
    }
  }
  Json request = {{"inputs", Json::array()}};
  for (const Json& input : inputs) {
    const std::string name = input.value("name", "");
    if (input.value("shape", Json::array()).size() != 1) {
      return Invalid("input " + name +
                     " is a tensor of several axes: give a whole V2 request with "
                     "\"inputs\"");
    }
    Json data = Json::array();
    for (const Json& row : rows) {
      if (!row.contains(name))
        return Invalid("row " + std::to_string(data.size() + 1) + ": column " + name +
                       " is missing; write null where its value is not known");
      data.push_back(row[name]);
    }
    request["inputs"].push_back({{"name", name},
                                 {"shape", {rows.size()}},
                                 {"datatype", input.value("datatype", "")},
                                 {"data", std::move(data)}});
  }
  return request;
}

Result<Table> AnswerTable(const Json& answer) {
  Table table;
  std::size_t column = 0;
  for (const Json& output : answer.value("outputs", Json::array())) {
    std::string name = output.value("name", "");
    std::transform(name.begin(), name.end(), name.begin(), ::toupper);
    table.header.push_back(name);
    const Json shape = output.value("shape", Json::array());
    const Json data = output.value("data", Json::array());
    const bool counted = !shape.empty() && IsInt64(shape[0]) && shape[0] >= 0;
    const std::size_t rows = counted ? shape[0].get<std::size_t>() : 0;
    if (rows == 0 || data.size() % rows != 0)
      return Internal("the answer has no rows: " + answer.dump());
    const std::size_t width = data.size() / rows;
    if (table.rows.size() < rows) table.rows.resize(rows);
    for (std::size_t row = 0; row < rows; ++row) {
      table.rows[row].resize(column);
      std::string cell = width == 1 ? Cell(data[row]) : "[";
      for (std::size_t i = 0; width > 1 && i < width; ++i) {
        cell += (i > 0 ? " " : "") + Cell(data[row * width + i]);
      }
      table.rows[row].push_back(cell + (width == 1 ? "" : "]"));
    }
    ++column;
  }
  if (table.header.empty()) return Internal("the answer has no outputs: " + answer.dump());
  return table;
}

}  // namespace penstock::cli
