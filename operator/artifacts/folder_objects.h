// A store's objects as files of a volume: <root>/<key>. A file appears by rename after fsync.
//
//   <root>/<namespace>/tmp/...            blobs on their way in; leftovers of a crash
//   <root>/<namespace>/damaged/<hex>      blobs whose bytes no longer match their name
//   <root>/<namespace>/lock               between those who use blobs and who removes them
//
// A file was put to use last when its modification time says so.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "operator/artifacts/objects.h"
#include "operator/artifacts/room.h"

namespace penstock::artifacts {

class FolderObjects : public Objects {
 public:
  FolderObjects(std::filesystem::path root, Room room)
      : root_(std::move(root)), room_(std::move(room)) {}

  Result<void> HasRoomFor(const std::string& ns, std::uint64_t bytes) const override;
  // kNoSpace when the volume is full, at the latest 1 MiB after it is.
  Result<void> PutBlob(const std::string& ns, const std::string& digest,
                       std::optional<std::uint64_t> bytes, const ByteSource& source) const override;
  std::unique_ptr<ObjectBatch> NewBatch(const std::string& ns) const override;
  Result<void> SetAside(const std::string& ns, const std::string& digest) const override;
  Result<void> Put(const std::string& key, const std::string& text) const override;
  Result<std::string> Get(const std::string& key, std::uint64_t limit) const override;
  Result<std::optional<std::uint64_t>> Size(const std::string& key) const override;
  Result<bool> Have(const std::vector<ObjectSize>& objects) const override;
  Result<void> Read(const std::string& key, std::uint64_t offset, std::uint64_t length,
                    const ByteSink& sink) const override;
  Result<LocalObject> Local(const std::string& key) const override;
  Result<void> Remove(const std::string& key) const override;
  Result<void> RemoveBelow(const std::string& folder) const override;
  Result<std::vector<std::string>> Names(const std::string& folder) const override;
  Result<bool> Touch(const std::string& key) const override;
  Result<std::vector<ObjectUse>> Uses(const std::string& folder) const override;
  Result<bool> RemoveUnused(const std::string& key, TimePoint before) const override;
  Result<TimePoint> Now(const std::string& ns) const override;
  // In all namespaces: in tmp/ files, and folders of what was fetched, read-only or not; beside
  // receipts, cache entries and prediction logs their temporary files.
  Result<int> RemoveLeftovers(std::chrono::seconds age) const override;

 private:
  [[nodiscard]] std::filesystem::path FolderOf(const std::string& key) const {
    return root_ / key.substr(0, key.find('/'));
  }
  std::filesystem::path root_;
  Room room_;
};

}  // namespace penstock::artifacts
