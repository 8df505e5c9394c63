#include "components/ingest/lake/iceberg.h"

#include <gtest/gtest.h>

#include "components/ingest/lake/avro.h"
#include "components/ingest/lake/testing/lake_fixture.h"

namespace penstock::ingest {
namespace {

namespace fs = std::filesystem;

// Zigzag, seven bits a byte.
std::string AvroLong(std::uint64_t number) {
  std::string out;
  for (std::uint64_t n = number * 2;; n >>= 7U) {
    out += static_cast<char>((n & 0x7FU) | (n > 0x7F ? 0x80U : 0U));
    if (n <= 0x7F) return out;
  }
}
std::string AvroText(const std::string& text) { return AvroLong(text.size()) + text; }

// A file of one block.
std::string AvroFile(const std::string& schema, std::uint64_t records, const std::string& block) {
  const std::string sync(16, 's');
  return "Obj\x01\x02" + AvroText("avro.schema") + AvroText(schema) + std::string(1, 0) + sync +
         AvroLong(records) + AvroText(block) + sync;
}

class IcebergTables : public LakeTables {
 protected:
  std::string Uri(const std::string& name, const std::string& query = "") {
    return "iceberg+file://" + TestData(name) + query;
  }
  static std::string Of(const std::string& folder) { return "iceberg+file://" + folder; }
  // The metadata file that version-hint.text names.
  static fs::path Metadata(const std::string& table) {
    return fs::path(table) / "metadata" /
           (*ReadFile(table + "/metadata/version-hint.text") + ".metadata.json");
  }
};

TEST_F(IcebergTables, HaveTheRowsThatPyicebergReads) {
  const auto tables = Tables("iceberg-");
  ASSERT_GE(tables.size(), 4U);
  for (const auto& name : tables) {
    const std::string expected = ExpectedRows(name);
    ASSERT_GT(expected.size(), 20U) << expected;
    EXPECT_EQ(RowsOf(Uri(name)), expected) << name;
  }
}

TEST_F(IcebergTables, AreReadAtASnapshotByTheColumnsOfItsTime) {
  const std::string first = *ReadFile(TestData("iceberg-plain-first.snapshot"));
  EXPECT_EQ(RowsOf(Uri("iceberg-plain", "?snapshot=" + first)),
            ExpectedRows("iceberg-plain-first"));
  ASSERT_EQ(Problem(Uri("iceberg-plain", "?snapshot=" + first)), "");
  EXPECT_EQ(Fingerprint(), "iceberg:" + first);
  EXPECT_SAYS(Report(), "?snapshot=" + first);
  EXPECT_EQ(ResultOf("format"), "Iceberg");
  EXPECT_SAYS(Problem(Uri("iceberg-plain", "?snapshot=1")), "there is no snapshot 1");
}

TEST_F(IcebergTables, AreKnownByTheirSnapshotAndColumns) {
  ASSERT_EQ(Problem(Uri("iceberg-deletes")), "");
  EXPECT_EQ(Fingerprint(), "iceberg:4242 schema:0");
}

// The mapping is the table's, and not the snapshot's: it may be another the next time.
TEST_F(IcebergTables, ReadByTheirNameMappingAreNotCached) {
  const auto shown = [&](const std::string& uri) {
    ::testing::internal::CaptureStdout();
    const std::string problem = Problem(uri);
    return problem + ::testing::internal::GetCapturedStdout();
  };
  EXPECT_SAYS(shown(Uri("iceberg-adopted")), "not to be reused: a file without field ids is read");
  EXPECT_EQ(shown(Uri("iceberg-plain")).find("not to be reused"), std::string::npos);
}

TEST_F(IcebergTables, MayBeNamedByTheirMetadata) {
  const std::string table = TestData("iceberg-plain");
  EXPECT_EQ(RowsOf(Of(Metadata(table).string())), ExpectedRows("iceberg-plain"));
}

TEST_F(IcebergTables, WithoutAHintAskForTheCataloguesWord) {
  const std::string table = CopyOf("iceberg-plain");
  const std::string newest = Metadata(table).filename().string();
  fs::remove(table + "/metadata/version-hint.text");
  EXPECT_SAYS(Problem(Of(table)), "only the catalogue knows");
  EXPECT_SAYS(Problem(Of(table)), "metadata/" + newest);
  EXPECT_SAYS(Problem(Of(table + "/data")), "there is no metadata of an Iceberg table");
  EXPECT_EQ(Problem(Of(table + "/metadata/" + newest)), "");
}

TEST_F(IcebergTables, LieInABucketToo) {
  s3::FakeS3 store;
  Upload(store, TestData("iceberg-deletes"), "lake/orders/");
  EXPECT_EQ(RowsOf("iceberg+s3://models/lake/orders"), ExpectedRows("iceberg-deletes"));
}

TEST_F(IcebergTables, ThatWereCopiedStillNameWhereTheyWere) {
  // Every table of testdata was: its files are named below /tmp/lake.
  const std::string table = CopyOf("iceberg-plain");
  EXPECT_SAYS(*ReadFile(Metadata(table)), "file:///tmp/lake/db/iceberg-plain");
  Replace(Metadata(table), R"("location":"file:///tmp/lake/db/iceberg-plain")",
          R"("location":"file:///tmp/elsewhere")");
  EXPECT_SAYS(Problem(Of(table)), "lies outside of its folder file:///tmp/elsewhere");
}

TEST_F(IcebergTables, OfAnotherFormatAreRefusedByName) {
  const std::string table = CopyOf("iceberg-plain");
  Replace(Metadata(table), R"("format-version":2)", R"("format-version":3)");
  EXPECT_SAYS(Problem(Of(table)), "is of format version 3; 1 and 2 are read");
  Replace(Metadata(table), R"("format-version":3)", R"("format-version":"two")");
  EXPECT_SAYS(Problem(Of(table)), "is of format version");
}

TEST_F(IcebergTables, ThatAreNotWrittenYetHaveNoRows) {
  const std::string table = CopyOf("iceberg-deletes");
  const auto text = Json::parse(*ReadFile(Metadata(table)));
  Json metadata = text;
  metadata["current-snapshot-id"] = -1;
  std::ofstream(Metadata(table), std::ios::trunc) << metadata.dump();
  EXPECT_EQ(RowsOf(Of(table)), "id:int64 ");
  EXPECT_EQ(Fingerprint(), "none");
}

TEST_F(IcebergTables, ThatAreDamagedAreErrors) {
  const std::string table = CopyOf("iceberg-deletes");
  fs::path manifest;
  for (const auto& entry : fs::directory_iterator(table + "/metadata"))
    if (entry.path().filename() == "deletes-m0.avro") manifest = entry.path();
  const std::string bytes = *ReadFile(manifest);
  std::ofstream(manifest, std::ios::trunc) << bytes.substr(0, bytes.size() - 4);
  EXPECT_SAYS(Problem(Of(table)), "deletes-m0.avro: ");
  std::ofstream(manifest, std::ios::trunc) << bytes;
  fs::remove(table + "/data/deletes.parquet");
  EXPECT_SAYS(Problem(Of(table)), "deletes.parquet: no such file");
}

TEST_F(IcebergTables, ThatDeleteByEqualityAreRefusedByName) {
  const std::string table = CopyOf("iceberg-deletes");
  // Of the entry's record: status, then the content, 1 for positions.
  const std::string schema =
      R"({"type":"record","name":"e","fields":[{"name":"status","type":"int"},
      {"name":"data_file","type":{"type":"record","name":"d","fields":[{"name":"content","type":"int"},
      {"name":"file_path","type":"string"},{"name":"file_format","type":"string"}]}}]})";
  const std::string record = std::string("\x02\x04", 2) +
                             AvroText("file:///tmp/lake/db/iceberg-deletes/data/e.parquet") +
                             AvroText("PARQUET");
  const std::string file = AvroFile(schema, 1, record);
  std::ofstream(table + "/metadata/deletes-m0.avro", std::ios::trunc | std::ios::binary) << file;
  EXPECT_SAYS(Problem(Of(table)), "data/e.parquet: deletes rows by equality, which is not read");
}

TEST(AvroFiles, ThatAreCutOrDamagedAreErrors) {
  const std::string folder =
      std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testing/testdata/iceberg-deletes/metadata/";
  const std::string whole = *ReadFile(folder + "snap-deletes.avro");
  int records = 0;
  const auto count = [&](const AvroHead&, const Json&) -> Result<void> {
    ++records;
    return {};
  };
  ASSERT_TRUE(ReadAvro(whole, count));
  EXPECT_EQ(records, 3);
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    records = 0;
    const auto cut = ReadAvro(whole.substr(0, size), count);
    EXPECT_TRUE(!cut || records == 0) << size;  // the head alone, with no block
  }
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    std::string spoilt = whole;
    spoilt[at] = static_cast<char>(spoilt[at] ^ 0x55);
    (void)ReadAvro(spoilt, count);  // an error or other records: no read behind the end
  }
  EXPECT_SAYS(ReadAvro("PAR1", count).error().message, "is no Avro file");
}

TEST(AvroFiles, OfAHundredBytesDoNotHangTheStepOrEatItsMemory) {
  const auto problem = [](const std::string& schema, std::uint64_t records,
                          const std::string& block) {
    const auto read = ReadAvro(AvroFile(schema, records, block),
                               [](const AvroHead&, const Json&) -> Result<void> { return {}; });
    return read ? std::string("read") : read.error().message;
  };
  constexpr std::uint64_t kMany = 1ULL << 62;
  const auto list_of = [](const std::string& items) {
    return R"({"type":"array","items":)" + items + "}";
  };
  const std::string empty = R"({"type":"record","name":"r","fields":[]})";
  const std::string nothing = R"({"type":"fixed","name":"f","size":0})";
  for (const auto& items : {std::string("\"null\""), empty, nothing}) {
    EXPECT_EQ(problem(list_of(items), 1, AvroLong(kMany)), "it ends within a list") << items;
    // As many as there are bytes behind it, which are of other lists.
    EXPECT_EQ(problem(list_of(items), 1, AvroLong(3) + "xxxx"),
              "a list of items that have no bytes")
        << items;
    EXPECT_EQ(problem(items, kMany, "x"), "a block has fewer records than it says") << items;
    EXPECT_EQ(problem(items, 1, "x"), "its records have no bytes") << items;
  }
  // 2^40 records of a record: each has two of the next.
  std::string nested = R"({"type":"record","name":"n40","fields":[{"name":"a","type":"null"}]})";
  for (int i = 39; i >= 0; --i) {
    nested = R"({"type":"record","name":"n)" + std::to_string(i) +
             R"(","fields":[{"name":"a","type":)" + nested + R"(},{"name":"b","type":"n)" +
             std::to_string(i + 1) + R"("}]})";
  }
  EXPECT_EQ(problem(nested, 1, "x"), "a record of more than 1048576 values");
  // Few values of each record, and many of all.
  std::string wide = R"({"type":"record","name":"w","fields":[{"name":"i","type":"int"})";
  for (int i = 0; i < 100; ++i)
    wide += R"(,{"name":"n)" + std::to_string(i) + R"(","type":"null"})";
  wide += "]}";
  EXPECT_EQ(problem(wide, 20, std::string(20, '\0')), "read");
  EXPECT_EQ(problem(wide, 20'000, std::string(20'000, '\0')),
            "a block of more values than its bytes can hold");
}

}  // namespace
}  // namespace penstock::ingest
