#include "operator/artifacts/https_transport.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <random>

#include "operator/artifacts/https_client.h"
#include "operator/artifacts/pack.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
namespace {

constexpr int kDiskFullAttempts = 3;
constexpr int kStrangerAttempts = 8;
const std::string kBlobs = "/artifacts/v1/blobs/";
const std::string kPredictions = "/artifacts/v1/predictions/";

// {"error": "..."} of the server, or the start of whatever came.
std::string ServerMessage(const HttpReply& reply) {
  const auto j = ParseJson(reply.body, "answer");
  if (j && j->is_object() && j->contains("error") && j->at("error").is_string())
    return j->at("error").get<std::string>();
  return reply.body.substr(0, 200);
}

Error FromReply(const std::string& what, const HttpReply& reply) {
  Error e;
  e.http_status = reply.status;
  e.message = what + ": the artifact store answered " + std::to_string(reply.status);
  if (const std::string said = ServerMessage(reply); !said.empty()) e.message += ", " + said;
  if (reply.status == 401 || reply.status == 403) {
    e.kind = ErrorKind::kForbidden;
  } else if (reply.status == 404) {
    e.kind = ErrorKind::kNotFound;
  } else if (reply.status == 408 || reply.status == 429 || reply.status >= 500) {
    e.kind = ErrorKind::kTransient;
    if (reply.status == 507) e.reason = "DiskFull";
    const std::string& after = reply.retry_after;
    if (!after.empty() && after.size() < 4 && after.find_first_not_of("0123456789") == after.npos)
      e.retry_after = std::chrono::seconds(std::stoi(after));
  } else {
    e.kind = ErrorKind::kInvalid;
  }
  return e;
}

// Reads a file in pieces, from its start at each Rewind. Used by one thread.
class FileReader {
 public:
  static Result<std::unique_ptr<FileReader>> Open(const fs::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return FromErrno("opening " + path.string(), errno);
    return std::unique_ptr<FileReader>(new FileReader(fd, path));
  }
  ~FileReader() { ::close(fd_); }
  void Rewind() { offset_ = 0; }
  Result<std::string_view> Next(std::uint64_t size) {
    const std::uint64_t left = size - std::min<std::uint64_t>(size, offset_);
    if (piece_.empty()) piece_.resize(std::clamp<std::uint64_t>(size, 1, 256 * 1024));
    for (;;) {
      const ssize_t n = ::pread(fd_, piece_.data(), std::min<std::uint64_t>(left, piece_.size()),
                                static_cast<off_t>(offset_));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FromErrno("reading " + path_.string(), errno);
      if (n == 0 && left > 0) return Invalid(path_.string() + " shrank while it was uploaded");
      offset_ += static_cast<std::uint64_t>(n);
      return std::string_view(piece_.data(), static_cast<std::size_t>(n));
    }
  }

 private:
  FileReader(int fd, fs::path path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  fs::path path_;
  std::string piece_;
  std::uint64_t offset_ = 0;
};

class HttpsTransport : public Transport {
 public:
  HttpsTransport(const TaskStore& store, const TransportOptions& options)
      : store_(store), options_(options) {}

  Result<void> Init() {
    for (auto& client : clients_) {
      HttpsOptions o;
      o.url = store_.url;
      o.ca_pem = store_.ca_pem;
      o.vouched_channel = options_.vouched_channel;
      o.stop = options_.stop;
      o.idle_timeout = std::min<std::chrono::milliseconds>(o.idle_timeout, options_.deadline);
      auto made = MakeHttpsClient(o);
      if (!made) return made.error();
      client = std::move(*made);
    }
    return {};
  }

  Result<void> Fetch(const ArtifactRef& artifact, const fs::path& target) override {
    UnpackSource source;
    source.get_file = [this](int worker, const ManifestFile& f, const fs::path& path,
                             bool check_size) { return GetFile(worker, f, path, check_size); };
    source.get_manifest = [this](const std::string& digest) { return GetManifest(digest); };
    return Unpack(artifact, target, source);
  }

  Result<ArtifactRef> Upload(const fs::path& source) override {
    PackSink sink;
    sink.put_file = [this](int worker, const fs::path& file) { return PutFile(worker, file); };
    sink.put_manifest = [this](const std::string& text, const std::string& digest) {
      return PutText(kBlobs + digest, text);
    };
    return Pack(source, sink);
  }

  Result<void> PutReceipt(const Receipt& receipt) override {
    return PutText("/artifacts/v1/receipts/" + receipt.run_uid + "/" + receipt.pod,
                   Json(receipt).dump());
  }

  Result<void> PutPredictions(const std::string& deployment, const fs::path& file) override {
    const auto bytes = ReadFile(file, kMaxPredictionFileBytes);
    if (!bytes) return bytes.error();
    return PutText(kPredictions + deployment + "/" + file.filename().string(), *bytes);
  }
  Result<std::vector<PredictionFile>> ListPredictions(const std::string& deployment) override {
    auto text = GetText("listing the predictions of " + deployment, kPredictions + deployment);
    if (!text) return text.error();
    return ParsePredictionFiles(*text);
  }
  Result<void> FetchPredictions(const std::string& deployment, const std::string& name,
                                const fs::path& target) override {
    auto text = GetText("fetching " + name, kPredictions + deployment + "/" + name);
    if (!text) return text.error();
    return WriteFileAtomically(target, *text);
  }

 private:
  // Sends requests made by `make` until one ends in a final answer, or nothing but failures came
  // for as long as the deadline. `make` gets a flag to set when bytes that stay were received: a
  // download goes on where it broke, so those begin a new count; an upload begins again.
  Result<HttpReply> Try(int worker, const std::string& what,
                        const std::function<Result<HttpRequest>(bool& progress)>& make) {
    int disk_full = 0;
    int strangers = 0;
    int failures = 0;
    Clock::time_point failing_since{};
    for (;;) {
      bool progress = false;
      auto request = make(progress);
      if (!request) return request.error();
      if (auto token = AddToken(*request); !token) return token.error();
      auto reply = clients_[worker]->Exchange(*request);
      if (reply && reply->status < 300) return reply;
      Error error = reply ? FromReply(what, *reply) : Wrap(what, reply.error());
      // While a Service has no endpoint its address may for a moment lead out of the cluster, where
      // a proxy answers: nothing was sent to it, and the gateway is soon back.
      const bool stranger = error.reason == "CertificateNotTrusted";
      if (stranger && ++strangers >= kStrangerAttempts) return error;
      if (error.kind != ErrorKind::kTransient && !stranger) return error;
      if (error.reason == "DiskFull" && ++disk_full >= kDiskFullAttempts) return error;
      failures = progress ? 1 : failures + 1;
      if (failures == 1) failing_since = Clock::now();
      const auto wait = error.retry_after.value_or(Backoff(failures));
      if (Clock::now() + wait > failing_since + options_.deadline) return error;
      if (!Sleep(wait)) return Cancelled(what + ": stopped");
    }
  }

  std::chrono::milliseconds Backoff(int failures) {
    const int top = std::min(5000, 100 << std::min(failures - 1, 6));
    const std::lock_guard lock(mutex_);
    return std::chrono::milliseconds(std::uniform_int_distribution<int>(top / 2, top)(random_));
  }
  // False when stopped.
  bool Sleep(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, options_.stop, wait, [] { return false; });
    return !options_.stop.stop_requested();
  }

  Result<void> AddToken(HttpRequest& request) const {
    if (store_.token_file.empty()) return {};
    auto token = ReadFile(store_.token_file, 64 * 1024);
    if (!token) {
      Error e = Wrap("the store's token", token.error());
      e.kind = ErrorKind::kForbidden;
      return e;
    }
    while (!token->empty() && (token->back() == '\n' || token->back() == '\r')) token->pop_back();
    request.headers.emplace_back("Authorization", "Bearer " + *token);
    return {};
  }

  Result<void> GetFile(int worker, const ManifestFile& f, const fs::path& path, bool check_size) {
    auto file = TargetFile::Create(path, f, check_size);
    if (!file) return file.error();
    const std::string digest = "sha256:" + f.sha256;
    auto done = GetInto(worker, digest, **file);
    if (done || done.error().reason != "DigestMismatch") return done;
    // The store looks itself; if the blob there is whole, the second copy will be.
    auto verified = Try(worker, "asking for a check of " + digest, [&](bool&) {
      return Result<HttpRequest>(
          HttpRequest{"POST", kBlobs + digest + "/verify", {}, 0, {}, {}, {}});
    });
    const auto said =
        verified ? ParseJson(verified->body, "answer") : Result<Json>(verified.error());
    if (!said || !said->is_object() || !said->value("whole", false)) return done;
    if (auto again = (*file)->Restart(); !again) return again;
    return GetInto(worker, digest, **file);
  }

  Result<void> GetInto(int worker, const std::string& digest, TargetFile& file) {
    auto reply = Try(worker, "fetching " + digest, [&](bool& progress) {
      HttpRequest r{"GET", kBlobs + digest, {}, 0, {}, {}, {}};
      const std::uint64_t offset = file.written();
      if (offset > 0) r.headers.emplace_back("Range", "bytes=" + std::to_string(offset) + "-");
      r.on_header = [&file, offset](int status, const std::string& range) -> Result<void> {
        if (offset == 0) return {};
        const std::string want = "bytes " + std::to_string(offset) + "-";
        if (status == 206 && range.rfind(want, 0) == 0) return {};
        if (status == 200) return file.Restart();
        return Internal("the artifact store answered a range that was not asked for: " + range);
      };
      r.on_body = [&file, &progress](std::string_view bytes) {
        progress = progress || !bytes.empty();
        return file.Write(bytes);
      };
      return Result<HttpRequest>(std::move(r));
    });
    // Cut exactly at the end: nothing is left to ask for.
    if (!reply && reply.error().http_status != 416) return reply.error();
    return file.Finish();
  }

  Result<std::string> GetManifest(const std::string& digest) {
    return GetText("fetching the manifest " + digest, kBlobs + digest);
  }

  Result<std::string> GetText(const std::string& what, const std::string& path) {
    std::string text;
    auto reply = Try(0, what, [&](bool& progress) {
      text.clear();
      HttpRequest r{"GET", path, {}, 0, {}, {}, {}};
      r.on_body = [&](std::string_view bytes) -> Result<void> {
        progress = progress || !bytes.empty();
        if (text.size() + bytes.size() > kMaxManifestBytes)
          return Invalid(what + ": the answer is over 512 MiB");
        text += bytes;
        return {};
      };
      return Result<HttpRequest>(std::move(r));
    });
    if (!reply) return reply.error();
    return text;
  }

  Result<FileDigest> PutFile(int worker, const fs::path& path) {
    auto digest = DigestFile(path);
    if (!digest) return digest;
    auto reader = FileReader::Open(path);
    if (!reader) return reader.error();
    auto reply = Try(worker, "uploading " + path.string(), [&](bool&) {
      HttpRequest r{"PUT", kBlobs + "sha256:" + digest->sha256, {}, digest->size, {}, {}, {}};
      (*reader)->Rewind();
      r.body = [&] { return (*reader)->Next(digest->size); };
      return Result<HttpRequest>(std::move(r));
    });
    if (!reply) return reply.error();
    return digest;
  }

  Result<void> PutText(const std::string& target, const std::string& text) {
    auto reply = Try(0, "uploading " + target, [&](bool&) {
      HttpRequest r{"PUT", target, {}, text.size(), {}, {}, {}};
      r.body = [&text, sent = false]() mutable -> Result<std::string_view> {
        if (std::exchange(sent, true)) return std::string_view();
        return std::string_view(text);
      };
      return Result<HttpRequest>(std::move(r));
    });
    if (!reply) return reply.error();
    return {};
  }

  TaskStore store_;
  TransportOptions options_;
  std::array<std::unique_ptr<HttpsClient>, kWorkers> clients_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace

Result<std::unique_ptr<Transport>> MakeHttpsTransport(const TaskStore& store,
                                                      const TransportOptions& options) {
  auto transport = std::make_unique<HttpsTransport>(store, options);
  if (auto ready = transport->Init(); !ready) return ready.error();
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace penstock::artifacts
