// The prediction logs of model servers, beside the artifacts: files by name, not by content.
//
//   <root>/<namespace>/predictions/<model deployment>/<file>.parquet
//   <root>/<namespace>/predictions/<model deployment>/<file>.requests
//
// The second says which requests the first is of, for whoever has an id and cannot read Parquet:
// {"model", "version", "digest"} on its first line, then on each an id, as JSON has a text.
// A file appears whole, by rename after fsync, and is never changed. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/artifacts/room.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/base/time.h"

namespace penstock::artifacts {

inline constexpr std::uint64_t kMaxPredictionFileBytes = 64ULL << 20;
inline constexpr std::uint64_t kMaxRequestsFileBytes = 8ULL << 20;
inline constexpr std::chrono::seconds kRequestPatience{10};

// Which version answered a request; `digest` is empty where its server was told of none.
struct LoggedRequest {
  std::string deployment, version, digest;
};

struct PredictionFile {
  std::string name;
  std::uint64_t bytes = 0;
};

// {"files": [{"name": ..., "bytes": ...}]}, and back: Invalid for anything else.
[[nodiscard]] std::string FormatPredictionFiles(const std::vector<PredictionFile>& files);
[[nodiscard]] Result<std::vector<PredictionFile>> ParsePredictionFiles(const std::string& text);

// A file on its way in: write, then Commit. Dropped without a Commit, it leaves nothing. kNoSpace
// when the volume is full, at the latest 1 MiB after it is. Used by one thread.
class PredictionWriter {
 public:
  PredictionWriter(AtomicFile file, Room room) : file_(std::move(file)), room_(std::move(room)) {}
  [[nodiscard]] Result<void> Write(std::string_view bytes);
  [[nodiscard]] Result<void> Commit() { return OnVolume(file_.Commit()); }

 private:
  AtomicFile file_;
  RoomWatch room_;
};

class PredictionStore {
 public:
  // `root` and `room`: the artifact store's.
  explicit PredictionStore(std::filesystem::path root, Room room = {});

  // A file on its way in. Invalid for a name that is no <a-z, 0-9, '-' and '.'>.parquet or
  // .requests. The same name again is the same file, sent again.
  [[nodiscard]] Result<PredictionWriter> NewFile(const std::string& ns,
                                                 const std::string& deployment,
                                                 const std::string& name) const;
  [[nodiscard]] Result<void> Put(const std::string& ns, const std::string& deployment,
                                 const std::string& name, std::string_view bytes) const;
  // Those of Parquet, by name; nothing for a deployment without a log. kTooLarge above 200,000
  // files.
  [[nodiscard]] Result<std::vector<PredictionFile>> List(const std::string& ns,
                                                         const std::string& deployment) const;
  // The file's path on this machine; kNotFound.
  [[nodiscard]] Result<std::filesystem::path> Path(const std::string& ns,
                                                   const std::string& deployment,
                                                   const std::string& name) const;

  // Which version answered, by the newest file that has the id; of all logs of the namespace where
  // `deployment` is empty. kNotFound; kTooLarge where kRequestPatience was not enough to look
  // through them.
  [[nodiscard]] Result<LoggedRequest> FindRequest(const std::string& ns,
                                                  const std::string& deployment,
                                                  const std::string& id, const Clock& clock,
                                                  const std::stop_token& stop) const;

  struct Log {
    std::string ns;
    std::string deployment;
  };
  // Every log that there is.
  [[nodiscard]] Result<std::vector<Log>> Logs() const;
  // Removes files that were written more than `age` ago, and a folder that is then empty; how many.
  [[nodiscard]] Result<int> RemoveOlder(const Log& log, std::chrono::milliseconds age) const;

 private:
  std::filesystem::path root_;
  Room room_;
};

}  // namespace penstock::artifacts
