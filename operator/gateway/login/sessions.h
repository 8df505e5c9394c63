// Sessions of people in their browsers, as sealed cookies: they outlive a restart of the gateway,
// and nothing is kept of them but which were logged out before their time. Thread-safe, and of
// several processes on one folder each keeps to what another has ended.
//
//   log-in begun --(attempt cookie, 10 min)--> back from the issuer --(session cookie)--> log-out
//                                                                             or its bound
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "operator/base/json.h"
#include "operator/base/time.h"
#include "operator/gateway/login/id_token.h"
#include "operator/gateway/login/seal.h"

namespace penstock::gateway::login {

// Browsers take names that begin so over TLS only, of this host and of no other, for all paths.
inline constexpr const char* kSessionCookie = "__Host-penstock-session";
inline constexpr const char* kAttemptCookie = "__Host-penstock-login";

// A log-in that is under way; its secrets are known to this browser and to us.
struct Attempt {
  std::string state, nonce, verifier;
  std::string to;  // where the browser goes afterwards: a path of this host
};

struct Session {
  std::string id;
  Person person;
  TimePoint until;
};

struct SessionOptions {
  std::chrono::seconds lifetime = std::chrono::hours(12);
  // The folder of sessions that were logged out: an empty file <until, second of 1970>.<id> each.
  std::filesystem::path ended;
};

class Sessions {
 public:
  // Makes the folder; an error where it cannot be read: a session that was ended would go on.
  // `clock` must outlive it.
  [[nodiscard]] static Result<std::unique_ptr<Sessions>> Open(Seal seal, SessionOptions options,
                                                              const Clock& clock);

  // The cookie of a new session, as Set-Cookie has it. kTooLarge where a browser would not keep it.
  [[nodiscard]] Result<std::string> Begin(const Person& person);
  // Of the request's header Cookie: nothing for one that is forged, of another key, over or ended,
  // here or elsewhere, or of which that cannot be said since the folder cannot be read.
  [[nodiscard]] std::optional<Session> Find(const std::string& cookies) const;
  // It is no session any more, wherever its cookie is shown, after a restart too. Forgets those
  // whose time is over.
  [[nodiscard]] Result<void> End(const Session& session);

  [[nodiscard]] Result<std::string> Remember(const Attempt& attempt) const;
  [[nodiscard]] std::optional<Attempt> Recall(const std::string& cookies) const;

 private:
  Sessions(Seal seal, SessionOptions options, const Clock& clock)
      : seal_(std::move(seal)), options_(std::move(options)), clock_(clock) {}
  [[nodiscard]] std::int64_t Now() const;
  [[nodiscard]] bool HasEnded(const Session& session) const;
  [[nodiscard]] Result<void> Sweep();
  [[nodiscard]] std::optional<Json> Opened(const std::string& cookies, const char* name) const;

  const Seal seal_;
  const SessionOptions options_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  mutable std::set<std::string> ended_;  // of the folder's files those that were seen
  std::size_t files_ = 0;                // in the folder
  std::int64_t next_sweep_ = 0;          // second of 1970
};

// Has the browser forget a cookie; a header's value.
[[nodiscard]] std::string Forgotten(const char* name);
// The value of a cookie; "" where there is none.
[[nodiscard]] std::string CookieIn(const std::string& cookies, const std::string& name);

}  // namespace penstock::gateway::login
