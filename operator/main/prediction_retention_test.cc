#include "operator/main/prediction_retention.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"

namespace penstock::main {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

class PredictionRetention : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "penstock-retention-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  void Log(const std::string& deployment, const std::string& file, hours age) {
    const artifacts::PredictionStore store(root_);
    ASSERT_TRUE(store.Put("team", deployment, file, "PAR1"));
    fs::last_write_time(store.Path("team", deployment, file).value(),
                        fs::file_time_type::clock::now() - age);
  }
  void Deployment(const std::string& name, const Json& log) {
    const Json object = {
        {"apiVersion", "penstock.dev/v1alpha1"},
        {"kind", "ModelDeployment"},
        {"metadata", {{"name", name}, {"namespace", "team"}}},
        {"spec", {{"model", "$(pipelines.p.outputs.model)"}, {"monitoring", {{"log", log}}}}}};
    ASSERT_TRUE(cluster_.Create(kube::kModelDeployments, "team", object, {}));
  }
  std::string Left(const std::string& deployment) {
    return artifacts::FormatPredictionFiles(
        artifacts::PredictionStore(root_).List("team", deployment).value());
  }

  SystemClock clock_;
  local::MemoryCluster cluster_{clock_};
  fs::path root_;
};

TEST_F(PredictionRetention, EachLogIsKeptAsLongAsItsModelDeploymentSays) {
  Deployment("short", {{"columns", {"x"}}, {"retention", "2h"}});
  Deployment("long", {{"columns", {"x"}}});
  for (const char* name : {"short", "long", "gone"}) {
    Log(name, "a.parquet", hours(721));
    Log(name, "b.parquet", hours(3));
    Log(name, "c.parquet", hours(1));
  }
  const auto removed = RemoveOldPredictions(cluster_, artifacts::PredictionStore(root_));
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(*removed, 4);
  EXPECT_EQ(Left("short"), R"({"files":[{"bytes":4,"name":"c.parquet"}]})");
  for (const char* name : {"long", "gone"})
    EXPECT_EQ(Left(name),
              R"({"files":[{"bytes":4,"name":"b.parquet"},{"bytes":4,"name":"c.parquet"}]})");
}

TEST_F(PredictionRetention, ALogWhoseModelDeploymentCannotBeReadIsKeptAndSaidAndTheOthersGoOn) {
  Deployment("bad", {{"columns", {"x"}}, {"retention", "for ever"}});
  Deployment("good", {{"columns", {"x"}}, {"retention", "2h"}});
  for (const char* name : {"bad", "good"}) Log(name, "a.parquet", hours(9000));
  const auto removed = RemoveOldPredictions(cluster_, artifacts::PredictionStore(root_));
  ASSERT_FALSE(removed);
  EXPECT_NE(removed.error().message.find("team/bad"), std::string::npos);
  EXPECT_NE(removed.error().message.find("retention"), std::string::npos);
  EXPECT_EQ(Left("bad"), R"({"files":[{"bytes":4,"name":"a.parquet"}]})");
  EXPECT_EQ(Left("good"), R"({"files":[]})");
}

TEST_F(PredictionRetention, AStoreWithoutLogsIsNoError) {
  EXPECT_EQ(RemoveOldPredictions(cluster_, artifacts::PredictionStore(root_ / "none")).value(), 0);
}

}  // namespace
}  // namespace penstock::main
