#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "components/model/xgboost/library.h"

namespace penstock::model {
namespace {

using testing::HasSubstr;

TEST(XgboostLibrary, ThatIsNotThereSaysWhatInstallsIt) {
  const auto library = LoadXgboostLibrary("libxgboost-of-nobody.so");
  ASSERT_FALSE(library);
  EXPECT_THAT(library.error().message, HasSubstr("libxgboost.so, which is not here"));
  EXPECT_THAT(library.error().message, HasSubstr("tools/install-deps wheels"));
}

TEST(XgboostLibrary, WithoutWhatIsCalledIsTooOld) {
  const auto library = LoadXgboostLibrary("libc.so.6");
  ASSERT_FALSE(library);
  EXPECT_THAT(library.error().message, HasSubstr("is too old"));
}

}  // namespace
}  // namespace penstock::model
