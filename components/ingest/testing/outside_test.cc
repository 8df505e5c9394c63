// Sources that lie elsewhere, and change while they are read: what is read is one answer, whole.
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "components/ingest/testing/ingest_fixture.h"
#include "operator/net/testing/fake_server.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::ingest {
namespace {

// What the launcher keeps of a step's source.
class Fingerprints {
 public:
  explicit Fingerprints(const std::string& folder) : folder_(folder) {
    std::filesystem::create_directories(folder);
    ::setenv("PENSTOCK_FINGERPRINTS", folder.c_str(), 1);
  }
  ~Fingerprints() { ::unsetenv("PENSTOCK_FINGERPRINTS"); }
  [[nodiscard]] std::string Source() const {
    const auto text = ReadFile(folder_ + "/source");
    return text ? *text : "none";
  }

 private:
  std::string folder_;
};

class OutsideS3 : public IngestFiles {
 protected:
  OutsideS3() {
    ::setenv("AWS_ENDPOINT_URL", store_.settings().endpoint.c_str(), 1);
    ::setenv("AWS_ACCESS_KEY_ID", s3::FakeS3::keys().access_key.c_str(), 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", s3::FakeS3::keys().secret_key.c_str(), 1);
  }
  ~OutsideS3() override {
    for (const char* name : {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"})
      ::unsetenv(name);
  }
  s3::FakeS3 store_;
};

TEST_F(OutsideS3, AnObjectBecomesADataset) {
  const Fingerprints kept(folder_ / "fingerprints");
  store_.SetBytes("raw/f.csv", "a,b\n1,x\n");
  ASSERT_EQ(Problem("s3://models/raw/f.csv"), "");
  EXPECT_EQ(Table(), "a:int64 b:string \n1|x|");
  EXPECT_SAYS(kept.Source(), "length:8");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "source.download"));
}

TEST_F(OutsideS3, APrefixIsOneTableInSeveralParts) {
  const Fingerprints kept(folder_ / "fingerprints");
  store_.SetBytes("raw/2.jsonl", "{\"a\": 2.5}\n");
  store_.SetBytes("raw/1.jsonl", "{\"a\": 1}\n");
  store_.SetBytes("raw/_SUCCESS", "");
  ASSERT_EQ(Problem("s3://models/raw/"), "");
  EXPECT_EQ(Table(), "a:float64 \n1|\n2.5|");
  EXPECT_SAYS(kept.Source(), "objects:");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "source.download"));
  store_.SetBytes("raw/day=1/x.jsonl", "{\"a\": 1}\n");
  EXPECT_SAYS(Problem("s3://models/raw/"), "partitions by folder are not read");
}

TEST_F(OutsideS3, ASchemaMayLieThereToo) {
  store_.SetBytes("s.yaml", "version: 1\ncolumns:\n- {name: a, type: float64}\n");
  store_.SetBytes("f.csv", "a\n1\n");
  std::map<std::string, sdk::StepInput> inputs = {{"source", {"", "s3://models/f.csv", ""}},
                                                  {"schema", {"", "s3://models/s.yaml", ""}}};
  sdk::Step step(Json::object(), inputs,
                 {{"dataset", folder_ / "out"}, {"schema", folder_ / "_schema.yaml"}}, "");
  const auto done = RunIngest(step);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(Table(), "a:float64 \n1|");
}

TEST_F(OutsideS3, WhatIsNotThereIsSaid) {
  EXPECT_SAYS(Problem("s3://models/none.csv"),
              "source s3://models/none.csv: GET s3://models/none.csv: the store");
  store_.SetBytes("big.csv", "a\n" + std::string(100, '1') + "\n");
  EXPECT_SAYS(Problem("s3://models/big.csv", {{"maxBytes", 50}}), "more than maxBytes, 50");
}

// A server with another body each time it is asked, whatever it is asked with: it counts the rows
// of the answer in each of them, so that a mixture shows.
class Restless : public net::FakeServer {
 public:
  static std::string BodyOf(int n) {
    std::string body = "answer,of\n";
    for (int row = 0; row < 2000 + n; ++row)
      body += std::to_string(n) + "," + std::to_string(2000 + n) + "\n";
    return body;
  }
  // `cut`: answers that break off in the middle, first of all.
  explicit Restless(int cut = 0, bool honest_etag = true)
      : FakeServer([this, cut, honest_etag](net::FakeConnection& connection) {
          const std::string request = connection.ReadRequest();
          if (request.empty()) return;
          Record(request);
          const int n = connection.index();
          const std::string body = BodyOf(n);
          const std::string tag = honest_etag ? std::to_string(n) : "same";
          std::string head = "HTTP/1.1 200 OK\r\nETag: \"" + tag +
                             "\"\r\nContent-Length: " + std::to_string(body.size()) +
                             "\r\nConnection: close\r\n\r\n";
          if (request.starts_with("HEAD")) return connection.Send(head);
          connection.Send(head + (n < cut ? body.substr(0, body.size() / 2) : body));
        }) {}
};

class OutsideHttp : public IngestFiles {
 protected:
  // Of which answer all rows are; "mixed" where they are of several or not as many as it has.
  std::string AnswerRead() {
    const auto rows = sdk::ReadDataset(folder_ / "out");
    const std::string first = rows->column(0)->GetScalar(0).ValueOrDie()->ToString();
    for (std::int64_t r = 0; r < rows->num_rows(); ++r) {
      if (rows->column(0)->GetScalar(r).ValueOrDie()->ToString() != first) return "mixed";
    }
    const std::string all = rows->column(1)->GetScalar(0).ValueOrDie()->ToString();
    return all == std::to_string(rows->num_rows()) ? first : "mixed";
  }
};

TEST_F(OutsideHttp, ABodyThatIsAnotherEachTimeIsReadOnce) {
  const Fingerprints kept(folder_ / "fingerprints");
  const Restless server;
  ASSERT_EQ(Problem(server.url() + "/f.csv"), "");
  EXPECT_EQ(AnswerRead(), "0");
  // Both passes over the rows are over the one answer, and what is told of it is its own.
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(kept.Source(), "etag:\"0\" length:" + std::to_string(Restless::BodyOf(0).size()));
}

TEST_F(OutsideHttp, AfterABreakNothingOfTheFirstAnswerIsKept) {
  const Fingerprints kept(folder_ / "fingerprints");
  const Restless server(2);
  ASSERT_EQ(Problem(server.url() + "/f.csv"), "");
  EXPECT_EQ(AnswerRead(), "2");
  EXPECT_EQ(server.requests().size(), 3U);
  for (const auto& request : server.requests())
    EXPECT_EQ(request.find("Range:"), std::string::npos) << request;
  EXPECT_EQ(kept.Source(), "etag:\"2\" length:" + std::to_string(Restless::BodyOf(2).size()));
}

TEST_F(OutsideHttp, AfterABreakAnEtagThatLiesMixesNothing) {
  const Restless server(1, false);
  ASSERT_EQ(Problem(server.url() + "/f.csv"), "");
  EXPECT_EQ(AnswerRead(), "1");
}

TEST_F(IngestFiles, AFileThatGrowsWhileItIsReadIsAnError) {
  std::string rows;
  for (int i = 0; i < 300'000; ++i) rows += "1,2\n";
  const std::string path = Write("growing.csv", "a,b\n" + rows);
  ASSERT_EQ(Problem(path), "");
  std::jthread writer([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::ofstream(path, std::ios::app) << "3,4\n";
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  EXPECT_SAYS(Problem(path), "somebody wrote it while it was read");
}

}  // namespace
}  // namespace penstock::ingest
