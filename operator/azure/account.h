// Whose blobs, and by what right: the variables that Azure's own programs know.
//
//   AZURE_STORAGE_CONNECTION_STRING   account, key or SAS, and endpoint in one; or
//   AZURE_STORAGE_ACCOUNT             the account's name
//   AZURE_STORAGE_KEY                 its key, in base64; or
//   AZURE_STORAGE_SAS_TOKEN           a shared access signature
//
// Without key and SAS it is asked as anybody. No error holds a secret. Pure.
#pragma once

#include <string>

#include "operator/base/result.h"
#include "operator/fetch/source.h"

namespace penstock::azure {

struct Account {
  std::string name;      // what requests are signed as
  std::string key;       // decoded; empty: none
  std::string sas;       // "sv=...&sig=..."; empty: none
  std::string endpoint;  // https://name.blob.core.windows.net, without a "/" at its end
  [[nodiscard]] bool anonymous() const { return key.empty() && sas.empty(); }
};

// `host` of an abfss:// URI, "" for az://. Invalid where the variables name no account, half of
// one, or both a key and a SAS, and for a URI that would send a right of the env to another
// account.
[[nodiscard]] Result<Account> AccountOf(const fetch::SourceSettings& settings,
                                        const std::string& host);

}  // namespace penstock::azure
