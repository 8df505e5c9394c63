// Several CSV files of one folder as one table.
#include <gtest/gtest.h>

#include "components/ingest/csv/options.h"
#include "components/ingest/csv/reader.h"
#include "components/ingest/stream.h"
#include "components/ingest/testing/ingest_fixture.h"
#include "components/ingest/testing/packed.h"
#include "components/sdk/dataset.h"

namespace penstock::ingest {
namespace {

class SeveralCsvFiles : public IngestFiles {
 protected:
  void File(const std::string& name, const std::string& bytes) { Write("in/" + name, bytes); }
  std::string In() { return folder_ / "in"; }
  std::string Problem(const Json& parameters = Json::object(), const std::string& schema = "") {
    return IngestFiles::Problem(In(), parameters, schema);
  }
};

TEST_F(SeveralCsvFiles, AreOneTableInTheOrderOfTheirNames) {
  File("2026-01-02.csv", "a,b\n3,z\n");
  File("2026-01-01.csv", "a,b\n1,x\n2,y\n");
  File("_SUCCESS", "");
  ASSERT_EQ(Problem(), "");
  EXPECT_EQ(Table(), "a:int64 b:string \n1|x|\n2|y|\n3|z|");
  EXPECT_EQ(ResultOf("rows"), "3");
  EXPECT_SAYS(Report(), "2 parts");
}

// The rows of one file decide its types; so do those of several, wherever they are cut.
TEST_F(SeveralCsvFiles, HaveTheTypesThatTheRowsOfOneFileWouldHave) {
  const std::vector<std::string> rows = {"1,1,1,2024-01-05,true,", "2,x,2.5,2024-01-05 10:00,1,",
                                         "9007199254740993,NA,3,2024-01-06,false,",
                                         "02,,4,NA,true,", "5,3,1e3,2024-01-07,false,"};
  const std::string head = "a,b,c,d,e,f\n";
  std::string whole = head;
  for (const auto& row : rows) whole += row + "\n";
  ASSERT_EQ(IngestFiles::Problem(Write("whole.csv", whole)), "");
  const std::string expected = Table();
  EXPECT_SAYS(expected, "a:string b:string c:float64 d:timestamp e:string f:string");
  for (std::size_t cut = 1; cut < rows.size(); ++cut) {
    std::string first = head, second = head;
    for (std::size_t i = 0; i < rows.size(); ++i) (i < cut ? first : second) += rows[i] + "\n";
    File("1.csv", first);
    File("2.csv", second);
    ASSERT_EQ(Problem(), "") << cut;
    EXPECT_EQ(Table(), expected) << cut;
  }
}

TEST_F(SeveralCsvFiles, ATypeThatALateFileContradictsIsReadAnew) {
  std::string many = "id,v\n";
  for (int i = 0; i < 60'000; ++i) many += std::to_string(i) + ",1\n";
  File("1.csv", many);
  File("2.csv", many);
  File("3.csv", "id,v\nlast,0.5\n");
  ASSERT_EQ(Problem(), "");
  EXPECT_EQ(SchemaOut().columns[0].type, "string");
  EXPECT_EQ(SchemaOut().columns[1].type, "float64");
  EXPECT_EQ(ResultOf("rows"), "120001");
}

TEST_F(SeveralCsvFiles, AreUnitedByTheNamesOfTheirColumnsAndNotByTheirPlaces) {
  File("1.csv", "a,b,c\n1,x,0.5\n");
  File("2.csv", "c,a\n1.5,2\n");
  ASSERT_EQ(Problem(), "");
  EXPECT_EQ(Table(), "a:int64 b:string c:float64 \n1|x|0.5|\n2|null|1.5|");
  EXPECT_SAYS(Report(), "column 'b' is missing from 2.csv; it is null there");
}

TEST_F(SeveralCsvFiles, AColumnThatOnlyALaterFileHasIsRefusedUnlessSomebodyNamesIt) {
  File("1.csv", "a\n1\n");
  File("2.csv", "a,extra\n2,7\n");
  EXPECT_SAYS(Problem(), "2.csv: column 'extra' is not in 1.csv");
  ASSERT_EQ(Problem({{"types", {{"extra", "int64"}}}}), "");
  EXPECT_EQ(Table(), "a:int64 extra:int64 \n1|null|\n2|7|");
  ASSERT_EQ(Problem({{"columns", {"extra", "a"}}}), "");
  EXPECT_EQ(Table(), "extra:int64 a:int64 \nnull|1|\n7|2|");
  ASSERT_EQ(Problem({{"columns", {"a"}}}), "");
  EXPECT_EQ(Table(), "a:int64 \n1|\n2|");
  const std::string given = "version: 1\ncolumns:\n- {name: a, type: int64}\n- {name: extra, ";
  ASSERT_EQ(Problem(Json::object(), Write("s.yaml", given + "type: int64}\n")), "");
  EXPECT_EQ(Table(), "a:int64 extra:int64 \n1|null|\n2|7|");
  EXPECT_SAYS(Problem(Json::object(), Write("s.yaml", given + "type: int64, nullable: false}\n")),
              "1.csv: column 'extra': row 1: null, and the given schema says nullable: false");
}

TEST_F(SeveralCsvFiles, ErrorsNameFileLineAndColumn) {
  File("1.csv", "a,b\n1,2\n");
  File("2.csv", "a,b\n1,2\n3\n");
  EXPECT_SAYS(Problem(), "2.csv: CSV line 3: Expected 2 columns, got 1");
  File("2.csv", "a,b\n1,2\n3,x\n");
  EXPECT_SAYS(Problem({{"types", {{"b", "int64"}}}}),
              "2.csv: CSV line 3, column 'b': 'x' is no int64");
  File("2.csv", "a,a\n1,2\n");
  EXPECT_SAYS(Problem(), "2.csv: CSV line 1: column 'a' stands twice");
  File("2.csv", "");
  EXPECT_SAYS(Problem(), "2.csv: CSV: Empty CSV file");
  File("2.csv", "c,d\n1,2\n");
  EXPECT_SAYS(Problem({{"columns", {"a"}}}), "2.csv: has none of the columns that are read");
  EXPECT_SAYS(Problem({{"columns", {"x"}}}), "parameter columns: there is no column 'x'");
}

TEST_F(SeveralCsvFiles, BadRowsAreKeptWithTheirFile) {
  File("1.csv", "a,b\n1,2\n");
  File("2.csv", "a,b\n1\n3,4\n");
  std::map<std::string, sdk::StepInput> inputs = {{"source", {In(), "", ""}}};
  std::filesystem::create_directories(folder_ / "results");
  sdk::Step step({{"onBadRow", "Quarantine"}}, inputs,
                 {{"dataset", folder_ / "out"},
                  {"schema", folder_ / "_schema.yaml"},
                  {"quarantine", folder_ / "bad"}},
                 folder_ / "results");
  const auto ok = RunIngest(step);
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(ResultOf("badRows"), "1");
  EXPECT_EQ(Table(), "a:int64 b:int64 \n1|2|\n3|4|");
  EXPECT_SAYS(sdk::TableText(folder_ / "bad", *sdk::LoadSchema(folder_ / "bad")),
              "2|2.csv: Expected 2 columns, got 1|");
}

TEST_F(SeveralCsvFiles, ThatAreNotWrittenAlikeAreRefusedWithWhatDiffers) {
  File("1.csv", "a,b\n1,2\n");
  File("2.csv", "a;b\n3;4\n");
  EXPECT_SAYS(Problem(), "2.csv: its values stand between ';', and those of 1.csv between ','");
  File("2.csv", "3,4\n5,6\n");
  EXPECT_SAYS(Problem(), "2.csv: its first line is taken for values, and that of 1.csv for names");
  File("1.csv", "1,2\n3,4\n");
  ASSERT_EQ(Problem(), "");
  EXPECT_EQ(Table(), "f0:int64 f1:int64 \n1|2|\n3|4|\n3|4|\n5|6|");
  File("2.csv", "3,4,5\n6,7,8\n");
  EXPECT_SAYS(Problem(), "2.csv: its records have 3 values, and those of 1.csv have 2");
  File("1.csv", "a;b\n1,5;x\n");
  File("2.csv", "a;b\n1.5;x\n");
  EXPECT_SAYS(Problem(), "column 'a': 1.csv writes its numbers with a comma (1,5), and 2.csv with");
  ASSERT_EQ(Problem({{"types", {{"a", "string"}}}}), "");
  EXPECT_EQ(Table(), "a:string b:string \n1,5|x|\n1.5|x|");
}

TEST_F(SeveralCsvFiles, OfOneColumnAreReadAsTheOthersAreWritten) {
  File("1.csv", "a\n1,5\n");
  File("2.csv", "a;b\n2,5;x\n");
  ASSERT_EQ(Problem({{"types", {{"b", "string"}}}}), "") << "b is in the second alone";
  EXPECT_EQ(Table(), "a:float64 b:string \n1.5|null|\n2.5|x|");
}

TEST_F(SeveralCsvFiles, MayHaveQuotesAndEncodingsOfTheirOwn) {
  File("1.csv", "a,b\n1,\"say \"\"hi\"\"\"\n");
  std::string late = "a,b\n";
  for (int i = 0; i < 40'000; ++i) late += "2,fine\n";
  File("2.csv", late + "3,\"say \\\"ho\\\", he\"\n");  // seen behind the first records only
  File("3.csv", std::string("\xFF\xFE") + std::string("a\0,\0b\0\n\0004\0,\0z\0\n\0", 16));
  ASSERT_EQ(Problem(), "");
  EXPECT_EQ(ResultOf("rows"), "40003");
  const std::string table = Table();
  EXPECT_SAYS(table, "1|say \"hi\"|");
  EXPECT_SAYS(table, "3|say \"ho\", he|");
  EXPECT_SAYS(table, "4|z|");
}

TEST_F(SeveralCsvFiles, OneOfThemMayBePacked) {
  File("1.csv", "a\n1\n");
  File("2.csv.gz", Gzip("a\n2\n"));
  ASSERT_EQ(Problem(), "");
  EXPECT_EQ(Table(), "a:int64 \n1|\n2|");
}

TEST_F(SeveralCsvFiles, AColumnWithoutAValueInAnyOfThemIsSaid) {
  File("1.csv", "a,b,c\n1,,\n");
  File("2.csv", "a,b,c\n2,,x\n");
  ASSERT_EQ(Problem(), "");
  EXPECT_EQ(ResultOf("emptyColumns"), "[\"b\"]");
}

std::string BitsWith(int threads, const std::vector<std::string>& texts, const std::string& to) {
  Json none = Json::object();
  sdk::Parameters parameters(none);
  CsvOptions options = ReadCsvOptions(parameters);
  options.threads = threads;
  std::vector<CsvFile> files;
  for (const auto& text : texts)
    files.push_back(
        {text, [text](const std::string& encoding) { return OpenText(text, encoding, 1 << 30); }});
  std::unique_ptr<sdk::DatasetWriter> writer;
  const auto report = ReadCsvFiles(
      files, options,
      [&](const auto& schema) -> Result<void> {
        std::filesystem::remove_all(to);
        auto made = sdk::DatasetWriter::Create(to, schema);
        if (!made) return made.error();
        writer = *std::move(made);
        return {};
      },
      [](std::size_t) {}, [&](const auto& batch) { return writer->Write(batch); });
  if (!report) return report.error().message;
  if (const auto ok = writer->Finish(); !ok) return ok.error().message;
  std::map<std::string, std::string> parts;
  for (const auto& entry : std::filesystem::directory_iterator(to))
    if (entry.path().extension() == ".parquet") parts[entry.path()] = *ReadFile(entry.path());
  std::string bits;
  for (const auto& [name, bytes] : parts) bits += bytes;
  return bits;
}

TEST_F(SeveralCsvFiles, AreTheSameBitsWithAnyNumberOfThreads) {
  std::vector<std::string> files;
  for (int f = 0; f < 5; ++f) {
    std::string text = f == 3 ? "v,id\n" : "id,v\n";
    for (int i = 0; i < 50'000 + f; ++i) text += std::to_string(i) + "," + std::to_string(f) + "\n";
    files.push_back(Write("in/" + std::to_string(f) + ".csv", text));
  }
  const std::string one = BitsWith(1, files, folder_ / "one");
  EXPECT_GT(one.size(), 1000U);
  EXPECT_TRUE(one == BitsWith(7, files, folder_ / "seven"));
}

}  // namespace
}  // namespace penstock::ingest
