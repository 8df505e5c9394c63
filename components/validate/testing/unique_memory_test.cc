// Distinct rows, as many as PENSTOCK_VALIDATE_ROWS says: what a unique key needs is on disk.
#include <arrow/api.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>

#include "components/sdk/dataset.h"
#include "components/validate/testing/validate_run.h"

namespace penstock::validate {
namespace {

std::int64_t RowCount() {
  const char* text = ::getenv("PENSTOCK_VALIDATE_ROWS");
  return text == nullptr ? 2'000'000 : std::atoll(text);
}

void WriteRows(const std::string& folder, std::int64_t rows) {
  const auto schema =
      arrow::schema({arrow::field("n", arrow::int64()), arrow::field("s", arrow::utf8())});
  auto writer = sdk::DatasetWriter::Create(folder, schema);
  ASSERT_TRUE(writer);
  for (std::int64_t at = 0; at < rows; at += sdk::kBatchRows) {
    arrow::Int64Builder n;
    arrow::StringBuilder s;
    for (std::int64_t i = at; i < std::min(rows, at + sdk::kBatchRows); ++i) {
      // The last row repeats the key of the first.
      ASSERT_TRUE(n.Append(i == rows - 1 ? 0 : i).ok());
      ASSERT_TRUE(s.Append("a text of about sixty bytes, of which there are some, " +
                           std::to_string(i % 1009))
                      .ok());
    }
    const std::int64_t count = n.length();
    ASSERT_TRUE(
        (*writer)->Write(arrow::RecordBatch::Make(schema, count, {*n.Finish(), *s.Finish()})));
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

TEST(ValidateMemory, IsBelow512MebibytesHoweverManyKeysThereAre) {
  const sdk::TestFolder folder;
  const std::int64_t rows = RowCount();
  WriteRows(folder / "d", rows);
  ForgetPeak();
  const auto ran = Validate(folder, {{"rules", {{{"check", "unique"}, {"columns", {"n"}}}}}},
                            {{"dataset", folder / "d"}});
  ASSERT_EQ(ran.error, "");
  const std::int64_t peak = PeakMebibytes();
  std::printf("%lld rows: %lld MiB at most\n", static_cast<long long>(rows),
              static_cast<long long>(peak));
  EXPECT_EQ(ran.report["anomalies"][0]["rows"], 1);
  EXPECT_EQ(ran.report["anomalies"][0]["examples"][0]["row"], rows - 1);
  EXPECT_EQ(ran.report["anomalies"][0]["examples"][0]["value"], "the key of row 0");
  EXPECT_GT(peak, 0);
  EXPECT_LT(peak, 512);
}

}  // namespace
}  // namespace penstock::validate
