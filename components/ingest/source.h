// An outside source as a local file: a path, file://, http://, https:// or s3://.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "operator/base/result.h"
#include "operator/fetch/spans.h"

namespace penstock::ingest {

struct DownloadLimits {
  std::uint64_t max_bytes = 100ULL << 30;
  int attempts = 5;                        // of network failures, 408, 429 and 5xx
  int timeout_seconds = 60;                // without an answer or a byte
  std::chrono::milliseconds backoff{250};  // doubles from try to try, with jitter
};

// A file or folder on this machine; a downloaded one is removed with the object.
class LocalFile {
 public:
  LocalFile(std::filesystem::path path, bool temporary, std::string fingerprint = {})
      : path_(std::move(path)), temporary_(temporary), fingerprint_(std::move(fingerprint)) {}
  ~LocalFile();
  LocalFile(LocalFile&& other) noexcept;
  LocalFile& operator=(LocalFile&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] bool downloaded() const { return temporary_; }
  // What the download's server said of it; empty: nothing, or no download.
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  void SetFingerprint(std::string fingerprint) { fingerprint_ = std::move(fingerprint); }

 private:
  std::filesystem::path path_;
  bool temporary_;
  std::string fingerprint_;
};

// Downloads go to `scratch` (a folder that exists), whole, before anything of them is read. Errors
// never show a query string, which may be a signature. s3:// by the variables of s3/source.h.
[[nodiscard]] Result<LocalFile> FetchSource(const std::string& source,
                                            const std::filesystem::path& scratch,
                                            const DownloadLimits& limits);

// The same of spans of time (protocol/span_uri.h): a folder that may have folders within.
struct FetchedSpans {
  LocalFile file;
  fetch::ReadSpans read;
};
[[nodiscard]] Result<FetchedSpans> FetchSpans(const std::string& source,
                                              const std::filesystem::path& scratch,
                                              const DownloadLimits& limits);

// What changes with a file, or with a file of a folder, when somebody writes it: sizes, times,
// which file it is. Two that are alike frame a reading of one content. Empty where it is gone.
[[nodiscard]] std::string StateOf(const std::filesystem::path& path);

// http or https to a file, streamed; at most 10 redirects, none from https to http. A body shorter
// than Content-Length is tried again. Invalid for a 4xx and a body above the limit, else Transient.
// Gives HttpFingerprint() of the answer.
[[nodiscard]] Result<std::string> Download(const std::string& uri, const std::filesystem::path& to,
                                           const DownloadLimits& limits);

}  // namespace penstock::ingest
