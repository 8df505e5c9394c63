#include "operator/cli/store/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/base/json.h"

namespace penstock::cli {
namespace {

using retention::StoreJob;
using ::testing::HasSubstr;

Json Use(const std::string& ns, std::uint64_t bytes) {
  const Json amount{{"files", 1}, {"bytes", bytes}};
  return {{"namespace", ns},  {"inUse", amount},    {"cached", amount},
          {"recent", amount}, {"orphaned", amount}, {"cacheEntries", 1}};
}

TEST(ReportText, ShowsTheUseOfEachNamespaceAndOfAll) {
  const Json report{{"dryRun", true}, {"namespaces", {Use("a", 1000), Use("b", 2000)}}};
  const ReportText text = TextOf(report, StoreJob::kUsage, 80);
  EXPECT_THAT(text.out, HasSubstr("NAMESPACE"));
  EXPECT_THAT(text.out, HasSubstr("all"));
  EXPECT_EQ(text.err, "");
}

TEST(ReportText, SaysWhatACollectionRemovedAndADryRunWould) {
  Json report{{"dryRun", true}, {"namespaces", {Use("a", 1000)}}};
  EXPECT_EQ(TextOf(report, StoreJob::kCollect, 80).err.find("would remove 1 file, "), 0U);
  report["dryRun"] = false;
  report["namespaces"][0]["error"] = "no\nanswer";
  const ReportText text = TextOf(report, StoreJob::kCollect, 80);
  EXPECT_EQ(text.err.find("removed 1 file, "), 0U) << text.err;
  EXPECT_THAT(text.err, HasSubstr("and 1 cache entry\n"));
  EXPECT_THAT(text.err, HasSubstr("namespace a: no; answer\n"));
}

TEST(ReportText, NamesWhatAVerificationFound) {
  const Json report{
      {"files", 12},
      {"bytes", 3},
      {"findings",
       {{{"namespace", "a"}, {"what", "altered"}, {"digest", "sha256:1"}, {"where", ""}},
        {{"namespace", "a"}, {"what", "missing"}, {"digest", "sha256:2"}, {"where", "folder x"}}}},
      {"more", 0},
      {"dropped", {{{"namespace", "a"}, {"key", "k"}, {"run", "r"}, {"step", "s"}}}},
      {"errors", {"no disk"}}};
  const ReportText text = TextOf(report, StoreJob::kVerify, 80);
  EXPECT_THAT(text.out, HasSubstr("altered sha256:1 in namespace a\n"));
  EXPECT_THAT(text.out, HasSubstr("missing sha256:2 in namespace a, of folder x\n"));
  EXPECT_THAT(text.out, HasSubstr("dropped in namespace a, of step s of run r: the next run"));
  EXPECT_THAT(text.err, HasSubstr("12 files read, "));
  EXPECT_THAT(text.err, HasSubstr("2 altered or missing\n"));
  EXPECT_THAT(text.err, HasSubstr("no disk\n"));
}

}  // namespace
}  // namespace penstock::cli
