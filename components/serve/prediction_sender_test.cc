#include "components/serve/prediction_sender.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "operator/base/file.h"

namespace penstock::serve {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PredictionSenders : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "penstock-sender-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    ASSERT_TRUE(WriteFileAtomically(folder_ / "a.parquet", "rows"));
  }
  void TearDown() override { fs::remove_all(folder_); }

  // As the kubelet would, when the operator says that the store is elsewhere.
  void StoreIs(const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / "store.json", text));
  }
  [[nodiscard]] std::string In(const std::string& store) const {
    return R"({"folder": ")" + (folder_ / store).string() + R"("})";
  }
  [[nodiscard]] bool IsIn(const std::string& store) const {
    return fs::exists(folder_ / store / "team/predictions/flights/a.parquet");
  }
  auto Make(const std::string& store) {
    return PredictionSender(store, "team", "flights",
                            [this](const std::string& line) { said_.push_back(line); });
  }

  fs::path folder_;
  std::vector<std::string> said_;
};

TEST_F(PredictionSenders, FollowTheStoreWithoutARestart) {
  StoreIs(In("old"));
  auto send = Make(folder_ / "store.json");
  ASSERT_TRUE(send) << send.error().message;
  ASSERT_TRUE((*send)(folder_ / "a.parquet"));
  EXPECT_TRUE(IsIn("old"));
  StoreIs(In("new"));
  ASSERT_TRUE((*send)(folder_ / "a.parquet"));
  EXPECT_TRUE(IsIn("new"));
}

TEST_F(PredictionSenders, SayOnceThatTheStoreIsNotReachedAndOnceThatItIs) {
  StoreIs(In("there"));
  auto send = Make(folder_ / "store.json");
  ASSERT_TRUE(send);
  StoreIs("damaged");
  EXPECT_FALSE((*send)(folder_ / "a.parquet"));
  EXPECT_FALSE((*send)(folder_ / "a.parquet"));
  StoreIs(In("there"));
  EXPECT_TRUE((*send)(folder_ / "a.parquet"));
  EXPECT_THAT(said_, ElementsAre(HasSubstr("does not reach the store"), HasSubstr("again")));
}

TEST_F(PredictionSenders, TakeTheStoreAsTextAsWell) {
  auto send = Make(In("there"));
  ASSERT_TRUE(send);
  EXPECT_TRUE((*send)(folder_ / "a.parquet"));
  EXPECT_TRUE(IsIn("there"));
  EXPECT_FALSE(Make(folder_ / "nothing.json"));
}

}  // namespace
}  // namespace penstock::serve
