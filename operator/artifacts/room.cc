#include "operator/artifacts/room.h"

#include <string>

namespace penstock::artifacts {

Error VolumeIsFull(const std::string& why) {
  Error error = Transient("the artifact store's volume is full: " + why);
  error.kind = ErrorKind::kNoSpace;
  return error;
}

Result<void> OnVolume(Result<void> done) {
  if (!done && done.error().kind == ErrorKind::kNoSpace) return VolumeIsFull(done.error().message);
  return done;
}

Result<void> Room::For(std::uint64_t bytes) const {
  if (!look_) return {};
  const auto space = look_();
  if (!space || !IsFull(*space, bytes)) return {};
  std::string why = Describe(*space) + ", and " + std::to_string(ReserveOf(*space) >> 20) +
                    " MiB are kept for receipts and history";
  if (bytes > 0) why = std::to_string((bytes >> 20) + 1) + " MiB are to come; " + why;
  return VolumeIsFull(why);
}

}  // namespace penstock::artifacts
