#include "operator/main/data_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::main {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr std::uint64_t kGiB = 1ULL << 30;

TEST(DataFolder, TellsOfAVolumeThatFillsUpBeforeItIsFullAndOnceEachTime) {
  VolumeSpace space{.size = 20 * kGiB, .free = 10 * kGiB, .files = 0, .free_files = 0};
  std::vector<std::pair<VolumeState, std::string>> told;
  const artifacts::Store store(testing::TempDir());
  DataFolder folder(
      store, [&] { return Result<VolumeSpace>(space); },
      [&](VolumeState state, const std::string& what) { told.emplace_back(state, what); },
      [](const std::string& what) { ADD_FAILURE() << what; });
  folder.LookAtVolume();
  EXPECT_THAT(told, IsEmpty());
  space.free = kGiB;
  folder.LookAtVolume();
  folder.LookAtVolume();
  space.free = kGiB / 10;
  folder.LookAtVolume();
  space.free = 10 * kGiB;
  folder.LookAtVolume();
  EXPECT_THAT(
      told,
      ElementsAre(Pair(VolumeState::kNearlyFull,
                       HasSubstr("nearly full: 1024 MiB of 20480 MiB are free; below 204 MiB")),
                  Pair(VolumeState::kFull, HasSubstr("is full: 102 MiB of 20480 MiB are free")),
                  Pair(VolumeState::kRoom, HasSubstr("has room again"))));
}

TEST(DataFolder, AVolumeThatCannotBeLookedAtIsToldAndNotTakenForFull) {
  const artifacts::Store store(testing::TempDir());
  std::vector<std::string> warnings;
  DataFolder folder(
      store, [] { return Result<VolumeSpace>(Transient("no answer")); },
      [](VolumeState, const std::string& what) { ADD_FAILURE() << what; },
      [&](const std::string& what) { warnings.push_back(what); });
  folder.LookAtVolume();
  EXPECT_THAT(warnings, ElementsAre("no answer"));
}

}  // namespace
}  // namespace penstock::main
