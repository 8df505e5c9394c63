// Distinct rows, as many as PENSTOCK_SPLIT_ROWS says: what a split must know of them is on disk.
#include <arrow/api.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

#include "components/sdk/dataset.h"
#include "components/sdk/testing/test_data.h"
#include "components/split/run.h"

namespace penstock::split {
namespace {

// A hundred million, 10 GB in memory, hold too; they take minutes.
std::int64_t RowCount() {
  const char* text = ::getenv("PENSTOCK_SPLIT_ROWS");
  return text == nullptr ? 2'500'000 : std::atoll(text);
}

void WriteRows(const std::string& folder, std::int64_t rows) {
  const auto schema =
      arrow::schema({arrow::field("n", arrow::int64()), arrow::field("late", arrow::boolean()),
                     arrow::field("s", arrow::utf8())});
  auto writer = sdk::DatasetWriter::Create(folder, schema);
  ASSERT_TRUE(writer);
  for (std::int64_t at = 0; at < rows; at += sdk::kBatchRows) {
    arrow::Int64Builder n;
    arrow::BooleanBuilder late;
    arrow::StringBuilder s;
    for (std::int64_t i = at; i < std::min(rows, at + sdk::kBatchRows); ++i) {
      ASSERT_TRUE(n.Append(i).ok());
      ASSERT_TRUE(late.Append(i % 7 == 0).ok());
      ASSERT_TRUE(s.Append("a text of about eighty bytes, of which there is another in each row, " +
                           std::to_string(i * 7919 % 1'000'003))
                      .ok());
    }
    const std::int64_t count = n.length();
    ASSERT_TRUE((*writer)->Write(
        arrow::RecordBatch::Make(schema, count, {*n.Finish(), *late.Finish(), *s.Finish()})));
  }
  ASSERT_TRUE((*writer)->Finish());
}

// The largest resident set since ForgetPeak, in MiB.
std::int64_t PeakMebibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::atoll(line.c_str() + 6) / 1024;
  }
  return -1;
}
void ForgetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

TEST(SplitMemory, IsBelowAGibibyteHoweverManyRowsThereAre) {
  const sdk::TestFolder folder;
  const std::int64_t rows = RowCount();
  WriteRows(folder / "d", rows);
  sdk::Step step(
      {{"stratify", "late"}, {"folds", 5}}, {{"dataset", {folder / "d", "", "dataset"}}},
      {{"train", folder / "train"}, {"valid", folder / "valid"}, {"test", folder / "test"}}, "");
  ForgetPeak();
  const auto ok = RunSplit(step);
  ASSERT_TRUE(ok) << ok.error().message;
  const std::int64_t peak = PeakMebibytes();
  RecordProperty("peakMebibytes", std::to_string(peak));
  std::printf("%lld rows: %lld MiB at most\n", static_cast<long long>(rows),
              static_cast<long long>(peak));
  EXPECT_GT(peak, 0);
  EXPECT_LT(peak, 1024);
}

}  // namespace
}  // namespace penstock::split
