// Requests to one bucket: objects, their parts, signed URLs. Every call is tried again with
// back-off while what failed passes by itself, within a bound, and holds no more than a piece of a
// body.
//
//   key --path or virtual-host style--> URL --SigV4--> HTTP --> answer | Error by refusal.h
//
// Thread-safe; what it is made of must outlive it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/net/http_client.h"
#include "operator/net/sigv4.h"
#include "operator/net/url.h"
#include "operator/s3/credentials.h"

namespace penstock::s3 {

struct BucketSettings {
  std::string endpoint = {};  // https://host[:port]; empty: Amazon's of the region
  std::string scheme = "s3";  // of the bucket's name for people
  std::string bucket = {};
  std::string region = "us-east-1";
  bool path_style = true;   // https://host/bucket/key; false: https://bucket.host/key
  std::string ca_pem = {};  // trusted; empty = the system's roots
  std::optional<net::Proxy> proxy = {};
  int tries = 6;
  std::chrono::milliseconds first_pause{200};  // doubles from try to try, up to 5 s
  std::chrono::milliseconds idle{60'000};      // without a byte either way
  // What a body that Get reads is to bring in each stretch of time, else the try has failed; and
  // what a try is to bring in all, that those which failed before it do not count. 0: any byte.
  std::uint64_t least_bytes = 0;
  std::chrono::milliseconds least_in{60'000};
};

// The endpoint that counts: Amazon's of the region where none is named.
[[nodiscard]] std::string EndpointOf(const BucketSettings& settings);

inline constexpr std::uint64_t kMaxSinglePut = 5ULL << 30;  // of one request, by S3's own limit
inline constexpr int kMaxParts = 10'000;                    // of one object
inline constexpr std::uint64_t kMinPart = 5ULL << 20;       // all but the last

// Bytes on their way out.
struct Body {
  std::uint64_t size = 0;
  std::function<Result<std::string_view>()> next;  // the next piece; empty at the end
  std::function<Result<void>()> rewind = {};       // none: it can be sent once only
  std::string sha256 = {};  // 64 hex; where known it is signed, and the store holds them to it
};
[[nodiscard]] Body BodyOf(std::string_view text);  // which must outlive it

struct ObjectInfo {
  std::uint64_t size = 0;
  std::string etag;     // with its quotes
  std::string crc32c;   // base64, where the store keeps it
  std::string version;  // where the bucket keeps them
  TimePoint modified;
};

struct Listed {
  std::string key;
  std::uint64_t size = 0;
  TimePoint modified;
  std::string etag;  // with its quotes
};
struct ListOptions {
  std::string prefix = {};
  std::string delimiter = {};  // "/": what goes on behind it is one entry of `prefixes`
  std::string after = {};      // keys behind this one
  std::string token = {};      // of the page before, instead of `after`
  int most = 1000;
};
struct Page {
  std::vector<Listed> objects;  // by key
  std::vector<std::string> prefixes;
  std::string next;  // the token of the next page; empty: this was the last
};

struct Part {
  int number = 1;  // from 1
  std::uint64_t size = 0;
  std::string etag;
  std::string crc32c;  // base64, where it was sent and kept
};
struct Upload {
  std::string key;
  std::string id;
  TimePoint begun;
};

struct SignedUrl {
  std::string url;
  net::Headers headers;  // to be sent exactly so
  std::chrono::seconds lifetime{0};
};

class Client {
 public:
  // Invalid, and names the setting, for what cannot be a bucket or an endpoint.
  [[nodiscard]] static Result<std::unique_ptr<Client>> Make(
      BucketSettings settings, std::shared_ptr<Credentials> credentials, const Clock& clock);

  struct PutOptions {
    bool only_new = false;      // kAlreadyExists where the key is taken, by a store that knows it
    net::Headers headers = {};  // further ones: x-amz-checksum-...
  };
  [[nodiscard]] Result<ObjectInfo> Put(const std::string& key, const Body& body,
                                       const PutOptions& options, std::stop_token stop) const;
  [[nodiscard]] Result<ObjectInfo> Head(const std::string& key, std::stop_token stop) const;

  struct Range {
    std::uint64_t offset = 0;
    std::uint64_t length = UINT64_MAX;  // to the end
    std::string etag = {};              // of the object that is meant; empty: any
  };
  using Sink = std::function<Result<void>(std::string_view)>;
  // Gets each byte once and in order, also when the transfer broke in between: it goes on with the
  // same object or is kTransient, and so is one
  // of another etag. kInvalid for an offset behind the end.
  [[nodiscard]] Result<ObjectInfo> Get(const std::string& key, Range range, const Sink& sink,
                                       std::stop_token stop) const;
  [[nodiscard]] Result<std::string> GetText(const std::string& key, std::uint64_t limit,
                                            std::stop_token stop) const;
  // A key that is not there is success.
  [[nodiscard]] Result<void> Delete(const std::string& key, std::stop_token stop) const;
  // Within the bucket, by the store itself; objects up to kMaxSinglePut.
  [[nodiscard]] Result<void> Copy(const std::string& from, const std::string& to,
                                  std::stop_token stop) const;
  [[nodiscard]] Result<Page> List(const ListOptions& options, std::stop_token stop) const;

  // --- an object in parts (multipart.cc)
  [[nodiscard]] Result<std::string> BeginUpload(const std::string& key, bool with_crc32c,
                                                std::stop_token stop) const;
  [[nodiscard]] Result<Part> PutPart(const std::string& key, const std::string& upload, int number,
                                     const Body& body, const std::string& crc32c,
                                     std::stop_token stop) const;
  [[nodiscard]] Result<std::vector<Part>> Parts(const std::string& key, const std::string& upload,
                                                std::stop_token stop) const;
  [[nodiscard]] Result<void> Complete(const std::string& key, const std::string& upload,
                                      const std::vector<Part>& parts, bool only_new,
                                      std::stop_token stop) const;
  [[nodiscard]] Result<void> Abort(const std::string& key, const std::string& upload,
                                   std::stop_token stop) const;
  // Of all keys that begin so.
  [[nodiscard]] Result<std::vector<Upload>> Uploads(const std::string& prefix,
                                                    std::stop_token stop) const;

  // Lets whoever has it do this one thing for so long, or for as long as the keys still do.
  [[nodiscard]] Result<SignedUrl> Sign(const std::string& method, const std::string& key,
                                       const net::Headers& headers, std::chrono::seconds lifetime,
                                       std::stop_token stop) const;

  [[nodiscard]] const BucketSettings& settings() const { return settings_; }
  // "s3://bucket/key".
  [[nodiscard]] std::string Name(const std::string& key) const;

 private:
  struct Ask {
    std::string method = {};
    std::string key = {};
    net::QueryParameters query = {};
    net::Headers headers = {};
    std::string text = {};       // the body, or
    const Body* body = nullptr;  // the body
    std::function<Result<void>(const net::HttpResponse&)> on_head = {};
    std::function<Result<bool>(std::string_view)> on_body = {};
    // A 2xx whose body tells of a failure after all (CompleteMultipartUpload, CopyObject).
    bool may_fail_late = false;
  };
  Client(BucketSettings settings, net::Url url, std::unique_ptr<net::HttpClient> http,
         std::shared_ptr<Credentials> credentials, const Clock& clock);
  [[nodiscard]] std::string PathOf(const std::string& key) const;
  [[nodiscard]] std::string Asked(const Ask& ask) const;
  [[nodiscard]] TimePoint Now() const;
  // An answer of 2xx; `progress`, where given, is set to false before each try, and a try that set
  // it to true begins a new count.
  [[nodiscard]] Result<net::HttpResponse> Send(const Ask& ask, std::stop_token stop) const;
  [[nodiscard]] Result<net::HttpResponse> SendOnce(const Ask& ask, bool& keys_refused,
                                                   const std::stop_token& stop) const;
  [[nodiscard]] bool Pause(int failures, const Error& error, const std::stop_token& stop) const;

  const BucketSettings settings_;
  const net::Url url_;
  const std::unique_ptr<net::HttpClient> http_;
  const std::shared_ptr<Credentials> credentials_;
  const Clock& clock_;
  mutable std::atomic<std::int64_t> ahead_ms_{0};  // of our clock is the store's
};

}  // namespace penstock::s3
