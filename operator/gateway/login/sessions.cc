#include "operator/gateway/login/sessions.h"

#include <algorithm>

#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::gateway::login {
namespace {

constexpr std::size_t kMostCookie =
    4'000;  // browsers keep 4096 bytes of name, value and attributes
constexpr std::size_t kMostEnded = 100'000;
constexpr std::chrono::seconds kAttemptLifetime = std::chrono::minutes(10);

// A browser sends the session's with nothing that another site has it do; the attempt's must come
// with the issuer's redirect.
std::string SetCookie(const std::string& name, const std::string& value, const char* same_site,
                      std::chrono::seconds lifetime) {
  return name + "=" + value + "; Path=/; Secure; HttpOnly; SameSite=" + same_site +
         "; Max-Age=" + std::to_string(lifetime.count());
}

// Json::exception where it is none.
Session SessionOf(const Json& read) {
  return {read.at("id").get<std::string>(),
          {read.at("user").get<std::string>(), read.at("groups").get<std::vector<std::string>>()},
          TimePoint(std::chrono::seconds(read.at("until").get<std::int64_t>()))};
}

Attempt AttemptOf(const Json& read) {
  return {read.at("state").get<std::string>(), read.at("nonce").get<std::string>(),
          read.at("verifier").get<std::string>(), read.at("to").get<std::string>()};
}

Result<std::map<std::string, std::int64_t>> ReadEnded(const std::filesystem::path& file) {
  auto text = ReadFile(file);
  if (!text && text.error().kind == ErrorKind::kNotFound)
    return std::map<std::string, std::int64_t>();
  if (!text) return text.error();
  PENSTOCK_ASSIGN(const Json read, ParseJson(*text, file.string()));
  std::map<std::string, std::int64_t> ended;
  for (const auto& [id, until] : read.items()) {
    if (!until.is_number_integer())
      return Invalid(file.string() + ": '" + id.substr(0, 80) +
                     "' has no time; without the file, sessions that were logged out go on");
    ended[id] = until.get<std::int64_t>();
  }
  return ended;
}

}  // namespace

std::string CookieIn(const std::string& cookies, const std::string& name) {
  std::string_view rest = cookies;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(';'), rest.size());
    std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    if (one.starts_with(name) && one.substr(name.size()).starts_with('='))
      return std::string(one.substr(name.size() + 1));
  }
  return "";
}

std::string Forgotten(const char* name) {
  return SetCookie(name, "", "Lax", std::chrono::seconds(0));
}

Result<std::unique_ptr<Sessions>> Sessions::Open(Seal seal, SessionOptions options,
                                                 const Clock& clock) {
  PENSTOCK_ASSIGN(auto ended, ReadEnded(options.ended));
  std::unique_ptr<Sessions> sessions(new Sessions(std::move(seal), std::move(options), clock));
  sessions->ended_ = std::move(ended);
  return sessions;
}

std::int64_t Sessions::Now() const {
  return std::chrono::duration_cast<std::chrono::seconds>(clock_.Now().time_since_epoch()).count();
}

Result<std::string> Sessions::Begin(const Person& person) {
  PENSTOCK_ASSIGN(const std::string id, RandomText());
  const Json session{{"id", id},
                     {"user", person.user},
                     {"groups", person.groups},
                     {"until", Now() + options_.lifetime.count()}};
  PENSTOCK_ASSIGN(
      const std::string sealed,
      seal_.Close(kSessionCookie, session.dump(-1, ' ', false, Json::error_handler_t::replace)));
  std::string cookie = SetCookie(kSessionCookie, sealed, "Strict", options_.lifetime);
  if (cookie.size() <= kMostCookie) return cookie;
  Error e = Invalid(person.user + " has " + std::to_string(person.groups.size()) +
                    " groups, more than a cookie holds: have the issuer give this client only "
                    "those that have rights here");
  e.kind = ErrorKind::kTooLarge;
  return e;
}

std::optional<Json> Sessions::Opened(const std::string& cookies, const char* name) const {
  const std::string sealed = CookieIn(cookies, name);
  if (sealed.empty()) return std::nullopt;
  const auto text = seal_.Open(name, sealed);
  if (!text) return std::nullopt;
  auto read = ParseJson(*text, "a cookie");
  if (!read || !read->is_object() || !read->contains("until") ||
      !(*read)["until"].is_number_integer() || (*read)["until"].get<std::int64_t>() <= Now())
    return std::nullopt;
  return *std::move(read);
}

std::optional<Session> Sessions::Find(const std::string& cookies) const {
  const auto read = Opened(cookies, kSessionCookie);
  if (!read) return std::nullopt;
  try {
    Session session = SessionOf(*read);
    const std::lock_guard lock(mutex_);
    if (ended_.contains(session.id)) return std::nullopt;
    return session;
  } catch (const Json::exception&) {  // of another version of ours
    return std::nullopt;
  }
}

Result<void> Sessions::End(const Session& session) {
  const std::lock_guard lock(mutex_);
  std::erase_if(ended_, [now = Now()](const auto& one) { return one.second <= now; });
  if (ended_.size() >= kMostEnded)
    return Transient("as many sessions were logged out as are kept in mind; try again later");
  ended_[session.id] =
      std::chrono::duration_cast<std::chrono::seconds>(session.until.time_since_epoch()).count();
  return WriteFileAtomically(options_.ended, Json(ended_).dump());
}

Result<std::string> Sessions::Remember(const Attempt& attempt) const {
  const Json text{{"state", attempt.state},
                  {"nonce", attempt.nonce},
                  {"verifier", attempt.verifier},
                  {"to", attempt.to},
                  {"until", Now() + kAttemptLifetime.count()}};
  PENSTOCK_ASSIGN(
      const std::string sealed,
      seal_.Close(kAttemptCookie, text.dump(-1, ' ', false, Json::error_handler_t::replace)));
  return SetCookie(kAttemptCookie, sealed, "Lax", kAttemptLifetime);
}

std::optional<Attempt> Sessions::Recall(const std::string& cookies) const {
  const auto read = Opened(cookies, kAttemptCookie);
  if (!read) return std::nullopt;
  try {
    return AttemptOf(*read);
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace penstock::gateway::login
