#include "operator/azure/source.h"

#include <algorithm>

#include "operator/azure/blobs.h"
#include "operator/base/try.h"

namespace penstock::azure {
namespace {

constexpr std::string_view kAz = "az://";
constexpr std::string_view kAbfss = "abfss://";

bool IsContainerName(const std::string& name) {
  if (name == "$root" || name == "$web") return true;
  return name.size() >= 3 && name.size() <= 63 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

}  // namespace

bool IsAzureUri(const std::string& uri) { return uri.starts_with(kAz) || uri.starts_with(kAbfss); }

Result<AzureUri> ParseAzureUri(const std::string& uri) {
  if (!IsAzureUri(uri)) {
    return Invalid(
        "is neither az://container/key nor abfss://container@account.dfs.core.windows.net/key");
  }
  const bool with_host = uri.starts_with(kAbfss);
  const std::size_t begin = with_host ? kAbfss.size() : kAz.size();
  const std::size_t slash = std::min(uri.find('/', begin), uri.size());
  AzureUri out;
  out.container = uri.substr(begin, slash - begin);
  if (slash < uri.size()) out.key = uri.substr(slash + 1);
  if (with_host) {
    const std::size_t at = out.container.find('@');
    if (at == std::string::npos)
      return Invalid("names no account: abfss://container@account.dfs.core.windows.net/key");
    out.host = out.container.substr(at + 1);
    out.container.erase(at);
  }
  if (!IsContainerName(out.container)) {
    return Invalid("names no container: 3 to 63 of a-z, 0-9 and '-', as in " +
                   std::string(with_host ? "abfss://container@account.dfs.core.windows.net/key"
                                         : "az://container/key"));
  }
  if (out.key.find_first_of("?#") != std::string::npos) {
    return Invalid(
        "has a ? or #: a SAS stands in the step's env (AZURE_STORAGE_SAS_TOKEN), and of a blob "
        "what is there now is read; within a key they are written %3F and %23");
  }
  out.key = fetch::KeyOfUri(out.key);
  out.folder = out.key.empty() || out.key.ends_with('/');
  return out;
}

Result<std::unique_ptr<fetch::SourceStore>> OpenSource(const AzureUri& uri,
                                                       const fetch::SourceSettings& settings) {
  PENSTOCK_ASSIGN(auto account, AccountOf(settings, uri.host));
  PENSTOCK_ASSIGN(auto blobs, Blobs::Make(std::move(account), uri.container, settings));
  return std::unique_ptr<fetch::SourceStore>(std::move(blobs));
}

Result<std::vector<fetch::SourceObject>> FetchSource(const AzureUri& uri,
                                                     const std::filesystem::path& target,
                                                     const fetch::SourceSettings& settings) {
  PENSTOCK_ASSIGN(const auto blobs, OpenSource(uri, settings));
  return fetch::ReadSource(*blobs, uri.key, uri.folder, target, settings);
}

}  // namespace penstock::azure
