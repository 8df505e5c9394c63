// Spans of time in a bucket as one table, and what an earlier run's record says of them.
#include "components/ingest/spans.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "components/ingest/testing/ingest_fixture.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::ingest {
namespace {

constexpr const char* kThree = "s3://models/o/{YYYY}/{MM}/{DD}/?window=3d&to=2026-01-08";

class IngestSpans : public IngestFiles {
 protected:
  IngestSpans() {
    ::setenv("AWS_ENDPOINT_URL", store_.settings().endpoint.c_str(), 1);
    ::setenv("AWS_ACCESS_KEY_ID", s3::FakeS3::keys().access_key.c_str(), 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", s3::FakeS3::keys().secret_key.c_str(), 1);
    for (const char* day : {"05", "06", "07"}) Set(std::string(day) + "/a.jsonl", day);
  }
  ~IngestSpans() override {
    for (const char* name : {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"})
      ::unsetenv(name);
  }
  // The one row has the day's last digit.
  void Set(const std::string& key, const std::string& day) {
    store_.SetBytes("o/2026/01/" + key, "{\"a\": " + day.substr(1) + "}\n");
  }
  std::string Ingest(const std::string& uri, bool with_previous = false) {
    std::map<std::string, sdk::StepInput> inputs = {{"source", {"", uri, ""}}};
    if (with_previous) inputs["previous"] = {folder_ / "previous.json", "", ""};
    std::filesystem::create_directories(folder_ / "results");
    std::filesystem::remove_all(folder_ / "out");
    sdk::Step step(Json::object(), inputs,
                   {{"dataset", folder_ / "out"},
                    {"schema", folder_ / "_schema.yaml"},
                    {"report", folder_ / "report.md"},
                    {"spans", folder_ / "spans.json"}},
                   folder_ / "results");
    const auto ok = RunIngest(step);
    return ok ? "" : ok.error().message;
  }
  void Keep() { Write("previous.json", *ReadFile(folder_ / "spans.json")); }
  Json Record() { return *ParseJson(*ReadFile(folder_ / "spans.json"), "spans"); }
  // "2026-01-05 v1, 2026-01-06 v2"
  std::string Versions() {
    const Json record = Record();
    std::string out;
    for (const Json& span : record.at("spans"))
      out += (out.empty() ? "" : ", ") + span.at("span").get<std::string>() + " v" +
             span.at("version").dump();
    return out;
  }

  s3::FakeS3 store_;
};

TEST_F(IngestSpans, AreOneTableOfAllFilesOfTheWindow) {
  Set("04/a.jsonl", "04");
  Set("08/a.jsonl", "08");
  Set("06/hour=1/a.jsonl", "09");
  store_.SetBytes("o/2026/01/06/_SUCCESS", "");
  ASSERT_EQ(Ingest(kThree), "");
  EXPECT_EQ(Table(), "a:int64 \n5|\n6|\n9|\n7|");
  EXPECT_EQ(ResultOf("spans"), "3");
  EXPECT_EQ(ResultOf("late"), "0");
  EXPECT_EQ(ResultOf("gaps"), "0");
  EXPECT_EQ(Versions(), "2026-01-05 v1, 2026-01-06 v1, 2026-01-07 v1");
  EXPECT_EQ(Record().at("source"), "s3://models/o/{YYYY}/{MM}/{DD}/");
  EXPECT_EQ(Record().at("spans")[1].at("files")[1].at("key"), "o/2026/01/06/hour=1/a.jsonl");
  EXPECT_SAYS(Report(), "3 spans, 2026-01-05 to 2026-01-07 (UTC)");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "source.download"));
}

TEST_F(IngestSpans, AFileThatCameLateMakesANewVersionOfItsSpanAndIsNamed) {
  ASSERT_EQ(Ingest(kThree), "");
  Keep();
  ASSERT_EQ(Ingest(kThree, true), "");
  EXPECT_EQ(ResultOf("late"), "0");
  EXPECT_EQ(Versions(), "2026-01-05 v1, 2026-01-06 v1, 2026-01-07 v1");
  Set("06/late.jsonl", "08");
  ASSERT_EQ(Ingest(kThree, true), "");
  EXPECT_EQ(Table(), "a:int64 \n5|\n6|\n8|\n7|");
  EXPECT_EQ(ResultOf("late"), "1");
  EXPECT_EQ(Versions(), "2026-01-05 v1, 2026-01-06 v2, 2026-01-07 v1");
  EXPECT_EQ(Record().at("late")[0].dump(),
            R"({"key":"o/2026/01/06/late.jsonl","span":"2026-01-06","what":"new"})");
  EXPECT_SAYS(Report(), "o/2026/01/06/late.jsonl (new)");
  Keep();
  Set("05/a.jsonl", "02");
  ASSERT_EQ(Ingest(kThree, true), "");
  EXPECT_EQ(Versions(), "2026-01-05 v2, 2026-01-06 v2, 2026-01-07 v1");
  EXPECT_EQ(Record().at("late")[0].at("what"), "changed");
}

TEST_F(IngestSpans, WhatEntersTheWindowIsNotLate) {
  ASSERT_EQ(Ingest(kThree), "");
  Keep();
  Set("08/a.jsonl", "08");
  ASSERT_EQ(Ingest("s3://models/o/{YYYY}/{MM}/{DD}/?window=3d&to=2026-01-09", true), "");
  EXPECT_EQ(ResultOf("late"), "0");
  EXPECT_EQ(Versions(), "2026-01-06 v1, 2026-01-07 v1, 2026-01-08 v1");
}

TEST_F(IngestSpans, AGapIsRefusedOrAllowedAndWhatFillsItIsLate) {
  const std::string uri = "s3://models/o/{YYYY}/{MM}/{DD}/?window=3d&to=2026-01-09";
  EXPECT_SAYS(Ingest(uri), "1 of the 3 spans of the window, 2026-01-06 to 2026-01-08");
  ASSERT_EQ(Ingest(uri + "&gaps=allow"), "");
  EXPECT_EQ(ResultOf("gaps"), "1");
  EXPECT_SAYS(Report(), "nothing of 2026-01-08");
  Keep();
  Set("08/a.jsonl", "08");
  ASSERT_EQ(Ingest(uri, true), "");
  EXPECT_EQ(ResultOf("late"), "1");
  EXPECT_EQ(Versions(), "2026-01-06 v1, 2026-01-07 v1, 2026-01-08 v1");
}

TEST_F(IngestSpans, ARecordOfSomethingElseIsRefused) {
  Write("previous.json", "{\"a\": 1}");
  EXPECT_SAYS(Ingest(kThree, true), "input previous: is no output spans of an earlier run");
  Write("previous.json", "a,b\n");
  EXPECT_SAYS(Ingest(kThree, true), "input previous: is no output spans of an earlier run");
  ASSERT_EQ(Ingest(kThree), "");
  Keep();
  EXPECT_SAYS(Ingest(std::string(kThree) + "&zone=+09:00", true),
              "its zone is UTC, and that of this run is +09:00");
  EXPECT_SAYS(Ingest("s3://models/o/{YYYY}/{MM}/{DD}/*.jsonl?window=3d&to=2026-01-08", true),
              "its source is s3://models/o/{YYYY}/{MM}/{DD}/, and");
  EXPECT_SAYS(Ingest("s3://models/o/2026/01/05/", true), "the source has none");
}

TEST(SpanRecords, TellWhatIsGone) {
  const std::string uri = "s3://lake/o/{YYYY}{MM}{DD}/?window=1d";
  fetch::ReadSpans read;
  read.spans = {
      {"2026-01-07", {{"o/20260107/a", 1, "\"1\"", ""}, {"o/20260107/b", 1, "\"1\"", ""}}}};
  const auto first = RecordSpans(uri, read, Json());
  ASSERT_TRUE(first) << first.error().message;
  read.spans[0].objects.pop_back();
  const auto second = RecordSpans(uri, read, *first);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->at("late").dump(),
            R"([{"key":"o/20260107/b","span":"2026-01-07","what":"gone"}])");
  EXPECT_EQ(second->at("spans")[0].at("version"), 2);
}

}  // namespace
}  // namespace penstock::ingest
