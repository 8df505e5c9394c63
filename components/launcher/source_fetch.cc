#include "components/launcher/source_fetch.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "operator/artifacts/pack.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/pause.h"
#include "operator/base/sha256.h"
#include "operator/base/time.h"
#include "operator/fetch/pace.h"
#include "operator/net/http_client.h"
#include "operator/net/url.h"
#include "operator/protocol/file_uri.h"
#include "operator/protocol/reference.h"
#include "operator/protocol/source_scheme.h"
#include "operator/remote/source.h"

namespace penstock::launcher {
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;

constexpr int kMostTries = 5;
constexpr milliseconds kFirstPause{200};
constexpr milliseconds kConnectTimeout{10'000};
constexpr milliseconds kIdle{60'000};
constexpr int kMostRedirects = 5;
std::string WithoutQuery(const std::string& uri) { return uri.substr(0, uri.find_first_of("?#")); }

Error Shown(const std::string& uri, Error error) { return Wrap(WithoutQuery(uri), error); }

// A file that grows by what arrives, and its digest.
class Sink {
 public:
  explicit Sink(const fs::path& path) : path_(path) {}
  Result<void> Restart() {
    out_.close();
    out_.clear();
    out_.open(path_, std::ios::binary | std::ios::trunc);
    hash_ = Sha256();
    bytes_ = 0;
    return Check();
  }
  Result<void> Write(std::string_view bytes) {
    out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    hash_.Update(bytes);
    bytes_ += bytes.size();
    return Check();
  }
  Result<std::string> Finish() {
    out_.close();
    if (auto good = Check(); !good) return good.error();
    return "sha256:" + hash_.HexDigest();
  }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  Result<void> Check() const {
    if (out_.good()) return {};
    return FromErrno("writing " + path_.string(), errno != 0 ? errno : EIO);
  }
  const fs::path path_;
  std::ofstream out_;
  Sha256 hash_;
  std::uint64_t bytes_ = 0;
};

Error StatusError(int status) {
  const std::string said = "the server answered " + std::to_string(status);
  if (status == 408 || status == 429 || status >= 500) return Transient(said);
  if (status == 401 || status == 403)
    return Invalid(said + ": it wants a login, which a URI cannot have; let the step's program " +
                   "read it, with a password from env.valueFrom.secretKeyRef");
  if (status == 404 || status == 410) return Invalid(said + ": there is nothing of that name");
  return Invalid(said);
}

class Download {
 public:
  Download(std::string uri, const fs::path& target, const SourceOptions& options)
      : uri_(std::move(uri)), options_(options), sink_(target) {}

  Result<FetchedSource> Run() {
    auto roots = LoadRoots(options_.trust);
    if (!roots) return roots.error();
    roots_ = *std::move(roots);
    const auto end = std::chrono::steady_clock::now() + options_.deadline;
    milliseconds pause = kFirstPause;
    for (int tries = 1;; ++tries, pause *= 2) {
      auto fetched = Try();
      if (fetched || !PassesByItself(fetched.error().kind) || tries == kMostTries ||
          std::chrono::steady_clock::now() + pause > end)
        return fetched;
      if (!Pause(pause, options_.stop)) return Cancelled("stopped while fetching");
    }
  }

 private:
  // One try: from the URI to the end of the body.
  Result<FetchedSource> Try() {
    std::string next = uri_;
    for (int hop = 0; hop <= kMostRedirects; ++hop) {
      auto url = net::ParseUrl(next);
      if (!url) return url.error();
      if (url->target.empty()) url->target = "/";
      auto reply = Get(*url);
      if (!reply) return reply.error();
      const std::string location(reply->Header("location"));
      if (reply->status / 100 != 3 || location.empty()) return Finish(*reply);
      if (url->tls && location.rfind("http://", 0) == 0)
        return Invalid("leads from https to http, which is not followed");
      next = net::RedirectTarget(*url, location);
    }
    return Invalid("redirects more than five times");
  }

  Result<net::HttpResponse> Get(const net::Url& url) {
    net::HttpClientOptions how;
    how.tls.ca_pem = roots_;
    how.connect_timeout = kConnectTimeout;
    auto client = net::HttpClient::Make(url.Base(), how);
    if (!client) return client.error();
    net::HttpRequest request;
    request.target = url.target;
    request.headers = {{"User-Agent", "penstock"}, {"Accept-Encoding", "identity"}};
    fetch::Pace pace(options_.least.bytes, options_.least.in);
    request.on_head = [this, &pace](const net::HttpResponse& head) -> Result<void> {
      pace.Begin();
      const auto encoding = head.Header("content-encoding");
      if (!encoding.empty() && encoding != "identity")
        return Invalid("the server compresses what was asked for as it is");
      return sink_.Restart();
    };
    request.on_body = [this, &pace](std::string_view bytes) -> Result<bool> {
      if (auto written = sink_.Write(bytes); !written) return written.error();
      if (!pace.Holds(bytes.size()))
        return Transient("the server sends less than " + std::to_string(options_.least.bytes) +
                         " bytes in " + FormatDuration(options_.least.in));
      return true;
    };
    auto reply =
        (*client)->Send(request, {std::chrono::steady_clock::now() + kIdle, kIdle, options_.stop});
    if (!reply && reply.error().kind == ErrorKind::kUntrusted && roots_.empty()) {
      Error error = reply.error();
      error.message += "; the step's image holds no certificates of authorities (install " +
                       std::string("ca-certificates in it, or set SSL_CERT_FILE in the step's ") +
                       "env to a file that is there)";
      return error;
    }
    return reply;
  }

  Result<FetchedSource> Finish(const net::HttpResponse& reply) {
    if (reply.status != 200) return StatusError(reply.status);
    const std::string length(reply.Header("content-length"));
    if (!length.empty() && length != std::to_string(sink_.bytes()))
      return Transient("the server sent " + std::to_string(sink_.bytes()) + " of " + length +
                       " bytes");
    auto digest = sink_.Finish();
    if (!digest) return digest.error();
    const auto header = [&](const char* name) { return std::string(reply.Header(name)); };
    std::string fingerprint = HttpFingerprint(header("x-amz-version-id"), header("etag"), length);
    if (fingerprint.empty()) fingerprint = *digest;
    return FetchedSource{std::move(fingerprint), *std::move(digest)};
  }

  const std::string uri_;
  const SourceOptions& options_;
  Sink sink_;
  std::string roots_;
};

Result<void> CopyFile(const fs::path& from, const fs::path& to) {
  std::error_code ec;
  fs::create_directories(to.parent_path(), ec);
  if (!ec) fs::copy_file(from, to, ec);
  if (ec) return FromErrno("copying " + from.string(), ec.value());
  return {};
}

// As the store would name it.
Result<std::string> DigestOfSource(const fs::path& path) {
  artifacts::PackSink nowhere;
  nowhere.put_file = [](int, const fs::path& file) { return artifacts::DigestFile(file); };
  nowhere.put_manifest = [](const std::string&, const std::string&) { return Result<void>(); };
  auto digest = artifacts::Pack(path, nowhere);
  if (!digest) return digest.error();
  return digest->digest;
}

Result<FetchedSource> CopySource(const std::string& uri, const fs::path& target) {
  const auto path = PathOfFileUri(uri);
  if (!path) return path.error();
  const fs::path from = *path;
  std::error_code ec;
  const fs::file_status status = fs::status(from, ec);
  if (!fs::exists(status))
    return Invalid(
        "there is no such file; on a cluster a file: URI is a path in the step's own "
        "container");
  if (fs::is_directory(status)) {
    auto files = artifacts::ListTree(from);
    if (!files) return files.error();
    fs::create_directories(target, ec);
    for (const auto& file : *files)
      if (auto copied = CopyFile(from / file.path, target / file.path); !copied)
        return copied.error();
  } else if (fs::is_regular_file(status)) {
    if (auto copied = CopyFile(from, target); !copied) return copied.error();
  } else {
    return Invalid("it is neither a file nor a folder");
  }
  auto fingerprint = artifacts::ContentFingerprint(target);
  if (!fingerprint) return fingerprint.error();
  auto digest = DigestOfSource(target);
  if (!digest) return digest.error();
  return FetchedSource{*std::move(fingerprint), *std::move(digest)};
}

Result<FetchedSource> FetchObjects(const std::string& uri, const fs::path& target,
                                   const SourceOptions& options) {
  auto roots = LoadRoots(options.trust);
  if (!roots) return roots.error();
  fetch::SourceSettings settings;
  settings.environment = options.environment;
  settings.ca_pem = *std::move(roots);
  settings.least_bytes = options.least.bytes;
  settings.least_in = options.least.in;
  settings.list_deadline = options.deadline;
  settings.stop = options.stop;
  auto fingerprint = remote::FetchRemote(uri, target, settings);
  if (!fingerprint) return fingerprint.error();
  auto digest = DigestOfSource(target);
  if (!digest) return digest.error();
  if (fingerprint->empty()) *fingerprint = *digest;
  return FetchedSource{*std::move(fingerprint), *std::move(digest)};
}

}  // namespace

Result<FetchedSource> FetchSource(const std::string& uri, const fs::path& target,
                                  const SourceOptions& options) {
  Result<FetchedSource> fetched =
      Invalid("is not fetched: there are " + SourceSchemes() +
              ", of which tables are what the component ingest makes a dataset of");
  if (remote::IsRemoteUri(uri))
    fetched = FetchObjects(uri, target, options);
  else if (IsFileUri(uri))
    fetched = CopySource(uri, target);
  else if (uri.rfind("http://", 0) == 0 || uri.rfind("https://", 0) == 0)
    fetched = Download(uri, target, options).Run();
  if (!fetched) return Shown(uri, fetched.error());
  if (auto locked = artifacts::MakeReadOnly(target); !locked) return locked.error();
  return fetched;
}

std::set<std::string> InputsAskedByPath(const TaskDocument& task) {
  std::set<std::string> names;
  const auto look = [&](const std::string& text) {
    const auto parsed = ParseTemplate(text);
    if (!parsed) return;  // MakeCommand says what is wrong
    for (const Reference& r : parsed->References())
      if (r.path.size() == 3 && r.Is({"inputs", "*", "path"})) names.insert(r.path[1]);
  };
  const auto look_at = [&](const auto& program) {
    for (const auto& word : program.command) look(word);
    for (const auto& word : program.args) look(word);
    look(program.working_dir);
    for (const auto& variable : program.env) look(variable.value);
  };
  look_at(task);
  for (const TaskTurn& turn : task.turns) look_at(turn);
  return names;
}

}  // namespace penstock::launcher
