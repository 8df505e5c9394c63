#include <cpprest/http_client.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "components/ingest/source.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/protocol/task.h"

namespace penstock::ingest {
namespace {

constexpr std::size_t kChunk = 1 << 20;

bool IsWorthAnotherTry(int status) { return status == 408 || status == 429 || status >= 500; }

class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path)
      : path_(path), fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {}
  ~OutputFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Result<void> Write(const std::uint8_t* data, std::size_t size) {
    if (fd_ < 0) return FromErrno(path_.string(), errno);
    while (size > 0) {
      const ssize_t n = ::write(fd_, data, size);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FromErrno(path_.string(), errno);
      data += n;
      size -= std::size_t(n);
    }
    return {};
  }

 private:
  std::filesystem::path path_;
  int fd_;
};

Result<void> CopyBody(web::http::http_response& response, const std::string& uri,
                      const std::filesystem::path& to, const DownloadLimits& limits) {
  // 0 also stands for "not said" (chunked); then the end of the body is the end.
  const std::uint64_t expected = response.headers().content_length();
  const std::string too_large = uri + ": more than maxBytes, " + std::to_string(limits.max_bytes);
  if (expected > limits.max_bytes) return Invalid(too_large);
  OutputFile file(to);
  auto body = response.body().streambuf();
  std::vector<std::uint8_t> chunk(kChunk);
  std::uint64_t received = 0;
  for (;;) {
    const std::size_t n = body.getn(chunk.data(), chunk.size()).get();
    if (n == 0) break;
    received += n;
    if (received > limits.max_bytes) return Invalid(too_large);
    PENSTOCK_TRY(file.Write(chunk.data(), n));
  }
  if (expected > 0 && received != expected) {
    return Transient(uri + ": the body ended after " + std::to_string(received) + " of " +
                     std::to_string(expected) + " bytes");
  }
  return {};
}

std::string FingerprintOf(const web::http::http_headers& headers) {
  const auto text = [&](const char* name) {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  };
  return HttpFingerprint(text("x-amz-version-id"), text("ETag"), text("Content-Length"));
}

Result<std::string> TryOnce(const std::string& uri, const std::filesystem::path& to,
                            const DownloadLimits& limits) {
  const std::string shown = ShownUri(uri);
  try {
    web::http::client::http_client_config config;
    config.set_timeout(std::chrono::seconds(limits.timeout_seconds));
    config.set_max_redirects(10);
    web::http::client::http_client client{web::uri(uri), config};
    auto response = client.request(web::http::methods::GET).get();
    const int status = response.status_code();
    if (status == 200) {
      PENSTOCK_TRY(CopyBody(response, shown, to, limits));
      return FingerprintOf(response.headers());
    }
    const std::string message =
        shown + ": HTTP " + std::to_string(status) + " " + response.reason_phrase();
    return IsWorthAnotherTry(status) ? Transient(message) : Invalid(message);
  } catch (const web::uri_exception&) {  // whose text holds all of the URI
    return Invalid(shown + " is no valid URI");
  } catch (const std::exception& e) {
    return Transient(shown + ": " + e.what());
  }
}

}  // namespace

Result<std::string> Download(const std::string& uri, const std::filesystem::path& to,
                             const DownloadLimits& limits) {
  std::mt19937_64 random{std::random_device{}()};
  for (int attempt = 1;; ++attempt) {
    auto ok = TryOnce(uri, to, limits);
    if (ok || !PassesByItself(ok.error().kind) || attempt >= limits.attempts) return ok;
    // With jitter, so that steps do not come back all at once.
    const auto most = limits.backoff.count() << std::min(attempt, 6);
    std::uniform_int_distribution<std::int64_t> wait(most / 2, most);
    std::this_thread::sleep_for(std::chrono::milliseconds(wait(random)));
  }
}

}  // namespace penstock::ingest
