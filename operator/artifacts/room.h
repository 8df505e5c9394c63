// Whether a store may grow. A value type; thread-safe as its look.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "operator/base/result.h"
#include "operator/base/volume.h"

namespace penstock::artifacts {

class Room {
 public:
  using Look = std::function<Result<VolumeSpace>()>;
  // Whatever the disk takes.
  Room() = default;
  // The volume's reserve (base/volume.h) is left for receipts, cache entries and history, which are
  // written without a question.
  explicit Room(Look look) : look_(std::move(look)) {}

  // kNoSpace when `bytes` more would touch the reserve. A volume that cannot be looked at is the
  // write's to find out.
  [[nodiscard]] Result<void> For(std::uint64_t bytes) const;

 private:
  Look look_;
};

// Looks at the room each MiB of what is written: others write, too. Used by one thread.
class RoomWatch {
 public:
  explicit RoomWatch(Room room) : room_(std::move(room)) {}
  // To be asked before so many bytes are written; kNoSpace.
  [[nodiscard]] Result<void> Before(std::uint64_t bytes) {
    since_look_ += bytes;
    if (since_look_ < kLookEach) return {};
    since_look_ = 0;
    return room_.For(0);
  }

 private:
  static constexpr std::uint64_t kLookEach = 1ULL << 20;
  Room room_;
  std::uint64_t since_look_ = 0;
};

// "the artifact store's volume is full: ..."
[[nodiscard]] Error VolumeIsFull(const std::string& why);
// What a write to the volume gave; a full disk by that name.
[[nodiscard]] Result<void> OnVolume(Result<void> done);

}  // namespace penstock::artifacts
