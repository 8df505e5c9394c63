// The way past the gateway: a signed URL of the store itself that the gateway gave for one blob. No
// token goes there. Where it does not work (no route, a proxy, an older gateway) the bytes go
// through the gateway instead. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "operator/artifacts/pack.h"
#include "operator/base/result.h"
#include "operator/net/http_client.h"

namespace penstock::artifacts {

// Smaller blobs go through the gateway: a question and a request are more than one request.
inline constexpr std::uint64_t kDirectFrom = 1ULL << 20;

struct DirectWay {
  bool stored = false;  // it is there already
  std::string url;
  net::Headers headers;
  std::string ca_pem;
};
// The gateway's answer (gateway/artifact_routes.h); nothing where there is no such way.
[[nodiscard]] std::optional<DirectWay> ParseDirectWay(const std::string& answer);

class DirectStore {
 public:
  enum class Outcome : std::uint8_t {
    kDone,
    kAgain,  // by a new URL: this one's time was over, or the connection broke
    kNotSo,  // not this way
  };
  explicit DirectStore(net::Limits limits) : limits_(std::move(limits)) {}

  // An error is the source's own, or a stop.
  [[nodiscard]] Result<Outcome> Put(const DirectWay& way, std::uint64_t bytes,
                                    std::function<Result<std::string_view>()> source);
  // Goes on behind what the file holds. An error is the file's own, or a stop.
  [[nodiscard]] Result<Outcome> Get(const DirectWay& way, TargetFile& file);

 private:
  [[nodiscard]] Result<std::shared_ptr<net::HttpClient>> ClientOf(const DirectWay& way,
                                                                  std::string& target);

  const net::Limits limits_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<net::HttpClient>> clients_;  // by origin and CA
};

}  // namespace penstock::artifacts
