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
  std::string Ingest(const std::string& uri, bool with_previous = false,
                     const Json& parameters = Json::object()) {
    std::map<std::string, sdk::StepInput> inputs = {{"source", {"", uri, ""}}};
    if (with_previous) inputs["previous"] = {folder_ / "previous.json", "", ""};
    std::filesystem::create_directories(folder_ / "results");
    std::filesystem::remove_all(folder_ / "out");
    sdk::Step step(parameters, inputs,
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

TEST_F(IngestSpans, OfAFolderOfThisMachineAreReadLikeThoseOfABucket) {
  for (const char* day : {"05", "06", "07"})
    Write(std::string("days/2026/01/") + day + "/a.csv", "a,b\n" + std::string(day) + ",x\n");
  Write("days/2026/01/06/more.csv", "b,a\ny,9\n");
  Write("days/2026/01/06/_SUCCESS", "");
  const std::string uri =
      "file://" + std::string(folder_ / "days") + "/{YYYY}/{MM}/{DD}/?window=3d&to=2026-01-08";
  ASSERT_EQ(Ingest(uri), "");
  EXPECT_EQ(Table(), "a:string b:string \n05|x|\n06|x|\n9|y|\n07|x|");
  EXPECT_EQ(ResultOf("spans"), "3");
  EXPECT_EQ(Versions(), "2026-01-05 v1, 2026-01-06 v1, 2026-01-07 v1");
  Keep();
  Write("days/2026/01/06/more.csv", "b,a\nz,9\n");
  ASSERT_EQ(Ingest(uri, true), "");
  EXPECT_EQ(ResultOf("late"), "1");
  EXPECT_EQ(Versions(), "2026-01-05 v1, 2026-01-06 v2, 2026-01-07 v1");
  std::filesystem::remove(folder_ / "days/2026/01/06/more.csv");
  ASSERT_EQ(Ingest(uri, true), "");
  EXPECT_EQ(Record().at("late")[0].at("what"), "gone");
  EXPECT_EQ(Table(), "a:string b:string \n05|x|\n06|x|\n07|x|");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "days/2026/01/05/a.csv"));
  Write("elsewhere.csv", "a,b\n1,x\n");
  std::filesystem::create_symlink(folder_ / "elsewhere.csv", folder_ / "days/2026/01/07/z.csv");
  EXPECT_SAYS(Ingest(uri), "that leads out of");
}

TEST_F(IngestSpans, TheDateOfASpanIsAColumnWhereItIsAskedFor) {
  const std::string uri = std::string(kThree) + "&column=day";
  ASSERT_EQ(Ingest(uri), "");
  EXPECT_EQ(Table(), "a:int64 day:date \n5|2026-01-05|\n6|2026-01-06|\n7|2026-01-07|");
  ASSERT_EQ(Ingest(uri, false, {{"roles", {{"day", "time"}}}, {"columns", {"day", "a"}}}), "");
  EXPECT_EQ(Table(), "day:date a:int64 \n2026-01-05|5|\n2026-01-06|6|\n2026-01-07|7|");
  ASSERT_EQ(Ingest(uri, false, {{"columns", {"a"}}}), "");
  EXPECT_SAYS(Table(), "a:int64 day:date \n");
  store_.SetBytes("o/2026/01/07/b.jsonl", "{\"a\": 1, \"day\": 3}\n");
  EXPECT_SAYS(Ingest(uri), "2026/01/07/b.jsonl: column 'day' is in the file, and column=day of");
}

TEST_F(IngestSpans, TheHourOfASpanIsTheInstantAtWhichItBegins) {
  for (const char* hour : {"01", "03"})
    store_.SetBytes(std::string("h/20260329") + hour + ".csv", "x\n" + std::string(hour) + ".5\n");
  const std::string uri =
      "s3://models/h/{YYYY}{MM}{DD}{HH}.csv?window=2h&to=2026-03-29T02:00:00Z&column=at"
      "&zone=Europe/Berlin";
  ASSERT_EQ(Ingest(uri), "");
  EXPECT_SAYS(Table(), "x:string at:timestamp \n01.5|2026-03-29 00:00:00");
  EXPECT_SAYS(Table(), "\n03.5|2026-03-29 01:00:00");
  EXPECT_EQ(Record().at("zone"), "Europe/Berlin");
  store_.SetBytes("h/2026032903.csv", "x,at\n1,2\n");
  EXPECT_SAYS(Ingest(uri), "column 'at' is in the file, and column=at of the URI");
  EXPECT_SAYS(Ingest(uri, false, {{"columns", {"x"}}}), "column 'at' is in the file");
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

TEST(SpanRecords, AVersionIsNotGivenTwiceWhereAllFilesWentAndOthersCame) {
  const std::string uri = "s3://lake/o/{YYYY}{MM}{DD}/?window=1d&gaps=allow";
  fetch::ReadSpans read;
  read.spans = {{"2026-01-07", {{"o/20260107/a", 1, "\"1\"", ""}}}};
  Json record = *RecordSpans(uri, read, Json());
  read.spans[0].objects.clear();
  record = *RecordSpans(uri, read, record);
  EXPECT_EQ(record.at("gone").dump(), R"([{"span":"2026-01-07","version":2}])");
  record = *RecordSpans(uri, read, record);
  EXPECT_EQ(record.at("gone").dump(), R"([{"span":"2026-01-07","version":2}])");
  EXPECT_TRUE(record.at("late").empty());
  read.spans[0].objects = {{"o/20260107/b", 1, "\"2\"", ""}};
  record = *RecordSpans(uri, read, record);
  EXPECT_EQ(record.at("spans")[0].at("version"), 3);
}

}  // namespace
}  // namespace penstock::ingest
