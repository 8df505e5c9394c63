// The component ingest with CSV files: bytes on disk to a dataset, results and a quarantine.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "components/ingest/run.h"
#include "components/sdk/cells.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"

namespace penstock::ingest {
namespace {

// "ID,Größe,note\n1,5,café\n2,6,naïve\n" in an encoding of two bytes a character.
std::string Wide(bool big_endian) {
  std::string out;
  const std::u16string text = u"\uFEFFID,Größe,note\n1,5,café\n2,6,naïve\n";
  for (const char16_t c : text) {
    const char high = char(c >> 8), low = char(c & 0xFF);
    out += big_endian ? std::string{high, low} : std::string{low, high};
  }
  return out;
}

class IngestCsv : public ::testing::Test {
 protected:
  Result<void> Run(const std::string& bytes, const Json& parameters = Json::object(),
                   bool quarantine = false) {
    std::ofstream(folder_ / "in.csv", std::ios::binary) << bytes;
    std::map<std::string, std::string> outputs = {{"dataset", folder_ / "out"}};
    if (quarantine) outputs["quarantine"] = folder_ / "quarantine";
    std::filesystem::create_directories(folder_ / "results");
    sdk::Step step(parameters, {{"source", {folder_ / "in.csv", "", ""}}}, outputs,
                   folder_ / "results");
    return RunIngest(step);
  }
  // "1|x;2|y"
  std::string Cells(const std::string& output = "out") {
    const auto rows = sdk::ReadDataset(folder_ / output);
    std::string out;
    for (std::int64_t r = 0; r < rows->num_rows(); ++r) {
      out += r == 0 ? "" : ";";
      for (const auto& field : rows->schema()->fields()) {
        out += (field == rows->schema()->field(0) ? "" : "|") +
               sdk::CellToText(CellAt(*sdk::FindColumn(*rows, field->name()), r));
      }
    }
    return out;
  }
  std::string ResultOf(const std::string& name) { return *ReadFile(folder_ / "results/" + name); }

  sdk::TestFolder folder_;
};

TEST_F(IngestCsv, ReadsUtf16ByItsMarkAndLatin1WhenTold) {
  for (const bool big_endian : {false, true}) {
    const auto ok = Run(Wide(big_endian));
    ASSERT_TRUE(ok) << ok.error().message;
    EXPECT_EQ(Cells(), "1|5|café;2|6|naïve");
    EXPECT_EQ(Json::parse(ResultOf("dialect"))["encoding"], big_endian ? "utf-16be" : "utf-16le");
    ASSERT_TRUE(Run(Wide(big_endian), {{"encoding", "utf-16"}}));
    EXPECT_EQ(Cells(), "1|5|café;2|6|naïve");
  }
  const std::string latin1 =
      "ID,Gr\xF6\xDF"
      "e,note\n1,5,caf\xE9\n";
  const auto refused = Run(latin1);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("line 1: bytes that are no UTF-8"), std::string::npos);
  EXPECT_NE(refused.error().message.find("encoding"), std::string::npos);
  for (const char* encoding : {"latin1", "windows-1252"}) {
    ASSERT_TRUE(Run(latin1, {{"encoding", encoding}}));
    EXPECT_EQ(Cells(), "1|5|café");
  }
}

TEST_F(IngestCsv, SaysTheDialectAndTheEmptyColumns) {
  ASSERT_TRUE(Run("a;b;c\n1,5;x;\n2;y;NA\n"));
  EXPECT_EQ(Cells(), "1.5|x|null;2.0|y|null");
  EXPECT_EQ(Json::parse(ResultOf("dialect")), Json({{"delimiter", ";"},
                                                    {"quote", "\""},
                                                    {"escape", "doubled"},
                                                    {"header", true},
                                                    {"decimal", ","},
                                                    {"encoding", "utf-8"}}));
  EXPECT_EQ(ResultOf("emptyColumns"), "[\"c\"]");
  EXPECT_EQ(ResultOf("badRows"), "0");
}

TEST_F(IngestCsv, KeepsBadRowsInTheQuarantine) {
  const Json parameters = {{"onBadRow", "Quarantine"}};
  const std::string text = "a,b\n1,x\n2\n3,\"open\n4,y\n";
  ASSERT_FALSE(Run(text));
  const auto without = Run(text, parameters);
  ASSERT_FALSE(without);
  EXPECT_NE(without.error().message.find("needs the output quarantine"), std::string::npos);
  const auto ok = Run(text, parameters, true);
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(Cells(), "1|x;4|y");
  EXPECT_EQ(ResultOf("badRows"), "2");
  EXPECT_EQ(ResultOf("rows"), "2");
  const auto kept = sdk::ReadDataset(folder_ / "quarantine");
  EXPECT_EQ(kept->schema()->ToString(), "line: int64\nreason: string\nraw: binary");
  ASSERT_EQ(kept->num_rows(), 2);
  EXPECT_EQ((*kept->GetColumnByName("line")->GetScalar(1))->ToString(), "4");
  const auto raw = *kept->GetColumnByName("raw")->GetScalar(0);
  EXPECT_EQ(static_cast<const arrow::BinaryScalar&>(*raw).view(), "2\n");
  // Nothing bad: an empty dataset.
  ASSERT_TRUE(Run("a,b\n1,x\n", parameters, true));
  EXPECT_EQ(sdk::ReadDataset(folder_ / "quarantine")->num_rows(), 0);
}

TEST_F(IngestCsv, WritesEveryDeclaredResultOfAParquetFileToo) {
  ASSERT_TRUE(Run("a,b\n1,x\n"));
  const auto parquet = ReadFile(folder_ / "out/part-00000.parquet");
  std::filesystem::remove_all(folder_ / "results");
  const auto ok = Run(*parquet);
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(ResultOf("dialect"), "{}");
  EXPECT_EQ(ResultOf("badRows"), "0");
  EXPECT_EQ(ResultOf("emptyColumns"), "[]");
  EXPECT_EQ(ResultOf("rows"), "1");
}

TEST_F(IngestCsv, RefusesParametersThatAreNone) {
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"delimiter", ",,"},
                                                        {"delimiter", "\""},
                                                        {"quote", "x"},
                                                        {"escape", "/"},
                                                        {"decimal", ";"},
                                                        {"header", "maybe"},
                                                        {"onBadRow", "Skip"}}) {
    const auto ok = Run("a,b\n1,x\n", {{name, value}});
    ASSERT_FALSE(ok) << name;
    EXPECT_NE(ok.error().message.find(name), std::string::npos) << ok.error().message;
  }
}

}  // namespace
}  // namespace penstock::ingest
