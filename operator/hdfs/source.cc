#include "operator/hdfs/source.h"

#include <algorithm>

#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/hdfs/webhdfs.h"
#include "operator/net/proxy.h"

namespace penstock::hdfs {
namespace {

constexpr std::string_view kPlain = "webhdfs://";
constexpr std::string_view kTls = "swebhdfs://";
constexpr std::uint64_t kMaxCaBytes = 16ULL << 20;

// Which NameNode, whatever the URI leaves to the env.
Result<net::Url> NameNodeOf(const HdfsUri& uri, const fetch::SourceSettings& settings) {
  const auto told = VariableOf(settings, {"WEBHDFS_URL"});
  if (uri.authority.empty()) {
    if (told.empty()) return Invalid("names no NameNode, and the step's env has no WEBHDFS_URL");
    auto url = net::ParseUrl(told);
    if (!url) return Invalid("WEBHDFS_URL: " + url.error().message);
    if (url->target.find_first_not_of('/') != std::string::npos)
      return Invalid("WEBHDFS_URL: has a path; it is http://namenode:9870 alone");
    if (uri.tls && !url->tls) return Invalid("is swebhdfs://, and WEBHDFS_URL is without TLS");
    return url;
  }
  const std::uint16_t port = uri.tls ? 9871 : 9870;
  return net::ParseUrl((uri.tls ? "https://" : "http://") + uri.authority, port);
}

Result<WebHdfsSettings> SettingsOf(const HdfsUri& uri, const fetch::SourceSettings& settings) {
  WebHdfsSettings out;
  PENSTOCK_ASSIGN(out.name_node, NameNodeOf(uri, settings));
  out.user = VariableOf(settings, {"HADOOP_USER_NAME"});
  out.token = VariableOf(settings, {"WEBHDFS_DELEGATION_TOKEN"});
  out.ca_pem = settings.ca_pem;
  if (const auto path = VariableOf(settings, {"WEBHDFS_CA_BUNDLE"}); !path.empty()) {
    auto pem = ReadFile(path, kMaxCaBytes);
    if (!pem) return Invalid("WEBHDFS_CA_BUNDLE: " + pem.error().message);
    out.ca_pem = *std::move(pem);
  }
  if (out.token.empty() || uri.authority.empty()) return out;
  const auto told = net::ParseUrl(VariableOf(settings, {"WEBHDFS_URL"}));
  if (!told || told->Origin() != out.name_node.Origin()) {
    return Invalid("names " + out.name_node.Origin() +
                   ", which is not the env's WEBHDFS_URL: WEBHDFS_DELEGATION_TOKEN is not sent "
                   "there");
  }
  return out;
}

}  // namespace

bool IsHdfsUri(const std::string& uri) { return uri.starts_with(kPlain) || uri.starts_with(kTls); }

Result<HdfsUri> ParseHdfsUri(const std::string& uri) {
  if (!IsHdfsUri(uri)) return Invalid("is neither webhdfs://namenode:9870/path nor swebhdfs://");
  HdfsUri out;
  out.tls = uri.starts_with(kTls);
  const std::size_t begin = out.tls ? kTls.size() : kPlain.size();
  const std::size_t slash = uri.find('/', begin);
  out.authority = uri.substr(begin, slash == std::string::npos ? slash : slash - begin);
  if (slash == std::string::npos)
    return Invalid("names no path: webhdfs://namenode:9870/path, or .../folder/");
  if (out.authority.find('@') != std::string::npos)
    return Invalid("has a user: HADOOP_USER_NAME of the step's env says whose rights count");
  out.key = uri.substr(slash + 1);
  if (out.key.find_first_of("?#") != std::string::npos)
    return Invalid("has a ? or #: within a path they are written %3F and %23");
  out.key = fetch::KeyOfUri(out.key);
  out.folder = out.key.empty() || out.key.ends_with('/');
  return out;
}

Result<std::unique_ptr<fetch::SourceStore>> OpenSource(const HdfsUri& uri,
                                                       const fetch::SourceSettings& settings) {
  PENSTOCK_ASSIGN(auto own, SettingsOf(uri, settings));
  PENSTOCK_ASSIGN(auto store, WebHdfs::Make(std::move(own), settings));
  return std::unique_ptr<fetch::SourceStore>(std::move(store));
}

Result<std::vector<fetch::SourceObject>> FetchSource(const HdfsUri& uri,
                                                     const std::filesystem::path& target,
                                                     const fetch::SourceSettings& settings) {
  PENSTOCK_ASSIGN(const auto store, OpenSource(uri, settings));
  return fetch::ReadSource(*store, uri.key, uri.folder, target, settings);
}

}  // namespace penstock::hdfs
