#include "operator/main/data_folder.h"

#include <chrono>
#include <utility>

#include "operator/base/pause.h"
#include "operator/base/volume.h"

namespace penstock::main {
namespace {

constexpr std::chrono::seconds kLookEach{30};
constexpr int kLooksToCleaning = 120;  // an hour
// An upload that stands still for a minute is ended, and what is fetched has two.
constexpr std::chrono::minutes kLeftover{10};

VolumeState StateOf(const VolumeSpace& space) {
  if (IsFull(space)) return VolumeState::kFull;
  return IsNearlyFull(space) ? VolumeState::kNearlyFull : VolumeState::kRoom;
}

std::string Told(VolumeState state, const VolumeSpace& space) {
  const std::string reserve = std::to_string(ReserveOf(space) >> 20) + " MiB";
  switch (state) {
    case VolumeState::kFull:
      return "the artifact store's volume is full: " + Describe(space) + "; uploads are refused, " +
             "and the last " + reserve + " are kept for receipts and history; make it larger, or " +
             "remove what is not needed";
    case VolumeState::kNearlyFull:
      return "the artifact store's volume is nearly full: " + Describe(space) + "; below " +
             reserve + " uploads are refused; make it larger";
    case VolumeState::kRoom:
      return "the artifact store's volume has room again: " + Describe(space);
  }
  return "";
}

}  // namespace

DataFolder::DataFolder(const artifacts::Store& store, artifacts::Room::Look look, Tell tell,
                       Warn warn)
    : store_(store), look_(std::move(look)), tell_(std::move(tell)), warn_(std::move(warn)) {}

void DataFolder::LookAtVolume() {
  const auto space = look_();
  if (!space) return warn_(space.error().message);
  const VolumeState now = StateOf(*space);
  if (now == state_) return;
  state_ = now;
  tell_(now, Told(now, *space));
}

void DataFolder::RemoveLeftovers() {
  if (auto removed = store_.RemoveLeftovers(kLeftover); !removed)
    warn_("what killed uploads left was not all removed: " + removed.error().message);
}

void DataFolder::Keep(const std::stop_token& stop) {
  for (int looks = 0; !stop.stop_requested(); ++looks) {
    LookAtVolume();
    if (looks % kLooksToCleaning == 0) RemoveLeftovers();
    Pause(kLookEach, stop);
  }
}

}  // namespace penstock::main
