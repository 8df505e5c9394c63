#include "operator/os/descriptors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace penstock {
namespace {

TEST(RaiseDescriptorLimit, GivesWhatTheProcessMayHaveAndNotTheUsual1024) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_GT(before.rlim_max, 256u);
  rlimit few = before;
  few.rlim_cur = 256;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto raised = RaiseDescriptorLimit();
  rlimit after{};
  ::getrlimit(RLIMIT_NOFILE, &after);
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(raised) << raised.error().message;
  EXPECT_EQ(*raised, before.rlim_max);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
}

}  // namespace
}  // namespace penstock
