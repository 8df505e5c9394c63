#include "components/router/observe/compare.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "operator/base/json.h"

namespace penstock::router {

namespace {

// An output as rows of equal length.
struct Rows {
  std::vector<const Json*> values;
  std::size_t width = 1;
};

bool Flatten(const Json& value, std::vector<const Json*>* out) {
  if (!value.is_array()) {
    out->push_back(&value);
    return !value.is_object();
  }
  return std::all_of(value.begin(), value.end(),
                     [out](const Json& one) { return Flatten(one, out); });
}

// V2's data may be flat or nested; its shape says how many rows there are.
std::optional<Rows> RowsOfV2(const Json& answer, const std::string& name) {
  for (const Json& output : answer.at("outputs")) {
    if (!name.empty() && output.value("name", "") != name) continue;
    if (!output.contains("data")) return std::nullopt;  // binary
    Rows rows;
    if (!Flatten(output.at("data"), &rows.values)) return std::nullopt;
    const auto shape = output.value("shape", std::vector<std::int64_t>{});
    const auto count = shape.empty() ? std::int64_t{1} : shape.front();
    if (count < 1 || rows.values.size() % static_cast<std::size_t>(count) != 0) return std::nullopt;
    rows.width = rows.values.size() / static_cast<std::size_t>(count);
    return rows;
  }
  return std::nullopt;
}

// "predictions": a row each, maybe an object by output; "outputs": columns, maybe by output.
std::optional<Rows> RowsOfV1(const Json& answer, const std::string& name) {
  const bool columns = !answer.contains("predictions");
  const Json* list = &answer.at(columns ? "outputs" : "predictions");
  if (columns && list->is_object()) {
    if (list->empty()) return std::nullopt;
    list = name.empty() ? &*list->begin() : &list->at(name);
  }
  if (!list->is_array() || list->empty()) return std::nullopt;
  Rows rows;
  for (const Json& row : *list) {
    const Json* value = &row;
    if (row.is_object()) {
      if (row.empty()) return std::nullopt;
      value = name.empty() ? &*row.begin() : &row.at(name);
    }
    if (!Flatten(*value, &rows.values)) return std::nullopt;
  }
  if (rows.values.size() % list->size() != 0) return std::nullopt;
  rows.width = rows.values.size() / list->size();
  return rows;
}

// Throws Json::exception where a part is missing or of another type.
std::optional<Rows> RowsOf(const Json& answer, const std::string& name) {
  const bool v2 = answer.contains("outputs") && answer.at("outputs").is_array() &&
                  !answer.at("outputs").empty() && answer.at("outputs").front().is_object();
  return v2 ? RowsOfV2(answer, name) : RowsOfV1(answer, name);
}

bool IsProbability(const Json& value) {
  if (!value.is_number_float() && !(value.is_number() && (value == 0 || value == 1))) return false;
  const double number = value.get<double>();
  return number >= 0 && number <= 1;
}

std::size_t Largest(const Json* const* row, std::size_t width) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < width; ++i) {
    if (row[i]->get<double>() > row[best]->get<double>()) best = i;
  }
  return best;
}

void CompareRow(const Json* const* a, const Json* const* b, std::size_t width,
                std::optional<double> threshold, Comparison* sum) {
  ++sum->rows;
  const auto numbers = [width](const Json* const* row) {
    return std::all_of(row, row + width, [](const Json* v) { return v->is_number(); });
  };
  const bool of_numbers = numbers(a);
  if (of_numbers && !numbers(b)) {
    ++sum->lost_rows;
  } else if (of_numbers) {
    ++sum->number_rows;
    for (std::size_t i = 0; i < width; ++i) {
      const double x = a[i]->get<double>();
      const double y = b[i]->get<double>();
      ++sum->values;
      sum->sum_a += x;
      sum->sum_b += y;
      sum->sum_absolute_difference += std::fabs(x - y);
      sum->sum_squared_difference += (x - y) * (x - y);
      sum->largest_difference = std::max(sum->largest_difference, std::fabs(x - y));
    }
    if (width > 1) {
      ++sum->decisions;
      sum->flips += Largest(a, width) != Largest(b, width) ? 1 : 0;
      return;
    }
    if (threshold) {
      ++sum->decisions;
      sum->flips +=
          (a[0]->get<double>() > *threshold) != (b[0]->get<double>() > *threshold) ? 1 : 0;
      return;
    }
    if (IsProbability(**a) && IsProbability(**b)) {
      ++sum->decisions;
      sum->flips += (a[0]->get<double>() >= 0.5) != (b[0]->get<double>() >= 0.5) ? 1 : 0;
      return;
    }
    if (!(*a)->is_number_integer() || !(*b)->is_number_integer()) return;
  }
  ++sum->decisions;
  sum->flips +=
      std::equal(a, a + width, b, [](const Json* x, const Json* y) { return *x == *y; }) ? 0 : 1;
}

}  // namespace

Comparison& Comparison::operator+=(const Comparison& other) {
  rows += other.rows;
  decisions += other.decisions;
  flips += other.flips;
  number_rows += other.number_rows;
  lost_rows += other.lost_rows;
  values += other.values;
  sum_a += other.sum_a;
  sum_b += other.sum_b;
  sum_absolute_difference += other.sum_absolute_difference;
  sum_squared_difference += other.sum_squared_difference;
  largest_difference = std::max(largest_difference, other.largest_difference);
  return *this;
}

std::optional<Comparison> CompareAnswers(std::string_view a, std::string_view b,
                                         const std::string& output,
                                         std::optional<double> threshold) {
  const auto json_a = ParseJson(a, "an answer");
  const auto json_b = ParseJson(b, "an answer");
  if (!json_a || !json_b || !json_a->is_object() || !json_b->is_object()) return std::nullopt;
  try {
    const auto rows_a = RowsOf(*json_a, output);
    const auto rows_b = RowsOf(*json_b, output);
    if (!rows_a || !rows_b || rows_a->width != rows_b->width || rows_a->width == 0 ||
        rows_a->values.size() != rows_b->values.size())
      return std::nullopt;
    Comparison sum;
    for (std::size_t at = 0; at < rows_a->values.size(); at += rows_a->width)
      CompareRow(&rows_a->values[at], &rows_b->values[at], rows_a->width, threshold, &sum);
    return sum;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace penstock::router
