#include "operator/cli/model/model_digest.h"

#include <stdlib.h>

#include <cerrno>
#include <ostream>
#include <system_error>

#include "operator/artifacts/pack.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/net/download.h"
#include "operator/oci/registry.h"
#include "operator/protocol/model_source.h"
#include "operator/remote/source.h"

namespace penstock::cli {
namespace fs = std::filesystem;
namespace {

constexpr const char* kOci = "oci://";

// By CONNECT only: a proxy is asked for https alone.
auto ProxyOf(const Session& session) {
  return [env = session.env](const net::Url& server) -> Result<std::optional<net::Proxy>> {
    if (!server.tls) return std::optional<net::Proxy>();
    return net::ProxyFromEnvironment(server, env);
  };
}

Result<std::string> OfPath(const fs::path& path) {
  artifacts::PackSink nowhere;
  nowhere.put_file = [](int, const fs::path& file) { return artifacts::DigestFile(file); };
  nowhere.put_manifest = [](const std::string&, const std::string&) { return Result<void>(); };
  PENSTOCK_ASSIGN(const auto artifact, artifacts::Pack(path, nowhere));
  return artifact.digest;
}

Result<std::string> OfUrl(const std::string& url, const Session& session) {
  net::FollowOptions follow;
  follow.proxy_for = ProxyOf(session);
  follow.stop = session.interrupted;
  const net::Send send = [&](const net::HttpRequest& request) {
    return net::SendFollowing(url, request, {}, follow);
  };
  Sha256 hash;
  const net::TakeBytes take = [&](std::string_view bytes) -> Result<void> {
    hash.Update(bytes);
    return {};
  };
  net::DownloadOptions how;
  how.stop = session.interrupted;
  auto reply = net::Download(send, take, how);
  if (!reply) return Wrap(ShownUri(url), reply.error());
  return url + "@sha256:" + hash.HexDigest();
}

// A folder of this machine for a while; empty where there was no making one.
class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "penstock-model-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~Scratch() {
    if (!path_.empty()) (void)artifacts::RemoveTree(path_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Result<std::string> OfBucket(const std::string& uri, const Session& session) {
  fetch::SourceSettings settings;
  settings.environment = session.env;
  settings.stop = session.interrupted;
  if (!uri.ends_with('/')) {
    Sha256 hash;
    const fetch::Sink take = [&](std::string_view bytes) -> Result<void> {
      hash.Update(bytes);
      return {};
    };
    if (auto read = remote::StreamRemote(uri, take, settings); !read)
      return Wrap(ShownUri(uri), read.error());
    return uri + "@sha256:" + hash.HexDigest();
  }
  const Scratch scratch;
  if (scratch.path().empty()) return FromErrno("making a folder for what is read", errno);
  const fs::path folder = scratch.path() / "model";
  if (auto read = remote::FetchRemote(uri, folder, settings); !read)
    return Wrap(ShownUri(uri), read.error());
  PENSTOCK_ASSIGN(const std::string digest, OfPath(folder));
  return uri + "@" + digest;
}

Result<oci::Logins> LoginsOf(const ModelDigestOptions& options, const Session& session) {
  oci::Logins logins;
  fs::path file = options.registry_auth;
  std::error_code ec;
  if (file.empty()) {
    file = fs::path(session.Env("HOME")) / ".docker/config.json";
    if (!fs::exists(file, ec)) return logins;
  }
  PENSTOCK_ASSIGN(const std::string text, ReadFile(session.directory / file, 1 << 20));
  if (auto added = logins.Add(text); !added) return Wrap(file.string(), added.error());
  return logins;
}

Result<std::string> OfImage(const ModelDigestOptions& options, const Session& session) {
  const std::string image = options.model.substr(std::string(kOci).size());
  PENSTOCK_ASSIGN(const auto name, oci::ParseImageName(image));
  oci::RegistryOptions how;
  how.proxy_for = ProxyOf(session);
  how.stop = session.interrupted;
  PENSTOCK_ASSIGN(how.logins, LoginsOf(options, session));
  oci::Registry registry(name, how);
  std::string digest;
  auto manifest = registry.Document("/manifests/" + name.reference, oci::kManifestTypes,
                                    IsDigest(name.reference) ? name.reference : "", &digest);
  if (!manifest) return manifest.error();
  return options.model.substr(0, options.model.find('@')) + "@" + digest;
}

}  // namespace

int ModelDigest(const ModelDigestOptions& options, Session& session) {
  const std::string& model = options.model;
  if (model.starts_with("pvc://"))
    return session.Fail(kUsage,
                        "a claim is not read from here: give the path of the same file or folder, "
                        "or run `penstock-launcher fetch --verify` in a pod that mounts it");
  const bool url = model.starts_with("https://") || model.starts_with("http://");
  auto digest = url                       ? OfUrl(model, session)
                : model.starts_with(kOci) ? OfImage(options, session)
                : IsBucketUri(model)      ? OfBucket(model, session)
                                          : OfPath(session.directory / model);
  if (!digest) return session.Fail(digest.error());
  session.out << *digest << "\n";
  return kOk;
}

}  // namespace penstock::cli
