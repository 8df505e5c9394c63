#include "operator/artifacts/https_transport.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <random>

#include "operator/artifacts/direct_store.h"
#include "operator/artifacts/file_reader.h"
#include "operator/artifacts/pack.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/net/exchange.h"
#include "operator/net/http_client.h"
#include "operator/net/url.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
using net::HttpRequest;
using net::HttpResponse;
using Clock = std::chrono::steady_clock;
namespace {

constexpr int kDiskFullAttempts = 3;
constexpr int kStrangerAttempts = 8;
constexpr int kDirectTries = 3;
constexpr std::size_t kMaxReplyBody = 1 << 20;
constexpr int kNothingLeft = 416;
constexpr std::chrono::milliseconds kConnectTimeout{10'000};
constexpr std::chrono::milliseconds kIdleTimeout{60'000};
const std::string kBlobs = "/artifacts/v1/blobs/";
const std::string kPredictions = "/artifacts/v1/predictions/";

// {"error": "..."} of the server, or the start of whatever came.
std::string ServerMessage(const HttpResponse& reply) {
  const auto j = ParseJson(reply.body, "answer");
  if (j && j->is_object() && j->contains("error") && j->at("error").is_string())
    return j->at("error").get<std::string>();
  return reply.body.substr(0, 200);
}

Error FromReply(const std::string& what, const HttpResponse& reply) {
  Error e;
  e.kind = net::KindOf(reply.status);
  e.message = what + ": the artifact store answered " + std::to_string(reply.status);
  if (const std::string said = ServerMessage(reply); !said.empty()) e.message += ", " + said;
  const std::string after(reply.Header("retry-after"));
  const bool number = after.find_first_not_of("0123456789") == after.npos;
  if (PassesByItself(e.kind) && !after.empty() && after.size() < 4 && number)
    e.retry_after = std::chrono::seconds(std::stoi(after));
  return e;
}

class HttpsTransport : public Transport {
 public:
  HttpsTransport(const TaskStore& store, const TransportOptions& options)
      : store_(store), options_(options) {}

  Result<void> Init() {
    const auto url = net::ParseUrl(store_.url);
    if (!url) return Wrap("the store's URL", url.error());
    if (!url->tls || url->target.find_first_not_of('/') != std::string::npos)
      return Invalid("the store's URL '" + store_.url + "' is not https://host:port");
    if (store_.ca_pem.empty() && !options_.vouched_channel)
      return Invalid("the store's CA is missing");
    net::HttpClientOptions o;
    if (!options_.vouched_channel) o.tls.ca_pem = store_.ca_pem;
    o.tls.insecure = options_.vouched_channel;
    o.connect_timeout = kConnectTimeout;
    auto made = net::HttpClient::Make(store_.url, o);
    if (!made) return Wrap("the store's CA", made.error());
    client_ = std::move(*made);
    limits_.idle = std::min(kIdleTimeout, options_.deadline);
    limits_.stop = options_.stop;
    direct_ = std::make_unique<DirectStore>(limits_);
    // Whoever comes through a tunnel may have no way to the store.
    may_be_direct_ = !options_.vouched_channel;
    return {};
  }

  Result<void> Fetch(const ArtifactRef& artifact, const fs::path& target) override {
    UnpackSource source;
    source.get_file = [this](int, const ManifestFile& f, const fs::path& path, bool check_size) {
      return GetFile(f, path, check_size);
    };
    source.get_manifest = [this](const std::string& digest) { return GetManifest(digest); };
    return Unpack(artifact, target, source);
  }

  Result<ArtifactRef> Upload(const fs::path& source) override {
    PackSink sink;
    sink.put_file = [this](int, const fs::path& file) { return PutFile(file); };
    sink.put_manifest = [this](const std::string& text, const std::string& digest) {
      return PutText(kBlobs + digest, text);
    };
    return Pack(source, sink);
  }

  Result<void> PutReceipt(const Receipt& receipt) override {
    return PutText("/artifacts/v1/receipts/" + receipt.run_uid + "/" + receipt.pod,
                   Json(receipt).dump());
  }

  Result<void> PutMetrics(const std::string& run_uid, const std::string& pod,
                          const std::string& text) override {
    return PutText("/artifacts/v1/metrics/" + run_uid + "/" + pod, text);
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
  // Sends requests made by `make` until one ends in a final answer (2xx, or `final_status`), or
  // nothing but failures came for as long as the deadline. `make` gets a flag to set when bytes
  // that stay were received: a download goes on where it broke, so those begin a new count; an
  // upload begins again.
  Result<HttpResponse> Try(const std::string& what,
                           const std::function<HttpRequest(bool& progress)>& make,
                           int final_status = 0) {
    int disk_full = 0;
    int strangers = 0;
    int failures = 0;
    Clock::time_point failing_since{};
    for (;;) {
      bool progress = false;
      HttpRequest request = make(progress);
      request.max_body = kMaxReplyBody;
      if (auto token = AddToken(request); !token) return token.error();
      auto reply = client_->Send(request, limits_);
      if (reply && (reply->status < 300 || reply->status == final_status)) return reply;
      Error error = reply ? FromReply(what, *reply) : Wrap(what, reply.error());
      // While a Service has no endpoint its address may for a moment lead out of the cluster, where
      // a proxy answers: nothing was sent to it, and the gateway is soon back.
      const bool stranger = error.kind == ErrorKind::kUntrusted;
      if (stranger && ++strangers >= kStrangerAttempts) return error;
      if (!PassesByItself(error.kind) && !stranger) return error;
      if (error.kind == ErrorKind::kNoSpace && ++disk_full >= kDiskFullAttempts) return error;
      failures = progress ? 1 : failures + 1;
      if (failures == 1) failing_since = Clock::now();
      const auto wait = error.retry_after.value_or(Backoff(failures));
      if (Clock::now() + wait > failing_since + options_.deadline) return error;
      if (!Sleep(wait)) return Cancelled(what + ": stopped");
    }
  }

  static HttpRequest Ask(const std::string& method, const std::string& target) {
    HttpRequest r;
    r.method = method;
    r.target = target;
    return r;
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

  Result<void> GetFile(const ManifestFile& f, const fs::path& path, bool check_size) {
    auto file = TargetFile::Create(path, f, check_size);
    if (!file) return file.error();
    const std::string digest = "sha256:" + f.sha256;
    if (f.size >= kDirectFrom) {
      auto direct = Directly(digest + "/download",
                             [&](const DirectWay& way) { return direct_->Get(way, **file); });
      if (!direct && direct.error().kind != ErrorKind::kDamaged) return direct.error();
      // What came whole has nothing left that the gateway would be asked for.
      if (direct && *direct) {
        if (auto whole = (*file)->Finish(); whole) return whole;
      }
      if (!direct || *direct) {
        if (auto again = (*file)->Restart(); !again) return again;
      }
    }
    auto done = GetInto(digest, **file);
    if (done || done.error().kind != ErrorKind::kDamaged) return done;
    // The store looks itself; if the blob there is whole, the second copy will be.
    auto verified = Try("asking for a check of " + digest,
                        [&](bool&) { return Ask("POST", kBlobs + digest + "/verify"); });
    const auto said =
        verified ? ParseJson(verified->body, "answer") : Result<Json>(verified.error());
    if (!said || !said->is_object() || !said->value("whole", false)) return done;
    if (auto again = (*file)->Restart(); !again) return again;
    return GetInto(digest, **file);
  }

  // By signed URLs of the store itself, while the gateway gives them; false: through the gateway.
  Result<bool> Directly(const std::string& question,
                        const std::function<Result<DirectStore::Outcome>(const DirectWay&)>& go) {
    for (int tries = 1; tries <= kDirectTries && may_be_direct_; ++tries) {
      auto answer =
          Try("asking for " + question, [&](bool&) { return Ask("POST", kBlobs + question); });
      // What is wrong with it the gateway says better when it is asked for the blob.
      const auto way = answer ? ParseDirectWay(answer->body) : std::nullopt;
      if (!answer && answer.error().kind == ErrorKind::kCancelled) return answer.error();
      if (!way) {
        may_be_direct_ = answer.has_value() ? false : may_be_direct_.load();
        return false;
      }
      if (way->stored) return true;
      auto outcome = go(*way);
      if (!outcome) return outcome.error();
      if (*outcome == DirectStore::Outcome::kDone) return true;
      if (*outcome == DirectStore::Outcome::kNotSo) break;
      if (!Sleep(Backoff(tries))) return Cancelled("asking for " + question + ": stopped");
    }
    may_be_direct_ = false;
    return false;
  }

  Result<void> GetInto(const std::string& digest, TargetFile& file) {
    const auto make = [&](bool& progress) {
      HttpRequest r = Ask("GET", kBlobs + digest);
      const std::uint64_t offset = file.written();
      if (offset > 0) r.headers.emplace_back("Range", "bytes=" + std::to_string(offset) + "-");
      r.on_head = [&file, offset](const HttpResponse& head) -> Result<void> {
        if (offset == 0) return {};
        const std::string range(head.Header("content-range"));
        const std::string want = "bytes " + std::to_string(offset) + "-";
        if (head.status == 206 && range.rfind(want, 0) == 0) return {};
        if (head.status == 200) return file.Restart();
        return Internal("the artifact store answered a range that was not asked for: " + range);
      };
      r.on_body = [&file, &progress](std::string_view bytes) -> Result<bool> {
        progress = true;
        if (auto written = file.Write(bytes); !written) return written.error();
        return true;
      };
      return r;
    };
    // Cut exactly at the end: nothing is left to ask for.
    auto reply = Try("fetching " + digest, make, kNothingLeft);
    if (!reply) return reply.error();
    return file.Finish();
  }

  Result<std::string> GetManifest(const std::string& digest) {
    return GetText("fetching the manifest " + digest, kBlobs + digest);
  }

  Result<std::string> GetText(const std::string& what, const std::string& path) {
    std::string text;
    auto reply = Try(what, [&](bool& progress) {
      text.clear();
      HttpRequest r = Ask("GET", path);
      r.on_body = [&](std::string_view bytes) -> Result<bool> {
        progress = true;
        if (text.size() + bytes.size() > kMaxManifestBytes)
          return Invalid(what + ": the answer is over 512 MiB");
        text += bytes;
        return true;
      };
      return r;
    });
    if (!reply) return reply.error();
    return text;
  }

  Result<FileDigest> PutFile(const fs::path& path) {
    auto digest = DigestFile(path);
    if (!digest) return digest;
    auto reader = FileReader::Open(path);
    if (!reader) return reader.error();
    if (digest->size >= kDirectFrom) {
      const std::string question =
          "sha256:" + digest->sha256 + "/upload?bytes=" + std::to_string(digest->size);
      auto direct = Directly(question, [&](const DirectWay& way) {
        (*reader)->Rewind();
        return direct_->Put(way, digest->size, [&] { return (*reader)->Next(digest->size); });
      });
      if (!direct) return direct.error();
      if (*direct) return digest;
    }
    auto reply = Try("uploading " + path.string(), [&](bool&) {
      HttpRequest r = Ask("PUT", kBlobs + "sha256:" + digest->sha256);
      (*reader)->Rewind();
      r.content_length = digest->size;
      r.source = [&] { return (*reader)->Next(digest->size); };
      return r;
    });
    if (!reply) return reply.error();
    return digest;
  }

  Result<void> PutText(const std::string& target, const std::string& text) {
    auto reply = Try("uploading " + target, [&](bool&) {
      HttpRequest r = Ask("PUT", target);
      r.content_length = text.size();
      r.source = [&text, sent = false]() mutable -> Result<std::string_view> {
        return std::exchange(sent, true) ? std::string_view() : std::string_view(text);
      };
      return r;
    });
    if (!reply) return reply.error();
    return {};
  }

  TaskStore store_;
  TransportOptions options_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<DirectStore> direct_;
  std::atomic<bool> may_be_direct_{true};
  net::Limits limits_;
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
