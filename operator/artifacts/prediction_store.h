// The prediction logs of model servers, beside the artifacts: files by name, not by content.
//
//   <root>/<namespace>/predictions/<model deployment>/<file>.parquet
//
// A file appears whole, by rename after fsync, and is never changed. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::artifacts {

inline constexpr std::uint64_t kMaxPredictionFileBytes = 64ULL << 20;

struct PredictionFile {
  std::string name;
  std::uint64_t bytes = 0;
};

// {"files": [{"name": ..., "bytes": ...}]}, and back: Invalid for anything else.
[[nodiscard]] std::string FormatPredictionFiles(const std::vector<PredictionFile>& files);
[[nodiscard]] Result<std::vector<PredictionFile>> ParsePredictionFiles(const std::string& text);

class PredictionStore {
 public:
  // `root`: the artifact store's.
  explicit PredictionStore(std::filesystem::path root);

  // Invalid for a name that is no <a-z, 0-9, '-' and '.'>.parquet. The same name again is the same
  // file, sent again.
  [[nodiscard]] Result<void> Put(const std::string& ns, const std::string& deployment,
                                 const std::string& name, std::string_view bytes) const;
  // By name; nothing for a deployment without a log.
  [[nodiscard]] Result<std::vector<PredictionFile>> List(const std::string& ns,
                                                         const std::string& deployment) const;
  // The file's path on this machine; kNotFound.
  [[nodiscard]] Result<std::filesystem::path> Path(const std::string& ns,
                                                   const std::string& deployment,
                                                   const std::string& name) const;

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
};

}  // namespace penstock::artifacts
