#include "operator/artifacts/s3/s3_objects.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <set>
#include <thread>
#include <utility>

#include "operator/artifacts/s3/checked_source.h"
#include "operator/base/base64.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"
#include "operator/s3/transfer.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kStreamedPart = 512ULL << 20;
constexpr std::size_t kMostNames = 1'000'000;
constexpr const char* kContentLength = "content-length";
// What another may still be at work on is not swept, however short the age: a part takes its time.
constexpr std::chrono::hours kUploadAge{24};

// `work(i)` for each i below `count` by so many threads, until one is false or fails.
Result<bool> AllOf(std::size_t count, int workers,
                   const std::function<Result<bool>(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  Result<bool> out = true;
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      auto good = work(i);
      if (good && *good) continue;
      next = count;
      const std::lock_guard lock(mutex);
      if (out && *out) out = std::move(good);
    }
  };
  std::vector<std::jthread> threads;
  const auto most = std::min<std::size_t>(static_cast<std::size_t>(std::max(workers, 1)), count);
  for (std::size_t w = 1; w < most; ++w) threads.emplace_back(run);
  run();
  threads.clear();
  return out;
}

std::string Base64OfHex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return EncodeBase64(bytes);
}

// "ns/used/blobs/ab/<hex>" of "ns/blobs/ab/<hex>".
std::string UsedKey(const std::string& key) {
  const std::size_t slash = key.find('/');
  return key.substr(0, slash) + "/used" + key.substr(slash);
}

// Objects directly below a prefix, by name.
Result<void> EachBelow(const s3::Client& client, const std::string& prefix,
                       const std::function<void(const s3::Listed&, std::string name)>& each) {
  for (std::string token;;) {
    PENSTOCK_ASSIGN(const s3::Page page,
                    client.List({.prefix = prefix, .delimiter = "/", .token = token}, {}));
    for (const s3::Listed& object : page.objects)
      if (object.key.size() > prefix.size()) each(object, object.key.substr(prefix.size()));
    if (page.next.empty()) return {};
    token = page.next;
  }
}

class S3Batch : public ObjectBatch {
 public:
  S3Batch(const S3Objects& objects, std::string ns, std::string prefix, int workers)
      : objects_(objects), ns_(std::move(ns)), prefix_(std::move(prefix)), workers_(workers) {}

  Result<FileDigest> Put(const fs::path& file) override {
    PENSTOCK_ASSIGN(FileDigest digest, DigestFile(file));
    const std::string key = BlobKey(ns_, "sha256:" + digest.sha256);
    PENSTOCK_ASSIGN(const auto there, objects_.Size(key));
    if (there == digest.size) {
      PENSTOCK_ASSIGN(const bool used, objects_.Touch(key));
      if (used) return digest;
    }
    PENSTOCK_ASSIGN(const s3::Abilities can, objects_.Abilities());
    s3::TransferOptions how;
    how.workers = workers_;
    how.only_new = can.conditional_put;
    how.with_crc32c = can.keeps_crc32c;
    how.sha256 = digest.sha256;
    PENSTOCK_ASSIGN(const bool put, s3::PutFile(objects_.client(), prefix_ + key, file, how));
    if (put && how.only_new) return digest;
    // Another's may have been there when ours came.
    PENSTOCK_ASSIGN(const bool used, objects_.Touch(key));
    if (!used) return Transient("the blob " + digest.sha256 + " went while it came; try again");
    return digest;
  }
  Result<void> Commit() override { return {}; }

 private:
  const S3Objects& objects_;
  const std::string ns_;
  const std::string prefix_;
  const int workers_;
};

}  // namespace

Result<s3::Abilities> S3Objects::Abilities() const {
  const std::lock_guard lock(mutex_);
  if (abilities_) return *abilities_;
  PENSTOCK_ASSIGN(abilities_, s3::Probe(*client_, settings_.prefix, {}));
  return *abilities_;
}

Result<std::string> S3Objects::Look() const {
  PENSTOCK_ASSIGN(const s3::Abilities can, Abilities());
  const auto word = [](bool yes) { return yes ? "yes" : "no"; };
  return client_->Name(settings_.prefix) + " of " + s3::EndpointOf(client_->settings()) +
         ": conditional puts " + word(can.conditional_put) + ", SHA-256 checked " +
         word(can.checks_sha256) + ", CRC32C kept " + word(can.keeps_crc32c);
}

Result<void> S3Objects::HasRoomFor(const std::string&, std::uint64_t) const { return {}; }

Result<void> S3Objects::PutBlob(const std::string& ns, const std::string& digest,
                                std::optional<std::uint64_t> bytes,
                                const ByteSource& source) const {
  const std::string name = BlobKey(ns, digest), key = KeyOf(name);
  if (!bytes) return Invalid("a blob for a bucket needs its length: send Content-Length");
  CheckedSource checked(source, digest, *bytes);
  const ByteSource next = [&] { return checked.Next(); };
  if (*bytes > s3::kMaxSinglePut) {
    PENSTOCK_TRY(PutParts(key, digest, *bytes, next));
    return UseOld(name);
  }
  PENSTOCK_ASSIGN(const s3::Abilities can, Abilities());
  s3::Body body;
  body.size = *bytes;
  body.next = next;
  body.sha256 = digest.substr(7);
  s3::Client::PutOptions how;
  how.only_new = can.conditional_put;
  auto put = client_->Put(key, body, how, {});
  if (put && can.conditional_put) return {};  // it was not there, and is new
  if (put || put.error().kind == ErrorKind::kAlreadyExists) return UseOld(name);
  return put.error();
}

Result<void> S3Objects::UseOld(const std::string& key) const {
  PENSTOCK_ASSIGN(const bool there, Touch(key));
  if (!there) return Transient("the blob " + key + " went while it came; send it again");
  return {};
}

Result<void> S3Objects::PutParts(const std::string& key, const std::string& digest,
                                 std::uint64_t bytes, const ByteSource& source) const {
  static_cast<void>(digest);  // held against by the source
  PENSTOCK_ASSIGN(const s3::Abilities can, Abilities());
  PENSTOCK_ASSIGN(const std::string id, client_->BeginUpload(key, false, {}));
  PieceCutter pieces(source);
  std::vector<s3::Part> parts;
  Result<void> done;
  for (std::uint64_t left = bytes; left > 0 && done;) {
    s3::Body body;
    body.size = std::min(left, kStreamedPart);
    body.next = [&, part = body.size]() mutable { return pieces.Next(part); };
    auto part = client_->PutPart(key, id, static_cast<int>(parts.size()) + 1, body, "", {});
    if (!part) {
      done = part.error();
      break;
    }
    parts.push_back(*std::move(part));
    left -= body.size;
  }
  if (done) done = client_->Complete(key, id, parts, can.conditional_put, {});
  if (done) return {};
  if (done.error().kind == ErrorKind::kNotFound) {
    // It was completed, and the answer was lost; or it was given up.
    const auto stands = client_->Head(key, {});
    if (stands && stands->size == bytes) return {};
    return Transient(done.error().message + "; the upload was ended by another");
  }
  const bool there = done.error().kind == ErrorKind::kAlreadyExists;
  if (auto gone = client_->Abort(key, id, {}); !gone && !there)
    return Wrap(done.error().message + "; and what was uploaded stays", gone.error());
  return there ? Result<void>{} : done;
}

std::unique_ptr<ObjectBatch> S3Objects::NewBatch(const std::string& ns) const {
  return std::make_unique<S3Batch>(*this, ns, settings_.prefix, settings_.workers);
}

Result<void> S3Objects::SetAside(const std::string& ns, const std::string& digest) const {
  const std::string key = BlobKey(ns, digest);
  PENSTOCK_ASSIGN(const auto size, Size(key));
  if (!size) return {};
  if (*size <= s3::kMaxSinglePut)
    PENSTOCK_TRY(client_->Copy(KeyOf(key), KeyOf(ns + "/damaged/" + digest.substr(7)), {}));
  return client_->Delete(KeyOf(key), {});
}

Result<void> S3Objects::Put(const std::string& key, const std::string& text) const {
  auto put = client_->Put(KeyOf(key), s3::BodyOf(text), {}, {});
  return put ? Result<void>{} : put.error();
}

Result<std::string> S3Objects::Get(const std::string& key, std::uint64_t limit) const {
  return client_->GetText(KeyOf(key), limit, {});
}

Result<std::optional<std::uint64_t>> S3Objects::Size(const std::string& key) const {
  auto head = client_->Head(KeyOf(key), {});
  if (head) return std::optional(head->size);
  if (head.error().kind == ErrorKind::kNotFound) return std::optional<std::uint64_t>();
  return head.error();
}

Result<bool> S3Objects::Have(const std::vector<ObjectSize>& objects) const {
  return AllOf(objects.size(), 4 * settings_.workers, [&](std::size_t i) -> Result<bool> {
    PENSTOCK_ASSIGN(const auto size, Size(objects[i].key));
    return size == objects[i].bytes;
  });
}

Result<void> S3Objects::Read(const std::string& key, std::uint64_t offset, std::uint64_t length,
                             const ByteSink& sink) const {
  if (length == 0) return {};
  s3::Client::Range range{offset, length};
  if (length > UINT64_MAX - offset) range.length = UINT64_MAX;
  auto got = client_->Get(KeyOf(key), range, sink, {});
  // A range of an object that has no byte there.
  if (!got && got.error().kind == ErrorKind::kInvalid) {
    PENSTOCK_ASSIGN(const auto size, Size(key));
    if (size && *size <= offset) return {};
  }
  return got ? Result<void>{} : got.error();
}

Result<LocalObject> S3Objects::Local(const std::string& key) const {
  std::error_code ec;
  fs::create_directories(settings_.scratch, ec);
  if (ec) return FromErrno("creating folder " + settings_.scratch.string(), ec.value());
  std::string name = (settings_.scratch / "object-XXXXXX").string();
  const int fd = ::mkstemp(name.data());
  if (fd < 0) return FromErrno("creating a file in " + settings_.scratch.string(), errno);
  LocalObject local(name, true);
  RoomWatch room(settings_.room);
  auto got = client_->Get(KeyOf(key), {},
                          [&](std::string_view bytes) -> Result<void> {
                            PENSTOCK_TRY(room.Before(bytes.size()));
                            while (!bytes.empty()) {
                              const ssize_t n = ::write(fd, bytes.data(), bytes.size());
                              if (n < 0 && errno == EINTR) continue;
                              if (n < 0) return FromErrno("writing " + name, errno);
                              bytes.remove_prefix(static_cast<std::size_t>(n));
                            }
                            return {};
                          },
                          {});
  ::close(fd);
  if (!got) return got.error();
  return local;
}

Result<void> S3Objects::Remove(const std::string& key) const {
  return client_->Delete(KeyOf(key), {});
}

Result<void> S3Objects::RemoveBelow(const std::string& folder) const {
  const std::string prefix = KeyOf(folder) + "/";
  for (std::string token;;) {
    PENSTOCK_ASSIGN(const s3::Page page, client_->List({.prefix = prefix, .token = token}, {}));
    PENSTOCK_TRY(AllOf(page.objects.size(), settings_.workers, [&](std::size_t i) -> Result<bool> {
      PENSTOCK_TRY(client_->Delete(page.objects[i].key, {}));
      return true;
    }));
    if (page.next.empty()) return {};
    token = page.next;
  }
}

Result<std::vector<std::string>> S3Objects::Names(const std::string& folder) const {
  const std::string prefix = KeyOf(folder.empty() ? "" : folder + "/");
  std::set<std::string> names;
  for (std::string token;;) {
    PENSTOCK_ASSIGN(const s3::Page page,
                    client_->List({.prefix = prefix, .delimiter = "/", .token = token}, {}));
    for (const s3::Listed& object : page.objects)
      if (object.key.size() > prefix.size() && !folder.empty())
        names.insert(object.key.substr(prefix.size()));
    for (const std::string& below : page.prefixes)
      if (below.size() > prefix.size() + 1)
        names.insert(below.substr(prefix.size(), below.size() - prefix.size() - 1));
    if (names.size() > kMostNames)
      return Invalid(client_->Name(prefix) + " has over 1,000,000 entries");
    if (page.next.empty()) return std::vector<std::string>(names.begin(), names.end());
    token = page.next;
  }
}

Result<bool> S3Objects::Touch(const std::string& key) const {
  const std::lock_guard lock(LockOf(key));
  PENSTOCK_ASSIGN(const auto size, Size(key));
  if (!size) return false;
  PENSTOCK_TRY(Put(UsedKey(key), ""));
  return true;
}

Result<std::vector<ObjectUse>> S3Objects::Uses(const std::string& folder) const {
  std::vector<ObjectUse> uses;
  PENSTOCK_TRY(
      EachBelow(*client_, KeyOf(folder) + "/", [&](const s3::Listed& object, std::string name) {
        uses.push_back({std::move(name), object.size, object.modified});
      }));
  // Both come in the order of their names.
  std::size_t at = 0;
  PENSTOCK_TRY(EachBelow(*client_, KeyOf(UsedKey(folder)) + "/",
                         [&](const s3::Listed& object, const std::string& name) {
                           while (at < uses.size() && uses[at].name < name) ++at;
                           if (at < uses.size() && uses[at].name == name)
                             uses[at].used = std::max(uses[at].used, object.modified);
                         }));
  return uses;
}

Result<bool> S3Objects::RemoveUnused(const std::string& key, TimePoint before) const {
  const std::lock_guard lock(LockOf(key));
  for (const std::string& name : {key, UsedKey(key)}) {
    const auto seen = client_->Head(KeyOf(name), {});
    if (!seen && seen.error().kind != ErrorKind::kNotFound) return seen.error();
    if (seen && seen->modified == TimePoint{})
      return Internal(client_->Name(name) + " has no Last-Modified");
    if (seen && seen->modified >= before) return false;
  }
  // The object first: a touch that is left over is harmless, an object without its own is not.
  PENSTOCK_TRY(client_->Delete(KeyOf(key), {}));
  PENSTOCK_TRY(client_->Delete(KeyOf(UsedKey(key)), {}));
  return true;
}

Result<TimePoint> S3Objects::Now(const std::string& ns) const {
  const std::string key = ns + "/used/now";
  PENSTOCK_TRY(Put(key, ""));
  PENSTOCK_ASSIGN(const s3::ObjectInfo seen, client_->Head(KeyOf(key), {}));
  if (seen.modified == TimePoint{}) return Internal(client_->Name(key) + " has no Last-Modified");
  return seen.modified;
}

Result<int> S3Objects::RemoveLeftovers(std::chrono::seconds age) const {
  const TimePoint before =
      std::chrono::system_clock::now() - std::max<std::chrono::seconds>(age, kUploadAge);
  PENSTOCK_ASSIGN(const auto uploads, client_->Uploads(settings_.prefix, {}));
  int removed = 0;
  for (const s3::Upload& upload : uploads) {
    if (upload.begun > before || upload.begun == TimePoint{}) continue;
    PENSTOCK_TRY(client_->Abort(upload.key, upload.id, {}));
    ++removed;
  }
  return removed;
}

Result<std::optional<Link>> S3Objects::LinkTo(const std::string& method, const std::string& key,
                                              const net::Headers& headers) const {
  PENSTOCK_ASSIGN(s3::SignedUrl url,
                  client_->Sign(method, KeyOf(key), headers, settings_.link_lifetime, {}));
  // Whoever sends a body says its length without being told.
  std::erase_if(url.headers, [](const auto& header) { return header.first == kContentLength; });
  return std::optional(
      Link{std::move(url.url), std::move(url.headers), settings_.link_ca_pem, url.lifetime});
}

Result<std::optional<Link>> S3Objects::LinkToRead(const std::string& ns,
                                                  const std::string& digest) const {
  if (!settings_.links) return std::optional<Link>();
  return LinkTo("GET", BlobKey(ns, digest), {});
}

Result<std::optional<Link>> S3Objects::LinkToWrite(const std::string& ns, const std::string& digest,
                                                   std::uint64_t bytes) const {
  if (!settings_.links || bytes > s3::kMaxSinglePut) return std::optional<Link>();
  PENSTOCK_ASSIGN(const s3::Abilities can, Abilities());
  if (!can.checks_sha256) return std::optional<Link>();
  // Signed too: no other bytes fit this URL, nor more of them than were asked for.
  net::Headers headers{{"x-amz-checksum-sha256", Base64OfHex(digest.substr(7))},
                       {kContentLength, std::to_string(bytes)}};
  if (can.conditional_put) headers.emplace_back("if-none-match", "*");
  return LinkTo("PUT", BlobKey(ns, digest), headers);
}

}  // namespace penstock::artifacts
