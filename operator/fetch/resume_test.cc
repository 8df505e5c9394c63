#include "operator/fetch/resume.h"

#include <gtest/gtest.h>

namespace penstock::fetch {
namespace {

SourceSettings Quick() {
  SourceSettings settings;
  settings.first_pause = std::chrono::milliseconds(1);
  settings.least_bytes = 10;
  return settings;
}

TEST(Resume, GoesOnBehindTheLastByteAndGivesEachOnce) {
  std::string got;
  std::vector<std::uint64_t> offsets;
  const std::string whole = "abcdefghij";
  const auto done = Resume(
      Quick(),
      [&](std::string_view bytes) -> Result<void> {
        got += bytes;
        return {};
      },
      [&](std::uint64_t offset, const Sink& sink) -> Result<void> {
        offsets.push_back(offset);
        const std::size_t end = std::min<std::size_t>(offset + 4, whole.size());
        if (auto ok = sink(whole.substr(offset, end - offset)); !ok) return ok;
        return end == whole.size() ? Result<void>() : Transient("it broke");
      });
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(got, whole);
  EXPECT_EQ(offsets, (std::vector<std::uint64_t>{0, 4, 8}));
}

TEST(Resume, GivesUpAfterSixTriesThatBringHardlyAnything) {
  int tries = 0;
  const auto done = Resume(
      Quick(), [](std::string_view) { return Result<void>(); },
      [&](std::uint64_t, const Sink& sink) -> Result<void> {
        ++tries;
        if (auto ok = sink("x"); !ok) return ok;
        return Transient("it broke");
      });
  ASSERT_FALSE(done);
  EXPECT_EQ(tries, kTries);
}

TEST(Resume, AnyNumberOfBreaksIsNoEndWhileItComesOn) {
  int tries = 0;
  const auto done = Resume(
      Quick(), [](std::string_view) { return Result<void>(); },
      [&](std::uint64_t, const Sink& sink) -> Result<void> {
        if (auto ok = sink("twelve bytes"); !ok) return ok;
        return ++tries == 50 ? Result<void>() : Transient("it broke");
      });
  EXPECT_TRUE(done);
  EXPECT_EQ(tries, 50);
}

TEST(Resume, WhatTheSinkRefusesIsNotTriedAgain) {
  int tries = 0;
  const auto done = Resume(
      Quick(), [](std::string_view) -> Result<void> { return Transient("the disk"); },
      [&](std::uint64_t, const Sink& sink) {
        ++tries;
        return sink("x");
      });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "the disk");
  EXPECT_EQ(tries, 1);
}

TEST(Resume, WhatDoesNotPassByItselfIsNotTriedAgain) {
  int tries = 0;
  const auto done = Again(Quick(), [&]() -> Result<void> {
    ++tries;
    return Invalid("no");
  });
  EXPECT_FALSE(done);
  EXPECT_EQ(tries, 1);
}

}  // namespace
}  // namespace penstock::fetch
