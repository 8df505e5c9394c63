// A store whose objects a test makes older, over a volume or over buckets, and what refers to them.
// For tests only.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "operator/artifacts/folder_objects.h"
#include "operator/artifacts/gc/collection.h"
#include "operator/artifacts/s3/s3_objects.h"
#include "operator/artifacts/store.h"
#include "operator/artifacts/tree.h"
#include "operator/base/sha256.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::artifacts {

class FakeReferences : public References {
 public:
  Result<void> Each(const std::string& ns, const TextSink& sink, const std::stop_token&) override {
    ++calls;
    if (on_call) on_call();
    if (failed) return *failed;
    for (const auto& [where, text] : texts)
      if (where == ns) sink(text);
    return {};
  }
  std::vector<std::pair<std::string, std::string>> texts;  // namespace, text
  std::function<void()> on_call;
  std::optional<Error> failed;
  int calls = 0;
};

// Another's objects, unless told otherwise.
class PassedObjects : public Objects {
 public:
  explicit PassedObjects(std::shared_ptr<const Objects> below) : below_(std::move(below)) {}
  // Asked before what changes or dates an object, by what is done and to which; false: the process
  // was killed there, and does nothing any more.
  std::function<bool(const std::string& what, const std::string& key)> before =
      [](const std::string&, const std::string&) { return true; };

  Result<void> HasRoomFor(const std::string& ns, std::uint64_t bytes) const override {
    return below_->HasRoomFor(ns, bytes);
  }
  Result<void> PutBlob(const std::string& ns, const std::string& digest,
                       std::optional<std::uint64_t> bytes,
                       const ByteSource& source) const override {
    return below_->PutBlob(ns, digest, bytes, source);
  }
  std::unique_ptr<ObjectBatch> NewBatch(const std::string& ns) const override {
    return below_->NewBatch(ns);
  }
  Result<void> SetAside(const std::string& ns, const std::string& digest) const override {
    return below_->SetAside(ns, digest);
  }
  Result<void> Put(const std::string& key, const std::string& text) const override {
    if (!before("Put", key)) return Internal("killed");
    return below_->Put(key, text);
  }
  Result<std::string> Get(const std::string& key, std::uint64_t limit) const override {
    return below_->Get(key, limit);
  }
  Result<std::optional<std::uint64_t>> Size(const std::string& key) const override {
    return below_->Size(key);
  }
  Result<bool> Have(const std::vector<ObjectSize>& objects) const override {
    return below_->Have(objects);
  }
  Result<void> Read(const std::string& key, std::uint64_t offset, std::uint64_t length,
                    const ByteSink& sink) const override {
    return below_->Read(key, offset, length, sink);
  }
  Result<LocalObject> Local(const std::string& key) const override { return below_->Local(key); }
  Result<void> Remove(const std::string& key) const override { return below_->Remove(key); }
  Result<void> RemoveBelow(const std::string& folder) const override {
    return below_->RemoveBelow(folder);
  }
  Result<std::vector<std::string>> Names(const std::string& folder) const override {
    return below_->Names(folder);
  }
  Result<bool> Touch(const std::string& key) const override { return below_->Touch(key); }
  Result<std::vector<ObjectUse>> Uses(const std::string& folder) const override {
    return below_->Uses(folder);
  }
  Result<bool> RemoveUnused(const std::string& key, TimePoint time) const override {
    if (!before("RemoveUnused", key)) return Internal("killed");
    return below_->RemoveUnused(key, time);
  }
  Result<TimePoint> Now(const std::string& ns) const override {
    if (!before("Now", ns)) return Internal("killed");
    return below_->Now(ns);
  }
  Result<int> RemoveLeftovers(std::chrono::seconds age) const override {
    return below_->RemoveLeftovers(age);
  }

 private:
  const std::shared_ptr<const Objects> below_;
};

class AgingStore {
 public:
  AgingStore(const std::string& kind, std::filesystem::path dir) : dir_(std::move(dir)) {
    std::filesystem::create_directories(dir_);
    if (kind == "Volume") {
      below_ = std::make_shared<FolderObjects>(dir_ / "store", Room());
    } else {
      const bool plain = kind == "PlainS3";
      fake_ = std::make_unique<s3::FakeS3>(s3::FakeS3::Options{
          .conditional = !plain, .checks_sha256 = !plain, .keeps_crc32c = !plain});
      S3ObjectsSettings settings;
      settings.prefix = "p/";
      settings.scratch = dir_ / "scratch";
      below_ = std::make_shared<S3Objects>(fake_->MakeClient(), settings);
    }
    objects = std::make_shared<PassedObjects>(below_);
    store = std::make_unique<Store>(dir_ / "store", Room(), objects);
  }

  // Everything that is there was put to use so much earlier.
  void Age(std::chrono::hours by) {
    if (fake_) return fake_->Age(by);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ / "store"))
      if (entry.is_regular_file())
        std::filesystem::last_write_time(entry.path(), entry.last_write_time() - by);
  }
  // Bytes under a blob's name, past the store.
  void Overwrite(const std::string& ns, const std::string& digest, const std::string& bytes) {
    if (fake_) return fake_->SetBytes("p/" + BlobKey(ns, digest), bytes);
    const auto path = dir_ / "store" / BlobKey(ns, digest);
    std::filesystem::permissions(path, std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
    std::ofstream(path) << bytes;
  }
  // A file with these bytes.
  std::string PutFile(const std::string& text, const std::string& ns = "ns") {
    std::ofstream(dir_ / "file") << text;
    const auto put = store->Put(ns, dir_ / "file");
    EXPECT_TRUE(put) << (put ? "" : put.error().message);
    return put ? put->digest : "";
  }
  // A folder with files of these bytes.
  ArtifactRef PutFolder(const std::vector<std::string>& texts, const std::string& ns = "ns") {
    EXPECT_TRUE(RemoveTree(dir_ / "folder"));
    std::filesystem::create_directories(dir_ / "folder");
    for (std::size_t i = 0; i < texts.size(); ++i)
      std::ofstream(dir_ / "folder" / std::to_string(i)) << texts[i];
    const auto put = store->Put(ns, dir_ / "folder");
    EXPECT_TRUE(put) << (put ? "" : put.error().message);
    return put ? *put : ArtifactRef{};
  }
  void PutEntry(const std::string& key, const std::vector<ArtifactRef>& outputs) {
    const auto put = store->PutCacheEntry("ns", Sha256Hex(key), ReceiptOf("", outputs));
    ASSERT_TRUE(put) << put.error().message;
  }
  void PutReceipt(const std::string& pod, const std::vector<ArtifactRef>& outputs) {
    const auto put = store->PutReceipt("ns", ReceiptOf(pod, outputs));
    ASSERT_TRUE(put) << put.error().message;
  }
  [[nodiscard]] bool Has(const std::string& digest, const std::string& ns = "ns") const {
    return store->BlobSize(ns, digest).has_value();
  }
  [[nodiscard]] bool Has(const ArtifactRef& artifact) const {
    return below_store().Exists("ns", artifact).value();
  }
  [[nodiscard]] bool HasEntry(const std::string& key) const {
    const std::string hex = Sha256Hex(key);
    return below_->Size("ns/cache/" + hex.substr(0, 2) + "/" + hex).value().has_value();
  }
  static Receipt ReceiptOf(const std::string& pod, const std::vector<ArtifactRef>& outputs) {
    Receipt receipt;
    receipt.run = "run";
    receipt.run_uid = "uid-1";
    receipt.step = "train";
    receipt.pod = pod.empty() ? "pod-1" : pod;
    for (const ArtifactRef& artifact : outputs)
      receipt.outputs.push_back({"o" + std::to_string(receipt.outputs.size()), "file", artifact});
    return receipt;
  }

  std::shared_ptr<PassedObjects> objects;
  std::unique_ptr<Store> store;

 private:
  // Of no memory of what was whole.
  [[nodiscard]] Store below_store() const { return Store(dir_ / "store", Room(), below_); }

  const std::filesystem::path dir_;
  std::unique_ptr<s3::FakeS3> fake_;
  std::shared_ptr<const Objects> below_;
};

inline std::filesystem::path AgingDir() {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  const std::string name = std::string(info->test_suite_name()) + info->name();
  return std::filesystem::path(testing::TempDir()) / ("gc_" + Sha256Hex(name).substr(0, 16));
}

}  // namespace penstock::artifacts
