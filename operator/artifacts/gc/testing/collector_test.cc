#include "operator/artifacts/gc/collector.h"

#include <gmock/gmock.h>

#include "operator/artifacts/gc/testing/aging_store.h"

namespace penstock::artifacts {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const TimePoint kNow = *ParseTime("2026-11-30T12:00:00Z");

class CollectorTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(RemoveTree(dir_));
    aging_ = std::make_unique<AgingStore>(GetParam(), dir_);
  }
  void TearDown() override {
    aging_.reset();
    ASSERT_TRUE(RemoveTree(dir_));
  }
  // Why it may not collect; "": it may.
  std::string Check(const std::string& id, bool take_over = false, bool dry_run = false) {
    const auto checked =
        CheckCollector(*aging_->store, "ns", {id, "cluster " + id}, take_over, dry_run, kNow);
    return checked ? "" : checked.error().message;
  }
  std::vector<std::string> Marks() { return *aging_->store->objects().Names("ns/collectors"); }

  const std::filesystem::path dir_ = AgingDir();
  std::unique_ptr<AgingStore> aging_;
};

TEST_P(CollectorTest, WhoCollectsFirstMarksItAndMayAgain) {
  EXPECT_EQ(Check("one"), "");
  EXPECT_EQ(Check("one"), "");
  EXPECT_THAT(Marks(), ElementsAre("one"));
}

TEST_P(CollectorTest, WhoComesSecondIsRefusedLeavesNoMarkAndHearsWhoseItIs) {
  ASSERT_EQ(Check("one"), "");
  EXPECT_THAT(Check("two"), AllOf(HasSubstr("cluster one (since 2026-11-30T12:00:00Z)"),
                                  HasSubstr("penstock store gc --take-over")));
  EXPECT_THAT(Marks(), ElementsAre("one"));
  EXPECT_EQ(Check("one"), "") << "the first goes on";
}

TEST_P(CollectorTest, TakenOverItIsTheOthersAndTheFirstIsRefused) {
  ASSERT_EQ(Check("one"), "");
  EXPECT_EQ(Check("two", true), "");
  EXPECT_THAT(Marks(), ElementsAre("two"));
  EXPECT_THAT(Check("one"), HasSubstr("cluster two"));
}

TEST_P(CollectorTest, ADryRunSaysTheSameAndWritesNothing) {
  EXPECT_EQ(Check("one", false, true), "");
  EXPECT_THAT(Marks(), IsEmpty());
  ASSERT_EQ(Check("one"), "");
  EXPECT_NE(Check("two", false, true), "");
  EXPECT_EQ(Check("two", true, true), "");
  EXPECT_THAT(Marks(), ElementsAre("one"));
}

TEST_P(CollectorTest, OfTwoAtOnceNeitherCollects) {
  // The other one's mark comes between our look and ours.
  bool once = false;
  aging_->objects->before = [&](const std::string& what, const std::string& key) {
    if (what != "Put" || key != "ns/collectors/two" || std::exchange(once, true)) return true;
    EXPECT_TRUE(aging_->store->objects().Put("ns/collectors/one", "{}"));
    return true;
  };
  EXPECT_THAT(Check("two"), HasSubstr("collected by one too"));
  EXPECT_THAT(Marks(), UnorderedElementsAre("one", "two"));
  EXPECT_THAT(Check("one"), HasSubstr("collected by cluster two"));
}

TEST_P(CollectorTest, AMarkThatCannotBeReadStandsForSomebody) {
  ASSERT_TRUE(aging_->store->objects().Put("ns/collectors/odd", "no JSON"));
  EXPECT_THAT(Check("one"), HasSubstr("collected by odd too"));
}

INSTANTIATE_TEST_SUITE_P(Stores, CollectorTest, testing::Values("Volume", "S3", "PlainS3"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace penstock::artifacts
