// Tables of flights for the tests: by seed, each difference by itself.
#pragma once

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "components/drift/null/random.h"

namespace penstock::drift {

// What a table is made with; each field a way in which it may differ.
struct Made {
  int rows = 3000;
  std::uint64_t seed = 1;
  double shift = 0;         // of "delay", in standard deviations
  double nulls = 0.02;      // share of "delay"
  double nans = 0;          // share of "delay"
  double united = 0.3;      // share of "carrier" UA
  int first_hour = 8;       // of "at"
  bool quiet_word = false;  // in "note"
  bool text = false;        // "note" is texts, else one value
  std::string skip = {};    // a column that is not there
};

// The sum of twelve uniform numbers less six: nearly normal.
inline double Normal(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.Unit();
  return sum;
}

inline std::shared_ptr<arrow::RecordBatch> Table(const Made& made) {
  Random random(made.seed);
  const arrow::FieldVector fields = {arrow::field("delay", arrow::float64()),
                                     arrow::field("stops", arrow::int64()),
                                     arrow::field("carrier", arrow::utf8()),
                                     arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO)),
                                     arrow::field("note", arrow::utf8()),
                                     arrow::field("late", arrow::boolean())};
  arrow::DoubleBuilder delay;
  arrow::Int64Builder stops;
  arrow::StringBuilder carrier;
  arrow::TimestampBuilder at(fields[3]->type(), arrow::default_memory_pool());
  arrow::StringBuilder note;
  arrow::BooleanBuilder late;
  const std::vector<std::string> words = {"bag", "seat", "food", "crew", "gate", "window", "noise"};
  const auto ok = [](const arrow::Status& status) { EXPECT_TRUE(status.ok()) << status; };
  for (int i = 0; i < made.rows; ++i) {
    const double u = random.Unit();
    const double x = 10 + 5 * (Normal(random) + made.shift);
    if (u < made.nulls) {
      ok(delay.AppendNull());
    } else {
      ok(delay.Append(u < made.nulls + made.nans ? std::nan("") : x));
    }
    ok(stops.Append(std::int64_t(random.Below(3))));
    ok(carrier.Append(random.Unit() < made.united ? "UA" : "AA"));
    const std::int64_t hours = i / 10 * 24 + made.first_hour + std::int64_t(random.Below(6));
    ok(at.Append(hours * 3'600'000'000));
    std::string text = "row " + std::to_string(random.Below(1'000'000));
    for (int w = 0; w < 4; ++w) text += " " + words[random.Below(words.size() - 1)];
    if (made.quiet_word && random.Unit() < 0.5) text += " " + words.back();
    ok(note.Append(made.text ? text : "x"));
    ok(late.Append(random.Unit() < 0.2));
  }
  arrow::ArrayVector arrays(6);
  ok(delay.Finish(&arrays[0]));
  ok(stops.Finish(&arrays[1]));
  ok(carrier.Finish(&arrays[2]));
  ok(at.Finish(&arrays[3]));
  ok(note.Finish(&arrays[4]));
  ok(late.Finish(&arrays[5]));
  auto batch = arrow::RecordBatch::Make(arrow::schema(fields), made.rows, arrays);
  const int skipped = batch->schema()->GetFieldIndex(made.skip);
  return skipped < 0 ? batch : *batch->RemoveColumn(skipped);
}

}  // namespace penstock::drift
