// Who asks a store: keys that stand somewhere, or keys that are given for a while against a token
// of a service account. Each source is thread-safe; none writes a key into an error.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/net/http_client.h"
#include "operator/net/sigv4.h"

namespace penstock::s3 {

class Credentials {
 public:
  virtual ~Credentials() = default;
  // The keys for now. kForbidden where there are none, and says what is missing.
  [[nodiscard]] virtual Result<net::SigningKeys> Keys(std::stop_token stop) = 0;
  // How long those will still do, which bounds the URLs that they sign; nothing: without end.
  [[nodiscard]] virtual std::optional<std::chrono::seconds> Left() { return std::nullopt; }
  // The store refused them: the next call gets them anew.
  virtual void Refused() {}
};

// Without an access key: requests are not signed, and whatever anybody may do is done.
[[nodiscard]] std::unique_ptr<Credentials> FixedKeys(net::SigningKeys keys);

// A mounted Secret: the files AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, of keys that end,
// AWS_SESSION_TOKEN. Read anew each minute, and when they were refused: a changed Secret needs no
// restart.
[[nodiscard]] std::unique_ptr<Credentials> KeysOfFolder(std::filesystem::path folder,
                                                        const Clock& clock);

struct WebIdentity {
  std::string role_arn = {};
  std::filesystem::path token_file = {};  // a projected token, read at every exchange
  std::string session_name = "penstock";
  std::string endpoint = {};  // of STS; empty: https://sts.<region>.amazonaws.com
  std::string region = "us-east-1";
  std::string ca_pem = {};  // trusted for it; empty = the system's roots
  std::optional<net::Proxy> proxy = {};
};
// Keys by AssumeRoleWithWebIdentity (AWS Security Token Service API reference), an hour each, asked
// for again when a fifth of their time is left; those that still do are used where that fails.
// Invalid for an endpoint that is no URL.
[[nodiscard]] Result<std::unique_ptr<Credentials>> KeysOfWebIdentity(WebIdentity identity,
                                                                     const Clock& clock);

// By the variables of Amazon's own programs: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and
// AWS_SESSION_TOKEN), else AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE (and AWS_ROLE_SESSION_NAME,
// AWS_ENDPOINT_URL_STS). kForbidden where they name neither.
[[nodiscard]] Result<std::unique_ptr<Credentials>> KeysOfEnvironment(
    const std::map<std::string, std::string>& environment, const WebIdentity& defaults,
    const Clock& clock);

}  // namespace penstock::s3
