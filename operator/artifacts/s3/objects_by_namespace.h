// Each namespace's objects where the platform says that they are: some have a store of their own,
// all others share one. Thread-safe; owns them all.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "operator/artifacts/objects.h"

namespace penstock::artifacts {

class ObjectsByNamespace : public Objects {
 public:
  using ObjectsPtr = std::shared_ptr<const Objects>;
  ObjectsByNamespace(ObjectsPtr others, std::map<std::string, ObjectsPtr> own)
      : others_(std::move(others)), own_(std::move(own)) {}

  Result<void> HasRoomFor(const std::string& ns, std::uint64_t bytes) const override {
    return Of(ns).HasRoomFor(ns, bytes);
  }
  Result<void> PutBlob(const std::string& ns, const std::string& digest,
                       std::optional<std::uint64_t> bytes,
                       const ByteSource& source) const override {
    return Of(ns).PutBlob(ns, digest, bytes, source);
  }
  std::unique_ptr<ObjectBatch> NewBatch(const std::string& ns) const override {
    return Of(ns).NewBatch(ns);
  }
  Result<void> SetAside(const std::string& ns, const std::string& digest) const override {
    return Of(ns).SetAside(ns, digest);
  }
  Result<void> Put(const std::string& key, const std::string& text) const override {
    return Of(key).Put(key, text);
  }
  Result<std::string> Get(const std::string& key, std::uint64_t limit) const override {
    return Of(key).Get(key, limit);
  }
  Result<std::optional<std::uint64_t>> Size(const std::string& key) const override {
    return Of(key).Size(key);
  }
  // Of one namespace.
  Result<bool> Have(const std::vector<ObjectSize>& objects) const override {
    return objects.empty() ? Result<bool>(true) : Of(objects.front().key).Have(objects);
  }
  Result<void> Read(const std::string& key, std::uint64_t offset, std::uint64_t length,
                    const ByteSink& sink) const override {
    return Of(key).Read(key, offset, length, sink);
  }
  Result<LocalObject> Local(const std::string& key) const override { return Of(key).Local(key); }
  Result<void> Remove(const std::string& key) const override { return Of(key).Remove(key); }
  Result<void> RemoveBelow(const std::string& folder) const override {
    return Of(folder).RemoveBelow(folder);
  }
  Result<bool> Touch(const std::string& key) const override { return Of(key).Touch(key); }
  Result<std::vector<ObjectUse>> Uses(const std::string& folder) const override {
    return Of(folder).Uses(folder);
  }
  Result<bool> RemoveUnused(const std::string& key, TimePoint before) const override {
    return Of(key).RemoveUnused(key, before);
  }
  Result<TimePoint> Now(const std::string& ns) const override { return Of(ns).Now(ns); }
  // Of "": a store of a namespace's own is asked for that one alone, whatever else lies in it.
  Result<std::vector<std::string>> Names(const std::string& folder) const override;
  Result<int> RemoveLeftovers(std::chrono::seconds age) const override;
  Result<std::string> Look() const override;
  Result<std::optional<Link>> LinkToRead(const std::string& ns,
                                         const std::string& digest) const override {
    return Of(ns).LinkToRead(ns, digest);
  }
  Result<std::optional<Link>> LinkToWrite(const std::string& ns, const std::string& digest,
                                          std::uint64_t bytes) const override {
    return Of(ns).LinkToWrite(ns, digest, bytes);
  }

 private:
  [[nodiscard]] const Objects& Of(const std::string& key) const {
    const auto own = own_.find(key.substr(0, key.find('/')));
    return own == own_.end() ? *others_ : *own->second;
  }

  const ObjectsPtr others_;
  const std::map<std::string, ObjectsPtr> own_;
};

}  // namespace penstock::artifacts
