#include "components/validate/personal_scan.h"

#include <arrow/api.h>

#include <algorithm>

#include "components/sdk/row_hash.h"
#include "components/validate/personal/mask.h"
#include "operator/base/shown_text.h"

namespace penstock::validate::personal {
namespace {

constexpr std::size_t kShown = 3;
constexpr std::size_t kShownBytes = 60;

}  // namespace

void Scan::LookAt(Column& column, std::string_view value, bool number, std::int64_t row) {
  ++column.sampled;
  const Found found = Detect(value);
  for (const Kind kind : options_.kinds) {
    // A number is a card or a resident number by its digits; no phone, whose zero it would lack.
    if (number && kind != Kind::kCard && kind != Kind::kResidentNumber) continue;
    auto& tally = column.tallies[std::size_t(kind)];
    tally.form += found.form[std::size_t(kind)];
    if (!found.proved[std::size_t(kind)]) continue;
    ++tally.proved;
    if (tally.examples.size() < kShown) {
      tally.examples.push_back({row, plan::Shown(Form(value), kShownBytes)});
    }
  }
}

void Scan::Look(const arrow::RecordBatch& batch, std::int64_t first_row) {
  if (options_.kinds.empty()) return;
  std::vector<std::int64_t> chosen;
  const double share = rows_ == 0 ? 1 : double(options_.sample) / double(rows_);
  for (std::int64_t r = 0; r < batch.num_rows(); ++r) {
    if (sdk::UnitInterval(sdk::MixBits(std::uint64_t(first_row + r))) < share) chosen.push_back(r);
  }
  for (int c = 0; c < batch.num_columns(); ++c) {
    const auto& array = *batch.column(c);
    const auto type = array.type_id();
    const bool lists =
        type == arrow::Type::LIST &&
        static_cast<const arrow::ListArray&>(array).value_type()->id() == arrow::Type::STRING;
    if (type != arrow::Type::STRING && type != arrow::Type::INT64 && !lists) continue;
    auto& column = columns_[batch.schema()->field(c)->name()];
    for (const std::int64_t r : chosen) {
      if (array.IsNull(r)) continue;
      if (type == arrow::Type::STRING) {
        LookAt(column, static_cast<const arrow::StringArray&>(array).GetView(r), false,
               first_row + r);
      } else if (type == arrow::Type::INT64) {
        std::string digits = std::to_string(static_cast<const arrow::Int64Array&>(array).Value(r));
        // A resident number of one born from 2000 to 2009 lost its zeros.
        if (digits.size() == 11 || digits.size() == 12) digits.insert(0, 13 - digits.size(), '0');
        LookAt(column, digits, true, first_row + r);
      } else {
        const auto& list = static_cast<const arrow::ListArray&>(array);
        const auto& texts = static_cast<const arrow::StringArray&>(*list.values());
        for (auto at = list.value_offset(r); at < list.value_offset(r + 1); ++at) {
          if (!texts.IsNull(at)) LookAt(column, texts.GetView(at), false, first_row + r);
        }
      }
    }
  }
}

bool Scan::Has(const Column& column, Kind kind) const {
  const auto& tally = column.tallies[std::size_t(kind)];
  return tally.proved > 0 && tally.proved >= std::min<std::int64_t>(3, column.sampled) &&
         double(tally.proved) >= options_.share * double(column.sampled) &&
         2 * tally.proved >= tally.form;
}

std::map<std::string, std::vector<Kind>> Scan::Columns() const {
  std::map<std::string, std::vector<Kind>> found;
  for (const auto& [name, column] : columns_) {
    for (const Kind kind : options_.kinds) {
      if (Has(column, kind)) found[name].push_back(kind);
    }
  }
  return found;
}

std::vector<Anomaly> Scan::Anomalies() const {
  std::vector<Anomaly> anomalies;
  for (const auto& [name, kinds] : Columns()) {
    const auto expected = options_.expected.find(name);
    for (const Kind kind : kinds) {
      if (expected != options_.expected.end() && expected->second.contains(kind)) continue;
      const auto& column = columns_.at(name);
      const auto& tally = column.tallies[std::size_t(kind)];
      const double share = double(tally.proved) / double(column.sampled);
      char percent[32];
      std::snprintf(percent, sizeof percent, "%.3g", 100 * share);
      anomalies.push_back(
          {.type = "PERSONAL_DATA",
           .column = name,
           .severity = options_.severity,
           .measured = share,
           .threshold = options_.share,
           .description = std::string("Looks like ") + Name(kind) + ": " +
                          std::to_string(tally.proved) + " of " + std::to_string(column.sampled) +
                          " sampled values (" + percent + " %). Examples show the form only.",
           .advice =
               "Leave the column out with query or ingest's columns, or say that it is known: "
               "personalData.expected.",
           .examples = tally.examples});
    }
  }
  return anomalies;
}

}  // namespace penstock::validate::personal
