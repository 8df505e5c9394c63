#include "components/sdk/arrow_result.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include "components/sdk/testing/test_data.h"

namespace penstock::sdk {
namespace {

TEST(FromArrow, TellsAMissingFileFromABadOne) {
  const TestFolder folder;
  const auto missing = FromArrow(arrow::io::ReadableFile::Open(folder / "missing"), "reading");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  const auto bad = FromArrow(arrow::Status::IOError("No such file, it says"), "reading");
  EXPECT_EQ(bad.error().kind, ErrorKind::kInvalid);
}

TEST(FromArrow, TellsAFullDiskThroughParquetToo) {
  auto full = FromArrow(arrow::io::FileOutputStream::Open("/dev/full"), "writing");
  ASSERT_TRUE(full);
  EXPECT_EQ(FromArrow((*full)->Write("text"), "writing").error().kind, ErrorKind::kTransient);
  const auto batch = BatchOf({arrow::field("n", arrow::int64())}, "[[1]]");
  const auto table = arrow::Table::FromRecordBatches({batch}).ValueOrDie();
  const auto written =
      FromArrow(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), *full), "writing");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::kTransient) << written.error().message;
}

}  // namespace
}  // namespace penstock::sdk
