// An outside source in Azure Blob Storage: az://container/key is a blob, az://container/a/b/ the
// folder of all blobs below a/b/; abfss://container@account.dfs.core.windows.net/key names the
// account too. By the variables of account.h; AZURE_CA_BUNDLE is a file of authorities, and
// HTTPS_PROXY and its like hold. Blocks; any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/fetch/source.h"

namespace penstock::azure {

struct AzureUri {
  std::string host;  // of abfss://
  std::string container;
  std::string key;  // or the prefix of a folder: empty, or with a "/" at its end
  bool folder = false;
};

// az:// and abfss://.
[[nodiscard]] bool IsAzureUri(const std::string& uri);
// Invalid for a URI without a container, and for one with a query: a SAS is the env's.
[[nodiscard]] Result<AzureUri> ParseAzureUri(const std::string& uri);

// The container of a URI, whatever its key. `settings` must outlive it.
[[nodiscard]] Result<std::unique_ptr<fetch::SourceStore>> OpenSource(
    const AzureUri& uri, const fetch::SourceSettings& settings);

// As fetch/source.h.
[[nodiscard]] Result<std::vector<fetch::SourceObject>> FetchSource(
    const AzureUri& uri, const std::filesystem::path& target,
    const fetch::SourceSettings& settings);

}  // namespace penstock::azure
