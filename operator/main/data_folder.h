// Looks after the volume of the data folder for as long as the process runs, whether it leads or
// not: tells, once each time, that it fills up, is full or has room again, and removes what killed
// uploads left.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "operator/artifacts/room.h"
#include "operator/artifacts/store.h"

namespace penstock::main {

enum class VolumeState : std::uint8_t { kRoom, kNearlyFull, kFull };

class DataFolder {
 public:
  // Told of each change, by the thread that looks.
  using Tell = std::function<void(VolumeState state, const std::string& what)>;
  using Warn = std::function<void(const std::string& what)>;

  // `store` must outlive it. `look` is that of the store's Room.
  DataFolder(const artifacts::Store& store, artifacts::Room::Look look, Tell tell, Warn warn);

  void LookAtVolume();
  void RemoveLeftovers();
  // Looks twice a minute, and removes leftovers each hour, until stopped.
  void Keep(const std::stop_token& stop);

 private:
  const artifacts::Store& store_;
  const artifacts::Room::Look look_;
  const Tell tell_;
  const Warn warn_;
  VolumeState state_ = VolumeState::kRoom;
};

}  // namespace penstock::main
