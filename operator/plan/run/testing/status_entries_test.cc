#include "operator/plan/run/status_entries.h"

#include <gmock/gmock.h>

#include "operator/plan/values/indexes.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;

TEST(FormatIndexes, IsReadBack) {
  const std::vector<std::size_t> all{0, 1, 2, 5, 7, 8};
  EXPECT_EQ(FormatIndexes(all), "0-2,5,7-8");
  EXPECT_EQ(ParseIndexes("0-2,5,7-8", 100), all);
  EXPECT_THAT(ParseIndexes("0-99999999999", 3), ElementsAre(0, 1, 2));
  EXPECT_TRUE(ParseIndexes("x", 3).empty());
}

}  // namespace
}  // namespace penstock::plan
