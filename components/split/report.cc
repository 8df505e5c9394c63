#include "components/split/report.h"

#include <arrow/api.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "components/sdk/cells.h"
#include "operator/base/try.h"

namespace penstock::split {
namespace {

constexpr std::size_t kMostLabels = 20;

// Of any year: times before 1678 and beyond 2261 are dates that people write for never.
std::string TimeText(std::int64_t microseconds) {
  using namespace std::chrono;
  const sys_time<std::chrono::microseconds> time{std::chrono::microseconds(microseconds)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", int(date.year()),
                unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                int(clock.minutes().count()), int(clock.seconds().count()));
  return text;
}

}  // namespace

Result<void> PartReport::Add(const arrow::RecordBatch& batch) {
  rows_ += batch.num_rows();
  for (const auto& field : batch.schema()->fields()) {
    if (field->type()->id() != arrow::Type::TIMESTAMP) continue;
    PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, field->name()));
    for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
      const auto cell = CellAt(column, r);
      const auto* time = std::get_if<std::int64_t>(&cell);
      if (time == nullptr) continue;
      const auto [at, is_new] = times_.try_emplace(field->name(), Range{*time, *time});
      at->second.first = std::min(at->second.first, *time);
      at->second.last = std::max(at->second.last, *time);
    }
  }
  if (label_.empty()) return {};
  PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(batch, label_));
  many_labels_ |= column.type == sdk::ColumnType::kFloat64;
  for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
    const auto cell = CellAt(column, r);
    const auto* integer = std::get_if<std::int64_t>(&cell);
    const auto* real = std::get_if<double>(&cell);
    if (integer != nullptr || (real != nullptr && std::isfinite(*real))) {
      const double number = integer != nullptr ? double(*integer) : *real;
      sum_.Add(number);
      least_ = numbers_ == 0 ? number : std::min(least_, number);
      most_ = numbers_ == 0 ? number : std::max(most_, number);
      ++numbers_;
    }
    if (many_labels_) continue;
    ++labels_[sdk::CellToText(cell)];
    many_labels_ = labels_.size() > kMostLabels;
  }
  return {};
}

Json PartReport::ToJson() const {
  Json json = {{"rows", rows_}};
  if (many_labels_ && numbers_ > 0) {
    json["label"] = {{"mean", sum_.Round() / double(numbers_)}, {"min", least_}, {"max", most_}};
  } else if (!many_labels_) {
    for (const auto& [label, count] : labels_)
      json["labels"][label] = double(count) / double(rows_);
  }
  std::size_t left = kMostLabels;  // a result is small
  for (const auto& [name, range] : times_) {
    if (left-- == 0) break;
    json["times"][name] = {TimeText(range.first), TimeText(range.last)};
  }
  return json;
}

const std::string* PartReport::OnlyLabel() const {
  return many_labels_ || labels_.size() != 1 ? nullptr : &labels_.begin()->first;
}

}  // namespace penstock::split
