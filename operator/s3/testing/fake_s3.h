// A store in memory that speaks S3 over HTTP, for tests: it verifies signatures as stores do, and
// can be told what it does not keep and what goes wrong. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/time.h"
#include "operator/net/http_server.h"
#include "operator/s3/client.h"

namespace penstock::s3 {

struct FakeFault {
  int status = 503;
  std::string code = "SlowDown";
  bool after_body = false;                    // the body was taken, and is lost
  std::optional<std::size_t> cut_after = {};  // a GET sends so many bytes and closes
};

class FakeS3 {
 public:
  struct Options {
    bool conditional = true;
    bool checks_sha256 = true;
    bool keeps_crc32c = true;
    bool knows_headers = true;         // else a put with any of these three is refused
    std::uint64_t quota = UINT64_MAX;  // bytes of all objects
  };
  FakeS3() : FakeS3(Options{}) {}
  explicit FakeS3(Options options);
  ~FakeS3();

  [[nodiscard]] BucketSettings settings() const;  // of the one bucket, "models"
  [[nodiscard]] static net::SigningKeys keys() { return {"fake-access", "fake-secret", ""}; }
  // A client of settings() and keys() that pauses for a millisecond.
  [[nodiscard]] std::unique_ptr<Client> MakeClient() const;

  // Asked for each request, by method and key, before it is done; what it gives is answered.
  void OnRequest(
      std::function<std::optional<FakeFault>(const std::string& method, const std::string& key)>
          fault);
  void SetKeys(net::SigningKeys keys);
  // What every list is answered, whatever is there; empty: what is there.
  void SetList(const std::string& xml);

  [[nodiscard]] std::vector<std::string> Keys() const;
  [[nodiscard]] std::optional<std::string> Bytes(const std::string& key) const;
  void SetBytes(const std::string& key, const std::string& bytes);
  void Age(std::chrono::seconds by);                   // all objects were modified so much earlier
  [[nodiscard]] std::size_t uploads() const;           // that are under way
  [[nodiscard]] std::vector<std::string> log() const;  // "PUT key[?partNumber=1][ by link]"

 private:
  struct Object {
    std::string bytes;
    std::string crc32c;
    TimePoint modified;
  };
  struct Multipart {
    std::string key;
    TimePoint begun;
    std::map<int, Object> parts;
  };
  using Query = std::map<std::string, std::string>;

  void Serve(net::Exchange& x);
  void Do(net::Exchange& x, const std::string& key, const Query& query, const std::string& body);
  void PutObject(net::Exchange& x, const std::string& key, std::string body);
  void GetObject(net::Exchange& x, const std::string& key);
  void DoUpload(net::Exchange& x, const std::string& key, const Query& query,
                const std::string& body);
  void Finish(net::Exchange& x, const std::string& id, const std::string& body);
  void ListObjects(net::Exchange& x, const Query& query);
  [[nodiscard]] bool Full(std::size_t more) const;

  const Options options_;
  mutable std::mutex mutex_;
  std::mutex fault_mutex_;  // taken before mutex_: a fault may look into the store
  net::SigningKeys keys_ = keys();
  std::function<std::optional<FakeFault>(const std::string&, const std::string&)> fault_;
  std::string list_;
  std::map<std::string, Object> objects_;
  std::map<std::string, Multipart> uploads_;
  std::vector<std::string> log_;
  int next_upload_ = 1;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace penstock::s3
