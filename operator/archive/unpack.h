// A tar archive, perhaps under gzip, into a folder while it arrives. Used by one thread.
//
// Only regular files and folders are written, with the bit that makes a file a program. A link, a
// device, a path that leads out of the folder: Invalid, by name. Of archives that are layers of one
// image the later one wins, and its whiteouts (".wh.x") remove what the earlier ones wrote.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::archive {

struct UnpackLimits {
  std::uint64_t bytes = 1ULL << 40;  // of all files together
  std::uint64_t files = 1'000'000;
};

struct UnpackOptions {
  std::filesystem::path root;  // a folder that is there and ours alone
  UnpackLimits limits;
  std::string only;     // "models/": entries below it, without it; all others are passed over
  bool layers = false;  // of an image: a file may take another's place, and whiteouts count
};

// What is unpacked into one folder: any number of archives.
class Unpacker {
 public:
  explicit Unpacker(UnpackOptions options);
  ~Unpacker();

  // The next bytes of the archive. kTooLarge above a limit; kNoSpace on a full volume.
  [[nodiscard]] Result<void> Write(std::string_view bytes);
  // The archive's end; the next byte is of another one.
  [[nodiscard]] Result<void> Finish();
  // So many files stand in the folder by now.
  [[nodiscard]] std::uint64_t files() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::archive
