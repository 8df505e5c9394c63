#include "operator/base/is_there.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace penstock {
namespace {

namespace fs = std::filesystem;

TEST(IsThere, WhatCannotBeLookedAtIsAnErrorAndNotAbsent) {
  const fs::path folder = fs::path(testing::TempDir()) / ("there-" + std::to_string(getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "file") << "x";
  fs::create_symlink("circle", folder / "circle");
  EXPECT_TRUE(*IsThere(folder));
  EXPECT_TRUE(*IsThere(folder / "file"));
  EXPECT_FALSE(*IsThere(folder / "none"));
  EXPECT_FALSE(*IsThere(folder / "file/below"));
  for (const char* hidden : {"circle", "circle/below"}) {
    const auto there = IsThere(folder / hidden);
    ASSERT_FALSE(there);
    EXPECT_NE(there.error().message.find(hidden), std::string::npos);
  }
  fs::remove_all(folder);
}

}  // namespace
}  // namespace penstock
