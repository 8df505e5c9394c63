// A route table from a file, read again when it changes; for tests, benchmarks and routers without
// Kubernetes. Owns a thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "components/router/routing/table_source.h"

namespace penstock::router {

class FileSource : public TableSource {
 public:
  // Looks every `interval` whether the file has changed.
  FileSource(std::filesystem::path file, std::chrono::milliseconds interval);
  // The file must be a table now; one that is none later is Trouble, and the last table stays.
  [[nodiscard]] Result<void> Start(Publish publish) override;
  [[nodiscard]] std::string Trouble() const override;

 private:
  [[nodiscard]] Result<void> Read(const Publish& publish);
  void Say(const std::string& trouble);

  const std::filesystem::path file_;
  const std::chrono::milliseconds interval_;
  std::string text_;  // as last read
  mutable std::mutex mutex_;
  std::string trouble_;  // guarded by mutex_
  std::jthread thread_;
};

}  // namespace penstock::router
