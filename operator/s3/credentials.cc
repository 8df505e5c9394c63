#include "operator/s3/credentials.h"

#include <algorithm>
#include <utility>

#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/s3/xml.h"

namespace penstock::s3 {
namespace {
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::chrono::seconds kFresh{60};
constexpr std::chrono::seconds kSession{3600};
constexpr std::chrono::seconds kStsTimeout{30};
constexpr std::size_t kMaxKeyBytes = 16 * 1024;

Error NoKeys(std::string message) {
  Error error = Invalid(std::move(message));
  error.kind = ErrorKind::kForbidden;
  return error;
}

class Fixed : public Credentials {
 public:
  explicit Fixed(net::SigningKeys keys) : keys_(std::move(keys)) {}
  Result<net::SigningKeys> Keys(std::stop_token) override { return keys_; }

 private:
  const net::SigningKeys keys_;
};

Result<std::string> ReadKey(const std::filesystem::path& path) {
  auto text = ReadFile(path, kMaxKeyBytes);
  if (!text) return NoKeys("the store's Secret: " + text.error().message);
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  if (text->empty()) return NoKeys("the store's Secret: " + path.string() + " is empty");
  return text;
}

class OfFolder : public Credentials {
 public:
  OfFolder(std::filesystem::path folder, const Clock& clock)
      : folder_(std::move(folder)), clock_(clock) {}

  Result<net::SigningKeys> Keys(std::stop_token) override {
    const std::lock_guard lock(mutex_);
    if (keys_ && clock_.Steady() < until_) return *keys_;
    net::SigningKeys keys;
    PENSTOCK_ASSIGN(keys.access_key, ReadKey(folder_ / "AWS_ACCESS_KEY_ID"));
    PENSTOCK_ASSIGN(keys.secret_key, ReadKey(folder_ / "AWS_SECRET_ACCESS_KEY"));
    PENSTOCK_ASSIGN(const auto session, SizeOfFile(folder_ / "AWS_SESSION_TOKEN"));
    if (session) {
      PENSTOCK_ASSIGN(keys.session_token, ReadKey(folder_ / "AWS_SESSION_TOKEN"));
    }
    keys_ = std::move(keys);
    until_ = clock_.Steady() + kFresh;
    return *keys_;
  }
  void Refused() override {
    const std::lock_guard lock(mutex_);
    keys_.reset();
  }

 private:
  const std::filesystem::path folder_;
  const Clock& clock_;
  std::mutex mutex_;
  std::optional<net::SigningKeys> keys_;
  SteadyTime until_;
};

struct Session {
  net::SigningKeys keys;
  TimePoint until;
};

Result<Session> ParseSession(const std::string& body) {
  PENSTOCK_ASSIGN(const XmlElement root, ParseXml(body));
  const XmlElement* result = root.Child("AssumeRoleWithWebIdentityResult");
  const XmlElement* given = result == nullptr ? nullptr : result->Child("Credentials");
  if (given == nullptr) return Internal("the answer of STS holds no credentials");
  Session session;
  session.keys = {given->Text("AccessKeyId"), given->Text("SecretAccessKey"),
                  given->Text("SessionToken")};
  PENSTOCK_ASSIGN(session.until, ParseTime(given->Text("Expiration")));
  if (session.keys.access_key.empty() || session.keys.secret_key.empty())
    return Internal("the answer of STS holds no credentials");
  return session;
}

class OfWebIdentity : public Credentials {
 public:
  OfWebIdentity(WebIdentity identity, std::unique_ptr<net::HttpClient> client, const Clock& clock)
      : identity_(std::move(identity)), client_(std::move(client)), clock_(clock) {}

  Result<net::SigningKeys> Keys(std::stop_token stop) override {
    const std::lock_guard lock(mutex_);
    const TimePoint now = clock_.Now();
    if (session_ && now + kSession / 5 < session_->until) return session_->keys;
    // All callers wait for the answer: one that does not come is not waited for by each of them.
    const bool still_do = session_ && now < session_->until;
    if (still_do && now < ask_again_) return session_->keys;
    auto fresh = Ask(std::move(stop));
    if (fresh) {
      session_ = *std::move(fresh);
    } else if (!still_do) {
      return fresh.error();
    } else {
      ask_again_ = now + kFresh;
    }
    return session_->keys;
  }
  std::optional<std::chrono::seconds> Left() override {
    const std::lock_guard lock(mutex_);
    if (!session_) return std::chrono::seconds(0);
    return std::chrono::floor<std::chrono::seconds>(session_->until - clock_.Now());
  }
  void Refused() override {
    const std::lock_guard lock(mutex_);
    session_.reset();
  }

 private:
  Result<Session> Ask(std::stop_token stop) {
    auto token = ReadFile(identity_.token_file, kMaxKeyBytes);
    if (!token) return NoKeys("the token for the role: " + token.error().message);
    while (!token->empty() && token->back() == '\n') token->pop_back();
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                       {"Accept", "application/xml"}};
    request.body = net::CanonicalQuery({{"Action", "AssumeRoleWithWebIdentity"},
                                        {"Version", "2011-06-15"},
                                        {"RoleArn", identity_.role_arn},
                                        {"RoleSessionName", identity_.session_name},
                                        {"DurationSeconds", std::to_string(kSession.count())},
                                        {"WebIdentityToken", *token}});
    request.repeatable = true;
    request.max_body = kMaxXmlBytes;
    net::Limits limits;
    limits.deadline = std::chrono::steady_clock::now() + kStsTimeout;
    limits.stop = std::move(stop);
    const auto answer = client_->Send(request, limits);
    const std::string what = "taking the role " + identity_.role_arn;
    if (!answer) return Wrap(what, answer.error());
    if (answer->Good()) {
      auto session = ParseSession(answer->body);
      return session ? std::move(session) : Wrap(what, session.error());
    }
    const auto said = ParseXml(answer->body);
    const XmlElement* error = said ? said->Child("Error") : nullptr;
    Error refused = NoKeys(what + ": STS answered " + std::to_string(answer->status));
    if (error != nullptr)
      refused.message += ", " + error->Text("Code") + ": " + error->Text("Message").substr(0, 300);
    refused.message += "; the role must trust this service account's token";
    if (answer->status >= 500 || answer->status == 429) refused.kind = ErrorKind::kTransient;
    return refused;
  }

  const WebIdentity identity_;
  const std::unique_ptr<net::HttpClient> client_;
  const Clock& clock_;
  std::mutex mutex_;
  std::optional<Session> session_;
  TimePoint ask_again_;  // not before, where those that were given still do
};

std::string Variable(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

}  // namespace

std::unique_ptr<Credentials> FixedKeys(net::SigningKeys keys) {
  return std::make_unique<Fixed>(std::move(keys));
}

std::unique_ptr<Credentials> KeysOfFolder(std::filesystem::path folder, const Clock& clock) {
  return std::make_unique<OfFolder>(std::move(folder), clock);
}

Result<std::unique_ptr<Credentials>> KeysOfWebIdentity(WebIdentity identity, const Clock& clock) {
  if (identity.endpoint.empty())
    identity.endpoint = "https://sts." + identity.region + ".amazonaws.com";
  net::HttpClientOptions options;
  options.tls.ca_pem = identity.ca_pem;
  options.proxy = identity.proxy;
  auto client = net::HttpClient::Make(identity.endpoint, options);
  if (!client) return Wrap("the endpoint of STS", client.error());
  return std::unique_ptr<Credentials>(
      std::make_unique<OfWebIdentity>(std::move(identity), *std::move(client), clock));
}

Result<std::unique_ptr<Credentials>> KeysOfEnvironment(
    const std::map<std::string, std::string>& environment, const WebIdentity& defaults,
    const Clock& clock) {
  net::SigningKeys keys{Variable(environment, "AWS_ACCESS_KEY_ID"),
                        Variable(environment, "AWS_SECRET_ACCESS_KEY"),
                        Variable(environment, "AWS_SESSION_TOKEN")};
  if (!keys.access_key.empty() && !keys.secret_key.empty()) return FixedKeys(std::move(keys));
  WebIdentity identity = defaults;
  identity.role_arn = Variable(environment, "AWS_ROLE_ARN");
  identity.token_file = Variable(environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (identity.role_arn.empty() || identity.token_file.empty())
    return NoKeys(
        "there are no keys for the store: name a Secret with AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, or give the operator's service account a role (AWS_ROLE_ARN and "
        "AWS_WEB_IDENTITY_TOKEN_FILE)");
  if (const auto name = Variable(environment, "AWS_ROLE_SESSION_NAME"); !name.empty())
    identity.session_name = name;
  if (const auto sts = Variable(environment, "AWS_ENDPOINT_URL_STS"); !sts.empty())
    identity.endpoint = sts;
  return KeysOfWebIdentity(std::move(identity), clock);
}

}  // namespace penstock::s3
