// A store's objects in a bucket: s3://<bucket>/<prefix><key>. An object of S3 appears whole or not
// at all, by one request or when its parts are completed. Blobs are written once: by
// "If-None-Match: *" where the store keeps that (s3/probe.h), else by their address alone, which
// the same bytes only have; never by a copy, which would overwrite.
//
// An object was put to use when it was last modified, or when <prefix><namespace>/used/<rest of its
// key> was, which is empty: one request, however large the object is.
//
// Thread-safe. Between processes too, but for RemoveUnused against others' Touch: what collects a
// bucket is in the process that people and steps go through (the chart has one replica).
#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "operator/artifacts/objects.h"
#include "operator/artifacts/room.h"
#include "operator/s3/client.h"
#include "operator/s3/probe.h"

namespace penstock::artifacts {

struct S3ObjectsSettings {
  std::string prefix;             // "" or "folder/"
  std::filesystem::path scratch;  // for files that are read here; swept as the store's leftovers
  Room room;                      // that those may take
  bool links = true;              // hand out signed URLs
  std::chrono::seconds link_lifetime{900};
  std::string link_ca_pem;  // trusted by who gets one
  int workers = 4;          // requests at once of one call
};

class S3Objects : public Objects {
 public:
  S3Objects(std::unique_ptr<s3::Client> client, S3ObjectsSettings settings)
      : client_(std::move(client)), settings_(std::move(settings)) {}

  // A bucket tells of its quota by refusing; there is always room to ask.
  Result<void> HasRoomFor(const std::string& ns, std::uint64_t bytes) const override;
  // `bytes` must be known. Above kMaxSinglePut in parts; memory of one piece in any case.
  Result<void> PutBlob(const std::string& ns, const std::string& digest,
                       std::optional<std::uint64_t> bytes, const ByteSource& source) const override;
  std::unique_ptr<ObjectBatch> NewBatch(const std::string& ns) const override;
  // Copied to <namespace>/damaged/ where one request can, then removed.
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
  // Uploads in parts that nobody has gone on with.
  Result<int> RemoveLeftovers(std::chrono::seconds age) const override;
  Result<std::optional<Link>> LinkToRead(const std::string& ns,
                                         const std::string& digest) const override;
  // Only from a store that holds a put to its checksum: another's URL would let any bytes in under
  // this name.
  Result<std::optional<Link>> LinkToWrite(const std::string& ns, const std::string& digest,
                                          std::uint64_t bytes) const override;

  Result<std::string> Look() const override;

  // What the store keeps, asked once; an error is asked again.
  [[nodiscard]] Result<s3::Abilities> Abilities() const;
  [[nodiscard]] const s3::Client& client() const { return *client_; }

 private:
  [[nodiscard]] std::string KeyOf(const std::string& key) const { return settings_.prefix + key; }
  [[nodiscard]] Result<void> PutParts(const std::string& key, const std::string& digest,
                                      std::uint64_t bytes, const ByteSource& source) const;
  // What was there already when it was to be put: touched, or kTransient where it went meanwhile.
  [[nodiscard]] Result<void> UseOld(const std::string& key) const;
  [[nodiscard]] std::mutex& LockOf(const std::string& key) const {
    return use_locks_[std::hash<std::string>()(key) % use_locks_.size()];
  }
  [[nodiscard]] Result<std::optional<Link>> LinkTo(const std::string& method,
                                                   const std::string& key,
                                                   const net::Headers& headers) const;

  const std::unique_ptr<s3::Client> client_;
  const S3ObjectsSettings settings_;
  mutable std::mutex mutex_;
  mutable std::optional<s3::Abilities> abilities_;
  mutable std::array<std::mutex, 64> use_locks_;  // by key: Touch against RemoveUnused
};

}  // namespace penstock::artifacts
