#include "operator/gateway/certificates.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string_view>

#include "operator/base/file.h"
#include "operator/gateway/x509.h"

namespace penstock::gateway {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::minutes kSkew{5};  // clocks of nodes differ

// Durable, and never readable by others, not even for a moment.
Result<void> WritePrivate(const fs::path& path, const std::string& text) {
  const std::string temporary = path.string() + ".tmp";
  ::unlink(temporary.c_str());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return FromErrno("creating " + temporary, errno);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (!written) return FromErrno("writing " + temporary, error);
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return FromErrno("renaming " + temporary, errno);
  return SyncFolder(path.parent_path());
}

Result<std::string> AltNames(const CertificateOptions& o) {
  std::string out;
  const auto add = [&](const char* kind, const std::string& name) {
    const bool good = !name.empty() && name.size() <= 253 &&
                      name.find_first_not_of(
                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "0123456789.-*:") == std::string::npos;
    out += (out.empty() ? "" : ",") + std::string(kind) + ":" + name;
    return good;
  };
  for (const auto& name : o.dns_names)
    if (!add("DNS", name))
      return Invalid("'" + name.substr(0, 80) + "' is no DNS name for a certificate");
  for (const auto& address : o.addresses)
    if (!add("IP", address)) return Invalid("'" + address.substr(0, 80) + "' is no IP address");
  if (out.empty()) return Invalid("the server's certificate needs a name or an address");
  return out;
}

// Of a file that it closes. A file system without such locks has one process alone.
class FolderLock {
 public:
  FolderLock(int fd, bool waits) : fd_(fd) {
    int failed = 0;
    do {
      failed = fd_ < 0 || ::flock(fd_, waits ? LOCK_EX : LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    } while (failed == EINTR);
    taken_ = failed == EWOULDBLOCK;
  }
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  [[nodiscard]] bool opened() const { return fd_ >= 0; }
  [[nodiscard]] bool taken() const { return taken_; }  // by another process

 private:
  const int fd_;
  bool taken_ = false;
};

bool IsDue(const CertPtr& c, TimePoint now) {
  const auto from = ValidFrom(c);
  return now < from || now >= from + (ValidUntil(c) - from) * 2 / 3;
}

}  // namespace

struct Certificates::State {
  State(CertificateOptions o, const Clock& c) : options(std::move(o)), clock(c) {}

  CertificateOptions options;
  const Clock& clock;
  std::string alt_names;
  mutable std::mutex mutex;
  KeyPtr ca_key;
  CertPtr ca;
  CertPtr cross;     // ca's key, certified by the authority before it
  CertPtr previous;  // that authority
  CertPtr server;
  std::shared_ptr<const net::TlsIdentity> identity;

  [[nodiscard]] fs::path ca_file() const { return options.folder / "ca.pem"; }
  [[nodiscard]] fs::path server_file() const { return options.folder / "server.pem"; }
  [[nodiscard]] bool previous_valid() const {
    return previous && clock.Now() < ValidUntil(previous);
  }

  Result<std::optional<PemContent>> Read(const fs::path& path) const {
    auto text = ReadFile(path, 1 << 20);
    if (!text && text.error().kind == ErrorKind::kNotFound) return std::optional<PemContent>();
    if (!text) return text.error();
    auto content = ParsePem(*text);
    if (!content || !Belongs(content->certificates[0], content->key))
      return Invalid(path.string() +
                     " holds no key with its certificate; remove it to have a new one made");
    return std::optional<PemContent>(*content);
  }

  Result<void> Load() {
    auto authority = Read(ca_file());
    if (!authority) return authority.error();
    if (*authority) {
      ca_key = (*authority)->key;
      ca = (*authority)->certificates[0];
      const bool replaced = (*authority)->certificates.size() == 3;
      cross = replaced ? (*authority)->certificates[1] : nullptr;
      previous = replaced ? (*authority)->certificates[2] : nullptr;
    }
    auto own = Read(server_file());
    if (!own) return own.error();
    if (*own) {
      server = (*own)->certificates[0];
      Show((*own)->key);
    }
    return {};
  }

  [[nodiscard]] bool Fits() const {
    return server && IsSignedBy(server, ca_key) && HasAltNames(server, alt_names);
  }
  [[nodiscard]] bool CanServe() const { return Fits() && clock.Now() < ValidUntil(server); }

  [[nodiscard]] bool IsAllGood(TimePoint now) const {
    return ca && !IsDue(ca, now) && Fits() && !IsDue(server, now);
  }

  // Whatever is missing or due, as another process has made it meanwhile, or made here. What still
  // holds does not wait for one that is at it: the next call looks again.
  Result<void> Renew() {
    const TimePoint now = clock.Now();
    if (IsAllGood(now)) return {};
    const std::string path = (options.folder / "lock").string();
    const FolderLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), !CanServe());
    if (!lock.opened()) return FromErrno("opening " + path, errno);
    if (lock.taken()) return {};
    if (auto loaded = Load(); !loaded) return loaded;
    return MakeWhatIsDue(now);
  }

  Result<void> MakeWhatIsDue(TimePoint now) {
    if (!ca || IsDue(ca, now))
      if (auto made = NewAuthority(now); !made) return made;
    if (!Fits() || IsDue(server, now)) return NewServer(now);
    return {};
  }

  Result<void> NewAuthority(TimePoint now) {
    auto key = NewKey();
    if (!key) return key.error();
    // The name tells authorities apart: two of one name and different keys confuse verifiers.
    const CertRequest request{"penstock-ca-" + FormatTime(now), now - kSkew, now + kAuthorityLife,
                              true, ""};
    auto made = Certify(request, *key, nullptr, *key);
    if (!made) return made.error();
    std::string text = ToPem(*key) + ToPem(*made);
    CertPtr bridge;
    if (ca && now < ValidUntil(ca)) {
      CertRequest crossed = request;
      crossed.until = ValidUntil(ca);
      auto certified = Certify(crossed, *key, ca, ca_key);
      if (!certified) return certified.error();
      bridge = *certified;
      text += ToPem(bridge) + ToPem(ca);
    }
    if (auto written = WritePrivate(ca_file(), text); !written) return written;
    previous = bridge ? ca : nullptr;
    cross = bridge;
    ca = *made;
    ca_key = *key;
    return {};
  }

  Result<void> NewServer(TimePoint now) {
    auto key = NewKey();
    if (!key) return key.error();
    const CertRequest request{"penstock", now - kSkew, now + kServerLife, false, alt_names};
    auto made = Certify(request, *key, ca, ca_key);
    if (!made) return made.error();
    if (auto written = WritePrivate(server_file(), ToPem(*key) + ToPem(*made)); !written)
      return written;
    server = *made;
    Show(*key);
    return {};
  }

  void Show(const KeyPtr& key) {
    std::string chain = ToPem(server);
    if (cross && previous_valid()) chain += ToPem(cross);
    identity = std::make_shared<net::TlsIdentity>(net::TlsIdentity{chain, ToPem(key)});
  }
};

Certificates::Certificates(std::unique_ptr<State> state) : state_(std::move(state)) {}
Certificates::~Certificates() = default;

Result<std::unique_ptr<Certificates>> Certificates::Open(CertificateOptions options,
                                                         const Clock& clock) {
  auto state = std::make_unique<State>(std::move(options), clock);
  auto names = AltNames(state->options);
  if (!names) return names.error();
  state->alt_names = *names;
  std::error_code ec;
  fs::create_directories(state->options.folder, ec);
  if (ec) return FromErrno("creating folder " + state->options.folder.string(), ec.value());
  if (auto loaded = state->Load(); !loaded) return loaded.error();
  // One that still holds serves on, as on a full volume; each connection tries to renew it again.
  if (auto renewed = state->Renew(); !renewed && !state->CanServe()) return renewed.error();
  return std::unique_ptr<Certificates>(new Certificates(std::move(state)));
}

Result<std::shared_ptr<const net::TlsIdentity>> Certificates::Current() {
  const std::lock_guard lock(state_->mutex);
  auto renewed = state_->Renew();
  if (!renewed && state_->clock.Now() >= ValidUntil(state_->server)) return renewed.error();
  return state_->identity;
}

std::string Certificates::CaPem() const {
  const std::lock_guard lock(state_->mutex);
  return ToPem(state_->ca) + (state_->previous_valid() ? ToPem(state_->previous) : "");
}

}  // namespace penstock::gateway
