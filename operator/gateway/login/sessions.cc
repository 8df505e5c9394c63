#include "operator/gateway/login/sessions.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::gateway::login {
namespace {

constexpr std::size_t kMostCookie =
    4'000;  // browsers keep 4096 bytes of name, value and attributes
constexpr std::size_t kMostEnded = 100'000;
constexpr std::int64_t kBetweenSweeps = 600, kClocksDiffer = 300;  // seconds
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

// Of the file that says that it has ended.
std::string FileOf(const Session& session) {
  const auto until = session.until.time_since_epoch();
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(until).count()) + "." +
         session.id;
}

// Until when the session was that this file ends; nothing for a file of others.
std::optional<std::int64_t> UntilOf(const std::string& file) {
  std::int64_t until = 0;
  const char* const end = file.data() + file.size();
  const auto read = std::from_chars(file.data(), end, until);
  return read.ec == std::errc() && read.ptr != end && *read.ptr == '.' ? std::optional(until)
                                                                       : std::nullopt;
}

class Folder {
 public:
  explicit Folder(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~Folder() {
    if (fd_ >= 0) ::close(fd_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  const int fd_;
};

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
  std::error_code ec;
  std::filesystem::create_directories(options.ended, ec);
  if (ec) return FromErrno("creating folder " + options.ended.string(), ec.value());
  std::unique_ptr<Sessions> sessions(new Sessions(std::move(seal), std::move(options), clock));
  PENSTOCK_TRY(sessions->Sweep());
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
    if (HasEnded(session)) return std::nullopt;
    return session;
  } catch (const Json::exception&) {  // of another version of ours
    return std::nullopt;
  }
}

// Another process may have ended it. The folder is opened for each look, since a shared file system
// asks its server then what is new in it.
bool Sessions::HasEnded(const Session& session) const {
  const std::string file = FileOf(session);
  {
    const std::lock_guard lock(mutex_);
    if (ended_.contains(file)) return true;
  }
  const Folder folder(options_.ended);
  struct stat found {};
  const int looked = folder.fd() < 0 ? -1 : ::fstatat(folder.fd(), file.c_str(), &found, 0);
  if (looked != 0) return folder.fd() < 0 || errno != ENOENT;  // who cannot say lets nobody in
  const std::lock_guard lock(mutex_);
  ended_.insert(file);
  return true;
}

Result<void> Sessions::Sweep() {
  namespace fs = std::filesystem;
  const std::int64_t over = Now() - kClocksDiffer;
  std::error_code ec;
  files_ = 0;
  for (fs::directory_iterator it(options_.ended, ec); !ec && it != fs::directory_iterator();
       it.increment(ec)) {
    const std::string file = it->path().filename();
    const auto until = UntilOf(file);
    std::error_code removed;  // one that stays is removed by the next sweep
    if (until && *until <= over) fs::remove(it->path(), removed);
    if (until && (*until > over || removed)) ++files_;
  }
  if (ec) return FromErrno("reading folder " + options_.ended.string(), ec.value());
  std::erase_if(ended_, [&](const std::string& file) { return UntilOf(file) <= over; });
  next_sweep_ = Now() + kBetweenSweeps;
  return {};
}

Result<void> Sessions::End(const Session& session) {
  const std::lock_guard lock(mutex_);
  if (Now() >= next_sweep_ || files_ >= kMostEnded) PENSTOCK_TRY(Sweep());
  if (files_ >= kMostEnded)
    return Transient("as many sessions were logged out as are kept in mind; try again later");
  const std::string file = FileOf(session);
  const std::filesystem::path path = options_.ended / file;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return FromErrno("creating " + path.string(), errno);
  ::close(fd);
  ended_.insert(file);
  ++files_;
  return SyncFolder(options_.ended);
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
