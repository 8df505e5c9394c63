#include "components/launcher/model_fetch.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <system_error>

#include "components/launcher/last_words.h"
#include "components/launcher/trust.h"
#include "operator/artifacts/pack.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/oci/model_image.h"
#include "operator/protocol/model_source.h"
#include "operator/remote/source.h"

namespace penstock::launcher {
namespace fs = std::filesystem;
namespace {

constexpr const char* kOci = "oci://";
constexpr std::chrono::milliseconds kModelConnectTimeout{10'000};

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// By CONNECT only: a proxy is asked for https alone.
Result<std::optional<net::Proxy>> ProxyFor(const net::Url& server) {
  if (!server.tls) return std::optional<net::Proxy>();
  std::map<std::string, std::string> environment;
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"})
    if (const std::string value = Variable(name); !value.empty()) environment[name] = value;
  return net::ProxyFromEnvironment(server, environment);
}

std::string PathOf(const std::string& url) { return url.substr(0, url.find_first_of("?#")); }

bool IsArchive(const std::string& url) {
  const std::string path = PathOf(url);
  return path.ends_with(".tar") || path.ends_with(".tar.gz") || path.ends_with(".tgz");
}

// The URL's last part, as a file is called.
Result<std::string> FileNameOf(const std::string& url) {
  const std::string path = PathOf(url);
  const std::string name = path.substr(path.rfind('/') + 1);
  if (name.empty() || name == "." || name == ".." || name.size() > 255)
    return Invalid("the URL ends in no name of a file");
  return name;
}

Error AfterStatus(Error error) {
  if (error.kind == ErrorKind::kForbidden)
    error.message += ": it wants a login, which a URI cannot have; copy the model to a claim " +
                     std::string("(pvc://), a registry (oci://, imagePullSecrets) or the store");
  return error;
}

Error AfterStore(Error error) {
  if (error.kind == ErrorKind::kForbidden)
    error.message += "; of a model's server that is the env of spec.fetch";
  return error;
}

Result<void> MustHave(const std::string& digest, const std::string& is) {
  if (is == digest) return {};
  return Error{ErrorKind::kDamaged,
               "its bytes have the digest " + is + ", not " + digest +
                   ": it was changed after the URI was written, or is not what was meant"};
}

// As the store would name it.
Result<std::string> DigestOfFolder(const fs::path& path) {
  artifacts::PackSink nowhere;
  nowhere.put_file = [](int, const fs::path& file) { return artifacts::DigestFile(file); };
  nowhere.put_manifest = [](const std::string&, const std::string&) { return Result<void>(); };
  PENSTOCK_ASSIGN(const auto artifact, artifacts::Pack(path, nowhere));
  return artifact.digest;
}

// One file that is written as it comes.
class PlainFile {
 public:
  explicit PlainFile(const fs::path& path)
      : path_(path),
        fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)) {}
  ~PlainFile() { (void)Close(); }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  Result<void> Write(std::string_view bytes) {
    while (fd_ >= 0 && !bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FromErrno("writing " + path_.string(), errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    if (fd_ < 0) return FromErrno("creating " + path_.string(), errno);
    return {};
  }
  Result<void> Close() {
    if (fd_ >= 0 && ::close(std::exchange(fd_, -1)) != 0)
      return FromErrno("writing " + path_.string(), errno);
    return {};
  }

 private:
  const fs::path path_;
  int fd_;
};

class Fetching {
 public:
  Fetching(const ModelFetch& fetch, const fs::path& target, std::stop_token stop)
      : fetch_(fetch), target_(target), stop_(std::move(stop)) {}

  Result<void> Run() {
    PENSTOCK_ASSIGN(roots_, LoadRoots({Variable("SSL_CERT_FILE"), Variable("SSL_CERT_DIR")}));
    std::error_code ec;
    fs::create_directories(target_, ec);
    if (ec) return FromErrno("creating " + target_.string(), ec.value());
    PENSTOCK_TRY(fetch_.source.starts_with(kOci) ? FromRegistry()
                 : IsBucketUri(fetch_.source)    ? FromBucket()
                                                 : FromWeb());
    return artifacts::MakeReadOnly(target_);
  }

 private:
  // Gives the bytes of a file, each once and in order.
  using Bring = std::function<Result<void>(const net::TakeBytes& take)>;

  Result<void> FromRegistry() {
    PENSTOCK_ASSIGN(const auto name,
                    oci::ParseImageName(fetch_.source.substr(std::string(kOci).size())));
    oci::RegistryOptions how;
    how.ca_pem = roots_;
    how.proxy_for = ProxyFor;
    how.blobs = fetch_.download;
    how.stop = stop_;
    if (!fetch_.registry_auth.empty()) {
      PENSTOCK_ASSIGN(how.logins, oci::Logins::Read(fetch_.registry_auth));
    }
    oci::Registry registry(name, how);
    return oci::FetchModelImage(registry, fetch_.digest, target_, fetch_.limits);
  }

  Result<void> FromWeb() {
    net::FollowOptions follow;
    follow.client.tls.ca_pem = roots_;
    follow.client.connect_timeout = kModelConnectTimeout;
    follow.proxy_for = ProxyFor;
    follow.stop = stop_;
    const net::Send send = [&](const net::HttpRequest& request) {
      return net::SendFollowing(fetch_.source, request, {}, follow);
    };
    return File([&](const net::TakeBytes& take) -> Result<void> {
      net::DownloadOptions how = fetch_.download;
      how.stop = stop_;
      how.max_bytes = std::min(how.max_bytes, fetch_.limits.bytes);
      auto reply = net::Download(send, take, how);
      if (!reply) return AfterStatus(reply.error());
      return {};
    });
  }

  Result<void> FromBucket() {
    fetch::SourceSettings settings;
    for (char** e = environ; *e != nullptr; ++e) {
      const std::string variable = *e;
      if (const auto equals = variable.find('='); equals != std::string::npos)
        settings.environment[variable.substr(0, equals)] = variable.substr(equals + 1);
    }
    settings.ca_pem = roots_;
    settings.max_bytes = fetch_.limits.bytes;
    settings.stop = stop_;
    if (fetch_.source.ends_with('/')) return Folder(settings);
    return File([&](const net::TakeBytes& take) -> Result<void> {
      auto streamed = remote::StreamRemote(fetch_.source, take, settings);
      if (!streamed) return AfterStore(streamed.error());
      return {};
    });
  }

  Result<void> Folder(const fetch::SourceSettings& settings) {
    auto read = remote::FetchRemote(fetch_.source, target_, settings);
    if (!read) return AfterStore(read.error());
    PENSTOCK_ASSIGN(const std::string is, DigestOfFolder(target_));
    return MustHave(fetch_.digest, is);
  }

  Result<void> File(const Bring& bring) {
    return IsArchive(fetch_.source) ? Unpack(bring) : Save(bring);
  }

  Result<void> Unpack(const Bring& bring) {
    archive::Unpacker unpacker({target_, fetch_.limits, "", false});
    PENSTOCK_TRY(Verified(bring, [&](std::string_view bytes) { return unpacker.Write(bytes); }));
    return unpacker.Finish();
  }

  Result<void> Save(const Bring& bring) {
    PENSTOCK_ASSIGN(const std::string name, FileNameOf(fetch_.source));
    PlainFile file(target_ / name);
    PENSTOCK_TRY(Verified(bring, [&](std::string_view bytes) { return file.Write(bytes); }));
    return file.Close();
  }

  Result<void> Verified(const Bring& bring, const net::TakeBytes& take) {
    Sha256 hash;
    PENSTOCK_TRY(bring([&](std::string_view bytes) -> Result<void> {
      hash.Update(bytes);
      return take(bytes);
    }));
    return MustHave(fetch_.digest, "sha256:" + hash.HexDigest());
  }

  const ModelFetch& fetch_;
  const fs::path& target_;
  const std::stop_token stop_;
  std::string roots_;
};

}  // namespace

Result<void> FetchModel(const ModelFetch& fetch, const fs::path& target,
                        const std::stop_token& stop) {
  const auto begin = std::chrono::steady_clock::now();
  auto fetched = Fetching(fetch, target, stop).Run();
  const std::string shown = ShownUri(fetch.source);
  if (!fetched) {
    (void)artifacts::RemoveTree(target);
    return Wrap(shown, fetched.error());
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  Say("penstock-launcher: fetched " + shown + " (" + fetch.digest + ") in " +
      std::to_string(took.count()) + " ms\n");
  return {};
}

}  // namespace penstock::launcher
