#include "operator/main/options.h"

#include <gtest/gtest.h>

namespace penstock::main {
namespace {

std::variant<Options, int> Parse(std::vector<std::string> more) {
  std::vector<std::string> words = {"penstock-operator",    "--gateway-url=https://g:8443",
                                    "--launcher-image=l",   "--serve-image=s",
                                    "--components-image=c", "--git-image=g"};
  words.insert(words.end(), more.begin(), more.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  return ParseOptions(static_cast<int>(argv.size()), argv.data());
}

TEST(Options, TakeTheChartsBounds) {
  const auto plain = Parse({});
  ASSERT_TRUE(std::holds_alternative<Options>(plain));
  EXPECT_EQ(std::get<Options>(plain).max_file_bytes, 64ULL << 30) << "a sparse file of a TiB";
  EXPECT_EQ(std::get<Options>(plain).max_pods_per_namespace, 0);
  const auto set = Parse({"--max-file-size=512Mi", "--pods-per-second=2.5",
                          "--max-pods-per-namespace=40", "--max-parallelism=10"});
  ASSERT_TRUE(std::holds_alternative<Options>(set));
  EXPECT_EQ(std::get<Options>(set).max_file_bytes, 512ULL << 20);
  EXPECT_EQ(std::get<Options>(set).pods_per_second, 2.5);
  EXPECT_EQ(std::get<Options>(set).max_pods_per_namespace, 40);
  EXPECT_EQ(std::get<Options>(set).max_parallelism, 10);
  const auto none = Parse({"--max-file-size=0"});
  ASSERT_TRUE(std::holds_alternative<Options>(none));
  EXPECT_EQ(std::get<Options>(none).max_file_bytes, 0U);
  for (const char* wrong :
       {"--pod-fields=hostNetwork", "--max-file-size=big", "--pods-per-second=-1",
        "--max-pods-per-namespace=-1", "--max-parallelism=many"})
    EXPECT_TRUE(std::holds_alternative<int>(Parse({wrong}))) << wrong;
}

TEST(Options, NamespacesMayHoldAsMuchAsTheirQuotasSay) {
  EXPECT_FALSE(std::get<Options>(Parse({})).store_quotas.Any());
  const auto set = Parse({"--store-quota=10Gi,team-a=1Ti,team-b=0"});
  ASSERT_TRUE(std::holds_alternative<Options>(set));
  const artifacts::Quotas& quotas = std::get<Options>(set).store_quotas;
  EXPECT_EQ(quotas.Of("team-a"), 1ULL << 40);
  EXPECT_EQ(quotas.Of("team-b"), 0U);
  EXPECT_EQ(quotas.Of("team-c"), 10ULL << 30);
  for (const char* wrong : {"--store-quota=much", "--store-quota=a=1Gi,a=2Gi"})
    EXPECT_TRUE(std::holds_alternative<int>(Parse({wrong}))) << wrong;
}

TEST(Options, TheStoreIsCollectedDailyWithASafeGraceUnlessSomebodySaysOtherwise) {
  const Options plain = std::get<Options>(Parse({}));
  EXPECT_EQ(plain.gc_interval, std::chrono::hours(24));
  EXPECT_EQ(plain.gc_grace, std::chrono::hours(24 * 7));
  EXPECT_EQ(plain.gc_keep_cache, std::chrono::hours(720));
  const auto set =
      Parse({"--store-gc-interval=0s", "--store-gc-grace=2h30m", "--store-gc-keep-cache=48h"});
  ASSERT_TRUE(std::holds_alternative<Options>(set));
  EXPECT_EQ(std::get<Options>(set).gc_interval.count(), 0);
  EXPECT_EQ(std::get<Options>(set).gc_grace, std::chrono::minutes(150));
  EXPECT_EQ(std::get<Options>(set).gc_keep_cache, std::chrono::hours(48));
  for (const char* wrong : {"--store-gc-grace=59m", "--store-gc-grace=1 day",
                            "--store-gc-keep-cache=0s", "--store-gc-interval=often"})
    EXPECT_TRUE(std::holds_alternative<int>(Parse({wrong}))) << wrong;
}

}  // namespace
}  // namespace penstock::main
