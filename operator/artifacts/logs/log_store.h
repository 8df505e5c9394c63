// What steps wrote, kept after their pods: the end of the log of each attempt.
//
//   <root>/<namespace>/logs/<run uid>/<pod>.log
//
// A file appears whole, by rename after fsync. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "operator/artifacts/room.h"
#include "operator/base/result.h"

namespace penstock::artifacts {

inline constexpr std::uint64_t kMaxLogBytes = 4ULL << 20;  // of one attempt: the last of them

class LogStore {
 public:
  // `root` and `room`: the artifact store's.
  explicit LogStore(std::filesystem::path root, Room room = {});

  // Keeps the last `most` bytes of the text; what goes before them is told in a first line. Invalid
  // for names that are none, kNoSpace.
  [[nodiscard]] Result<void> Put(const std::string& ns, const std::string& run_uid,
                                 const std::string& pod, std::string_view text,
                                 std::uint64_t most = kMaxLogBytes) const;
  // The file's path on this machine; kNotFound.
  [[nodiscard]] Result<std::filesystem::path> Path(const std::string& ns,
                                                   const std::string& run_uid,
                                                   const std::string& pod) const;
  // Removes logs that were written more than `age` ago, in all namespaces; how many.
  [[nodiscard]] Result<int> RemoveOlder(std::chrono::milliseconds age) const;

 private:
  std::filesystem::path root_;
  Room room_;
};

}  // namespace penstock::artifacts
