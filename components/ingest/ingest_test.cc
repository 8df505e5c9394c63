#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "components/ingest/run.h"
#include "components/ingest/source.h"
#include "components/ingest/testing/packed.h"
#include "components/sdk/cells.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/base64.h"
#include "operator/base/file.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::ingest {
namespace {

using sdk::TestFolder;

// Gives prepared answers, one a connection, the last one again and again; keeps the requests'
// lines.
class TestServer : public net::FakeServer {
 public:
  explicit TestServer(std::vector<std::string> answers)
      : FakeServer([this, answers](net::FakeConnection& connection) {
          const std::string request = connection.ReadRequest();
          Record(request.substr(0, request.find("\r\n")));
          const std::size_t n = static_cast<std::size_t>(connection.index());
          connection.Send(answers[std::min(n, answers.size() - 1)]);
        }) {}
};

std::string Little(std::uint64_t value, int size) {
  std::string out;
  for (int i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

// A zip of files with the same text; method 0 or 8. Their names have 5 bytes.
std::string Zip(const std::string& text, int method, int files = 1, int flags = 0,
                const std::string& name = "a.csv") {
  const std::string data = method == 8 ? Deflate(text, -MAX_WBITS) : text;
  const auto crc = ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), uInt(text.size()));
  const std::string fields = Little(20, 2) + Little(std::uint64_t(flags), 2) +
                             Little(std::uint64_t(method), 2) + Little(0, 4) + Little(crc, 4) +
                             Little(data.size(), 4) + Little(text.size(), 4) + Little(5, 2) +
                             Little(0, 2);
  std::string out, directory;
  for (int i = 0; i < files; ++i) {
    directory += Little(0x02014B50, 4) + Little(20, 2) + fields + Little(0, 10) +
                 Little(out.size(), 4) + name;
    out += Little(0x04034B50, 4) + fields + name + data;
  }
  const auto at = out.size();
  return out + directory + "PK\x05\x06" + Little(0, 4) + Little(std::uint64_t(files), 2) +
         Little(std::uint64_t(files), 2) + Little(directory.size(), 4) + Little(at, 4) +
         Little(0, 2);
}

class Ingest : public ::testing::Test {
 protected:
  Result<void> Run(const std::string& source, const Json& parameters = Json::object()) {
    const bool uri = source.find("://") != std::string::npos;
    sdk::Step step(parameters, {{"source", {uri ? "" : source, uri ? source : "", ""}}},
                   {{"dataset", folder_ / "out"}}, "");
    return RunIngest(step);
  }
  Result<void> RunText(const std::string& text, const Json& parameters = Json::object()) {
    std::ofstream(folder_ / "in.csv", std::ios::binary) << text;
    return Run(folder_ / "in.csv", parameters);
  }
  std::string Problem(const std::string& text, const Json& parameters = Json::object()) {
    const auto ok = RunText(text, parameters);
    return ok ? "accepted" : ok.error().message;
  }
  // "a|b" a row, with the names and types in front.
  std::string Table() {
    const auto rows = sdk::ReadDataset(folder_ / "out");
    std::string out;
    for (const auto& f : rows->schema()->fields()) {
      out += f->name() + ":" + Name(*sdk::ColumnTypeOf(*f->type())) + " ";
    }
    for (std::int64_t r = 0; r < rows->num_rows(); ++r) {
      out += "\n";
      for (const auto& f : rows->schema()->fields()) {
        out += sdk::CellToText(CellAt(*sdk::FindColumn(*rows, f->name()), r)) + "|";
      }
    }
    return out;
  }
  TestFolder folder_;
};

TEST_F(Ingest, SeesTheTypesAndTheNulls) {
  const auto ok = RunText(
      "i,f,b,t,s\n1,1.5,true,2013-01-01T10:00:00Z,x\nNA,NA,NA,NA,NA\n3,2,false,1970-01-01T00:00:"
      "00Z,\"NA\"\n");
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(Table(),
            "i:int64 f:float64 b:bool t:timestamp s:string \n1|1.5|true|1357034400000000|x|\n"
            "null|null|null|null|null|\n3|2.0|false|0|NA|");
}

TEST_F(Ingest, ReadsABomHangulAndCp949) {
  ASSERT_TRUE(RunText("\xEF\xBB\xBF도시,값\n서울,1\n"));
  EXPECT_EQ(Table(), "도시:string 값:int64 \n서울|1|");
  // The same in CP949.
  ASSERT_TRUE(RunText("\xB5\xB5\xBD\xC3,\xB0\xAA\n\xBC\xAD\xBF\xEF,1\n", {{"encoding", "cp949"}}));
  EXPECT_EQ(Table(), "도시:string 값:int64 \n서울|1|");
  EXPECT_NE(
      Problem("\xB5\xB5,\xFF\xFF\n1,2\n", {{"encoding", "cp949"}}).find("byte 3 is not cp949"),
      std::string::npos);
  EXPECT_NE(Problem("a\n1\n", {{"encoding", "klingon"}}).find("'klingon' is not known"),
            std::string::npos);
}

TEST_F(Ingest, WidensATypeThatALaterValueBreaks) {
  // Longer than the 16 MiB that types are seen from.
  std::string text = "a,b,c,d\n";
  for (int i = 0; text.size() < (17U << 20); ++i) text += "1,2013-01-01,5,\n";
  ASSERT_TRUE(RunText(text + "2.5,2013-01-02T01:00:00,x,7\n"));
  const auto rows = sdk::ReadDataset(folder_ / "out");
  const auto last = rows->num_rows() - 1;
  EXPECT_EQ(std::get<double>(CellAt(*sdk::FindColumn(*rows, "a"), last)), 2.5);
  EXPECT_EQ(std::get<double>(CellAt(*sdk::FindColumn(*rows, "a"), 0)), 1.0);
  EXPECT_EQ(std::get<std::int64_t>(CellAt(*sdk::FindColumn(*rows, "b"), last)), 1357088400000000);
  EXPECT_EQ(std::get<std::string_view>(CellAt(*sdk::FindColumn(*rows, "c"), last)), "x");
  EXPECT_EQ(std::get<std::int64_t>(CellAt(*sdk::FindColumn(*rows, "d"), last)), 7);
}

TEST_F(Ingest, NamesTheLineAndTheColumn) {
  EXPECT_NE(Problem("a,b\n1,2\n3\n").find("line 3: Expected 2 columns, got 1"), std::string::npos)
      << Problem("a,b\n1,2\n3\n");
  const std::string typed = Problem("a,b\n1,2\n3,x\n", {{"types", {{"b", "int64"}}}});
  EXPECT_NE(typed.find("line 3, column 'b': 'x' is no int64"), std::string::npos) << typed;
  EXPECT_NE(Problem("a,a\n1,2\n").find("column 'a' stands twice"), std::string::npos);
  EXPECT_NE(Problem("a,\n1,2\n").find("has no name"), std::string::npos);
  EXPECT_NE(Problem("a\n1\n", {{"columns", {"b"}}}).find("no column 'b'; there are a"),
            std::string::npos);
  EXPECT_NE(Problem("").find("Empty CSV file"), std::string::npos) << Problem("");
}

TEST_F(Ingest, ObeysDelimiterHeaderColumnsAndTypes) {
  ASSERT_TRUE(RunText("1;x;2013-01-01\n2;y;2013-01-02\n",
                      {{"delimiter", ";"},
                       {"header", false},
                       {"columns", {"f2", "f0"}},
                       {"types", {{"f0", "string"}, {"f2", "timestamp"}}}}));
  EXPECT_EQ(Table(), "f2:timestamp f0:string \n1356998400000000|1|\n1357084800000000|2|");
  ASSERT_TRUE(RunText("t\n2013-01-01T00:00:00Z\n", {{"types", {{"t", "timestamp"}}}}));
  EXPECT_EQ(Table(), "t:timestamp \n1356998400000000|");
}

TEST_F(Ingest, KeepsTimesOfDayAsText) {
  ASSERT_TRUE(RunText("t,n\n10:30,1\n23:59,2\n"));
  EXPECT_EQ(Table(), "t:string n:int64 \n10:30|1|\n23:59|2|");
}

TEST_F(Ingest, UnpacksGzipAndZip) {
  const std::string csv = "a,b\n1,x\n2,y\n";
  const std::string expected = "a:int64 b:string \n1|x|\n2|y|";
  ASSERT_TRUE(RunText(Gzip(csv)));
  EXPECT_EQ(Table(), expected);
  for (const int method : {0, 8}) {
    const auto ok = RunText(Zip(csv, method));
    ASSERT_TRUE(ok) << ok.error().message;
    EXPECT_EQ(Table(), expected);
  }
  // A name that no locale can show, and one in UTF-8 (flag 11) that the C locale cannot.
  ASSERT_TRUE(RunText(Zip(csv, 8, 1, 0, "\xff.csv")));
  const auto korean = RunText(Zip(csv, 8, 1, 1 << 11, "값.t"));
  ASSERT_TRUE(korean) << korean.error().message;
  EXPECT_EQ(Table(), expected);
}

TEST_F(Ingest, TakesTheOneFileBesideFoldersAndWhatMacOsAdds) {
  // Made by Python's zipfile, the file's sizes in 64 bits: d/, d/a.csv, __MACOSX/d/._a.csv.
  const auto zip = DecodeBase64(
      "UEsDBBQAAAAIAAAAIQAAAAAAAgAAAAAAAAACAAAAZC8DAFBLAwQtAAAACAAAACEAwpZ+nf//////////BwAUAG"
      "QvYS5jc3YBABAADAAAAAAAAAAOAAAAAAAAAEvUSeIy1KngMtKp5AIAUEsDBBQAAAAIAAAAIQChG9kkBAAAAAIA"
      "AAASAAAAX19NQUNPU1gvZC8uX2EuY3N2q6oCAFBLAQIUAxQAAAAIAAAAIQAAAAAAAgAAAAAAAAACAAAAAAAAAA"
      "AAAACAAQAAAABkL1BLAQItAy0AAAAIAAAAIQDCln6dDgAAAAwAAAAHAAAAAAAAAAAAAACAASIAAABkL2EuY3N2"
      "UEsBAhQDFAAAAAgAAAAhAKEb2SQEAAAAAgAAABIAAAAAAAAAAAAAAIABaQAAAF9fTUFDT1NYL2QvLl9hLmNzdl"
      "BLBQYAAAAAAwADAKUAAACdAAAAAAA=");
  ASSERT_TRUE(zip);
  const auto ok = RunText(*zip);
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(Table(), "a:int64 b:string \n1|x|\n2|y|");
}

TEST_F(Ingest, RefusesALinkInAZipWhichWouldReadAsAnEmptyFile) {
  // Made by Python's zipfile: a.csv, a symbolic link to other.csv.
  const auto zip = DecodeBase64(
      "UEsDBBQAAAAAAAAAIQA9ubOZCQAAAAkAAAAFAAAAYS5jc3ZvdGhlci5jc3ZQSwECFAMUAAAAAAAAACEAPbmzmQkAAAAJ"
      "AAAABQAAAAAAAAAAAAAA/6EAAAAAYS5jc3ZQSwUGAAAAAAEAAQAzAAAALAAAAAAA");
  ASSERT_TRUE(zip);
  EXPECT_NE(Problem(*zip).find("holds a link"), std::string::npos) << Problem(*zip);
}

TEST_F(Ingest, EndsABombAtMaxBytesHoweverItIsPacked) {
  std::string csv = "a\n";
  while (csv.size() < (8U << 20)) csv += "1\n";  // packed a thousandth of it
  for (const std::string& packed : {Gzip(csv), Zip(csv, 8)}) {
    ASSERT_LT(packed.size(), csv.size() / 500);
    EXPECT_TRUE(RunText(packed, {{"maxBytes", csv.size()}}));
    const auto ok = RunText(packed, {{"maxBytes", 1 << 20}});
    ASSERT_FALSE(ok);
    EXPECT_NE(ok.error().message.find("unpacks to more than maxBytes, 1048576"), std::string::npos)
        << ok.error().message;
  }
}

TEST_F(Ingest, ReadsAMemberWhoseNameLeadsOutAndWritesNothingThere) {
  for (const char* name : {"../ab", "/abcd", "a\\..b"}) {
    const auto ok = RunText(Zip("a,b\n1,x\n", 8, 1, 0, name));
    ASSERT_TRUE(ok) << name << ": " << ok.error().message;
    EXPECT_EQ(Table(), "a:int64 b:string \n1|x|");
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "../ab"));
  EXPECT_FALSE(std::filesystem::exists("/abcd"));
}

TEST_F(Ingest, EndsALineThatNeverEndsBeforeItFillsTheMemory) {
  const std::string packed = Gzip("a\n" + std::string(64U << 20, '0'));
  EXPECT_NE(Problem(packed), "accepted");
}

TEST_F(Ingest, RefusesABrokenZip) {
  const std::string csv = "a,b\n1,x\n2,y\n";
  EXPECT_NE(Problem(Zip(csv, 8, 2)).find("must hold one file, this one holds 2"),
            std::string::npos);
  std::string damaged = Zip(csv, 0);
  damaged[damaged.find("1,x")] = '7';  // its checksum is wrong now
  EXPECT_NE(Problem(damaged).find("damaged"), std::string::npos);
  EXPECT_NE(Problem(Zip(csv, 8).substr(0, 40)).find("has no end"), std::string::npos);
  EXPECT_NE(Problem(Zip(csv, 8, 1, 1)).find("encrypted"), std::string::npos);
  // By libarchive's words for methods 12, 9 and one that nobody has.
  for (const auto& [method, word] : {std::pair{12, "bzip"}, {9, "deflation-64-bit"}, {77, "??"}}) {
    EXPECT_NE(Problem(Zip(csv, method)).find("method " + std::string(word) + ";"),
              std::string::npos)
        << Problem(Zip(csv, method));
  }
}

TEST_F(Ingest, ReadsParquetByItsBytes) {
  ASSERT_TRUE(RunText("a,b\n1,x\n2,y\n"));
  std::filesystem::copy(folder_ / "out/part-00000.parquet", folder_ / "no_extension");
  const auto ok = Run("file://" + folder_ / "no_extension", {{"columns", {"b"}}});
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(Table(), "b:string \nx|\ny|");
}

TEST_F(Ingest, SamplesTheSameRowsEveryTime) {
  std::string text = "a\n";
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i) + "\n";
  ASSERT_TRUE(RunText(text, {{"sample", "10%"}}));
  const std::string first = Table();
  EXPECT_NEAR(double(sdk::ReadDataset(folder_ / "out")->num_rows()), 2000, 150);
  ASSERT_TRUE(RunText(text, {{"sample", "10%"}}));
  EXPECT_EQ(Table(), first);
  EXPECT_NE(Problem(text, {{"sample", "10"}}).find("sample"), std::string::npos);
  EXPECT_NE(Problem(text, {{"sample", "0%"}}).find("sample"), std::string::npos);
}

TEST_F(Ingest, GivesTheSameBytesTwice) {
  const std::string csv = "a,b\n1,x\n2,y\n";
  ASSERT_TRUE(RunText(csv));
  const auto first = ReadFile(folder_ / "out/part-00000.parquet");
  ASSERT_TRUE(RunText(csv));
  EXPECT_EQ(*first, *ReadFile(folder_ / "out/part-00000.parquet"));
}

TEST_F(Ingest, RefusesSourcesThatAreNone) {
  EXPECT_EQ(Run(folder_ / "missing").error().kind, ErrorKind::kNotFound);
  EXPECT_NE(Run("ftp://bucket/x").error().message.find("scheme ftp"), std::string::npos);
  EXPECT_NE(Run("s3:///x").error().message.find("names no bucket"), std::string::npos);
  EXPECT_NE(Run("https://me:secret@x/y").error().message.find("password"), std::string::npos);
  EXPECT_NE(Run("file://host/x").error().message.find("file:///"), std::string::npos);
}

class Downloads : public Ingest {
 protected:
  Result<std::string> Get(const std::string& url, std::uint64_t max_bytes = 1000) {
    return Download(url, folder_ / "file", {max_bytes, 3, 10, std::chrono::milliseconds(0)});
  }
};

TEST_F(Downloads, ComeThroughHttpToTheDataset) {
  const TestServer server({"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\na,b\n1,2\n"});
  const auto ok = Run(server.url() + "/f.csv");
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(Table(), "a:int64 b:int64 \n1|2|");
  EXPECT_EQ(server.requests().at(0), "GET /f.csv HTTP/1.1");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "source.download"));
}

TEST_F(Downloads, KeepTheFingerprintOfWhatWasRead) {
  const TestServer strong(
      {"HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 8\r\n\r\na,b\n1,2\n"});
  const std::filesystem::path fingerprints = folder_ / "fingerprints";
  std::filesystem::create_directories(fingerprints);
  ::setenv("PENSTOCK_FINGERPRINTS", fingerprints.c_str(), 1);
  const auto ok = Run(strong.url() + "/f.csv");
  ::unsetenv("PENSTOCK_FINGERPRINTS");
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(*ReadFile(fingerprints / "source"), "etag:\"v1\" length:8");
  const TestServer weak({"HTTP/1.1 200 OK\r\nETag: W/\"v1\"\r\nContent-Length: 2\r\n\r\nok"});
  EXPECT_EQ(*Get(weak.url()), "");
}

TEST_F(Downloads, AreTriedAgainAfterAServersFault) {
  const TestServer server({"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
                           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"});
  const auto ok = Get(server.url());
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(*ReadFile(folder_ / "file"), "whole");
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(Downloads, GiveUpAfterTheirAttempts) {
  const TestServer server({"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"});
  const auto ok = Get(server.url() + "/x?signature=secret");
  ASSERT_FALSE(ok);
  EXPECT_EQ(ok.error().kind, ErrorKind::kTransient);
  EXPECT_NE(ok.error().message.find("/x?...: HTTP 500"), std::string::npos);
  EXPECT_EQ(ok.error().message.find("secret"), std::string::npos);
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(Downloads, AreNotTriedAgainAfterTheirOwnFault) {
  const TestServer server({"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"});
  EXPECT_EQ(Get(server.url()).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Downloads, FollowARedirectButNotForEver) {
  const TestServer target({"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"});
  const TestServer server(
      {"HTTP/1.1 302 Found\r\nLocation: " + target.url() + "/there\r\nContent-Length: 0\r\n\r\n"});
  ASSERT_TRUE(Get(server.url()));
  EXPECT_EQ(*ReadFile(folder_ / "file"), "ok");
  const TestServer circle({"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"});
  EXPECT_FALSE(Get(circle.url()));
  EXPECT_LE(circle.requests().size(), 33U);
}

TEST_F(Downloads, EndAtTheirLimit) {
  const TestServer declared(
      {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x')});
  EXPECT_NE(Get(declared.url()).error().message.find("maxBytes"), std::string::npos);
  const TestServer chunked({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5dc\r\n" +
                            std::string(1500, 'x') + "\r\n0\r\n\r\n"});
  EXPECT_NE(Get(chunked.url()).error().message.find("maxBytes"), std::string::npos);
}

}  // namespace
}  // namespace penstock::ingest
