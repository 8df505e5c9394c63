#include "components/ingest/lake/delta.h"

#include <arrow/api.h>
#include <arrow/compute/cast.h>
#include <arrow/io/file.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include "components/ingest/lake/deletion_vector.h"
#include "components/ingest/lake/delta_log.h"
#include "components/ingest/lake/testing/lake_fixture.h"

namespace penstock::ingest {
namespace {

namespace fs = std::filesystem;

class DeltaTables : public LakeTables {
 protected:
  std::string Uri(const std::string& name, const std::string& query = "") {
    return "delta+file://" + TestData(name) + query;
  }
  static std::string Of(const std::string& folder) { return "delta+file://" + folder; }
  static std::string Commit(const std::string& table, int version) {
    const std::string digits = std::to_string(version);
    return table + "/_delta_log/" + std::string(20 - digits.size(), '0') + digits + ".json";
  }

  // A table of one file, x.parquet, of integers.
  std::string Make(const std::string& name, const arrow::FieldVector& in_file,
                   const std::string& rows, const Json& fields,
                   const Json& partitions = Json::object()) {
    const std::string table = folder_ / ("made/" + name);
    fs::create_directories(table + "/_delta_log");
    arrow::FieldVector wide;
    for (const auto& field : in_file) wide.push_back(arrow::field(field->name(), arrow::int64()));
    const auto longs = sdk::BatchOf(wide, rows);
    arrow::ArrayVector columns_in_file;
    for (int i = 0; i < longs->num_columns(); ++i) {
      const auto& type = in_file[std::size_t(i)]->type();
      columns_in_file.push_back(arrow::compute::Cast(*longs->column(i), type).ValueOrDie());
    }
    const auto batch = arrow::RecordBatch::Make(arrow::schema(in_file), longs->num_rows(),
                                                std::move(columns_in_file));
    const auto file = arrow::io::FileOutputStream::Open(table + "/x.parquet").ValueOrDie();
    EXPECT_TRUE(parquet::arrow::WriteTable(*arrow::Table::FromRecordBatches({batch}).ValueOrDie(),
                                           arrow::default_memory_pool(), file)
                    .ok());
    EXPECT_TRUE(file->Close().ok());
    Json columns = Json::array();
    Json keys = Json::array();
    for (const auto& [column, type] : fields.items()) {
      columns.push_back(
          {{"name", column}, {"type", type}, {"nullable", true}, {"metadata", Json::object()}});
      if (column.starts_with("Part")) keys.push_back(column);
    }
    const Json schema = {{"type", "struct"}, {"fields", columns}};
    Json metadata = {{"id", "made"}, {"schemaString", schema.dump()}, {"partitionColumns", keys}};
    const Json add = {{"path", "x.parquet"},
                      {"partitionValues", partitions},
                      {"size", fs::file_size(table + "/x.parquet")}};
    std::ofstream(Commit(table, 0)) << Json{{"protocol", {{"minReaderVersion", 1}}}} << "\n"
                                    << Json{{"metaData", metadata}} << "\n"
                                    << Json{{"add", add}} << "\n";
    return table;
  }
};

// Counts what is read whole.
class CountingPlace : public Place {
 public:
  explicit CountingPlace(const std::string& folder)
      : Place("file://" + folder),
        inner_(Place::Open("file://" + folder, "/tmp", 1ULL << 30).value()) {}
  Result<std::vector<PlaceEntry>> List(const std::string& folder) override {
    return inner_->List(folder);
  }
  Result<std::string> Text(const std::string& path, std::uint64_t limit) override {
    ++texts[path];
    return inner_->Text(path, limit);
  }
  Result<PlaceFile> Fetch(const std::string& path, std::int64_t bytes) override {
    return inner_->Fetch(path, bytes);
  }
  std::map<std::string, int> texts;

 private:
  std::unique_ptr<Place> inner_;
};

TEST_F(DeltaTables, HaveTheRowsThatDeltalakeReads) {
  const auto tables = Tables("delta-");
  ASSERT_GE(tables.size(), 5U);
  for (const auto& name : tables) {
    const std::string expected = ExpectedRows(name);
    ASSERT_GT(expected.size(), 20U) << expected;
    EXPECT_TRUE(RowsOf(Uri(name)) == expected)
        << name << ":\n"
        << RowsOf(Uri(name)).substr(0, 3000) << "\nexpected:\n"
        << expected.substr(0, 3000);
  }
}

TEST_F(DeltaTables, AreReadAtAVersionOfTheirPast) {
  EXPECT_EQ(RowsOf(Uri("delta-plain", "?version=0")), ExpectedRows("delta-plain-0"));
  EXPECT_SAYS(Problem(Uri("delta-plain", "?version=99")), "the newest of the table is");
}

TEST_F(DeltaTables, AreKnownByTheirIdAndVersion) {
  ASSERT_EQ(Problem(Uri("delta-plain", "?version=2")), "");
  const std::string print = Fingerprint();
  ASSERT_TRUE(print.starts_with("delta:") && print.ends_with(":2")) << print;
  const std::string id = print.substr(6, print.size() - 8);
  EXPECT_EQ(Problem(Uri("delta-plain", "?version=2&table=" + id)), "");
  EXPECT_SAYS(Report(), "?version=2&table=" + id);
  EXPECT_EQ(ResultOf("format"), "Delta");
  EXPECT_SAYS(Problem(Uri("delta-plain", "?version=2&table=another")),
              "made anew in the place of that one");
}

TEST_F(DeltaTables, AreReadFromTheirCheckpointWhereTheLogWasCleanedUp) {
  const std::string table = CopyOf("delta-plain");
  for (int version : {0, 1}) fs::remove(Commit(table, version));
  const std::string expected = ExpectedRows("delta-plain");
  EXPECT_EQ(RowsOf(Of(table)), expected);
  EXPECT_SAYS(Problem(Of(table) + "?version=1"), "00000000000000000000.json is missing");
  // One in two parts holds only when both are there.
  const std::string checkpoint = table + "/_delta_log/00000000000000000002.checkpoint.";
  fs::rename(checkpoint + "parquet", checkpoint + "0000000001.0000000002.parquet");
  EXPECT_SAYS(Problem(Of(table)), "no checkpoint holds what it said");
  fs::copy(checkpoint + "0000000001.0000000002.parquet",
           checkpoint + "0000000002.0000000002.parquet");
  EXPECT_EQ(RowsOf(Of(table)), expected);
}

TEST_F(DeltaTables, LieInABucketToo) {
  s3::FakeS3 store;
  Upload(store, TestData("delta-partitions"), "lake/orders/");
  const std::string expected = ExpectedRows("delta-partitions");
  EXPECT_EQ(RowsOf("delta+s3://models/lake/orders"), expected);
  EXPECT_SAYS(Fingerprint(), "delta:");
  for (const auto& entry : fs::directory_iterator(folder_.path()))
    EXPECT_FALSE(entry.path().filename().string().starts_with("lake.")) << entry.path();
  EXPECT_SAYS(Problem("delta+s3://models/lake/nothing"), "name the folder that holds _delta_log");
  EXPECT_SAYS(Problem("delta+s3://models/lake/orders", {{"maxBytes", 1000}}),
              "more than maxBytes, 1000");
  ::unsetenv("AWS_ACCESS_KEY_ID");
  ::unsetenv("AWS_SECRET_ACCESS_KEY");
  EXPECT_SAYS(Problem("delta+s3://models/lake/orders"), "it was asked without keys");
}

TEST_F(DeltaTables, GiveTheColumnsThatAreAskedFor) {
  EXPECT_EQ(RowsOf(Uri("delta-partitions"), {{"columns", {"price", "place"}}}),
            ExpectedRows("delta-partitions", {{"columns", {"price", "place"}}}));
  EXPECT_EQ(RowsOf(Uri("delta-plain"), {{"columns", {"note"}}, {"roles", {{"note", "id"}}}}),
            ExpectedRows("delta-plain", {{"columns", {"note"}}}));
  EXPECT_SAYS(Problem(Uri("delta-plain"), {{"columns", {"nope"}}}), "there is no column 'nope'");
  EXPECT_SAYS(Problem(Uri("delta-plain"), {{"format", "csv"}}), "the files of a table are Parquet");
}

TEST_F(DeltaTables, AreNotReadAsAFolderOfFiles) {
  // The files of rows that were deleted since lie there too.
  EXPECT_SAYS(Problem(TestData("delta-plain")), "read it as delta+file:///");
  s3::FakeS3 store;
  Upload(store, TestData("delta-plain"), "t/");
  EXPECT_SAYS(Problem("s3://models/t/"), "read it as delta+s3://models/t/");
}

TEST_F(DeltaTables, ThatNeedWhatIsNotReadAreRefusedByName) {
  const std::string table = CopyOf("delta-vectors");
  Replace(Commit(table, 0), R"("readerFeatures":["deletionVectors"])",
          R"("readerFeatures":["deletionVectors","variantType","catalogManaged"])");
  EXPECT_SAYS(Problem(Of(table)), "(readerFeatures): variantType, catalogManaged");
  Replace(Commit(table, 0), R"("minReaderVersion":3)", R"("minReaderVersion":4)");
  EXPECT_SAYS(Problem(Of(table)), "version 4 of Delta's protocol");
  const std::string other = CopyOf("delta-mapping-id");
  Replace(Commit(other, 0), R"(\"type\": \"double\")", R"(\"type\": \"quaternion\")");
  EXPECT_SAYS(Problem(Of(other)), "column 'ratio': is of a type that is not known here");
  Replace(Commit(other, 0), R"(\"quaternion\")", R"({\"type\": \"struct\", \"fields\": []})");
  EXPECT_SAYS(Problem(Of(other)), "datasets have no nested columns");
  EXPECT_EQ(Problem(Of(other), {{"columns", {"key"}}}), "");
}

TEST_F(DeltaTables, AreNotReadOutsideOfTheirFolder) {
  const std::string table = CopyOf("delta-mapping-id");
  Write("secret.parquet", *ReadFile(TestData("delta-plain-0.parquet")));
  Replace(Commit(table, 0), "ab/one.parquet", "../../secret.parquet");
  EXPECT_SAYS(Problem(Of(table)), "no path below its folder");
  Replace(Commit(table, 0), "../../secret.parquet", "%2E%2E/secret.parquet");
  EXPECT_SAYS(Problem(Of(table)), "no path below its folder");
  Replace(Commit(table, 0), "%2E%2E/secret.parquet", "file:///etc/passwd");
  EXPECT_SAYS(Problem(Of(table)), "lies outside of its folder");
  Replace(Commit(table, 0), "file:///etc/passwd", "s3://other/x.parquet");
  EXPECT_SAYS(Problem(Of(table)), "lies outside of its folder");
}

TEST_F(DeltaTables, ThatAreDamagedAreErrors) {
  const std::string table = CopyOf("delta-mapping-name");
  const std::string file = table + "/ab/one.parquet";
  const std::string bytes = *ReadFile(file);
  std::ofstream(file, std::ios::app) << "x";
  EXPECT_SAYS(Problem(Of(table)), "somebody has written it since");
  fs::remove(file);
  EXPECT_SAYS(Problem(Of(table)), "a state whose files were cleaned up is gone");
  std::ofstream(file, std::ios::binary) << bytes;
  Replace(Commit(table, 0), R"(\"numRecords\": 2)", R"(\"numRecords\": 3)");
  EXPECT_SAYS(Problem(Of(table)), "has 2 rows, and the table says 3");
  Replace(Commit(table, 0), R"("col-4":"7")", R"("col-4":"x")");
  EXPECT_SAYS(Problem(Of(table)), "partition 'part': its value 'x' is no int32");
  std::ofstream(Commit(table, 0), std::ios::app) << "{\"add\"";
  EXPECT_SAYS(Problem(Of(table)), "json line 4");
}

TEST_F(DeltaTables, OfWhichACommitIsMissingAreNotRead) {
  const std::string table = CopyOf("delta-vectors");
  fs::rename(Commit(table, 1), Commit(table, 2));
  EXPECT_SAYS(Problem(Of(table)), "version 2 cannot be read, as the commit");
}

TEST_F(DeltaTables, DoNotTakeAnotherTypeForTheirColumns) {
  const std::string table = CopyOf("delta-mapping-name");
  Replace(Commit(table, 0), R"(\"type\": \"string\")", R"(\"type\": \"long\")");
  EXPECT_SAYS(Problem(Of(table)), "column 'name in it' is string in the file, and int64");
}

TEST_F(DeltaTables, WhoseFilesNameAColumnInAnotherCaseAreNotReadAsNull) {
  const auto field = [](const char* name) { return arrow::field(name, arrow::int64()); };
  EXPECT_EQ(RowsOf(Of(Make("case", {field("id")}, "[[7]]", {{"Id", "long"}}))), "Id:int64 \n7|");
  EXPECT_EQ(RowsOf(Of(Make("exact", {field("id"), field("Id")}, "[[7, 8]]", {{"Id", "long"}}))),
            "Id:int64 \n8|");
  EXPECT_SAYS(Problem(Of(Make("two", {field("id"), field("ID")}, "[[7, 8]]", {{"Id", "long"}}))),
              "column 'Id' stands twice in the file, as 'id' and 'ID'");
  EXPECT_EQ(RowsOf(Of(Make("none", {field("other")}, "[[7]]", {{"Id", "long"}}))),
            "Id:int64 \nnull|");
}

TEST_F(DeltaTables, OfWhichAPartitionsValueIsMissingAreNotReadAsNull) {
  const auto table = [&](const char* name, const Json& values) {
    return Of(Make(name, {arrow::field("id", arrow::int64())}, "[[7]]",
                   {{"id", "long"}, {"Part", "integer"}}, values));
  };
  EXPECT_EQ(RowsOf(table("there", {{"Part", "3"}})), "Part:int64 id:int64 \n3|7|");
  EXPECT_EQ(RowsOf(table("null", {{"Part", nullptr}})), "Part:int64 id:int64 \nnull|7|");
  EXPECT_EQ(RowsOf(table("case", {{"part", "3"}})), "Part:int64 id:int64 \n3|7|");
  EXPECT_SAYS(Problem(table("missing", {{"other", "3"}})),
              "partition 'Part': is missing in the log (partitionValues)");
  EXPECT_SAYS(Problem(table("twice", {{"part", "3"}, {"PART", "4"}})),
              "partition 'Part': stands twice in partitionValues, by case");
}

TEST_F(DeltaTables, WhoseIntegersWereWidenedToDecimalsAreRead) {
  const auto table = [&](const char* name, const std::shared_ptr<arrow::DataType>& type,
                         const char* now) {
    return Of(Make(name, {arrow::field("n", type)}, "[[7], [-9]]", {{"n", now}}));
  };
  const std::string rows = "n:decimal(12,2) \n-9.00|\n7.00|";
  for (const auto& type : {arrow::int8(), arrow::int16(), arrow::int32()})
    EXPECT_EQ(RowsOf(table(("of" + type->ToString()).c_str(), type, "decimal(12,2)")), rows);
  EXPECT_EQ(RowsOf(table("long", arrow::int64(), "decimal(20,0)")), "n:decimal(20,0) \n-9|\n7|");
  EXPECT_SAYS(Problem(table("narrow", arrow::int64(), "decimal(12,2)")),
              "column 'n' is int64 in the file, and decimal128(12, 2) in the table");
  EXPECT_SAYS(Problem(table("tight", arrow::int32(), "decimal(11,2)")), "is int32 in the file");
}

TEST_F(DeltaTables, WithManyVectorsInAFewFilesFetchEachOfTheseOnce) {
  const std::string table = CopyOf("delta-vectors");
  // Every second file's vector lies in another file of them, of the same bytes.
  const std::string other = "ab/deletion_vector_00000000-0000-0000-0000-000000000000.bin";
  for (const auto& entry : fs::directory_iterator(table + "/ab")) {
    if (entry.path().string().ends_with(".bin")) {
      fs::copy(entry.path(), table + "/" + other);
      break;
    }
  }
  for (const char* offset : {"47", "8318"}) {
    Replace(
        Commit(table, 1),
        std::string(R"("storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^","offset":)") +
            offset,
        std::string(R"("storageType":"u","pathOrInlineDv":"ab00000000000000000000","offset":)") +
            offset);
  }
  CountingPlace place(table);
  const auto state = OpenDelta(place, {});
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(place.texts[other], 1);
  int vectors = 0;
  for (const auto& [path, times] : place.texts) {
    if (!path.ends_with(".bin")) continue;
    ++vectors;
    EXPECT_EQ(times, 1) << path;
  }
  EXPECT_EQ(vectors, 2);
  EXPECT_EQ(RowsOf(Of(table)), ExpectedRows("delta-vectors"));
}

TEST_F(DeltaTables, DoNotKeepTheStatisticsOfAllFilesInMemory) {
  for (const char* name : {"delta-plain", "delta-vectors"}) {
    const auto place = Place::Open("file://" + TestData(name), folder_.path(), 1 << 20).value();
    const auto log = ReadDeltaLog(*place, std::nullopt);
    ASSERT_TRUE(log) << log.error().message;
    ASSERT_GE(log->files.size(), 2U);
    for (const auto& [key, add] : log->files) {
      EXPECT_FALSE(add.contains("stats")) << add.dump();
      EXPECT_GE(add.value("numRecords", 0), 1) << add.dump();
    }
  }
}

TEST(DeletionVectors, ThatAreCutOrDamagedAreErrors) {
  const std::string path = std::string(PENSTOCK_TEST_SOURCE_DIR) +
                           "/testing/testdata/delta-vectors/ab/deletion_vector_d2c639aa-8816-431a-"
                           "aaf6-d3fe2512ff61.bin";
  const std::string file = *ReadFile(path);
  const auto whole = DeletionVectorAt(file, 1);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(*whole, (std::vector<std::int64_t>{0, 5, 19'999}));
  std::string other = file;
  other[20] = static_cast<char>(other[20] ^ 1);
  EXPECT_SAYS(DeletionVectorAt(other, 1).error().message, "checksum");
  for (const std::uint64_t offset : {std::uint64_t(file.size()), UINT64_MAX, std::uint64_t(2)})
    EXPECT_FALSE(DeletionVectorAt(file, offset));
  // Whatever the bytes are: an error or numbers in order, and nothing behind the end is read.
  const std::string bytes = file.substr(5, 60);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    const std::string part = bytes.substr(0, cut);
    (void)ParseDeletionVector(part);
    for (std::size_t at = 0; at < part.size(); ++at) {
      std::string spoilt = part;
      spoilt[at] = static_cast<char>(spoilt[at] ^ 0xFF);
      const auto parsed = ParseDeletionVector(spoilt);
      EXPECT_TRUE(!parsed || std::is_sorted(parsed->begin(), parsed->end()));
    }
  }
}

TEST(DeletionVectors, AreNamedInZ85) {
  // From the specification of ZeroMQ's Z85 (rfc.zeromq.org/spec/32).
  EXPECT_EQ(DecodeZ85("HelloWorld").value(), "\x86\x4F\xD2\x6F\xB5\x59\xF7\x5B");
  EXPECT_FALSE(DecodeZ85("Hello,orld"));
  EXPECT_FALSE(DecodeZ85("Hell"));
  EXPECT_FALSE(DecodeZ85("#####"));
}

}  // namespace
}  // namespace penstock::ingest
